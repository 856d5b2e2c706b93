/* The subset of JSON Schema: what it understands it holds to, what it does not understand it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "contour/schema.h"

static json_t *parsed(const char *text)
{
    struct err e = {0};
    auto_buf wrapped = BUF(65536);
    buf_printf(&wrapped, "[%s]", text);
    json_t *list = json_parse(buf_span(&wrapped), 65536, "test", &e);
    if (!list)
        fail_msg("%s", e.msg);
    json_t *value = json_incref(json_array_get(list, 0));
    json_decref(list);
    return value;
}

/* "" when the value holds, else why not. */
static const char *holds(const char *schema_text, const char *value_text)
{
    static char why[1024];
    struct err e = {0};
    auto_buf out = BUF(1024);
    auto_json schema = parsed(schema_text);
    auto_json value = parsed(value_text);
    if (schema_check(schema, "", &e) < 0)
        fail_msg("%s", e.msg);
    int result = schema_holds(schema, value, "", &out, &e);
    if (result < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(result == 1, out.len == 0);
    snprintf(why, sizeof why, "%s", buf_str(&out));
    return why;
}

static void refused(const char *schema_text, const char *why)
{
    struct err e = {0};
    auto_json schema = parsed(schema_text);
    assert_int_equal(schema_check(schema, "", &e), -1);
    if (!strstr(e.msg, why))
        fail_msg("wanted \"%s\", found \"%s\"", why, e.msg);
}

static void types_are_held(void **state)
{
    (void)state;
    assert_string_equal(holds("{\"type\":\"integer\"}", "3"), "");
    assert_string_equal(holds("{\"type\":\"integer\"}", "3.0"), "");
    assert_string_equal(holds("{\"type\":\"number\"}", "3"), "");
    assert_string_equal(holds("{\"type\":\"integer\"}", "3.5"), "/: wanted integer, found number");
    assert_string_equal(holds("{\"type\":[\"string\",\"null\"]}", "null"), "");
    assert_non_null(strstr(holds("{\"type\":[\"string\",\"null\"]}", "[]"), "found array"));
}

static void objects_are_held_to_their_members(void **state)
{
    (void)state;
    const char *schema =
        "{\"type\":\"object\",\"required\":[\"city\"],\"additionalProperties\":false,"
        "\"properties\":{\"city\":{\"type\":\"string\",\"minLength\":2},\"size\":{\"minimum\":1,\"maximum\":10}}}";
    assert_string_equal(holds(schema, "{\"city\":\"Paris\",\"size\":2}"), "");
    assert_string_equal(holds(schema, "{\"size\":2}"), "/: \"city\" is missing");
    assert_string_equal(holds(schema, "{\"city\":\"Paris\",\"x\":1}"), "/: \"x\" is not wanted");
    assert_string_equal(holds(schema, "{\"city\":\"P\"}"), "/city: minLength is 2, found 1");
    assert_string_equal(holds(schema, "{\"city\":\"Paris\",\"size\":11}"), "/size: maximum is 10, found 11");
}

static void lists_are_held_item_by_item(void **state)
{
    (void)state;
    const char *schema = "{\"type\":\"array\",\"minItems\":1,\"maxItems\":2,\"items\":{\"enum\":[1,\"a\",null]}}";
    assert_string_equal(holds(schema, "[1.0,\"a\"]"), "");
    assert_string_equal(holds(schema, "[]"), "/: minItems is 1, found 0");
    assert_string_equal(holds(schema, "[1,\"b\"]"), "/1: none of the 3 values wanted");
}

static void patterns_and_constants_are_held(void **state)
{
    (void)state;
    assert_string_equal(holds("{\"pattern\":\"^P\"}", "\"Paris\""), "");
    assert_non_null(strstr(holds("{\"pattern\":\"^P\"}", "\"London\""), "does not match"));
    assert_string_equal(holds("{\"const\":true}", "true"), "");
    assert_non_null(strstr(holds("{\"const\":true}", "1"), "another value"));
}

static void lengths_are_counted_in_characters(void **state)
{
    (void)state;
    assert_string_equal(holds("{\"maxLength\":4}", "\"\u043c\u0438\u0440!\""), "");
}

static void a_keyword_that_is_not_understood_is_refused(void **state)
{
    (void)state;
    refused("{\"oneOf\":[]}", "unknown keyword \"oneOf\"");
    refused("{\"properties\":{\"a\":{\"$ref\":\"#\"}}}", "/properties/a: unknown keyword \"$ref\"");
    refused("{\"type\":\"text\"}", "wanted null, boolean");
    refused("{\"minLength\":-1}", "whole number");
    refused("{\"minimum\":\"1\"}", "a number");
    refused("{\"pattern\":\"(\"}", "no POSIX extended");
    refused("{\"items\":[]}", "wanted keywords and values");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_held),
        cmocka_unit_test(objects_are_held_to_their_members),
        cmocka_unit_test(lists_are_held_item_by_item),
        cmocka_unit_test(patterns_and_constants_are_held),
        cmocka_unit_test(lengths_are_counted_in_characters),
        cmocka_unit_test(a_keyword_that_is_not_understood_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
