#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/with_release.h"
#include "contour/suite.h"
#include "engine/engine.h"
#include "gate/hardware.h"
#include "util/clock.h"

/* A release that cannot even be asked has failed its test: one failed case says why. */
static int fail_whole(const char *name, const struct err *why, struct suite_result *out, struct err *e)
{
    suite_result_fini(out);
    out->started_s = clock_now_s();
    out->cases = calloc(1, sizeof *out->cases);
    if (!out->cases)
        abort();
    out->count = 1;
    out->cases[0].name = name;
    snprintf(out->cases[0].why, sizeof out->cases[0].why, "%.440s; " MEND_RELEASE, why->msg);
    return hardware_read("", &out->hardware, e);
}

/* What is wrong with the release itself is an answer; everything else keeps the suite from being run. */
static int judge_error(const char *name, const struct err *why, const struct start_steps *steps,
                       struct suite_result *out, struct err *e)
{
    if (is_fault_of_release(why, steps))
        return fail_whole(name, why, out, e);
    return err_set(e, why->code, why->sys_errno, "%s", why->msg);
}

static void close_suite(struct suite **s)
{
    suite_free(*s);
}

static int run_suite(struct invocation *in, struct with_release *w, const char *environment, struct suite_result *out,
                     struct err *e)
{
    struct err why = {0};
    struct engine *engine = NULL;
    struct start_steps steps = {.told = !in->quiet && !in->json};
    struct engine_options options = {.arg = &steps, .progress = start_step};
    AUTO(close_suite) struct suite *suite = suite_read(w->site, w->blobs, w->release, &why);
    if (!suite)
        return judge_error("suite-can-be-read", &why, NULL, out, e);
    if (with_release_prompts(w, &why) < 0)
        return judge_error("prompts-can-be-read", &why, NULL, out, e);
    if (engine_start(w->site, w->release, environment, &options, &engine, &why) < 0)
        return judge_error("engine-starts", &why, &steps, out, e);
    int result = suite_run(w->site, w->blobs, w->release, engine_door(engine), out, e);
    engine_stop(engine, w->site, ENGINE_GRACE_MS, "regression suite ended");
    return result;
}

static void print_result(const struct with_release *w, const char *environment, const struct suite_result *r,
                         const struct digest *id)
{
    for (size_t i = 0; i < r->count; i++)
        printf("  %s %-32s %6lld ms%s%s\n", r->cases[i].passed ? "yes" : "NO ", r->cases[i].name,
               (long long)r->cases[i].latency_ms, r->cases[i].passed ? "" : "  ", r->cases[i].why);
    printf("%s in %s: %s, %zu of %zu cases, %lld ms\n  on %s\n  result %s\n", w->name, environment,
           r->passed == r->count ? "PASSED" : "FAILED", r->passed, r->count, (long long)r->took_ms,
           r->hardware.processor, digest_text(id).text);
}

static void put_result(const struct with_release *w, const char *environment, const struct suite_result *r,
                       const struct digest *id)
{
    struct json_out j;
    auto_buf out = BUF(8U << 20);
    command_json(&j, &out, "test");
    json_put_string(&j, "release", w->name);
    json_put_digest(&j, "digest", &w->row.digest);
    json_put_string(&j, "environment", environment);
    json_put_string(&j, "result", r->passed == r->count ? "PASSED" : "FAILED");
    json_put_uint(&j, "passed", r->passed);
    json_put_int(&j, "took_ms", r->took_ms);
    hardware_json(&j, &r->hardware);
    json_put_digest(&j, "evidence", id);
    json_put_array(&j, "cases");
    for (size_t i = 0; i < r->count; i++) {
        json_out_object(&j);
        json_put_string(&j, "name", r->cases[i].name);
        json_put_bool(&j, "passed", r->cases[i].passed);
        json_put_int(&j, "latency_ms", r->cases[i].latency_ms);
        json_put_string(&j, "answer", r->cases[i].answer ? r->cases[i].answer : "");
        json_put_string(&j, "why", r->cases[i].why);
        json_out_object_end(&j);
    }
    json_out_array_end(&j);
    command_json_end(&j);
}

static void close_result(struct suite_result *r)
{
    suite_result_fini(r);
}

/* Every message names the release. */
static int fail(struct invocation *in, const struct with_release *w, struct err *e)
{
    if (w->release && !strstr(e->msg, w->name))
        err_prefix(e, "%s", w->name);
    return command_fail(in, e);
}

static int run(struct invocation *in)
{
    struct digest id;
    struct err e = {0};
    const char *environment = NULL;
    auto_with_release w = {0};
    AUTO(close_result) struct suite_result result = {0};
    if (with_release_open(in, in->argv[0], &w, &e) < 0 || with_release_environment(in, &w, &environment, &e) < 0 ||
        run_suite(in, &w, environment, &result, &e) < 0 ||
        suite_store(w.site, w.release, environment, &result, &id, &e) < 0)
        return fail(in, &w, &e);
    if (in->json)
        put_result(&w, environment, &result, &id);
    else
        print_result(&w, environment, &result, &id);
    return result.passed == result.count ? 0 : 1;
}

const struct command CMD_TEST = {
    .name = "test",
    .usage = "REF [--env ENV]",
    .summary = "run the release's regression suite where it stands",
    .detail =
        "Starts an engine of its own for the environment that the release stands in (test before sandbox), runs "
        "every case of the\nrelease's suite.yaml through its prompts, ends the engine, and signs the result, bound to "
        "release, engine and hardware.\nEnds with 0 when every case passed; 1 when one did not, or when the release "
        "itself is at fault: its suite or prompts cannot be read,\nits engine does not start; 6 when it could not be "
        "judged.",
    .options = {{"env", "ENV", "the environment to run for, when it stands in several", false}},
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
