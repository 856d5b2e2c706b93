#include "cli/with_release.h"

#include <fcntl.h>
#include <string.h>

#include "gate/policy.h"
#include "parse/yaml.h"
#include "ship/prompts.h"
#include "ship/shipment.h"
#include "util/file.h"
#include "util/limits.h"

#define KEY_FILE_MAX 16384

int with_release_open(struct invocation *in, const char *ref, struct with_release *out, struct err *e)
{
    *out = (struct with_release){.names = BUF(1024)};
    out->site = command_site(in, SITE_CONTOUR, e);
    if (!out->site || ref_release(out->site, ref, &out->row, &out->names, e) < 0)
        return -1;
    snprintf(out->name, sizeof out->name, "%s:%s", out->row.name, out->row.version);
    out->blobs = release_blobs(out->site, &out->row, e);
    out->release = out->blobs ? release_of_row(out->site, out->blobs, &out->row, e) : NULL;
    return out->release ? 0 : -1;
}

void with_release_close(struct with_release *w)
{
    release_free(w->release);
    blobs_close(w->blobs);
    buf_fini(&w->names);
    site_close(w->site);
}

/* ── where it stands ── */

static int stands_in(const struct with_release *w, const char *environment, bool *out, struct err *e)
{
    struct digest stands;
    struct err absent = {0};
    *out = db_pointer_get(w->site->db, environment, w->row.name, &stands, &absent) == 0 &&
           digest_equal(&stands, &w->row.digest);
    if (absent.code == ERR_NONE || absent.code == ERR_NOTFOUND)
        return 0;
    return err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
}

int with_release_environment(struct invocation *in, const struct with_release *w, const char **out, struct err *e)
{
    static const char *const order[] = {ENVIRONMENT_TEST, ENVIRONMENT_SANDBOX, ENVIRONMENT_PROD};
    const char *wanted = option_get(in, "env"), *first = NULL;
    auto_buf all = BUF(64);
    if (wanted && !environment_known(wanted))
        return err_set(e, ERR_USAGE, 0, "--env: \"%.32s\" is no environment; wanted sandbox, test or prod", wanted);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        bool here;
        if (stands_in(w, order[i], &here, e) < 0)
            return -1;
        if (!here)
            continue;
        buf_printf(&all, "%s%s", all.len ? " and " : "", order[i]);
        if (!first && (!wanted || strcmp(wanted, order[i]) == 0))
            first = order[i];
    }
    *out = first;
    if (first)
        return 0;
    if (all.len) {
        err_set(e, ERR_DENIED, 0, "%s stands in %s, and not in %s, so it may not run for %s", w->name, buf_str(&all),
                wanted, wanted);
        return err_hint(e, "Leave --env out, or `airlock promote %s %s` first", w->name, wanted);
    }
    err_set(e, ERR_DENIED, 0, "%s stands in no environment, so nothing of it may run", w->name);
    return err_hint(e, "`airlock promote %s sandbox`, then test, is the way", w->name);
}

/* ── what is wrong with it ── */

int with_release_prompts(const struct with_release *w, struct err *e)
{
    AUTO(prompts_fini) struct prompts prompts = {0};
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    const struct release_blob *blob = &w->release->prompts;
    struct child *parser = site_parser(w->site, e);
    if (!parser || blob_read(w->blobs, &blob->digest, &text, e) < 0)
        return -1;
    return prompts_parse(parser, buf_span(&text), blob->name[0] ? blob->name : "prompts.yaml", &prompts, e);
}

void start_step(void *arg, const char *step, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    struct start_steps *steps = arg;
    if (steps->told && steps->last != step)
        fprintf(stderr, "engine: %s\n", step);
    steps->last = step;
}

/* At the gate it was the contour's own files that could not be read. */
bool is_fault_of_release(const struct err *e, const struct start_steps *steps)
{
    if (steps && (!steps->last || strcmp(steps->last, "gate") == 0))
        return false;
    return e->code == ERR_INPUT || e->code == ERR_LIMIT;
}

/* ── a person's key ── */

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
