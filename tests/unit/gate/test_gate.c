/* The gates, over evidence that was made one piece at a time: absence denies, what is adverse denies, and what is
 * approved keeps running (threats T10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"
#include "util/clock.h"
#include "util/limits.h"

/* ── intake ── */

static void intake_needs_station_and_scan(void **state)
{
    (void)state;
    struct verdict v = judged(GATE_INTAKE, NULL);
    assert_false(v.passed);
    assert_false(reason_of(&v, "station-signature")->ok);
    assert_false(reason_of(&v, "scan")->ok);
    arrived();
    v = judged(GATE_INTAKE, NULL);
    fails_for(&v, "scan", "not scanned here: airlock scan assistant:v1.0.0");
    scanned("PASSED", 0);
    v = judged(GATE_INTAKE, NULL);
    passes(&v);
}

static void a_scan_that_did_not_pass_or_is_old_blocks(void **state)
{
    (void)state;
    arrived();
    scanned("PASSED", 31 * 86400);
    struct verdict v = judged(GATE_INTAKE, NULL);
    fails_for(&v, "scan", "older than");
    scanned("PASSED", 10);
    v = judged(GATE_INTAKE, NULL);
    passes(&v);
    scanned("FAILED", 0);
    v = judged(GATE_INTAKE, NULL);
    fails_for(&v, "scan", "scan FAILED");
}

static void a_scan_by_the_station_is_not_our_scan(void **state)
{
    (void)state;
    arrived();
    line_by(station, PREDICATE_SCAN, "{\"result\":\"PASSED\",\"timeCreated\":\"2026-11-24T00:00:00Z\"}");
    struct verdict v = judged(GATE_INTAKE, NULL);
    fails_for(&v, "scan", "not scanned here");
}

static void a_station_that_no_receipt_names_signs_nothing(void **state)
{
    (void)state;
    arrived();
    scanned("PASSED", 0);
    line_by(mallory, PREDICATE_RELEASE, "{}");
    struct verdict v = judged(GATE_INTAKE, NULL);
    fails_for(&v, "signatures", "1 of");
}

/* ── the verdict itself ── */

static void the_verdict_lists_every_input_and_names_contour_gate_and_policy(void **state)
{
    (void)state;
    struct err e = {0};
    auto_evidence ev = {0};
    struct digest d;
    arrived();
    scanned("PASSED", 0);
    struct verdict v = judged(GATE_INTAKE, NULL);
    ok(evidence_load(t.site, &r.digest, &ev, &e), &e);
    const struct evidence_line *line = evidence_find(&ev, &v.id);
    assert_non_null(line);
    assert_int_equal(line->signer, SIGNER_CONTOUR);
    assert_string_equal(line->type, PREDICATE_VSA);
    assert_string_equal(line->result, "PASSED");
    const json_t *inputs = json_object_get(line->predicate, "inputAttestations");
    assert_int_equal(json_array_size(inputs), ev.count - 1);
    for (size_t i = 0; i + 1 < ev.count; i++) {
        const json_t *digest = json_object_get(json_array_get(inputs, i), "digest");
        assert_string_equal(json_get_string(digest, "sha256", ""), digest_hex(&ev.lines[i].id).text);
    }
    auto_buf uri = BUF(256);
    buf_printf(&uri, "urn:airlock:release:%s:intake:sandbox:assistant:v1.0.0", t.site->config.id);
    assert_string_equal(json_get_string(line->predicate, "resourceUri", ""), buf_str(&uri));
    const json_t *policy = json_object_get(json_object_get(line->predicate, "policy"), "digest");
    assert_true(digest_from_hex(span_str(json_get_string(policy, "sha256", "")), &d));
    struct digest wanted = digest_of(span_str(POLICY_DEFAULT));
    assert_true(digest_equal(&d, &wanted));
}

static void without_a_signed_policy_every_gate_says_no(void **state)
{
    (void)state;
    struct verdict v;
    struct err e = {0};
    arrived();
    scanned("PASSED", 0);
    ok(file_write(t.site->dir, POLICY_FILE, span_str("schema: airlock/policy/1\n"), 0600, &e), &e);
    refused_as(gate_judge(t.site, GATE_INTAKE, &r, NULL, &v, &e), &e, ERR_DENIED, "every gate says no");
}

/* ── trust ── */

static void prod_asks_for_everything_that_the_table_names(void **state)
{
    (void)state;
    arrived();
    scanned("PASSED", 0);
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_false(v.passed);
    const char *missing[] = {"stood-before", "test", "silence", "request", "approvals"};
    for (size_t i = 0; i < ARRAY_LEN(missing); i++)
        assert_false(reason_of(&v, missing[i])->ok);
}

static void inconclusive_is_never_a_pass(void **state)
{
    (void)state;
    ready_for_approval();
    ran(PREDICATE_SILENCE, "INCONCLUSIVE", "test");
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_false(reason_of(&v, "silence")->ok);
    assert_non_null(strstr(reason_of(&v, "silence")->text, "INCONCLUSIVE"));
}

static void a_failed_silence_test_names_who_tried_what(void **state)
{
    (void)state;
    struct err e = {0};
    ready_for_approval();
    line_by(
        site_key(t.site, &e), PREDICATE_SILENCE,
        "{\"result\":\"FAILED\",\"environment\":\"test\",\"timeCreated\":\"2099-01-01T00:00:00Z\",\"attempts\":["
        "{\"program\":\"/engine/"
        "chatty\",\"op\":\"resolve\",\"name\":\"telemetry.example\",\"address\":\"\",\"port\":0},"
        "{\"program\":\"/engine/chatty\",\"op\":\"connect\",\"name\":\"\",\"address\":\"192.0.2.1\",\"port\":443}]}");
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_non_null(strstr(reason_of(&v, "silence")->text,
                           "/engine/chatty resolve telemetry.example, /engine/chatty connect 192.0.2.1:443"));
}

static void a_failed_suite_names_its_cases(void **state)
{
    (void)state;
    ready_for_approval();
    ran(PREDICATE_TEST_RESULT, "FAILED", "test");
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_non_null(strstr(reason_of(&v, "test")->text, "failed capital"));
}

static void runs_elsewhere_do_not_count(void **state)
{
    (void)state;
    const struct digest other = digest_of(SPAN_LIT("other"));
    ready_for_approval();
    ran_on(PREDICATE_TEST_RESULT, "PASSED", "test", &other, NULL);
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_non_null(strstr(reason_of(&v, "test")->text, "another engine"));
    ran_on(PREDICATE_TEST_RESULT, "PASSED", "test", &r.engine.manifest, digest_text(&other).text);
    v = judged(GATE_TRUST, NULL);
    assert_non_null(strstr(reason_of(&v, "test")->text, "other hardware"));
}

static void a_run_in_sandbox_is_not_a_run_in_test(void **state)
{
    (void)state;
    arrived();
    scanned("PASSED", 0);
    stood_in("sandbox");
    stood_in("test");
    ran(PREDICATE_TEST_RESULT, "PASSED", "sandbox");
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_non_null(strstr(reason_of(&v, "test")->text, "no test ran in test"));
}

/* ── deploy, and moving ── */

static struct verdict deployed(const char *environment)
{
    struct verdict v;
    struct err e = {0};
    ok(gate_deploy(t.site, &r, environment, false, &v, &e), &e);
    return v;
}

static void an_engine_needs_a_promotion_that_the_contour_signed(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    struct verdict v = judged(GATE_INTAKE, NULL);
    passes(&v);
    v = deployed("test");
    passes(&v);
    v = judged(GATE_TRUST, NULL);
    passes(&v);
    v = deployed("prod");
    fails_for(&v, "promoted-here", "no promotion to prod");
    stood_in("prod");
    v = deployed("prod");
    passes(&v);
}

static void an_engine_is_refused_when_a_newer_check_denies_the_release(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    (void)judged(GATE_TRUST, NULL);
    stood_in("prod");
    struct verdict v = deployed("prod");
    passes(&v);
    scanned("FAILED", 0);
    v = deployed("prod");
    fails_for(&v, "scan", "scan FAILED");
}

static void a_failed_run_can_be_repeated_where_it_failed(void **state)
{
    (void)state;
    arrived();
    scanned("PASSED", 0);
    struct verdict v = judged(GATE_INTAKE, NULL);
    stood_in("sandbox");
    stood_in("test");
    ran(PREDICATE_SILENCE, "INCONCLUSIVE", "test");
    ran(PREDICATE_TEST_RESULT, "FAILED", "test");
    v = deployed("test");
    passes(&v);
    v = judged(GATE_TRUST, "test");
    fails_for(&v, "nothing-adverse", "test FAILED in test");
}

static void an_engine_keeps_running_when_scan_and_approval_grow_old(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    (void)judged(GATE_TRUST, NULL);
    stood_in("prod");
    t.site->now_s += 400LL * 86400;
    struct verdict v = deployed("prod");
    passes(&v);
}

static void a_release_without_its_passport_does_not_run(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    (void)judged(GATE_TRUST, NULL);
    stood_in("prod");
    attacker("DELETE FROM evidence WHERE predicate_type = 'https://cyclonedx.org/bom' AND ?1 IS NULL", (struct span){0},
             NULL, NULL);
    struct verdict v = deployed("prod");
    assert_false(v.passed);
    assert_non_null(strstr(reason_of(&v, "verdict")->text, "is gone"));
}

static void a_move_to_prod_wants_the_verdict_as_well(void **state)
{
    (void)state;
    struct verdict v;
    struct err e = {0};
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    {
        auto_evidence ev = {0};
        ok(evidence_load(t.site, &r.digest, &ev, &e), &e);
        ok(gate_may_move(t.site, &r, "prod", &ev, &v, &e), &e);
        fails_for(&v, "verdict", "gate trust has not judged it");
    }
    (void)judged(GATE_TRUST, NULL);
    auto_evidence ev = {0};
    ok(evidence_load(t.site, &r.digest, &ev, &e), &e);
    ok(gate_may_move(t.site, &r, "prod", &ev, &v, &e), &e);
    passes(&v);
}

static void a_clock_set_back_decides_nothing_and_keeps_what_is_approved(void **state)
{
    (void)state;
    struct verdict v;
    struct err e = {0};
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    (void)judged(GATE_TRUST, NULL);
    stood_in("prod");
    /* given: something certain that lies a year ahead of the clock */
    ok(db_begin(t.site->db, &e), &e);
    ok(site_raise_floor(t.site, clock_now_s() + 365LL * 86400, &e), &e);
    ok(db_commit(t.site->db, &e), &e);
    refused_as(gate_judge(t.site, GATE_TRUST, &r, NULL, &v, &e), &e, ERR_DENIED, "clock");
    v = deployed("prod");
    passes(&v);
    const struct digest none = {0};
    assert_true(digest_equal(&v.id, &none));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(intake_needs_station_and_scan),
        TEST(a_scan_that_did_not_pass_or_is_old_blocks),
        TEST(a_scan_by_the_station_is_not_our_scan),
        TEST(a_station_that_no_receipt_names_signs_nothing),
        TEST(the_verdict_lists_every_input_and_names_contour_gate_and_policy),
        TEST(without_a_signed_policy_every_gate_says_no),
        TEST(prod_asks_for_everything_that_the_table_names),
        TEST(inconclusive_is_never_a_pass),
        TEST(a_failed_silence_test_names_who_tried_what),
        TEST(a_failed_suite_names_its_cases),
        TEST(runs_elsewhere_do_not_count),
        TEST(a_run_in_sandbox_is_not_a_run_in_test),
        TEST(an_engine_needs_a_promotion_that_the_contour_signed),
        TEST(an_engine_is_refused_when_a_newer_check_denies_the_release),
        TEST(a_failed_run_can_be_repeated_where_it_failed),
        TEST(an_engine_keeps_running_when_scan_and_approval_grow_old),
        TEST(a_release_without_its_passport_does_not_run),
        TEST(a_move_to_prod_wants_the_verdict_as_well),
        TEST(a_clock_set_back_decides_nothing_and_keeps_what_is_approved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
