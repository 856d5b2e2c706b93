#include "cli/with_release.h"

#include <fcntl.h>
#include <string.h>

#include "parse/yaml.h"
#include "ship/shipment.h"
#include "util/file.h"

#define KEY_FILE_MAX 16384

int with_release_open(struct invocation *in, const char *ref, struct with_release *out, struct err *e)
{
    *out = (struct with_release){.names = BUF(1024)};
    out->site = command_site(in, SITE_CONTOUR, e);
    if (!out->site || ref_release(out->site, ref, &out->row, &out->names, e) < 0)
        return -1;
    snprintf(out->name, sizeof out->name, "%s:%s", out->row.name, out->row.version);
    struct child *parser = site_parser(out->site, e);
    out->blobs = parser ? release_blobs(out->site, &out->row, e) : NULL;
    out->release = out->blobs ? release_read(out->blobs, parser, &out->row.digest, e) : NULL;
    return out->release ? 0 : -1;
}

void with_release_close(struct with_release *w)
{
    release_free(w->release);
    blobs_close(w->blobs);
    buf_fini(&w->names);
    site_close(w->site);
}

static void wipe(struct secret *s)
{
    secret_fini(s);
}

struct private_key *person_key(struct invocation *in, struct err *e)
{
    const char *file = option_get(in, "key");
    auto_buf pem = BUF(KEY_FILE_MAX);
    AUTO(wipe) struct secret secret = {.len = 0};
    if (!file) {
        err_set(e, ERR_USAGE, 0, "--key FILE is needed: the person's own private key, as `airlock person new` made it");
        return NULL;
    }
    if (file_read(AT_FDCWD, file, &pem, e) < 0 || command_passphrase(in, file, false, &secret, e) < 0)
        return NULL;
    return private_key_unseal(buf_span(&pem), &secret, file, e);
}

int option_duration(const struct invocation *in, const char *name, uint64_t *out, struct err *e)
{
    const char *text = option_get(in, name);
    if (!text)
        return 0;
    if (!yaml_duration(text, out) || *out == 0)
        return err_set(e, ERR_USAGE, 0, "--%s: \"%.32s\" is no length of time; wanted for example 7d or 12h", name,
                       text);
    return 0;
}
