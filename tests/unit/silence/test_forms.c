/* The forms of an answer: the predicate is the golden file of docs/formats, byte by byte; hostile texts stay text. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "silence/session.h"
#include "util/auto.h"
#include "util/file.h"

static void add(struct silence_result *r, struct silence_event event, const char *phase, int64_t at_ms)
{
    event.pid = 4711;
    snprintf(event.program, sizeof(event.program), "/engine/chatty");
    snprintf(event.command, sizeof(event.command), "/engine/chatty /engine/llama-server");
    silence_add(r, &event, phase, at_ms);
}

/* The demo's chatty release, caught. */
static void example(struct silence_result *r)
{
    struct canary_run run = {.made = true, .counted = true, .packets = 5, .seen = SEEN_CALLS | SEEN_NAMES};
    struct silence_facts f = {.before = run, .after = run, .witness_read = true};
    *r = (struct silence_result){.as_root = true, .started_s = 1795521600, .run_ms = 23456, .witness = 3};
    snprintf(r->exercise, sizeof(r->exercise), "8 of 8 requests answered, then idle for 10 s");
    add(r,
        (struct silence_event){
            .kind = EVENT_QUERY, .op = "resolve", .proto = "dns", .name = "telemetry.engine.example", .type = "A"},
        "start", 4);
    add(r,
        (struct silence_event){
            .kind = EVENT_CALL, .by_ip = 1, .op = "connect", .proto = "tcp", .address = "192.0.2.10", .port = 443},
        "start", 5);
    for (int i = 0; i < 2; i++)
        add(r,
            (struct silence_event){.kind = EVENT_CALL,
                                   .by_ip = 1,
                                   .op = "sendto",
                                   .proto = "udp",
                                   .address = "198.51.100.10",
                                   .port = 8125},
            i ? "idle" : "start", i ? 20005 : 5);
    silence_judge(r, &f);
}

static void read_golden(const char *name, struct buf *out)
{
    char path[512];
    struct err e;
    snprintf(path, sizeof(path), "%s/docs/formats/examples/%s", getenv("AIRLOCK_SOURCE"), name);
    if (file_read(AT_FDCWD, path, out, &e) < 0)
        fail_msg("%s", e.msg);
}

static void the_predicate_is_the_golden_file(void **state)
{
    (void)state;
    auto_silence_result r = {0};
    auto_buf made = BUF(65536), golden = BUF(65536);
    struct digest engine = digest_of(SPAN_LIT("engine"));
    struct hardware hardware = {.processor = "Example CPU", .features = "avx2 fma", .gpu = "none"};
    hardware.id = digest_of(SPAN_LIT("Example CPU\navx2 fma\nnone\n"));
    struct silence_subject subject = {
        .environment = "test", .engine = &engine, .hardware = &hardware, .now_s = 1795521630};
    example(&r);

    silence_predicate(&made, &r, &subject);
    buf_add_byte(&made, '\n');

    read_golden("silence.json", &golden);
    assert_string_equal(buf_str(&made), buf_str(&golden));
}

static void an_attempt_fails_one_junit_case_that_lists_it(void **state)
{
    (void)state;
    auto_silence_result r = {0};
    auto_buf made = BUF(65536);
    example(&r);

    silence_junit(&made, &r, "assistant:v1.0.1");

    assert_non_null(strstr(buf_str(&made), "tests=\"6\" failures=\"1\" errors=\"0\""));
    assert_non_null(strstr(buf_str(&made), "telemetry.engine.example"));
    assert_non_null(strstr(buf_str(&made), "198.51.100.10:8125"));
    assert_non_null(strstr(buf_str(&made), "2 times"));
}

static void a_sleeping_recorder_is_an_error_in_every_form(void **state)
{
    (void)state;
    struct silence_facts f = {.stub_died = true};
    auto_silence_result r = {0};
    auto_buf junit = BUF(65536), sarif = BUF(65536), text = BUF(65536);
    silence_judge(&r, &f);

    silence_junit(&junit, &r, "x");
    silence_sarif(&sarif, &r, "x");
    silence_text(&text, &r);

    assert_non_null(strstr(buf_str(&junit), "<error type=\"asleep\""));
    assert_non_null(strstr(buf_str(&junit), "<error type=\"inconclusive\""));
    assert_non_null(strstr(buf_str(&sarif), "\"executionSuccessful\":false"));
    assert_non_null(strstr(buf_str(&text), "INCONCLUSIVE"));
    assert_non_null(strstr(buf_str(&text), "ASLEEP"));
}

static void sarif_has_a_result_for_each_attempt(void **state)
{
    (void)state;
    struct err e = {0};
    auto_silence_result r = {0};
    auto_buf made = BUF(65536);
    example(&r);

    silence_sarif(&made, &r, "assistant:v1.0.1");

    auto_json document = json_parse(buf_span(&made), 65536, "sarif", &e);
    assert_non_null(document);
    const json_t *run = json_array_get(json_object_get(document, "runs"), 0);
    const json_t *results = json_object_get(run, "results");
    assert_int_equal(json_array_size(results), 3);
    assert_string_equal(json_get_string(json_array_get(results, 0), "ruleId", ""), "silence/name");
    assert_string_equal(json_get_string(json_array_get(results, 1), "ruleId", ""), "silence/address");
}

/* Whoever wrote the program chose its name and its arguments. */
static void hostile_texts_break_no_form(void **state)
{
    (void)state;
    struct silence_facts f = {0};
    struct err e = {0};
    auto_silence_result r = {0};
    auto_buf junit = BUF(65536), sarif = BUF(65536), json = BUF(65536);
    struct silence_event event = {.kind = EVENT_CALL, .op = "connect", .proto = "tcp", .address = "192.0.2.1"};
    snprintf(event.program, sizeof(event.program), "/tmp/a b\"</failure><x>&\n\xff");
    snprintf(event.command, sizeof(event.command), "x\x1b[2J]]>\\\"");
    silence_add(&r, &event, "start", 1);
    silence_judge(&r, &f);

    silence_junit(&junit, &r, "what & \"why\"");
    silence_sarif(&sarif, &r, "what");
    struct json_out w;
    json_out_init(&w, &json);
    json_out_object(&w);
    silence_json(&w, &r);
    json_out_object_end(&w);

    assert_null(strstr(buf_str(&junit), "</failure><x>"));
    assert_null(strchr(buf_str(&junit), 0x1b));
    assert_true(span_is_utf8(buf_span(&junit)));
    auto_json a = json_parse(buf_span(&sarif), 65536, "sarif", &e);
    auto_json b = json_parse(buf_span(&json), 65536, "json", &e);
    assert_non_null(a);
    assert_non_null(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_predicate_is_the_golden_file),
        cmocka_unit_test(an_attempt_fails_one_junit_case_that_lists_it),
        cmocka_unit_test(a_sleeping_recorder_is_an_error_in_every_form),
        cmocka_unit_test(sarif_has_a_result_for_each_attempt),
        cmocka_unit_test(hostile_texts_break_no_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
