/* TOML as lock files use it: one meaning a text, and nothing defined twice. */
#include "parse/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct toml *parse(const char *text)
{
    struct err e = {0};
    struct toml *t = toml_parse(span_str(text), "file.toml", &e);
    if (!t)
        print_message("# %s\n", e.msg);
    assert_non_null(t);
    return t;
}

static void refused(const char *text, const char *message)
{
    struct err e = {0};
    struct toml *t = toml_parse(span_str(text), "file.toml", &e);
    if (t || !strstr(e.msg, message))
        print_message("# %s: \"%s\", wanted \"%s\"\n", text, e.msg, message);
    assert_null(t);
    assert_non_null(strstr(e.msg, message));
}

static void tables_arrays_and_scalars_are_read_with_their_lines(void **state)
{
    (void)state;
    struct toml *t = parse("version = 1\n# c\n[[package]]\nname = \"a\"\nfiles = [\n  {file = 'x', n.m = 2},\n]\n"
                           "[package.source]\ntype = \"git\"\n[[package]]\nok = true\n");
    const struct toml *list = toml_get(t, "package", TOML_ARRAY);
    assert_int_equal(list->count, 2);
    assert_int_equal(list->items[0]->line, 3);
    assert_int_equal(list->items[1]->line, 10);
    assert_string_equal(toml_text(list->items[0], "name"), "a");
    assert_string_equal(toml_text(toml_get(list->items[0], "source", TOML_TABLE), "type"), "git");
    const struct toml *file = toml_get(list->items[0], "files", TOML_ARRAY)->items[0];
    assert_int_equal(file->line, 6);
    assert_string_equal(toml_get(toml_get(file, "n", TOML_TABLE), "m", TOML_NUMBER)->text, "2");
    assert_true(toml_true(list->items[1], "ok"));
    assert_null(toml_text(t, "version"));
    toml_free(t);
}

static void strings_are_decoded_in_all_four_forms(void **state)
{
    (void)state;
    struct toml *t = parse("a = \"\\u00e9\\t\\\"\"\nb = '\\n'\nc = \"\"\"\none \\\n   two\"\"\"\"\nd = '''\nx\n'''\n");
    assert_string_equal(toml_text(t, "a"), "\xc3\xa9\t\"");
    assert_string_equal(toml_text(t, "b"), "\\n");
    assert_string_equal(toml_text(t, "c"), "one two\"");
    assert_string_equal(toml_text(t, "d"), "x\n");
    toml_free(t);
}

static void what_is_defined_is_not_defined_again(void **state)
{
    (void)state;
    refused("a = 1\na = 2\n", "file.toml:2: \"a\" stands twice; it stood on line 1");
    refused("[a]\n[a]\n", "stands twice");
    refused("a.b = 1\n[a]\n", "stands twice");
    refused("a = {b = 1}\n[a.c]\n", "stands twice");
    refused("a = [1]\n[[a]]\n", "stands twice");
    refused("[[a]]\n[a]\n", "stands twice");
    refused("[a.b]\n[a]\nb.c = 1\n", "stands twice");
}

static void what_is_no_toml_is_refused_with_its_line(void **state)
{
    (void)state;
    refused("x\n", ":1: wanted =");
    refused("\na = \n", ":2: wanted a value");
    refused("a = 1 b = 2", "something more");
    refused("a = \"x\ny\"", "line end in a string");
    refused("a = \"\\ud800\"", "stands for no character");
    refused("a = \"\\u0000\"", "stands for no character");
    refused("a = 01", "wanted a value");
    refused("a = 1__0", "wanted a value");
    refused("a = {b = 1,}", "wanted a key");
    refused("a = [1 2]", "wanted , or ]");
    refused("[a", "wanted ]");
    refused("# \x01\n", "control character");
    refused("a = \xff", "UTF-8");
}

static void a_text_that_nests_too_deep_is_refused(void **state)
{
    char text[200];
    (void)state;
    memset(text, '[', sizeof text);
    memcpy(text, "a = ", 4);
    text[sizeof text - 1] = '\0';
    refused(text, "nested deeper");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_arrays_and_scalars_are_read_with_their_lines),
        cmocka_unit_test(strings_are_decoded_in_all_four_forms),
        cmocka_unit_test(what_is_defined_is_not_defined_again),
        cmocka_unit_test(what_is_no_toml_is_refused_with_its_line),
        cmocka_unit_test(a_text_that_nests_too_deep_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
