#include <fcntl.h>
#include <stdio.h>

#include "cli/commands.h"
#include "registry/apt_key.h"
#include "ship/station.h"
#include "util/file.h"

/* What apt verifies indexes with: the armored key itself, since that is what a source's Signed-By takes. */
static int run_apt(struct invocation *in, const char *path)
{
    struct json_out w;
    struct err e = {0};
    struct openpgp_key key;
    auto_buf out = BUF(65536), armored = BUF(32768);
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || apt_key(s, &key, &e) < 0 || openpgp_public(s->dir, &key, &armored, &e) < 0)
        return command_fail(in, &e);
    if (path && file_write(AT_FDCWD, path, buf_span(&armored), 0644, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        command_json(&w, &out, "apt-key");
        json_put_string(&w, "fingerprint", key.fingerprint);
        json_put_time(&w, "created", key.created_s);
        json_put_string(&w, "public-key", buf_str(&armored));
        command_json_end(&w);
    } else if (path) {
        printf("%s: the key %s of contour %s, for Signed-By of an apt source\n", path, key.fingerprint, s->config.name);
    } else {
        fwrite(armored.ptr, 1, armored.len, stdout);
    }
    return 0;
}

/* The answer is a document for a program in either case: an identity file is what a station reads. */
static int run(struct invocation *in)
{
    struct json_out w;
    struct err e = {0};
    const char *path = option_get(in, "out");
    if (option_get(in, "apt"))
        return run_apt(in, path);
    auto_buf out = BUF(65536);
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s)
        return command_fail(in, &e);
    command_json(&w, &out, "identity");
    if (identity_write(s, &w, &e) < 0)
        return command_fail(in, &e);
    if (!path) {
        command_json_end(&w);
        return 0;
    }
    json_out_object_end(&w);
    buf_add_byte(&out, '\n');
    if (buf_check(&out, "identity", &e) < 0 || file_write(AT_FDCWD, path, buf_span(&out), 0644, &e) < 0)
        return command_fail(in, &e);
    if (!in->json)
        printf("%s: the identity of contour %s, for `airlock station contour add`\n", path, s->config.name);
    else
        fwrite(out.ptr, 1, out.len, stdout);
    return 0;
}

const struct command CMD_IDENTITY = {
    .name = "identity",
    .usage = "[--apt] [--out FILE]",
    .summary = "the public file that a station needs to address this contour",
    .detail = "Prints the contour's name, id and public keys as JSON, or writes them into FILE. Nothing in it is "
              "secret. In the\n"
              "station: `airlock station contour add FILE`.\n\nWith --apt it is the OpenPGP key that signs the "
              "indexes of this contour's apt archives instead, for\nSigned-By of a source; the first use makes it.",
    .options = {{"apt", NULL, "the key that apt verifies this contour's indexes with", false},
                {"out", "FILE", "write it there instead of printing it", false}},
    .run = run,
};
