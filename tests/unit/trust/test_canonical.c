/* Canonical JSON as TUF signs it (OLPC): one form for one document, against examples worked out by hand (threat
 * T8.52). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "parse/json_norm.h"
#include "parse/tuf.h"
#include "util/limits.h"

static void expect_canonical(const char *json, const char *canonical)
{
    struct err e = {0};
    auto_buf out = BUF(65536);
    auto_json value = json_parse(span_str(json), 65536, "test", &e);
    if (!value || tuf_canonical(value, &out, &e) < 0)
        fail_msg("%s: %s", json, e.msg);
    assert_string_equal(buf_str(&out), canonical);
    auto_json again = tuf_canonical_read(buf_span(&out), "test", &e);
    if (!again)
        fail_msg("%s: %s", canonical, e.msg);
    assert_true(json_equal(value, again));
}

static void T8_52_keys_are_sorted_and_white_space_falls_away(void **state)
{
    (void)state;
    expect_canonical(" { \"b\" : [ 1 , { } , null ] , \"a\" : true, \"B\":false, \"\":-5 } ",
                     "{\"\":-5,\"B\":false,\"a\":true,\"b\":[1,{},null]}");
    expect_canonical("[0,-0,9007199254740991,-9007199254740991]", "[0,0,9007199254740991,-9007199254740991]");
}

static void T8_52_only_quotation_marks_and_backslashes_are_escaped(void **state)
{
    (void)state;
    expect_canonical("[\"line1\\nline2 \\\"q\\\" \\\\ \\/ \\u0001\\t\\u007f\"]",
                     "[\"line1\nline2 \\\"q\\\" \\\\ / \x01\t\x7f\"]");
    expect_canonical("[\"\\u00e9 \\ud83d\\ude00\"]", "[\"\xc3\xa9 \xf0\x9f\x98\x80\"]");
}

/* U+FB33 sorts before U+1F600 by code point; in UTF-16, where D83D comes first, it would be behind. */
static void T8_52_keys_beyond_the_basic_plane_are_sorted_by_code_point(void **state)
{
    (void)state;
    expect_canonical("{\"\\ud83d\\ude00\":1,\"\\ufb33\":2,\"z\":3}",
                     "{\"z\":3,\"\xef\xac\xb3\":2,\"\xf0\x9f\x98\x80\":1}");
}

static void T7_46_numbers_that_readers_hold_differently_have_no_form(void **state)
{
    (void)state;
    static const char *const bad[] = {"[9007199254740992]", "[-9007199254740992]", "[1.0]", "[1e0]", "{\"a\":[0.5]}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        auto_buf out = BUF(65536);
        auto_json value = json_parse(span_str(bad[i]), 65536, "test", &e);
        assert_non_null(value);
        assert_int_equal(tuf_canonical(value, &out, &e), -1);
        assert_int_equal(e.code, ERR_INPUT);
    }
}

static void a_normal_form_keeps_the_document_and_refuses_what_is_none(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf out = BUF(65536);
    assert_int_equal(json_norm_op(SPAN_LIT(" {\"b\": [1, 2.5, \"\\u00e9\"], \"a\": {}}\n"), SPAN_LIT(""), &out, &e), 0);
    assert_string_equal(buf_str(&out), "{\"b\":[1,2.5,\"\xc3\xa9\"],\"a\":{}}");

    static const char *const bad[] = {"",      "1",    "\"a\"",      "{\"a\":1,\"a\":2}", "[1] x",
                                      "[NaN]", "[01]", "[\"\xff\"]", "[\"\\u0000\"]"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        buf_clear(&out);
        assert_int_equal(json_norm_op(span_str(bad[i]), SPAN_LIT(""), &out, &e), -1);
        assert_int_equal(e.code, ERR_INPUT);
    }
    assert_int_equal(json_norm_op(SPAN_LIT("[1,2,3]"), SPAN_LIT("6"), &out, &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
    assert_int_equal(json_norm_op(SPAN_LIT("[]"), SPAN_LIT("x"), &out, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(T8_52_keys_are_sorted_and_white_space_falls_away),
        cmocka_unit_test(T8_52_only_quotation_marks_and_backslashes_are_escaped),
        cmocka_unit_test(T8_52_keys_beyond_the_basic_plane_are_sorted_by_code_point),
        cmocka_unit_test(T7_46_numbers_that_readers_hold_differently_have_no_form),
        cmocka_unit_test(a_normal_form_keeps_the_document_and_refuses_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
