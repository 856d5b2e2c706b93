#include <stdio.h>

#include "cli/commands.h"
#include "version.h"

static int run(struct invocation *in)
{
    if (!in->json) {
        puts("airlock " AIRLOCK_VERSION);
        return 0;
    }
    struct json_out w;
    auto_buf out = BUF(1024);
    command_json(&w, &out, "version");
    json_put_string(&w, "version", AIRLOCK_VERSION);
    command_json_end(&w);
    return 0;
}

const struct command CMD_VERSION = {
    .name = "version",
    .summary = "print the version",
    .min_args = 0,
    .max_args = 0,
    .run = run,
};
