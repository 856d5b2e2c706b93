/* YAML that is read in the parse process: what is rebuilt is what was read, and a reply that lies is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "parse/yaml_tree.h"
#include "util/limits.h"

static struct yaml *crossed(const char *text, struct err *e)
{
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    if (yaml_tree_op(span_str(text), SPAN_LIT("p.yaml"), &reply, e) < 0)
        return NULL;
    auto_json j = json_parse(buf_span(&reply), LIMIT_MESSAGE_BYTES, "reply", e);
    assert_non_null(j);
    return yaml_tree_read(j, e);
}

static void what_is_rebuilt_is_what_was_read(void **state)
{
    (void)state;
    struct err e = {0};
    struct yaml *y = crossed("a: x\nb:\n  - 'q'\n  - {c: 30d, d: []}\n", &e);
    assert_non_null(y);
    assert_int_equal(y->kind, YAML_MAP);
    assert_string_equal(yaml_get(y, "a")->text, "x");
    const struct yaml *list = yaml_get(y, "b");
    assert_int_equal(list->kind, YAML_LIST);
    assert_int_equal(list->count, 2);
    assert_true(list->items[0]->quoted);
    assert_int_equal(list->items[1]->line, 4);
    assert_string_equal(yaml_get(list->items[1], "c")->text, "30d");
    assert_int_equal(yaml_get(list->items[1], "d")->count, 0);
    yaml_free(y);
}

static void what_is_refused_names_the_line(void **state)
{
    (void)state;
    struct err e = {0};
    assert_null(crossed("a: 1\nb: *a\n", &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "p.yaml:2"));
}

static void a_reply_that_lies_is_refused(void **state)
{
    (void)state;
    static const char *const replies[] = {
        "{}",
        "{\"nodes\": []}",
        "{\"nodes\": [1]}",
        "{\"nodes\": [{\"text\": \"a\"}]}",
        "{\"nodes\": [{\"line\": 1}]}",
        "{\"nodes\": [{\"line\": 1, \"list\": 4000000000}]}",
        "{\"nodes\": [{\"line\": 1, \"list\": 1}]}",
        "{\"nodes\": [{\"line\": 1, \"map\": [\"a\"]}]}",
        "{\"nodes\": [{\"line\": 1, \"map\": [1]}, {\"line\": 1, \"text\": \"a\"}]}",
        "{\"nodes\": [{\"line\": 1, \"map\": {}}]}",
        "{\"nodes\": [{\"line\": 1, \"text\": \"a\"}, {\"line\": 1, \"text\": \"b\"}]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct err e = {0};
        auto_json j = json_parse(span_str(replies[i]), 4096, "reply", &e);
        assert_non_null(j);
        assert_null(yaml_tree_read(j, &e));
        assert_int_equal(e.code, ERR_INPUT);
    }
}

static void a_reply_as_deep_as_a_well_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    auto_json j = json_pack("{s:[]}", "nodes");
    for (unsigned i = 0; i < 1000; i++)
        json_array_append_new(json_object_get(j, "nodes"), json_pack("{s:i, s:i}", "line", 1, "list", i < 999));
    assert_null(yaml_tree_read(j, &e));
    assert_non_null(strstr(e.msg, "too deep"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_rebuilt_is_what_was_read),
        cmocka_unit_test(what_is_refused_names_the_line),
        cmocka_unit_test(a_reply_that_lies_is_refused),
        cmocka_unit_test(a_reply_as_deep_as_a_well_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
