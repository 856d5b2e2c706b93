#include <stdio.h>

#include "cli/commands.h"
#include "cli/moved.h"
#include "cli/reasons.h"
#include "registry/apt_ahead.h"
#include "registry/apt_key.h"
#include "util/clock.h"

int moved_answer(struct invocation *in, const char *schema, const char *environment, const struct promotion *p,
                 int64_t took_ms)
{
    if (in->json) {
        struct json_out j;
        auto_buf out = BUF(65536);
        command_json(&j, &out, schema);
        json_put_string(&j, "environment", environment);
        json_put_string(&j, "name", p->name);
        json_put_string(&j, "version", p->version);
        json_put_digest(&j, "digest", &p->now);
        if (p->had_before)
            json_put_digest(&j, "before", &p->before);
        json_put_bool(&j, "moved", p->moved);
        json_put_bool(&j, "admitted", p->admitted);
        if (p->moved)
            json_put_uint(&j, "ledger_seq", p->ledger_seq);
        json_put_int(&j, "took_ms", took_ms);
        command_json_end(&j);
        return 0;
    }
    if (!p->moved) {
        printf("%s/%s is %s:%s already\n", environment, p->name, p->name, p->version);
        return 0;
    }
    printf("%s/%s is now %s:%s (%s), in %lld ms, ledger entry %llu\n", environment, p->name, p->name, p->version,
           digest_text(&p->now).text, (long long)took_ms, (unsigned long long)p->ledger_seq);
    if (p->had_before)
        printf("  before  %s\n", digest_text(&p->before).text);
    if (p->admitted)
        printf("  admitted from quarantine into the store\n");
    return 0;
}

static void put_refusal(struct json_out *w, const void *arg)
{
    reasons_put(w, arg);
}

int moved_fail(struct invocation *in, const struct promotion *p, const struct err *e)
{
    if (!p->refused)
        return command_fail(in, e);
    if (!in->json)
        reasons_print(&p->verdict);
    fflush(stdout); /* on a terminal the reasons stand above the message that sums them up */
    return command_fail_with(in, e, put_refusal, &p->verdict);
}

/* apt's index is made first, so that clients of apt see the move when all others do. */
static int promote(struct site *s, const struct release_row *row, const char *environment, struct promotion *out,
                   struct err *e)
{
    struct apt_ahead *ahead = apt_ahead_new(s, apt_key_signer(s->path, s->config.name));
    struct promotion_watcher watcher = apt_ahead_watcher(ahead);
    int result = contour_promote(s, row, environment, &watcher, out, e);
    apt_ahead_free(ahead);
    return result;
}

static int run(struct invocation *in)
{
    struct promotion p = {0};
    struct release_row row;
    struct err e = {0};
    int64_t begun = clock_mono_ms();
    auto_buf names = BUF(1024);
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || ref_release(s, in->argv[0], &row, &names, &e) < 0 || promote(s, &row, in->argv[1], &p, &e) < 0)
        return moved_fail(in, &p, &e);
    return moved_answer(in, "promotion", in->argv[1], &p, clock_mono_ms() - begun);
}

const struct command CMD_PROMOTE = {
    .name = "promote",
    .usage = "REF sandbox|test|prod",
    .summary = "move one pointer forward, if the evidence is there",
    .detail =
        "sandbox needs the PASSED verdict of gate intake, and is what admits a release from quarantine into the "
        "store. test needs\nthat it stood in sandbox, and a fresh scan. prod needs that it stood in test, and the "
        "PASSED verdict of gate trust. What the\nevidence says is looked at again inside the transaction that moves "
        "the pointer. Nothing is copied.",
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
