#include "cli/silence_release.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/silence_command.h"
#include "cli/with_release.h"
#include "engine/ask.h"
#include "engine/engine.h"
#include "gate/hardware.h"
#include "util/clock.h"
#include "util/limits.h"

/* Long enough for a timer that phones home soon after the start; the default of --idle. */
#define IDLE_SECONDS_DEFAULT 5U
#define REQUESTS_DEFAULT     8U
#define REQUESTS_MAX         100000U
#define REQUEST_MS           120000

struct run {
    struct invocation *in;
    struct with_release release;
    const char *environment;
    uint64_t requests, idle_s;
    struct silence_result result;
    struct hardware hardware;
    struct digest evidence;
};

static int read_options(struct run *r, struct err *e)
{
    const char *requests = option_get(r->in, "requests");
    r->idle_s = IDLE_SECONDS_DEFAULT;
    r->requests = REQUESTS_DEFAULT;
    if (requests && (!span_decimal(span_str(requests), &r->requests) || r->requests > REQUESTS_MAX))
        return err_set(e, ERR_USAGE, 0, "--requests: found \"%.32s\", wanted a number, at most %u", requests,
                       REQUESTS_MAX);
    return silence_seconds(r->in, "idle", &r->idle_s, e);
}

/* ── the exercise ── */

static bool has_ended(void *arg)
{
    auto_buf how = BUF(ERR_MSG_MAX);
    struct err e;
    return engine_ended(arg, &how, &e) != 0;
}

/* Asks the release's own prompts, one after the other, again and again. */
static uint64_t ask_all(struct engine *g, uint64_t requests, struct err *e)
{
    const struct prompts *p = engine_prompts(g);
    const char *fallback = "Say hello.";
    for (uint64_t i = 0; i < requests; i++) {
        struct ask a = {.door = engine_door(g),
                        .model = "silence",
                        .until_ms = clock_mono_ms() + REQUEST_MS,
                        .give_up = has_ended,
                        .arg = g};
        const char *text = p->warmup_count > 0 ? p->warmup[i % p->warmup_count] : fallback;
        if (ask_warmup(&a, p, text, e) != 1)
            return i;
    }
    return requests;
}

static void exercise(struct run *r, struct engine *g)
{
    struct err why = {0};
    struct silence *s = engine_silence(g);
    silence_phase(s, "requests");
    uint64_t answered = ask_all(g, r->requests, &why);
    silence_phase(s, "idle");
    int64_t until = clock_mono_ms() + (int64_t)r->idle_s * 1000;
    while (clock_mono_ms() < until && !has_ended(g))
        poll(NULL, 0, 100);
    bool lived = !has_ended(g);
    silence_exercise(s, answered == r->requests && lived, "%llu of %llu requests answered, then %s for %llu s%s%.120s",
                     (unsigned long long)answered, (unsigned long long)r->requests,
                     lived ? "idle" : "it ended by itself, being idle", (unsigned long long)r->idle_s,
                     why.msg[0] ? "; " : "", why.msg);
}

/* 1: it cannot be run, and that is its own fault; *e says how. */
static int observe(struct run *r, struct err *e)
{
    struct engine *g = NULL;
    struct site *s = r->release.site;
    struct start_steps steps = {.told = !r->in->quiet && !r->in->json};
    struct engine_options options = {.observe = true, .arg = &steps, .progress = start_step};
    if (hardware_read("", &r->hardware, e) < 0)
        return -1;
    if (with_release_prompts(&r->release, e) < 0)
        return is_fault_of_release(e, NULL) ? 1 : -1;
    if (engine_start(s, r->release.release, r->environment, &options, &g, e) < 0)
        return is_fault_of_release(e, &steps) ? 1 : -1;
    if (engine_ready(g))
        exercise(r, g);
    return engine_silence_end(g, s, ENGINE_GRACE_MS, &r->result, e);
}

/* ── the evidence ── */

static int store_in_transaction(struct run *r, struct err *e)
{
    struct json_out w;
    struct site *s = r->release.site;
    const char *word = silence_verdict_name(r->result.verdict);
    auto_buf predicate = BUF(LIMIT_JSON_BYTES), entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    struct silence_subject subject = {.environment = r->environment,
                                      .engine = &r->release.release->engine.manifest,
                                      .hardware = &r->hardware,
                                      .now_s = s->entry_s};
    silence_predicate(&predicate, &r->result, &subject);
    if (buf_check(&predicate, "the silence test's result", e) < 0 ||
        site_evidence(s, r->release.name, &r->release.row.digest, PREDICATE_SILENCE, r->environment, word,
                      buf_span(&predicate), &r->evidence, e) < 0)
        return -1;
    site_event(s, &w, &entry, "silence");
    json_put_string(&w, "release", r->release.name);
    json_put_digest(&w, "digest", &r->release.row.digest);
    json_put_string(&w, "environment", r->environment);
    json_put_string(&w, "result", word);
    json_put_uint(&w, "attempts", r->result.count);
    json_put_digest(&w, "evidence", &r->evidence);
    return site_commit(s, &w, NULL, e);
}

static int store(struct run *r, struct err *e)
{
    if (site_begin(r->release.site, e) < 0)
        return -1;
    if (store_in_transaction(r, e) == 0)
        return 0;
    site_rollback(r->release.site);
    return -1;
}

static void put_more(struct json_out *w, void *arg)
{
    const struct run *r = arg;
    json_put_string(w, "release", r->release.name);
    json_put_digest(w, "digest", &r->release.row.digest);
    json_put_string(w, "environment", r->environment);
    json_put_digest(w, "evidence", &r->evidence);
    hardware_json(w, &r->hardware);
}

static void run_fini(struct run *r)
{
    silence_result_fini(&r->result);
    with_release_close(&r->release);
}

/* The answer about a release that cannot be run at all: a no, though no attempt was seen. */
static int broken(struct run *r, const struct err *why)
{
    const char *name = r->release.name;
    fprintf(stderr, "airlock silence: %s cannot be run: %s; " MEND_RELEASE "\n", name, why->msg);
    if (r->in->json) {
        struct json_out w;
        auto_buf out = BUF(8 * ERR_MSG_MAX);
        command_json(&w, &out, "silence");
        json_put_string(&w, "release", name);
        json_put_digest(&w, "digest", &r->release.row.digest);
        json_put_string(&w, "environment", r->environment);
        json_put_string(&w, "result", "FAILED");
        json_put_string(&w, "reason", why->msg);
        command_json_end(&w);
    }
    return 1;
}

/* Every message names the release. */
static int fail(struct run *r, struct err *e)
{
    if (r->release.release && !strstr(e->msg, r->release.name))
        err_prefix(e, "%s", r->release.name);
    return command_fail(r->in, e);
}

int silence_release(struct invocation *in)
{
    struct err e = {0};
    AUTO(run_fini) struct run r = {.in = in};
    if (read_options(&r, &e) < 0 || with_release_open(in, in->argv[0], &r.release, &e) < 0 ||
        with_release_environment(in, &r.release, &r.environment, &e) < 0)
        return fail(&r, &e);
    int result = observe(&r, &e);
    if (result > 0)
        return broken(&r, &e);
    if (result < 0 || store(&r, &e) < 0 || silence_print(in, &r.result, r.release.name, put_more, &r, &e) < 0)
        return fail(&r, &e);
    if (!in->json && !option_given(in, "format"))
        printf("%s in %s; result %s\n", r.release.name, r.environment, digest_text(&r.evidence).text);
    return silence_status(r.result.verdict);
}
