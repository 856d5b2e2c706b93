/* Running a suite: one request after the other over the engine's unix socket, put together as the gateway does it
 * (system prompt first, parameters of the prompt set where the case names none), and every assertion over the answer.
 */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "contour/pattern.h"
#include "contour/schema.h"
#include "contour/suite.h"
#include "sandbox/door_curl.h"
#include "ship/prompts.h"
#include "ship/release.h"
#include "store/db_release.h"
#include "util/clock.h"
#include "util/limits.h"

#define CASE_TIMEOUT_MS  300000L
#define ANSWER_BYTES_MAX (1U << 20)
#define PARSE_TIMEOUT_MS 10000

void suite_result_fini(struct suite_result *r)
{
    for (size_t i = 0; r->cases && i < r->count; i++)
        free(r->cases[i].answer);
    free(r->cases);
    suite_free(r->suite);
    *r = (struct suite_result){0};
}

struct run {
    struct site *s;
    const struct release *r;
    struct door *door;
    struct prompts prompts;
    struct child *parser;
    CURL *curl;
};

static void run_fini(struct run *run)
{
    prompts_fini(&run->prompts);
    if (run->curl)
        curl_easy_cleanup(run->curl);
}

/* ── one request ── */

static void put_raw(struct json_out *w, const char *key, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        abort();
    if (key)
        json_out_key(w, key);
    json_out_raw(w, span_str(text));
    free(text);
}

static void put_message(struct json_out *w, const char *role, const char *content)
{
    json_out_object(w);
    json_put_string(w, "role", role);
    json_put_string(w, "content", content);
    json_out_object_end(w);
}

static void request_body(const struct run *run, const struct suite_case *c, struct buf *out)
{
    struct json_out w;
    size_t i;
    const char *key;
    json_t *value;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "model", run->r->name);
    json_put_bool(&w, "stream", false);
    json_put_array(&w, "messages");
    if (run->prompts.system[0])
        put_message(&w, "system", run->prompts.system);
    json_array_foreach(c->messages, i, value)
    {
        put_raw(&w, NULL, value);
    }
    json_out_array_end(&w);
    if (c->max_tokens)
        json_put_uint(&w, "max_tokens", c->max_tokens);
    json_object_foreach(run->prompts.parameters, key, value)
    {
        if (strcmp(key, "max_tokens") != 0 || !c->max_tokens)
            put_raw(&w, key, value);
    }
    json_out_object_end(&w);
}

static size_t collect(char *bytes, size_t size, size_t count, void *arg)
{
    struct buf *out = arg;
    buf_add(out, bytes, size * count);
    return buf_ok(out) ? size * count : 0;
}

static int ask(struct run *run, struct buf *body, struct buf *reply, long *status, struct err *e)
{
    struct door_call call;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    curl_easy_reset(run->curl);
    door_call_begin(&call, run->door, run->curl);
    curl_easy_setopt(run->curl, CURLOPT_URL, "http://engine/v1/chat/completions");
    curl_easy_setopt(run->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(run->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(run->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
    curl_easy_setopt(run->curl, CURLOPT_POSTFIELDS, buf_str(body));
    curl_easy_setopt(run->curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(run->curl, CURLOPT_WRITEDATA, reply);
    curl_easy_setopt(run->curl, CURLOPT_TIMEOUT_MS, CASE_TIMEOUT_MS);
    curl_easy_setopt(run->curl, CURLOPT_NOSIGNAL, 1L);
    CURLcode code = curl_easy_perform(run->curl);
    curl_slist_free_all(headers);
    door_call_end(&call);
    const struct err *why = &call.e;
    if (code != CURLE_OK && why->code != ERR_NONE)
        return err_set(e, why->code == ERR_BUSY ? ERR_UNDECIDED : why->code, 0, "%s", why->msg);
    if (code != CURLE_OK)
        return err_set(e, ERR_UNDECIDED, 0, "the engine does not answer: %s",
                       buf_ok(reply) ? curl_easy_strerror(code) : "its answer is too long");
    curl_easy_getinfo(run->curl, CURLINFO_RESPONSE_CODE, status);
    return 0;
}

/* The text of the answer. What an engine says is taken apart in the parse process, as everything from a release. */
static int answer_of(struct run *run, const struct buf *reply, long status, struct case_result *out, struct err *e)
{
    struct child_request request = {.op = "json", .fd = -1, .input = buf_span(reply), .timeout_ms = PARSE_TIMEOUT_MS};
    if (status != 200) {
        snprintf(out->why, sizeof out->why, "the engine answered HTTP %ld: %.200s", status,
                 buf_str((struct buf *)reply));
        return 0;
    }
    struct err bad = {0};
    auto_json j = child_call_json(run->parser, &request, "the engine's answer", &bad);
    if (!j && bad.code != ERR_INPUT && bad.code != ERR_LIMIT)
        return err_set(e, bad.code, bad.sys_errno, "%s", bad.msg);
    const json_t *message = json_object_get(json_array_get(json_object_get(j, "choices"), 0), "message");
    const char *text = json_string_value(json_object_get(message, "content"));
    if (!text) {
        snprintf(out->why, sizeof out->why, "the engine's answer is no chat completion: %.300s", j ? "" : bad.msg);
        return 0;
    }
    out->answer = strdup(text);
    if (!out->answer)
        abort();
    return 0;
}

/* ── assertions ── */

static bool fails(struct case_result *out, const struct assertion *a, const char *wanted, const char *found)
{
    snprintf(out->why, sizeof out->why, "%s: wanted %.160s, found \"%.200s\"", assertion_name(a->kind), wanted, found);
    return false;
}

static int hold_schema(struct run *run, const struct assertion *a, struct case_result *out, struct err *e)
{
    struct child_request request = {
        .op = "json", .fd = -1, .input = span_str(out->answer), .timeout_ms = PARSE_TIMEOUT_MS};
    struct err bad = {0};
    auto_buf why = BUF(65536);
    auto_json value = child_call_json(run->parser, &request, "the answer", &bad);
    if (!value && bad.code != ERR_INPUT && bad.code != ERR_LIMIT)
        return err_set(e, bad.code, bad.sys_errno, "%s", bad.msg);
    if (!value)
        return fails(out, a, "JSON", out->answer);
    int holds = schema_holds(a->schema, value, "", &why, e);
    return holds == 0 ? fails(out, a, buf_str(&why), out->answer) : holds;
}

/* 1: holds; 0: not, and out->why says so; -1: cannot be judged. */
static int hold(struct run *run, const struct assertion *a, struct case_result *out, struct err *e)
{
    char wanted[200];
    int found;
    switch (a->kind) {
    case ASSERT_EQUALS:
        snprintf(wanted, sizeof wanted, "\"%.150s\"", a->text);
        return strcmp(out->answer, a->text) == 0 || fails(out, a, wanted, out->answer);
    case ASSERT_CONTAINS:
        snprintf(wanted, sizeof wanted, "\"%.150s\" in it", a->text);
        return strstr(out->answer, a->text) || fails(out, a, wanted, out->answer);
    case ASSERT_NOT_CONTAINS:
        snprintf(wanted, sizeof wanted, "no \"%.150s\" in it", a->text);
        return !strstr(out->answer, a->text) || fails(out, a, wanted, out->answer);
    case ASSERT_REGEX:
        snprintf(wanted, sizeof wanted, "a match of %.150s", a->text);
        found = pattern_search(a->text, out->answer, e);
        return found == 0 ? fails(out, a, wanted, out->answer) : found;
    case ASSERT_JSON_SCHEMA:
        return hold_schema(run, a, out, e);
    case ASSERT_LATENCY_MS:
        if ((uint64_t)out->latency_ms <= a->latency_ms)
            return 1;
        snprintf(out->why, sizeof out->why, "latency-ms: wanted at most %llu, found %lld",
                 (unsigned long long)a->latency_ms, (long long)out->latency_ms);
        return 0;
    case ASSERTION_KINDS:
        break;
    }
    return err_set(e, ERR_USAGE, 0, "unknown assertion");
}

static int run_case(struct run *run, const struct suite_case *c, struct case_result *out, struct err *e)
{
    auto_buf body = BUF(2U * LIMIT_YAML_BYTES), reply = BUF(ANSWER_BYTES_MAX);
    long status = 0;
    out->name = c->name;
    request_body(run, c, &body);
    if (buf_check(&body, "request", e) < 0)
        return -1;
    int64_t begun = clock_mono_ms();
    if (ask(run, &body, &reply, &status, e) < 0)
        return err_prefix(e, "case \"%s\"", c->name);
    out->latency_ms = clock_mono_ms() - begun;
    if (answer_of(run, &reply, status, out, e) < 0)
        return -1;
    for (size_t i = 0; out->answer && i < c->assertion_count; i++) {
        int holds = hold(run, &c->assertions[i], out, e);
        if (holds < 0)
            return err_prefix(e, "case \"%s\"", c->name);
        if (holds == 0)
            return 0;
    }
    out->passed = out->answer != NULL;
    return 0;
}

int suite_run(struct site *s, const struct blobs *b, const struct release *r, struct door *door,
              struct suite_result *out, struct err *e)
{
    *out = (struct suite_result){.started_s = clock_now_s()};
    AUTO(run_fini) struct run run = {.s = s, .r = r, .door = door, .parser = site_parser(s, e)};
    if (!run.parser || hardware_read("", &out->hardware, e) < 0 || !(out->suite = suite_read(s, b, r, e)) ||
        prompts_read(b, run.parser, &r->prompts.digest, &run.prompts, e) < 0)
        return -1;
    run.curl = curl_easy_init();
    if (!run.curl)
        return err_set(e, ERR_SYSTEM, 0, "libcurl cannot be set up");
    int64_t begun = clock_mono_ms();
    out->cases = calloc(out->suite->count, sizeof *out->cases);
    if (!out->cases)
        abort();
    for (; out->count < out->suite->count; out->count++) {
        if (run_case(&run, &out->suite->cases[out->count], &out->cases[out->count], e) < 0) {
            free(out->cases[out->count].answer);
            return -1;
        }
        out->passed += out->cases[out->count].passed;
    }
    out->took_ms = clock_mono_ms() - begun;
    return 0;
}
