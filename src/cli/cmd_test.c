#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/with_release.h"
#include "contour/suite.h"
#include "engine/engine.h"
#include "gate/policy.h"

/* Where the release stands: the furthest environment before prod, because that is where the evidence is asked for. */
static int find_environment(struct invocation *in, struct with_release *w, const char **out, struct err *e)
{
    static const char *const order[] = {ENVIRONMENT_TEST, ENVIRONMENT_SANDBOX, ENVIRONMENT_PROD};
    const char *wanted = option_get(in, "env");
    if (wanted && !environment_known(wanted))
        return err_set(e, ERR_USAGE, 0, "--env: \"%.32s\" is no environment; wanted sandbox, test or prod", wanted);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        struct digest stands;
        struct err absent = {0};
        if (wanted && strcmp(wanted, order[i]) != 0)
            continue;
        if (db_pointer_get(w->site->db, order[i], w->row.name, &stands, &absent) == 0 &&
            digest_equal(&stands, &w->row.digest)) {
            *out = order[i];
            return 0;
        }
        if (absent.code != ERR_NONE && absent.code != ERR_NOTFOUND)
            return err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
    }
    err_set(e, ERR_DENIED, 0, "%s stands in %s, so nothing of it may run", w->name,
            wanted ? "another environment" : "no environment");
    return err_hint(e, "`airlock promote %s sandbox`, then test, is the way", w->name);
}

static void say_step(void *arg, const char *step, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    const char **last = arg;
    if (*last != step)
        fprintf(stderr, "engine: %s\n", step);
    *last = step;
}

static int run_suite(struct invocation *in, struct with_release *w, const char *environment, struct suite_result *out,
                     struct err *e)
{
    struct engine *engine = NULL;
    const char *last = NULL;
    struct engine_options options = {.arg = &last, .progress = in->quiet || in->json ? NULL : say_step};
    if (engine_start(w->site, w->release, environment, &options, &engine, e) < 0)
        return -1;
    int result = suite_run(w->site, w->blobs, w->release, engine_socket(engine), out, e);
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

static int run(struct invocation *in)
{
    struct digest id;
    struct err e = {0};
    const char *environment = NULL;
    auto_with_release w = {0};
    AUTO(close_result) struct suite_result result = {0};
    if (with_release_open(in, in->argv[0], &w, &e) < 0 || find_environment(in, &w, &environment, &e) < 0 ||
        run_suite(in, &w, environment, &result, &e) < 0 ||
        suite_store(w.site, w.release, environment, &result, &id, &e) < 0)
        return command_fail(in, &e);
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
        "release, engine and hardware.\nEnds with 0 when every case passed, 1 when one did not, 6 when it could not be "
        "judged.",
    .options = {{"env", "ENV", "the environment to run for, when it stands in several", false}},
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
