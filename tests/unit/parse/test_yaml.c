/* Our YAML is a small part of YAML: one meaning a text. */
#include "parse/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct yaml *parse(const char *text, struct err *e)
{
    return yaml_parse(span_str(text), "file.yaml", e);
}

static void refused(const char *text, const char *message)
{
    struct err e = {0};
    struct yaml *y = parse(text, &e);
    if (y || !strstr(e.msg, message))
        print_message("# %s: \"%s\", wanted \"%s\"\n", text, e.msg, message);
    assert_null(y);
    assert_non_null(strstr(e.msg, message));
}

static void maps_lists_and_scalars_are_read_with_their_lines(void **state)
{
    (void)state;
    struct err e = {0};
    struct yaml *y = parse("name: one\nlist:\n  - a\n  - 'b c'\nblock: |\n  two\n  lines\n", &e);
    assert_non_null(y);

    assert_string_equal(yaml_get(y, "name")->text, "one");
    const struct yaml *list = yaml_get(y, "list");
    assert_int_equal(list->kind, YAML_LIST);
    assert_int_equal(list->count, 2);
    assert_false(list->items[0]->quoted);
    assert_true(list->items[1]->quoted);
    assert_string_equal(yaml_get(y, "block")->text, "two\nlines\n");
    assert_true(yaml_get(y, "block")->line >= 5);
    yaml_free(y);
}

static void an_empty_text_is_an_empty_map(void **state)
{
    (void)state;
    const char *const texts[] = {"", "# a comment\n", "---\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err e = {0};
        struct yaml *y = parse(texts[i], &e);
        assert_non_null(y);
        assert_int_equal(y->kind, YAML_MAP);
        assert_int_equal(y->count, 0);
        yaml_free(y);
    }
}

static void what_has_more_than_one_meaning_is_refused(void **state)
{
    (void)state;
    refused("a: 1\na: 2\n", "file.yaml:2");
    refused("a: &x 1\nb: *x\n", "anchor");
    refused("a: *x\n", "");
    refused("a: !!python/object/apply:os.system ['id']\n", "tag");
    refused("a: 1\n---\nb: 2\n", "second document");
    refused("\"a\": 1\n", "plain word");
    refused("? [a, b]\n: 1\n", "plain word");
    refused("<<: {a: 1}\n", "merge key");
    refused("%YAML 1.1\n---\na: 1\n", "directive");
    refused("a: \"x\\0y\"\n", "NUL");
    refused("a: \xff\n", "UTF-8");
    refused("a: [1, 2\n", "file.yaml");
}

static void depth_and_size_have_an_end(void **state)
{
    (void)state;
    auto_buf deep = BUF(1U << 20), wide = BUF(4U << 20);
    struct err e = {0};
    for (int i = 0; i < 100; i++)
        buf_add_str(&deep, "[");
    for (int i = 0; i < 150000; i++)
        buf_add_str(&wide, "- a\n");

    assert_null(yaml_parse(buf_span(&deep), "deep", &e));
    assert_int_equal(e.code, ERR_LIMIT);
    assert_null(yaml_parse(buf_span(&wide), "wide", &e));
    assert_int_equal(e.code, ERR_LIMIT);
}

static void an_unknown_key_names_line_and_the_nearest_known(void **state)
{
    (void)state;
    static const char *const keys[] = {"listen", "port", "passphrase-file", NULL};
    struct err e = {0};
    struct yaml *y = parse("listen: x\nprot: 8080\n", &e);
    assert_int_equal(yaml_only_keys(y, keys, "airlock.yaml", &e), -1);
    assert_non_null(strstr(e.msg, "airlock.yaml:2"));
    assert_non_null(strstr(e.msg, "\"prot\""));
    assert_non_null(strstr(e.msg, "did you mean \"port\""));
    yaml_free(y);
}

static void getters_say_what_they_wanted(void **state)
{
    (void)state;
    struct err e = {0};
    uint64_t n;
    bool b;
    const char *text;
    struct yaml *y = parse("n: 12\ns: 'true'\nb: true\nlist: []\nempty:\n", &e);

    assert_int_equal(yaml_uint_or(y, "n", 0, &n, "f", &e), 0);
    assert_int_equal(n, 12);
    assert_int_equal(yaml_uint_or(y, "absent", 7, &n, "f", &e), 0);
    assert_int_equal(n, 7);
    assert_int_equal(yaml_uint_or(y, "s", 0, &n, "f", &e), -1);
    assert_int_equal(yaml_bool_or(y, "b", false, &b, "f", &e), 0);
    assert_true(b);
    assert_int_equal(yaml_bool_or(y, "s", false, &b, "f", &e), -1);
    assert_int_equal(yaml_text_or(y, "list", "", &text, "f", &e), -1);
    assert_null(yaml_need_text(y, "empty", "f", &e));
    assert_null(yaml_need_text(y, "absent", "f", &e));
    assert_non_null(strstr(e.msg, "missing"));
    assert_null(yaml_need(y, "n", YAML_LIST, "f", &e));
    yaml_free(y);
}

static void sizes_and_durations_have_one_unit(void **state)
{
    (void)state;
    uint64_t n;
    assert_true(yaml_size("64M", &n) && n == 64U << 20);
    assert_true(yaml_size("4096", &n) && n == 4096);
    assert_true(yaml_size("2G", &n) && n == 2ULL << 30);
    assert_false(yaml_size("2g", &n) || yaml_size("", &n) || yaml_size("M", &n) || yaml_size("1.5G", &n));
    assert_false(yaml_size("99999999999999T", &n) || yaml_size("-1", &n) || yaml_size("07", &n));
    assert_true(yaml_duration("90d", &n) && n == 90 * 86400);
    assert_true(yaml_duration("12h", &n) && n == 12 * 3600);
    assert_false(yaml_duration("30", &n) || yaml_duration("3y", &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_lists_and_scalars_are_read_with_their_lines),
        cmocka_unit_test(an_empty_text_is_an_empty_map),
        cmocka_unit_test(what_has_more_than_one_meaning_is_refused),
        cmocka_unit_test(depth_and_size_have_an_end),
        cmocka_unit_test(an_unknown_key_names_line_and_the_nearest_known),
        cmocka_unit_test(getters_say_what_they_wanted),
        cmocka_unit_test(sizes_and_durations_have_one_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
