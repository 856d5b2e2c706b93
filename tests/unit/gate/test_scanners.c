/* The key `scanners` of a policy, and the rule that holds the newest scan against it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gate/rules.h"
#include "scene.h"
#include "util/clock.h"

/* ── the key ── */

static void with_scanners(const char *scanners, struct buf *out)
{
    buf_add_str(out, POLICY_DEFAULT);
    buf_add_str(out, "\nscanners:\n");
    buf_add_str(out, scanners);
}

static void parsed(const char *scanners, struct policy *out)
{
    struct err e = {0};
    auto_buf text = BUF(65536);
    with_scanners(scanners, &text);
    if (policy_parse(buf_span(&text), POLICY_FILE, out, &e) < 0)
        fail_msg("%s", e.msg);
}

static void refused(const char *scanners, const char *why)
{
    struct policy p;
    struct err e = {0};
    auto_buf text = BUF(65536);
    with_scanners(scanners, &text);
    assert_int_equal(policy_parse(buf_span(&text), POLICY_FILE, &p, &e), -1);
    if (e.code != ERR_INPUT || !strstr(e.msg, why) || !strstr(e.msg, POLICY_FILE ":"))
        fail_msg("wanted \"%s\", found \"%s\"", why, e.msg);
}

static void without_the_key_no_engine_is_asked(void **state)
{
    struct policy p;
    struct err e = {0};
    (void)state;
    assert_int_equal(policy_parse(span_str(POLICY_DEFAULT), POLICY_FILE, &p, &e), 0);
    assert_false(engines_asked(&p.scanners, ENGINE_CLAMAV));
    assert_false(engines_asked(&p.scanners, ENGINE_YARA));
}

static void a_table_says_which_class_needs_which_engine(void **state)
{
    struct policy p;
    (void)state;
    parsed("  engines:\n    clamav: {socket: /run/own.ctl, max-age: 3d}\n    yara: {rules: /srv/rules}\n"
           "  classes:\n    program: [clamav, yara, built-in]\n    model: []\n    all: [yara]\n",
           &p);
    assert_string_equal(p.scanners.clamd, "/run/own.ctl");
    assert_string_equal(p.scanners.yara, "/srv/rules");
    assert_int_equal(p.scanners.age_s[ENGINE_CLAMAV], 3 * 86400);
    assert_int_equal(p.scanners.age_s[ENGINE_YARA], 365 * 86400);
    assert_int_equal(p.scanners.classes[CLASS_PROGRAM], 3);
    assert_int_equal(p.scanners.classes[CLASS_MODEL], 0);
    assert_int_equal(p.scanners.classes[CLASS_DOCUMENT], 1 << ENGINE_YARA);
}

static void clamav_has_debians_socket_where_none_is_named(void **state)
{
    struct policy p;
    (void)state;
    parsed("  engines: {clamav: {}}\n  classes: {program: [clamav]}\n", &p);
    assert_string_equal(p.scanners.clamd, CLAMD_SOCKET);
    assert_int_equal(p.scanners.age_s[ENGINE_CLAMAV], 7 * 86400);
}

static void what_is_no_table_is_refused_with_its_line(void **state)
{
    (void)state;
    refused("  engines: {clamav: {socket: \"127.0.0.1:3310\"}}\n  classes: {program: [clamav]}\n", "socket: ");
    refused("  engines: {clamav: {socket: \"tcp://host\"}}\n  classes: {program: [clamav]}\n", "socket: ");
    refused("  engines: {yara: {rules: relative}}\n  classes: {program: [yara]}\n", "rules: ");
    refused("  engines: {yara: {}}\n  classes: {program: [yara]}\n", "rules: ");
    refused("  engines: {clamav: {max-age: soon}}\n  classes: {program: [clamav]}\n", "max-age");
    refused("  engines: {clamav: {port: 1}}\n  classes: {program: [clamav]}\n", "port");
    refused("  engines: {sophos: {}}\n  classes: {program: [clamav]}\n", "sophos");
    refused("  engines: {clamav: {}}\n", "classes");
    refused("  engines: {clamav: {}}\n  classes: {programs: [clamav]}\n", "no class of files");
    refused("  engines: {clamav: {}}\n  classes: {program: [clam]}\n", "no scanner");
    refused("  engines: {clamav: {}}\n  classes: {program: [clamav, clamav]}\n", "twice");
    refused("  engines: {clamav: {}}\n  classes: {program: clamav}\n", "wanted a list");
    refused("  classes: {program: [clamav]}\n", "does not say where");
    refused("  engines: {clamav: {}}\n  classes: {program: [built-in]}\n", "no class asks for it");
    refused("  ignore: [not-scanned]\n  classes: {}\n", "ignore");
}

/* ── the rule ── */

static struct policy asking;

static bool holds(const char *engines, enum occasion occasion, char text[400])
{
    auto_buf json = BUF(4096);
    struct err e = {0};
    buf_printf(&json, "{\"scanner\":{\"name\":\"airlock\"%s%s}}", engines[0] ? ",\"engines\":" : "", engines);
    auto_json predicate = json_parse(buf_span(&json), 4096, "scan", &e);
    assert_non_null(predicate);
    struct evidence_line line = {.signer = SIGNER_CONTOUR,
                                 .type = PREDICATE_SCAN,
                                 .predicate = predicate,
                                 .result = "PASSED",
                                 .environment = ""};
    struct evidence ev = {.lines = &line, .count = 1};
    struct facts f = {.occasion = occasion, .release = &r, .policy = &asking, .ev = &ev, .now_s = 1795521600};
    return rule_scanners(&f, text, 400);
}

#define CLAMAV(ready, more) "[{\"name\":\"clamav\",\"ready\":" ready ",\"classes\":[\"program\",\"script\"]" more "}]"

static void the_newest_scan_was_made_with_what_the_policy_asks_for(void **state)
{
    char text[400];
    (void)state;
    parsed("  engines: {clamav: {}}\n  classes: {program: [clamav]}\n", &asking);
    assert_true(holds(CLAMAV("true", ",\"date\":\"2026-11-20T00:00:00Z\""), OCCASION_MOVE, text));
    assert_false(holds("", OCCASION_MOVE, text)); /* of before the policy */
    assert_non_null(strstr(text, "without"));
    assert_false(holds("[]", OCCASION_JUDGE, text));
    assert_false(holds("[{\"name\":\"yara\",\"ready\":true}]", OCCASION_JUDGE, text));
    assert_false(holds(CLAMAV("false", ",\"why\":\"it sleeps\""), OCCASION_MOVE, text));
    assert_non_null(strstr(text, "it sleeps"));
    parsed("  engines: {clamav: {}}\n  classes: {program: [clamav], model: [clamav]}\n", &asking);
    assert_false(holds(CLAMAV("true", ",\"date\":\"2026-11-20T00:00:00Z\""), OCCASION_MOVE, text));
    assert_non_null(strstr(text, "class model"));
}

static void old_data_stop_a_pointer_and_no_engine_that_runs(void **state)
{
    char text[400];
    (void)state;
    parsed("  engines: {clamav: {max-age: 3d}}\n  classes: {program: [clamav]}\n", &asking);
    assert_true(holds(CLAMAV("true", ",\"date\":\"2026-11-23T00:00:00Z\""), OCCASION_MOVE, text));
    assert_false(holds(CLAMAV("true", ",\"date\":\"2026-11-20T00:00:00Z\""), OCCASION_MOVE, text));
    assert_non_null(strstr(text, "4 days old"));
    assert_false(holds(CLAMAV("true", ",\"date\":\"2026-11-20T00:00:00Z\""), OCCASION_JUDGE, text));
    assert_true(holds(CLAMAV("true", ",\"date\":\"2026-11-20T00:00:00Z\""), OCCASION_RUN, text));
    assert_false(holds(CLAMAV("true", ""), OCCASION_MOVE, text)); /* of an age that nobody knows */
    assert_non_null(strstr(text, "how old"));
}

static void a_gate_asks_where_the_policy_does(void **state)
{
    (void)state;
    arrived();
    scanned("PASSED", 0);
    struct verdict v = judged(GATE_INTAKE, NULL);
    passes(&v);
    for (size_t i = 0; i < v.count; i++)
        assert_string_not_equal(v.reasons[i].rule, "scanners");
    auto_buf text = BUF(65536);
    struct err e = {0};
    with_scanners("  engines: {clamav: {}}\n  classes: {program: [clamav]}\n", &text);
    ok(file_write(t.site->dir, POLICY_FILE, buf_span(&text), 0600, &e), &e);
    ok(policy_sign(t.site, &e), &e);
    v = judged(GATE_INTAKE, NULL);
    fails_for(&v, "scanners", "clamav");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_key_no_engine_is_asked),
        cmocka_unit_test(a_table_says_which_class_needs_which_engine),
        cmocka_unit_test(clamav_has_debians_socket_where_none_is_named),
        cmocka_unit_test(what_is_no_table_is_refused_with_its_line),
        cmocka_unit_test_setup_teardown(the_newest_scan_was_made_with_what_the_policy_asks_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_data_stop_a_pointer_and_no_engine_that_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_gate_asks_where_the_policy_does, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
