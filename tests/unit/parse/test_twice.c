/* Packages that hold a file twice, in any spelling: one reader takes the first and another the last, so that what was
 * looked at is not what is installed. And programs for other machines, which packages bring along. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "look.h"
#include "parse/package.h"

#define GOOD "{\"name\":\"hello\",\"version\":\"1.0.0\"}"
#define EVIL "{\"name\":\"hello\",\"version\":\"1.0.0\",\"scripts\":{\"postinstall\":\"x\"}}"

/* An npm package whose first package.json is GOOD, and another member behind it. */
static void npm_with(const char *second, const char *text, struct buf *out)
{
    auto_buf tar = BUF(1U << 20);
    tar_member(&tar, "package/package.json", '0', 0644, NULL, SPAN_LIT(GOOD));
    if (second)
        tar_member(&tar, second, '0', 0644, NULL, span_str(text));
    tar_end(&tar);
    gzip(out, buf_span(&tar));
}

/* As the op "package" looks at it. */
static json_t *looked_at(struct span file, const char *name)
{
    struct err e = {0};
    auto_buf arg = BUF(4096), reply = BUF(1U << 20);
    buf_printf(&arg, "{\"filename\":\"%s\"}", name);
    if (package_op(file, buf_span(&arg), &reply, &e) < 0)
        fail_msg("%s", e.msg);
    json_t *root = json_parse(buf_span(&reply), 1U << 20, "reply", &e);
    if (!root)
        fail_msg("%s", e.msg);
    return root;
}

static bool has_rule(const json_t *reply, const char *rule)
{
    const json_t *finding;
    size_t i;
    json_array_foreach(json_object_get(reply, "findings"), i,
                       finding) if (strcmp(json_get_string(finding, "rule", ""), rule) == 0) return true;
    return false;
}

static void an_npm_package_that_holds_its_document_once_is_clean(void **state)
{
    (void)state;
    auto_buf file = BUF(1U << 20);
    npm_with("package/index.js", "1\n", &file);
    auto_json reply = looked_at(buf_span(&file), "hello-1.0.0.tgz");
    assert_string_equal(json_get_string(reply, "verdict", ""), "clean");
}

static void a_second_document_of_an_npm_package_is_malicious_in_any_spelling(void **state)
{
    (void)state;
    static const char *const spellings[] = {"package/package.json", "package/./package.json", "package//package.json",
                                            "./package/package.json"};
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        auto_buf file = BUF(1U << 20);
        npm_with(spellings[i], EVIL, &file);
        auto_json reply = looked_at(buf_span(&file), "hello-1.0.0.tgz");
        assert_true(has_rule(reply, "tar-twice"));
        assert_string_equal(json_get_string(reply, "verdict", ""), "malicious");
    }
}

static void a_document_in_other_letters_is_a_finding(void **state)
{
    (void)state;
    auto_buf file = BUF(1U << 20);
    npm_with("package/Package.json", EVIL, &file);
    auto_json reply = looked_at(buf_span(&file), "hello-1.0.0.tgz");
    assert_true(has_rule(reply, "package-case"));
}

static void any_other_file_twice_is_one_too(void **state)
{
    (void)state;
    auto_buf file = BUF(1U << 20), tar = BUF(1U << 20);
    tar_member(&tar, "package/package.json", '0', 0644, NULL, SPAN_LIT(GOOD));
    tar_member(&tar, "package/a.js", '0', 0644, NULL, SPAN_LIT("1\n"));
    tar_member(&tar, "package/a.js", '0', 0644, NULL, SPAN_LIT("2\n"));
    tar_end(&tar);
    gzip(&file, buf_span(&tar));
    auto_json reply = looked_at(buf_span(&file), "hello-1.0.0.tgz");
    assert_true(has_rule(reply, "tar-twice"));
}

static void a_second_document_of_a_source_distribution_is_malicious(void **state)
{
    (void)state;
    static const char *const names[] = {"hello-1.0/PKG-INFO", "hello-1.0/./PKG-INFO", "hello-1.0/setup.py"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        auto_buf file = BUF(1U << 20), tar = BUF(1U << 20);
        static const char info[] = "Metadata-Version: 2.1\nName: hello\nVersion: 1.0\n";
        tar_member(&tar, "hello-1.0/PKG-INFO", '0', 0644, NULL, SPAN_LIT(info));
        tar_member(&tar, "hello-1.0/setup.py", '0', 0644, NULL, SPAN_LIT("pass\n"));
        tar_member(&tar, names[i], '0', 0644, NULL, SPAN_LIT("Name: evil\n"));
        tar_end(&tar);
        gzip(&file, buf_span(&tar));
        auto_json reply = looked_at(buf_span(&file), "hello-1.0.tar.gz");
        assert_true(has_rule(reply, "tar-twice"));
    }
}

/* ── programs for other machines ── */

static void put16be(struct buf *b, unsigned v)
{
    buf_add_byte(b, (uint8_t)(v >> 8));
    buf_add_byte(b, (uint8_t)v);
}

static void put32be(struct buf *b, unsigned v)
{
    put16be(b, v >> 16);
    put16be(b, v & 0xffff);
}

static void put64be(struct buf *b, unsigned v)
{
    put32be(b, 0);
    put32be(b, v);
}

/* A shared library of s390x: its header, and a stack that is not executable (or is). */
static void big_endian(struct buf *b, unsigned stack_flags)
{
    buf_add(b, "\177ELF\2\2\1\0\0\0\0\0\0\0\0\0", 16);
    put16be(b, 3);  /* ET_DYN */
    put16be(b, 22); /* EM_S390 */
    put32be(b, 1);
    put64be(b, 0);
    put64be(b, 64); /* program headers */
    put64be(b, 0);
    put32be(b, 0);
    put16be(b, 64);
    put16be(b, 56);
    put16be(b, 1);
    put16be(b, 64);
    put16be(b, 0);
    put16be(b, 0);
    put32be(b, 0x6474e551); /* PT_GNU_STACK */
    put32be(b, stack_flags);
    for (int i = 0; i < 6; i++)
        put64be(b, 0);
}

static void a_big_endian_program_is_read_like_any_other(void **state)
{
    (void)state;
    auto_buf good = BUF(4096), bad = BUF(4096);
    big_endian(&good, 6);
    big_endian(&bad, 7);
    auto_look clean = look_named(buf_span(&good), "libx.so");
    auto_look found = look_named(buf_span(&bad), "libx.so");
    assert_int_equal(clean.verdict, VERDICT_CLEAN);
    assert_true(look_has(&found, "elf-executable-stack"));
}

static void zeros_up_to_the_largest_page_are_padding_and_anything_else_is_not(void **state)
{
    (void)state;
    auto_buf padded = BUF(1U << 20), more = BUF(1U << 20), other = BUF(4096);
    big_endian(&padded, 6);
    big_endian(&more, 6);
    big_endian(&other, 6);
    for (int i = 0; i < 65536; i++)
        buf_add_byte(&padded, 0);
    for (int i = 0; i < 65537; i++)
        buf_add_byte(&more, 0);
    buf_add_byte(&other, 'x');
    auto_look clean = look_named(buf_span(&padded), "libx.so");
    auto_look long_tail = look_named(buf_span(&more), "libx.so");
    auto_look tail = look_named(buf_span(&other), "libx.so");
    assert_int_equal(clean.verdict, VERDICT_CLEAN);
    assert_true(look_has(&long_tail, "elf-trailing"));
    assert_true(look_has(&tail, "elf-trailing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_npm_package_that_holds_its_document_once_is_clean),
        cmocka_unit_test(a_second_document_of_an_npm_package_is_malicious_in_any_spelling),
        cmocka_unit_test(a_document_in_other_letters_is_a_finding),
        cmocka_unit_test(any_other_file_twice_is_one_too),
        cmocka_unit_test(a_second_document_of_a_source_distribution_is_malicious),
        cmocka_unit_test(a_big_endian_program_is_read_like_any_other),
        cmocka_unit_test(zeros_up_to_the_largest_page_are_padding_and_anything_else_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
