/* The policy: what is in force is what was signed last, and it never asks for less than the floor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "contour.h"
#include "parse/advisory_row.h"
#include "util/limits.h"

static struct test_contour t;

static int set_up(void **state)
{
    (void)state;
    contour_make(&t);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    contour_remove(&t);
    return 0;
}

static void write_policy(const char *text)
{
    struct err e = {0};
    assert_int_equal(file_write(t.site->dir, POLICY_FILE, span_str(text), 0600, &e), 0);
}

/* The default with one text put in the place of another. */
static void default_with(const char *old, const char *new, struct buf *out)
{
    const char *at = strstr(POLICY_DEFAULT, old);
    assert_non_null(at);
    buf_add(out, POLICY_DEFAULT, (size_t)(at - POLICY_DEFAULT));
    buf_add_str(out, new);
    buf_add_str(out, at + strlen(old));
}

static void refused(const char *old, const char *new, const char *why)
{
    struct policy p;
    struct err e = {0};
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    default_with(old, new, &text);
    assert_int_equal(policy_parse(buf_span(&text), POLICY_FILE, &p, &e), -1);
    if (e.code != ERR_INPUT || !strstr(e.msg, why))
        fail_msg("wanted \"%s\", found \"%s\"", why, e.msg);
}

static void the_default_asks_for_what_the_table_says(void **state)
{
    (void)state;
    struct policy p;
    struct err e = {0};
    assert_int_equal(policy_parse(span_str(POLICY_DEFAULT), POLICY_FILE, &p, &e), 0);
    const struct policy_environment *prod = policy_environment(&p, "prod", &e);
    assert_string_equal(prod->before, "test");
    assert_true(prod->require & 1U << REQUIRE_SILENCE && prod->require & 1U << REQUIRE_TEST);
    assert_true(prod->require & 1U << REQUIRE_APPROVALS && prod->require & 1U << REQUIRE_REQUEST);
    assert_int_equal(prod->approval_count, 2);
    assert_int_equal(prod->approvals[0], ROLE_SECURITY_OFFICER);
    assert_int_equal(prod->approvals[1], ROLE_PRODUCT_OWNER);
    assert_int_equal(prod->scan_age_s, 30 * 86400);
    assert_null(policy_environment(&p, "staging", &e));
    assert_int_equal(e.code, ERR_USAGE);
}

static void no_policy_asks_for_less_than_the_floor(void **state)
{
    (void)state;
    refused("test, silence, request", "test, request", "prod must ask for silence");
    refused("silence, request, approvals]", "silence, approvals]", "prod must ask for request");
    refused("[security-officer, product-owner]", "[product-owner]", "approval of a security-officer");
    refused("require: [stood-before, scan]\n", "require: [scan]\n", "test must ask for stood-before");
    refused("[station-signature, provenance, sbom, scan]", "[provenance, sbom, scan]", "station-signature");
}

static void a_policy_may_ask_for_more(void **state)
{
    (void)state;
    struct policy p;
    struct err e = {0};
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    default_with("[security-officer, product-owner]", "[security-officer, security-officer, product-owner]", &text);
    assert_int_equal(policy_parse(buf_span(&text), POLICY_FILE, &p, &e), 0);
    assert_int_equal(p.environments[POLICY_PROD].approval_count, 3);
}

static void what_is_not_understood_is_refused_with_its_line(void **state)
{
    (void)state;
    refused("scan-max-age: 30d\n\n  # No gate", "scan-age: 30d\n\n  # No gate", "scan-age");
    refused("[stood-before, scan]", "[stood-before, scan, scan]", "stands twice");
    refused("[stood-before, scan]", "[stood-before, scan, luck]", "luck");
    refused("scan-max-age: 30d\n\n  # No gate", "scan-max-age: soon\n\n  # No gate", "no length of time");
    refused("airlock/policy/1", "airlock/policy/2", "wanted airlock/policy/1");
    refused("[security-officer, product-owner]", "[security-officer, product-owner, administrator]", "never approves");
    refused("  # Gate trust", "  staging:\n    require: [scan]\n  # Gate trust", "staging");
}

static void what_blocks_and_what_may_pass_has_a_floor(void **state)
{
    (void)state;
    struct policy p;
    struct err e = {0};
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    default_with("environments:\n",
                 "advisories: {block: [medium], min-records: 1000, max-age: 7d}\n"
                 "waivers: {longest: 30d, warn: 3d, ended: stop, critical: [sandbox]}\nenvironments:\n",
                 &text);
    assert_int_equal(policy_parse(buf_span(&text), POLICY_FILE, &p, &e), 0);
    assert_int_equal(p.findings.block, 1U << ADVISORY_MEDIUM | 1U << ADVISORY_CRITICAL);
    assert_int_equal(p.findings.advisories_least, 1000);
    assert_int_equal(p.findings.advisories_age_s, 7 * 86400);
    assert_int_equal(p.findings.waiver_longest_s, 30 * 86400);
    assert_true(p.findings.waiver_end_stops);
    assert_int_equal(p.findings.critical, 1U << POLICY_SANDBOX);
    refused("environments:\n", "waivers: {critical: [prod]}\nenvironments:\n", "in prod nothing critical");
    refused("environments:\n", "waivers: {longest: 400d}\nenvironments:\n", "at most 366d");
    refused("environments:\n", "waivers: {ended: perhaps}\nenvironments:\n", "wanted keep");
    refused("environments:\n", "waivers: {who: anybody}\nenvironments:\n", "who");
    refused("environments:\n", "advisories: {block: [none]}\nenvironments:\n", "wanted critical, high");
}

/* The line is that of the last line of *text: where the value stands, not the map around it. */
static void refused_at_the_end(const char *more, const char *why)
{
    struct policy p;
    struct err e = {0};
    char at[64];
    unsigned line = 0;
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    buf_printf(&text, "%s%s\n", POLICY_DEFAULT, more);
    for (const char *c = buf_str(&text); *c; c++)
        line += *c == '\n';
    assert_int_equal(policy_parse(buf_span(&text), POLICY_FILE, &p, &e), -1);
    snprintf(at, sizeof at, POLICY_FILE ":%u: ", line);
    if (strncmp(e.msg, at, strlen(at)) != 0 || !strstr(e.msg, why))
        fail_msg("wanted \"%s%s\", found \"%s\"", at, why, e.msg);
}

static void an_error_names_the_line_of_the_value(void **state)
{
    (void)state;
    refused("scan-max-age: 30d\n    # One", "scan-max-age: soon\n    # One", POLICY_FILE ":28: scan-max-age: \"soon\"");
    refused("approval-max-age: 30d", "approval-max-age: never", POLICY_FILE ":32: approval-max-age");
    refused("approval-max-age: 30d", "approval-max-age: 91d",
            POLICY_FILE ":32: approval-max-age: \"91d\" is too long; wanted at most 90d");
    refused("test, silence, request", "test, request", POLICY_FILE ":27: prod must ask for silence");
    refused("[security-officer, product-owner]", "[product-owner]", POLICY_FILE ":30: prod must ask for the approval");
    refused_at_the_end("advisories:\n  block: [high]\n  max-age: soon", "max-age");
    refused_at_the_end("waivers:\n  longest: 30d\n  ended: maybe", "wanted keep");
    refused_at_the_end("licences:\n  deny: [MIT]\n  unknown: maybe", "wanted block or remark");
    refused_at_the_end("scanners:\n  classes: {program: [clamav]}\n  engines:\n    clamav:\n      max-age: 7d\n"
                       "      socket: relative",
                       "wanted a path");
    refused_at_the_end("scanners:\n  classes: {}\n  engines:\n    yara: {rules: /r}", "no class asks for it");
    refused_at_the_end("scanners:\n  engines: {}\n  classes: {program: [clamav]}", "does not say where");
    refused_at_the_end("scanners:\n  engines:\n    clamav: {}\n    yara: 1", "engines: wanted for example");
    refused_at_the_end("examples:\n  - name: x\n    environment: moon", "wanted sandbox");
    refused_at_the_end("examples:\n  - name: x\n    environment: prod\n    expect: passes\n    finding: odd",
                       "wanted low");
    refused_at_the_end("examples:\n  - name: x\n    environment: prod\n    without: scan\n    expect: odd",
                       "wanted passes");
    refused_at_the_end("examples:\n  - name: x\n    environment: prod\n    expect: blocks\n    without: luck",
                       "nothing that");
    refused_at_the_end("examples:\n  - name: x\n    environment: prod\n    expect: blocks\n    waiver: long",
                       "no length of time");
    refused_at_the_end("examples:\n  - name: x\n    environment: prod\n    expect: blocks\n    licence: odd",
                       "no expression");
    refused_at_the_end("examples:\n  - name: x\n    environment: prod\n    expect: blocks\n    of: models",
                       "beside licence only");
}

static void bounds_that_bound_nothing_are_refused(void **state)
{
    struct policy p;
    struct err e = {0};
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    (void)state;
    refused("scan-max-age: 30d\n    # One", "scan-max-age: 99999d\n    # One",
            ":28: scan-max-age: \"99999d\" is too long; wanted at most 366d");
    refused_at_the_end("advisories:\n  max-age: 99999d", "at most 366d");
    refused_at_the_end("advisories:\n  min-records: 0", "at least 1");
    refused_at_the_end("waivers:\n  warn: 367d", "at most 366d");
    refused_at_the_end(
        "scanners:\n  classes: {program: [yara]}\n  engines:\n    yara:\n      rules: /r\n      max-age: 367d",
        "at most 366d");
    buf_printf(&text, "%sadvisories: {max-age: 366d, min-records: 1}\nwaivers: {longest: 366d}\n", POLICY_DEFAULT);
    assert_int_equal(policy_parse(buf_span(&text), POLICY_FILE, &p, &e), 0);
}

static void a_policy_is_in_force_only_when_signed(void **state)
{
    (void)state;
    struct policy p;
    struct err e = {0};
    write_policy(POLICY_DEFAULT);
    assert_false(policy_exists(t.site));
    assert_int_equal(policy_load(t.site, &p, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
    assert_int_equal(policy_sign(t.site, &e), 0);
    assert_true(policy_exists(t.site));
    assert_int_equal(policy_load(t.site, &p, &e), 0);
    struct digest d = digest_of(span_str(POLICY_DEFAULT));
    assert_true(digest_equal(&p.digest, &d));
}

static void a_text_that_was_changed_after_signing_is_no_policy(void **state)
{
    (void)state;
    struct policy p;
    struct err e = {0};
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    assert_int_equal(policy_install(t.site, &e), 0);
    default_with("approval-max-age: 30d", "approval-max-age: 90d", &text);
    write_policy(buf_str(&text));
    assert_int_equal(policy_load(t.site, &p, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
}

static void an_older_signed_policy_does_not_come_back(void **state)
{
    (void)state;
    struct policy p;
    struct err e = {0};
    auto_buf newer = BUF(LIMIT_YAML_BYTES), signature = BUF(LIMIT_YAML_BYTES);
    /* given: one policy, its signature kept, then another signed after it */
    assert_int_equal(policy_install(t.site, &e), 0);
    assert_int_equal(file_read(t.site->dir, POLICY_SIGNATURE, &signature, &e), 0);
    default_with("approval-max-age: 30d", "approval-max-age: 7d", &newer);
    write_policy(buf_str(&newer));
    assert_int_equal(policy_sign(t.site, &e), 0);
    assert_int_equal(policy_load(t.site, &p, &e), 0);
    /* when: the old text and the old signature are put back */
    write_policy(POLICY_DEFAULT);
    assert_int_equal(file_write(t.site->dir, POLICY_SIGNATURE, buf_span(&signature), 0600, &e), 0);
    /* then */
    assert_int_equal(policy_load(t.site, &p, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
    assert_non_null(strstr(e.msg, "another one was signed after it"));
}

static void a_signature_by_another_key_is_none(void **state)
{
    (void)state;
    struct policy p;
    struct err e = {0};
    auto_buf envelope = BUF(LIMIT_YAML_BYTES);
    assert_int_equal(policy_install(t.site, &e), 0);
    struct private_key *mallory = private_key_new(KEY_P256, &e);
    assert_int_equal(dsse_sign(POLICY_TYPE, span_str(POLICY_DEFAULT), mallory, &envelope, &e), 0);
    private_key_free(mallory);
    assert_int_equal(file_write(t.site->dir, POLICY_SIGNATURE, buf_span(&envelope), 0600, &e), 0);
    assert_int_equal(policy_load(t.site, &p, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
}

static void signing_again_is_fine_and_a_bad_text_is_never_signed(void **state)
{
    (void)state;
    struct policy p;
    struct err e = {0};
    assert_int_equal(policy_install(t.site, &e), 0);
    assert_int_equal(policy_sign(t.site, &e), 0);
    write_policy("schema: airlock/policy/1\nenvironments: {}\n");
    assert_int_equal(policy_sign(t.site, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    write_policy(POLICY_DEFAULT);
    assert_int_equal(policy_load(t.site, &p, &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_asks_for_what_the_table_says),
        cmocka_unit_test(no_policy_asks_for_less_than_the_floor),
        cmocka_unit_test(a_policy_may_ask_for_more),
        cmocka_unit_test(what_is_not_understood_is_refused_with_its_line),
        cmocka_unit_test(what_blocks_and_what_may_pass_has_a_floor),
        cmocka_unit_test(an_error_names_the_line_of_the_value),
        cmocka_unit_test(bounds_that_bound_nothing_are_refused),
        cmocka_unit_test_setup_teardown(a_policy_is_in_force_only_when_signed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_text_that_was_changed_after_signing_is_no_policy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_older_signed_policy_does_not_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signature_by_another_key_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signing_again_is_fine_and_a_bad_text_is_never_signed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
