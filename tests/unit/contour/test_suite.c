/* The regression suite: read strictly, run over a unix socket through the release's prompts, and signed with what it
 * ran on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "contour.h"
#include "contour/suite.h"
#include "gate/evidence.h"
#include "ship/release.h"
#include "store/db_release.h"

#define SYSTEM "You are terse."

static struct test_contour t;
static struct release r;

static const char PROMPTS[] = "system: " SYSTEM "\nwarmup: [hello]\nparameters: {temperature: 0, max_tokens: 50}\n";

/* ── a stand-in for an engine: answers each request on its own connection ── */

struct server {
    int listener;
    pthread_t thread;
    char path[128];
    struct door *door;
    char last[65536]; /* the request that came last */
};

static struct server server;

static const char *answer_to(const char *request)
{
    if (strstr(request, "capital"))
        return "The capital of France is Paris.";
    if (strstr(request, "as JSON"))
        return "{\\\"city\\\": \\\"Paris\\\", \\\"size\\\": 2}";
    return "I do not know.";
}

static void serve_one(int fd)
{
    size_t len = 0;
    char *body = NULL, reply[4096], text[1024];
    unsigned long long wanted = 0;
    for (;;) {
        ssize_t got = read(fd, server.last + len, sizeof server.last - 1 - len);
        if (got <= 0)
            return;
        len += (size_t)got;
        server.last[len] = '\0';
        if (!body && (body = strstr(server.last, "\r\n\r\n"))) {
            body += 4;
            wanted = strtoull(strcasestr(server.last, "content-length:") + 15, NULL, 10);
        }
        if (body && (size_t)(server.last + len - body) >= wanted)
            break;
    }
    int text_len =
        snprintf(text, sizeof text, "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"%s\"}}]}",
                 answer_to(body));
    int n = snprintf(reply, sizeof reply, "HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
                     strstr(body, "explode") ? "500 Broken" : "200 OK", text_len, text);
    (void)!write(fd, reply, (size_t)n);
}

static void *serve(void *arg)
{
    (void)arg;
    for (;;) {
        int fd = accept(server.listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        serve_one(fd);
        close(fd);
    }
}

/* This process is the engine: it must be found where it is itself. */
static struct door *door_to(const char *name)
{
    struct err e = {0};
    struct door_place here;
    assert_int_equal(door_place_of(getpid(), &here), 0);
    auto_fd folder = open(t.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct door *d = door_new(folder, name, &here, "test", &e);
    if (!d)
        fail_msg("%s", e.msg);
    return d;
}

static void server_start(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(server.path, sizeof server.path, "%s/engine.sock", t.path);
    memcpy(a.sun_path, server.path, strlen(server.path) + 1);
    server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server.listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(server.listener, 8), 0);
    server.door = door_to("engine.sock");
    assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void server_stop(void)
{
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.listener);
    door_free(server.door);
}

/* ── */

static int set_up(void **state)
{
    (void)state;
    struct err e = {0};
    contour_make(&t);
    server_start();
    r = (struct release){
        .digest = digest_of(SPAN_LIT("release")), .name = (char *)"assistant", .version = (char *)"v1.0.0"};
    r.suite.name = (char *)"suite.yaml";
    r.engine.manifest = digest_of(SPAN_LIT("engine"));
    r.model.digest = digest_of(SPAN_LIT("model"));
    return blob_put(t.site->blobs, span_str(PROMPTS), &r.prompts.digest, &e);
}

static int tear_down(void **state)
{
    (void)state;
    server_stop();
    contour_remove(&t);
    return 0;
}

static void suite_is(const char *text)
{
    struct err e = {0};
    if (blob_put(t.site->blobs, span_str(text), &r.suite.digest, &e) < 0)
        fail_msg("%s", e.msg);
}

static void refused(const char *text, const char *words)
{
    struct err e = {0};
    suite_is(text);
    struct suite *s = suite_read(t.site, t.site->blobs, &r, &e);
    assert_null(s);
    if (e.code != ERR_INPUT || !strstr(e.msg, words))
        fail_msg("wanted \"%s\", found \"%s\"", words, e.msg);
}

static void a_suite_that_is_not_understood_to_the_end_is_refused(void **state)
{
    (void)state;
    refused("cases: []\n", "cases: wanted 1 to");
    refused("cases:\n  - {name: a, prompt: p, assert: []}\n", "a case without one proves nothing");
    refused("cases:\n  - {name: a, prompt: p, assert: [{like: x}]}\n", "like");
    refused("cases:\n  - {name: a, prompt: p, assert: [{equals: x, contains: y}]}\n", "one kind");
    refused("cases:\n  - {name: a, assert: [{equals: x}]}\n", "either prompt or messages");
    refused("cases:\n  - {name: a, prompt: p, assert: [{regex: \"(\"}]}\n", "no POSIX extended");
    refused("cases:\n  - {name: a, prompt: p, assert: [{json-schema: {oneOf: []}}]}\n", "unknown keyword");
    refused("cases:\n  - {name: a, prompt: p, assert: [{latency-ms: fast}]}\n", "latency-ms");
    refused(
        "cases:\n  - {name: a, prompt: p, assert: [{equals: x}]}\n  - {name: a, prompt: q, assert: [{equals: x}]}\n",
        "stands twice");
    refused("cases:\n  - name: a\n    messages: [{role: system, content: x}]\n    assert: [{equals: x}]\n",
            "wanted user or");
    refused("cases:\n  - {name: a, prompt: p, temperature: 3, assert: [{equals: x}]}\n", "temperature");
}

static void run(struct suite_result *out)
{
    struct err e = {0};
    if (suite_run(t.site, t.site->blobs, &r, server.door, out, &e) < 0)
        fail_msg("%s", e.msg);
}

static void every_kind_of_assertion_is_judged(void **state)
{
    (void)state;
    struct suite_result result;
    suite_is("cases:\n"
             "  - {name: holds, prompt: What is the capital?, assert: [{equals: The capital of France is Paris.}, "
             "{contains: Paris}, {not-contains: London}, {regex: 'is [A-Z][a-z]+\\.$'}, {latency-ms: 60000}]}\n"
             "  - {name: schema, prompt: Say it as JSON, assert: [{json-schema: {type: object, required: [city], "
             "properties: {size: {type: integer, maximum: 2}}}}]}\n"
             "  - {name: equals, prompt: capital, assert: [{equals: Paris}]}\n"
             "  - {name: contains, prompt: capital, assert: [{contains: London}]}\n"
             "  - {name: not-contains, prompt: capital, assert: [{contains: Paris}, {not-contains: France}]}\n"
             "  - {name: regex, prompt: capital, assert: [{regex: ^Paris}]}\n"
             "  - {name: schema-no, prompt: Say it as JSON, assert: [{json-schema: {required: [country]}}]}\n"
             "  - {name: no-json, prompt: capital, assert: [{json-schema: {type: object}}]}\n"
             "  - {name: broken, prompt: explode, assert: [{contains: x}]}\n");
    run(&result);
    const char *why[] = {"",
                         "",
                         "equals: wanted \"Paris\"",
                         "contains: wanted \"London\" in it",
                         "not-contains: wanted no \"France\"",
                         "regex: wanted a match of ^Paris",
                         "\"country\" is missing",
                         "json-schema: wanted JSON",
                         "HTTP 500"};
    assert_int_equal(result.count, ARRAY_LEN(why));
    assert_int_equal(result.passed, 2);
    for (size_t i = 0; i < result.count; i++) {
        assert_int_equal(result.cases[i].passed, i < 2);
        if (!strstr(result.cases[i].why, why[i]))
            fail_msg("%s: wanted \"%s\", found \"%s\"", result.cases[i].name, why[i], result.cases[i].why);
    }
    suite_result_fini(&result);
}

static void a_case_is_asked_through_the_prompts_of_the_release(void **state)
{
    (void)state;
    struct suite_result result;
    struct err e = {0};
    suite_is("cases:\n  - {name: a, prompt: What is the capital?, max_tokens: 7, assert: [{contains: Paris}]}\n");
    run(&result);
    auto_json asked = json_parse(span_str(strstr(server.last, "\r\n\r\n") + 4), 65536, "request", &e);
    assert_non_null(asked);
    const json_t *messages = json_object_get(asked, "messages");
    assert_string_equal(json_get_string(json_array_get(messages, 0), "role", ""), "system");
    assert_string_equal(json_get_string(json_array_get(messages, 0), "content", ""), SYSTEM);
    assert_string_equal(json_get_string(json_array_get(messages, 1), "content", ""), "What is the capital?");
    assert_int_equal(json_integer_value(json_object_get(asked, "max_tokens")), 7);
    assert_true(json_number_value(json_object_get(asked, "temperature")) == 0.0);
    assert_true(json_is_false(json_object_get(asked, "stream")));
    suite_result_fini(&result);
}

static void an_engine_that_does_not_answer_decides_nothing(void **state)
{
    (void)state;
    struct suite_result result;
    struct err e = {0};
    suite_is("cases:\n  - {name: a, prompt: p, assert: [{contains: Paris}]}\n");
    struct door *nobody = door_to("nobody.sock");
    assert_int_equal(suite_run(t.site, t.site->blobs, &r, nobody, &result, &e), -1);
    assert_int_equal(e.code, ERR_UNDECIDED);
    suite_result_fini(&result);
    door_free(nobody);
}

static void an_engine_that_offers_another_socket_is_asked_nothing(void **state)
{
    (void)state;
    struct suite_result result;
    struct err e = {0};
    char link[160];
    suite_is("cases:\n  - {name: a, prompt: p, assert: [{contains: Paris}]}\n");
    server.last[0] = '\0';
    snprintf(link, sizeof link, "%s/link.sock", t.path);
    assert_int_equal(symlink("engine.sock", link), 0);
    struct door *door = door_to("link.sock");

    assert_int_equal(suite_run(t.site, t.site->blobs, &r, door, &result, &e), -1);

    assert_int_equal(e.code, ERR_DENIED);
    assert_string_equal(server.last, "");
    suite_result_fini(&result);
    door_free(door);
    assert_int_equal(unlink(link), 0);
}

static void the_result_is_signed_with_what_it_ran_on(void **state)
{
    (void)state;
    struct suite_result result;
    struct digest id, engine, hardware;
    struct err e = {0};
    suite_is("cases:\n  - {name: good, prompt: capital, assert: [{contains: Paris}]}\n"
             "  - {name: bad, prompt: capital, assert: [{contains: London}]}\n");
    run(&result);
    if (suite_store(t.site, &r, "test", &result, &id, &e) < 0)
        fail_msg("%s", e.msg);
    auto_evidence ev = {0};
    assert_int_equal(evidence_load(t.site, &r.digest, &ev, &e), 0);
    const struct evidence_line *line = evidence_find(&ev, &id);
    assert_non_null(line->predicate);
    assert_string_equal(line->type, PREDICATE_TEST_RESULT);
    assert_string_equal(line->result, "FAILED");
    assert_string_equal(line->environment, "test");
    assert_string_equal(json_string_value(json_array_get(json_object_get(line->predicate, "failedTests"), 0)), "bad");
    assert_string_equal(json_string_value(json_array_get(json_object_get(line->predicate, "passedTests"), 0)), "good");
    assert_int_equal(json_need_digest(line->predicate, "engine", "", &engine, &e), 0);
    assert_true(digest_equal(&engine, &r.engine.manifest));
    assert_int_equal(hardware_id(line->predicate, &hardware, &e), 0);
    assert_true(digest_equal(&hardware, &result.hardware.id));
    suite_result_fini(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_suite_that_is_not_understood_to_the_end_is_refused),
        cmocka_unit_test(every_kind_of_assertion_is_judged),
        cmocka_unit_test(a_case_is_asked_through_the_prompts_of_the_release),
        cmocka_unit_test(an_engine_that_does_not_answer_decides_nothing),
        cmocka_unit_test(an_engine_that_offers_another_socket_is_asked_nothing),
        cmocka_unit_test(the_result_is_signed_with_what_it_ran_on),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
