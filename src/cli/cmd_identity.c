#include <fcntl.h>
#include <stdio.h>

#include "cli/commands.h"
#include "ship/station.h"
#include "util/file.h"

/* The answer is a document for a program in either case: an identity file is what a station reads. */
static int run(struct invocation *in)
{
    struct json_out w;
    struct err e = {0};
    const char *path = option_get(in, "out");
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
    .usage = "[--out FILE]",
    .summary = "the public file that a station needs to address this contour",
    .detail = "Prints the contour's name, id and public keys as JSON, or writes them into FILE. Nothing in it is "
              "secret. In the\n"
              "station: `airlock station contour add FILE`.",
    .options = {{"out", "FILE", "write it there instead of printing it", false}},
    .run = run,
};
