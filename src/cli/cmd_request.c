#include <stdio.h>

#include "cli/commands.h"
#include "cli/with_release.h"
#include "gate/approval.h"

static int run(struct invocation *in)
{
    struct digest id;
    struct err e = {0};
    auto_with_release w = {0};
    if (with_release_open(in, in->argv[0], &w, &e) < 0)
        return command_fail(in, &e);
    if (!environment_known(in->argv[1]))
        return command_usage(in, "\"%s\" is no environment; wanted sandbox, test or prod", in->argv[1]);
    auto_private_key key = person_key(in, &e);
    if (!key || request_make(w.site, w.release, in->argv[1], key, option_get(in, "reason"), &id, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        struct json_out j;
        auto_buf out = BUF(65536);
        command_json(&j, &out, "request");
        json_put_string(&j, "release", w.name);
        json_put_digest(&j, "digest", &w.row.digest);
        json_put_string(&j, "environment", in->argv[1]);
        json_put_string(&j, "actor", w.site->actor);
        json_put_digest(&j, "evidence", &id);
        command_json_end(&j);
        return 0;
    }
    printf("%s asked for %s of %s\n  request %s\n", w.site->actor, in->argv[1], w.name, digest_text(&id).text);
    return 0;
}

const struct command CMD_REQUEST = {
    .name = "request",
    .usage = "REF ENV --key FILE",
    .summary = "ask for a promotion; whoever asks cannot approve",
    .detail =
        "Signs, with the person's own key, that this release shall stand in ENV. For engineers and product owners.",
    .options = {{"key", "FILE", "the person's private key", false},
                {"passphrase-file", "FILE", "unseals it", false},
                {"reason", "TEXT", "why; stands in the passport", false}},
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
