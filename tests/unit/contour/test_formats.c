/* The formats of gate and contour: each writer makes its golden file of docs/formats/examples, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "contour.h"
#include "contour/promote.h"
#include "contour/suite.h"
#include "gate/approval.h"
#include "gate/verdict.h"
#include "gate/waiver.h"
#include "ship/release.h"
#include "util/limits.h"
#include "version.h"

#define NOW     1795000000
#define CONTOUR "6331f730d86693589361e7d6248ae813"

static struct release r;

static int set_up(void **state)
{
    (void)state;
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    r = (struct release){
        .digest = digest_of(SPAN_LIT("release")), .name = (char *)"assistant", .version = (char *)"v1.0.0"};
    r.engine.manifest = digest_of(SPAN_LIT("engine"));
    r.model.digest = digest_of(SPAN_LIT("model"));
    r.prompts.digest = digest_of(SPAN_LIT("prompts"));
    r.suite.digest = digest_of(SPAN_LIT("suite"));
    return 0;
}

static void golden(const char *name, struct buf *out)
{
    char path[512];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/docs/formats/examples/%s", getenv("AIRLOCK_SOURCE"), name);
    if (file_read(AT_FDCWD, path, out, &e) < 0)
        fail_msg("%s", e.msg);
}

static void is_golden(const char *name, struct buf *made)
{
    auto_buf wanted = BUF(1U << 20);
    golden(name, &wanted);
    buf_add_byte(made, '\n');
    assert_string_equal(buf_str(made), buf_str(&wanted));
}

static void the_default_policy_is_the_example(void **state)
{
    (void)state;
    auto_buf wanted = BUF(LIMIT_YAML_BYTES);
    golden("policy.yaml", &wanted);
    assert_string_equal(POLICY_DEFAULT, buf_str(&wanted));
}

static void request_and_approval(void **state)
{
    (void)state;
    auto_buf request = BUF(65536), approval = BUF(65536);
    const struct digest ids[] = {digest_of(SPAN_LIT("a")), digest_of(SPAN_LIT("b"))};
    struct approval_statement s = {.environment = "prod",
                                   .contour = CONTOUR,
                                   .person = "ines",
                                   .role = "engineer",
                                   .created_s = NOW,
                                   .reason = "the newer model answers better"};
    request_predicate(&s, &request);
    is_golden("request.json", &request);
    s = (struct approval_statement){.environment = "prod",
                                    .contour = CONTOUR,
                                    .person = "sofia",
                                    .role = "security-officer",
                                    .created_s = NOW + 60,
                                    .decision = "APPROVE",
                                    .requester = "ines",
                                    .not_after_s = NOW + 60 + 30 * 86400,
                                    .ids = ids,
                                    .id_count = 2};
    approval_predicate(&s, &approval);
    is_golden("approval.json", &approval);
}

static void waiver(void **state)
{
    (void)state;
    auto_buf made = BUF(65536);
    const struct objection o = {.kind = OBJECTION_LICENCE,
                                .id = "licence-denied",
                                .place = "pkg:pypi/demo@1.0.0",
                                .digest = "",
                                .licence = "AGPL-3.0-only",
                                .severity = "high"};
    struct waiver_statement s = {.contour = CONTOUR,
                                 .person = "sofia",
                                 .role = "security-officer",
                                 .decision = "WAIVE",
                                 .environment = "",
                                 .release = "assistant:v1.0.0",
                                 .release_digest = &r.digest,
                                 .objection = &o,
                                 .compensation = "it runs in a box of its own, and nobody links it",
                                 .ticket = "LEG-12",
                                 .created_s = NOW,
                                 .from_s = NOW,
                                 .until_s = NOW + 30 * 86400};
    waiver_predicate(&s, &made);
    is_golden("waiver.json", &made);
}

static void promotion(void **state)
{
    (void)state;
    auto_buf made = BUF(65536);
    const struct digest before = digest_of(SPAN_LIT("before"));
    promotion_predicate("promote", "prod", CONTOUR, &before, "os:airlock", NOW, &made);
    is_golden("promotion.json", &made);
}

static void verdict(void **state)
{
    (void)state;
    auto_buf made = BUF(65536);
    struct evidence_line lines[2] = {{.id = digest_of(SPAN_LIT("a")), .type = PREDICATE_SCAN},
                                     {.id = digest_of(SPAN_LIT("b")), .type = PREDICATE_RELEASE}};
    struct evidence ev = {.lines = lines, .count = 2};
    struct verdict v = {
        .gate = GATE_INTAKE, .environment = "sandbox", .policy = digest_of(SPAN_LIT("policy")), .count = 2};
    v.reasons[0] = (struct verdict_reason){
        .rule = "station-signature", .ok = true, .text = "release statement, signed by the station"};
    v.reasons[1] =
        (struct verdict_reason){.rule = "scan", .ok = false, .text = "not scanned here: airlock scan assistant:v1.0.0"};
    verdict_predicate(CONTOUR, NOW, &r, &ev, &v, &made);
    /* the golden file stays when the program's version moves on */
    char *version = strstr(buf_str(&made), "\"" AIRLOCK_VERSION "\"");
    assert_non_null(version);
    auto_buf neutral = BUF(65536);
    buf_add(&neutral, made.ptr, (size_t)(version - buf_str(&made)));
    buf_add_str(&neutral, "\"0.1.0\"");
    buf_add_str(&neutral, version + strlen(AIRLOCK_VERSION) + 2);
    is_golden("verdict.json", &neutral);
}

static void test_result(void **state)
{
    (void)state;
    auto_buf made = BUF(65536);
    struct case_result cases[] = {
        {.name = "capital", .passed = true, .latency_ms = 212, .answer = (char *)"The capital of France is Paris."},
        {.name = "json",
         .latency_ms = 340,
         .answer = (char *)"I cannot.",
         .why = "json-schema: wanted JSON, found \"I cannot.\""}};
    struct suite_result result = {.cases = cases, .count = 2, .passed = 1, .took_ms = 552};
    snprintf(result.hardware.processor, sizeof result.hardware.processor, "Example CPU @ 2.00GHz");
    snprintf(result.hardware.features, sizeof result.hardware.features, "avx2 fma sse4_2");
    snprintf(result.hardware.gpu, sizeof result.hardware.gpu, "none");
    result.hardware.id = digest_of(SPAN_LIT("Example CPU @ 2.00GHz\navx2 fma sse4_2\nnone\n"));
    suite_predicate(&r, "test", NOW, &result, &made);
    is_golden("test-result.json", &made);
}

static void the_example_suite_is_read(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    golden("suite.yaml", &text);
    struct child *parser = child_start(ROLE_PARSE, &e);
    struct child_request request = {.op = "suite", .fd = -1, .input = buf_span(&text), .timeout_ms = 10000};
    auto_json root = child_call_json(parser, &request, "suite.yaml", &e);
    struct suite *s = root ? suite_of_json(root, "suite.yaml", &e) : NULL;
    child_stop(parser);
    if (!s)
        fail_msg("%s", e.msg);
    unsigned kinds = 0;
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->cases[i].assertion_count; k++)
            kinds |= 1U << s->cases[i].assertions[k].kind;
    assert_int_equal(kinds, (1U << ASSERTION_KINDS) - 1);
    suite_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_policy_is_the_example),
        cmocka_unit_test(request_and_approval),
        cmocka_unit_test(waiver),
        cmocka_unit_test(promotion),
        cmocka_unit_test(verdict),
        cmocka_unit_test(test_result),
        cmocka_unit_test(the_example_suite_is_read),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
