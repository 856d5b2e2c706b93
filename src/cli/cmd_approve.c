#include <stdio.h>

#include "cli/commands.h"
#include "cli/with_release.h"
#include "gate/approval.h"

static int answer(struct invocation *in, const struct with_release *w, const struct approval_wish *wish,
                  const struct digest *id)
{
    if (in->json) {
        struct json_out j;
        auto_buf out = BUF(65536);
        command_json(&j, &out, "approval");
        json_put_string(&j, "release", w->name);
        json_put_digest(&j, "digest", &w->row.digest);
        json_put_string(&j, "environment", wish->environment);
        json_put_string(&j, "decision", wish->reject ? "REJECT" : "APPROVE");
        json_put_string(&j, "actor", w->site->actor);
        json_put_digest(&j, "evidence", id);
        command_json_end(&j);
        return 0;
    }
    printf("%s %s %s for %s\n  approval %s\n", w->site->actor, wish->reject ? "rejected" : "approved", w->name,
           wish->environment, digest_text(id).text);
    return 0;
}

static int run(struct invocation *in)
{
    struct digest id, shown;
    struct err e = {0};
    struct approval_wish wish = {.environment = option_get(in, "for"),
                                 .role = option_get(in, "role"),
                                 .reason = option_get(in, "reason"),
                                 .reject = option_given(in, "reject"),
                                 .shown = &shown};
    if (!wish.environment)
        return command_usage(in, "--for sandbox, test or prod is needed");
    if (!environment_known(wish.environment))
        return command_usage(in, "--for: found \"%.32s\"; wanted sandbox, test or prod", wish.environment);
    auto_with_release w = {0};
    auto_buf summary = BUF(4U << 20);
    if (option_duration(in, "valid", &wish.valid_s, &e) < 0 || with_release_open(in, in->argv[0], &w, &e) < 0 ||
        approval_summary(w.site, w.release, wish.environment, &summary, &shown, &e) < 0)
        return command_fail(in, &e);
    if (!in->quiet)
        fprintf(stderr, "You are about to %s:\n%s", wish.reject ? "reject" : "approve", buf_str(&summary));
    auto_private_key key = person_key(in, &e);
    if (!key || approval_make(w.site, w.release, &wish, key, &id, &e) < 0)
        return command_fail(in, &e);
    return answer(in, &w, &wish, &id);
}

const struct command CMD_APPROVE = {
    .name = "approve",
    .usage = "REF --for ENV --key FILE",
    .summary = "sign, as one person, over the release and the evidence shown",
    .detail =
        "Shows (on stderr) the release, who asked, and every attestation that there is, then signs over exactly "
        "that set with the\nperson's own key. An approval counts while its set is complete and nothing adverse was "
        "added since. Whoever asked cannot\napprove; two roles are two people. --reject signs a no, which stands "
        "until the same person approves.",
    .options = {{"for", "ENV", "the environment", false},
                {"key", "FILE", "the person's private key", false},
                {"passphrase-file", "FILE", "unseals it", false},
                {"role", "ROLE", "in which role, for a person who holds several", false},
                {"reason", "TEXT", "why; stands in the passport", false},
                {"valid", "TIME", "how long it may be used, such as 7d (default: what the policy allows)", false},
                {"reject", NULL, "say no", false}},
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
