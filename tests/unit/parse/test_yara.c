/* YARA rules: what a set says is found, at its place and with its weight; what is no set is refused with its line; what
 * was broken off is no answer. */
#include "parse/yara_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/digest.h"

static void add(struct buf *bundle, const char *name, const char *text)
{
    buf_add_be32(bundle, (uint32_t)strlen(name));
    buf_add_be32(bundle, (uint32_t)strlen(text));
    buf_add_str(bundle, name);
    buf_add_str(bundle, text);
}

static void close_rules(struct yara_rules **y)
{
    yara_rules_free(*y);
}

#define auto_rules AUTO(close_rules) struct yara_rules *

static struct yara_rules *compile(const char *text)
{
    auto_buf bundle = BUF(LIMIT_YARA_BYTES);
    struct err e = {0};
    add(&bundle, "own.yar", text);
    struct yara_rules *y = yara_rules_compile(buf_span(&bundle), &e);
    if (!y)
        print_message("# %s\n", e.msg);
    assert_non_null(y);
    return y;
}

static void refused(const char *text, const char *why)
{
    auto_buf bundle = BUF(LIMIT_YARA_BYTES);
    struct err e = {0};
    add(&bundle, "own.yar", text);
    assert_null(yara_rules_compile(buf_span(&bundle), &e));
    if (!strstr(e.msg, why))
        print_message("# \"%s\" has no \"%s\"\n", e.msg, why);
    assert_non_null(strstr(e.msg, why));
}

/* What the rules say of some bytes. */
static void look(const char *rules, struct span file, struct report *r)
{
    auto_rules y = compile(rules);
    report_init(r, "text");
    yara_rules_check(y, file, r);
}

static void a_rule_that_hits_is_a_finding_at_its_place(void **state)
{
    (void)state;
    auto_report r = {0};
    look("rule Worm { meta: description = \"a worm\" strings: $a = \"wriggle\" condition: $a }",
         SPAN_LIT("they wriggle and wriggle"), &r);
    assert_int_equal(r.verdict, VERDICT_SUSPICIOUS);
    assert_int_equal(r.findings, 1);
    assert_non_null(strstr(buf_str(&r.findings_json), "\"yara:Worm\""));
    assert_non_null(strstr(buf_str(&r.findings_json), "\"byte 5\""));
    assert_non_null(strstr(buf_str(&r.findings_json), "a worm (own.yar)"));
}

static void a_file_that_no_rule_hits_stays_clean(void **state)
{
    (void)state;
    auto_report r = {0};
    look("rule Worm { strings: $a = \"wriggle\" condition: $a }", SPAN_LIT("they walk"), &r);
    assert_int_equal(r.verdict, VERDICT_CLEAN);
    assert_int_equal(r.findings, 0);
}

static void an_empty_file_is_looked_at(void **state)
{
    (void)state;
    auto_report r = {0};
    look("rule Nothing { condition: filesize == 0 }", span_of(NULL, 0), &r);
    assert_int_equal(r.findings, 1);
}

static void the_weight_is_what_the_rule_says(void **state)
{
    static const struct {
        const char *meta;
        enum verdict verdict;
        const char *severity;
    } cases[] = {
        {"severity = \"critical\"", VERDICT_MALICIOUS, "critical"},
        {"severity = \"Medium\"", VERDICT_SUSPICIOUS, "medium"},
        {"severity = \"low\"", VERDICT_CLEAN, "low"},
        {"severity = \"info\"", VERDICT_CLEAN, "info"},
        {"severity = \"whatever\"", VERDICT_SUSPICIOUS, "high"},
        {"score = 95", VERDICT_MALICIOUS, "critical"},
        {"score = 75", VERDICT_SUSPICIOUS, "high"},
        {"score = 40", VERDICT_SUSPICIOUS, "medium"},
        {"score = 10", VERDICT_CLEAN, "low"},
        {"score = 10 severity = \"critical\"", VERDICT_MALICIOUS, "critical"},
        {"author = \"nobody\"", VERDICT_SUSPICIOUS, "high"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char rule[200], wanted[40];
        auto_report r = {0};
        snprintf(rule, sizeof rule, "rule R { meta: %s condition: true }", cases[i].meta);
        snprintf(wanted, sizeof wanted, "\"severity\":\"%s\"", cases[i].severity);
        look(rule, SPAN_LIT("x"), &r);
        assert_int_equal(r.verdict, cases[i].verdict);
        assert_non_null(strstr(buf_str(&r.findings_json), wanted));
    }
}

static void a_private_rule_is_not_reported(void **state)
{
    (void)state;
    auto_report r = {0};
    look("private rule Part { condition: true } rule Whole { condition: Part }", SPAN_LIT("x"), &r);
    assert_int_equal(r.findings, 1);
    assert_non_null(strstr(buf_str(&r.findings_json), "yara:Whole"));
}

static void several_files_are_one_set_and_may_use_the_same_names(void **state)
{
    (void)state;
    auto_buf bundle = BUF(LIMIT_YARA_BYTES);
    auto_report r = {0};
    struct err e = {0};
    add(&bundle, "a.yar", "rule Same { condition: true }");
    add(&bundle, "b.yara", "rule Same { condition: true }");
    auto_rules y = yara_rules_compile(buf_span(&bundle), &e);
    assert_non_null(y);
    assert_int_equal(yara_rules_count(y), 2);
    report_init(&r, "text");
    yara_rules_check(y, SPAN_LIT("x"), &r);
    assert_int_equal(r.findings, 2);
}

static void a_broken_rule_is_refused_with_its_line(void **state)
{
    (void)state;
    refused("rule A { condition: true }\n\nrule B { condition: nonsense }\n", "own.yar:3: ");
    refused("rule A { strings: $a = /(/ condition: $a }", "own.yar:1: ");
    refused("rule A {", "own.yar:its end: ");
    refused("", "no rule");
    refused("// nothing\n", "no rule");
}

static void an_include_is_refused(void **state)
{
    (void)state;
    refused("\ninclude \"/etc/passwd\"\nrule A { condition: true }\n", "own.yar:2: ");
}

static void a_module_that_wants_more_than_the_bytes_is_refused(void **state)
{
    static const char *const modules[] = {"magic", "cuckoo", "time", "console", "dotnet", "nothing"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
        char rule[200];
        snprintf(rule, sizeof rule, "rule A { condition: true }\nimport \"%s\"\nrule B { condition: true }",
                 modules[i]);
        refused(rule, "own.yar:2: ");
    }
}

static void a_module_is_refused_however_the_import_is_written(void **state)
{
    (void)state;
    refused("/* import */ import\n/* so */ \"time\"\nrule A { condition: time.now() > 0 }", "\"time\" may not");
}

static void modules_that_only_look_at_the_bytes_may_be_imported(void **state)
{
    (void)state;
    auto_report r = {0};
    look("import \"hash\" import \"math\" import \"elf\" import \"pe\"\n"
         "rule H { condition: hash.md5(0, filesize) == \"9dd4e461268c8034f5c8564e155c67a6\" and not pe.is_pe }",
         SPAN_LIT("x"), &r);
    assert_int_equal(r.findings, 1);
}

static void an_external_variable_is_refused(void **state)
{
    (void)state;
    refused("rule A { condition: filename == \"x\" }", "own.yar:1: ");
}

static void too_many_hits_are_no_answer(void **state)
{
    (void)state;
    auto_buf file = BUF(8U << 20);
    auto_report r = {0};
    memset(buf_room(&file, 4U << 20), 'a', 4U << 20);
    buf_grown(&file, 4U << 20);
    look("rule Many { strings: $a = \"aa\" condition: #a > 100000000 }", buf_span(&file), &r);
    assert_int_equal(r.verdict, VERDICT_NOT_SCANNED);
    assert_non_null(strstr(buf_str(&r.findings_json), "yara-limit"));
}

static void a_bundle_that_ends_in_a_file_is_refused(void **state)
{
    (void)state;
    auto_buf bundle = BUF(LIMIT_YARA_BYTES);
    struct err e = {0};
    add(&bundle, "a.yar", "rule A { condition: true }");
    assert_null(yara_rules_compile(span_of(bundle.ptr, bundle.len - 1), &e));
    assert_null(yara_rules_compile(SPAN_LIT(""), &e));
    buf_clear(&bundle);
    add(&bundle, "a\nb.yar", "rule A { condition: true }");
    assert_null(yara_rules_compile(buf_span(&bundle), &e));
    buf_clear(&bundle);
    buf_add_be32(&bundle, 1);
    buf_add_be32(&bundle, 3);
    buf_add(&bundle, "arx\0", 4);
    assert_null(yara_rules_compile(buf_span(&bundle), &e));
}

static void the_operation_keeps_the_set_by_its_digest(void **state)
{
    (void)state;
    auto_buf bundle = BUF(LIMIT_YARA_BYTES), reply = BUF(4096);
    struct err e = {0};
    add(&bundle, "a.yar", "rule A { condition: true }");
    assert_int_equal(yara_rules_op(buf_span(&bundle), SPAN_LIT(""), &reply, &e), 0);
    struct digest id = digest_of(buf_span(&bundle)), other = digest_of(SPAN_LIT(""));
    assert_non_null(strstr(buf_str(&reply), digest_hex(&id).text));
    assert_non_null(yara_rules_kept(&id));
    assert_null(yara_rules_kept(&other));
    buf_clear(&reply);
    assert_int_equal(yara_rules_op(SPAN_LIT("nonsense"), SPAN_LIT(""), &reply, &e), -1);
    assert_non_null(yara_rules_kept(&id)); /* a set that cannot be read takes no other's place */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_that_hits_is_a_finding_at_its_place),
        cmocka_unit_test(a_file_that_no_rule_hits_stays_clean),
        cmocka_unit_test(an_empty_file_is_looked_at),
        cmocka_unit_test(the_weight_is_what_the_rule_says),
        cmocka_unit_test(a_private_rule_is_not_reported),
        cmocka_unit_test(several_files_are_one_set_and_may_use_the_same_names),
        cmocka_unit_test(a_broken_rule_is_refused_with_its_line),
        cmocka_unit_test(an_include_is_refused),
        cmocka_unit_test(a_module_that_wants_more_than_the_bytes_is_refused),
        cmocka_unit_test(a_module_is_refused_however_the_import_is_written),
        cmocka_unit_test(modules_that_only_look_at_the_bytes_may_be_imported),
        cmocka_unit_test(an_external_variable_is_refused),
        cmocka_unit_test(too_many_hits_are_no_answer),
        cmocka_unit_test(a_bundle_that_ends_in_a_file_is_refused),
        cmocka_unit_test(the_operation_keeps_the_set_by_its_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
