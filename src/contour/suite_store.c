/* The signed form: in-toto test-result v0.1 (in-toto attestation, spec/predicates/test-result.md), with members of ours
 * beside its own: timeCreated, environment, engine, hardware, cases. docs/formats/test-result.schema.json. */
#include <string.h>

#include "contour/suite.h"
#include "ship/release.h"
#include "store/db_release.h"
#include "util/clock.h"
#include "util/limits.h"

#define ANSWER_SHOWN_BYTES 300

static void put_configuration(struct json_out *w, const char *name, const struct digest *d)
{
    json_out_object(w);
    json_put_string(w, "name", name);
    json_put_object(w, "digest");
    json_put_string(w, "sha256", digest_hex(d).text);
    json_out_object_end(w);
    json_out_object_end(w);
}

static void put_names(struct json_out *w, const char *key, const struct suite_result *result, bool passed)
{
    json_put_array(w, key);
    for (size_t i = 0; i < result->count; i++)
        if (result->cases[i].passed == passed)
            json_out_string(w, result->cases[i].name);
    json_out_array_end(w);
}

static void put_cases(struct json_out *w, const struct suite_result *result)
{
    char shown[ANSWER_SHOWN_BYTES + 1];
    json_put_array(w, "cases");
    for (size_t i = 0; i < result->count; i++) {
        const struct case_result *c = &result->cases[i];
        snprintf(shown, sizeof shown, "%s", c->answer ? c->answer : "");
        json_out_object(w);
        json_put_string(w, "name", c->name);
        json_put_bool(w, "passed", c->passed);
        json_put_int(w, "latency_ms", c->latency_ms);
        json_put_string(w, "answer", shown);
        if (!c->passed)
            json_put_string(w, "why", c->why);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

void suite_predicate(const struct release *r, const char *environment, int64_t now_s, const struct suite_result *result,
                     struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "result", result->passed == result->count ? "PASSED" : "FAILED");
    json_put_array(&w, "configuration");
    put_configuration(&w, "suite.yaml", &r->suite.digest);
    put_configuration(&w, "prompts.yaml", &r->prompts.digest);
    put_configuration(&w, "model", &r->model.digest);
    put_configuration(&w, "engine", &r->engine.manifest);
    json_out_array_end(&w);
    put_names(&w, "passedTests", result, true);
    json_put_array(&w, "warnedTests");
    json_out_array_end(&w);
    put_names(&w, "failedTests", result, false);
    json_put_time(&w, "timeCreated", now_s);
    json_put_string(&w, "environment", environment);
    json_put_digest(&w, "engine", &r->engine.manifest);
    hardware_json(&w, &result->hardware);
    json_put_int(&w, "took_ms", result->took_ms);
    put_cases(&w, result);
    json_out_object_end(&w);
}

static int store_in_transaction(struct site *s, const struct release *r, const char *environment,
                                const struct suite_result *result, struct digest *id, struct err *e)
{
    struct json_out w;
    struct digest line;
    char name[128];
    const char *word = result->passed == result->count ? "PASSED" : "FAILED";
    auto_buf predicate = BUF(LIMIT_JSON_BYTES), entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    suite_predicate(r, environment, s->entry_s, result, &predicate);
    snprintf(name, sizeof name, "%s:%s", r->name, r->version);
    if (buf_check(&predicate, "test result", e) < 0 ||
        site_evidence(s, name, &r->digest, PREDICATE_TEST_RESULT, environment, word, buf_span(&predicate), &line, e) <
            0)
        return -1;
    if (id)
        *id = line;
    site_event(s, &w, &entry, "test");
    json_put_string(&w, "release", name);
    json_put_digest(&w, "digest", &r->digest);
    json_put_string(&w, "environment", environment);
    json_put_string(&w, "result", word);
    json_put_uint(&w, "passed", result->passed);
    json_put_uint(&w, "cases", result->count);
    json_put_digest(&w, "evidence", &line);
    return site_commit(s, &w, NULL, e);
}

int suite_store(struct site *s, const struct release *r, const char *environment, const struct suite_result *result,
                struct digest *id, struct err *e)
{
    if (site_begin(s, e) < 0)
        return -1;
    if (store_in_transaction(s, r, environment, result, id, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}
