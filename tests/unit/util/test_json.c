/* JSON: strict when it is read, and what is written reads back as it was. */
#include "util/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/limits.h"

static struct err e;

static json_t *parse(const char *text)
{
    return json_parse(span_str(text), 100000, "test.json", &e);
}

static void what_is_not_one_strict_document_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1} x",
        "{\"a\":1}{}",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":'x'}",
        "[1,]",
        "\"text\"",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":{\"b\":1,\"b\":1}}",
        "{\"a\":\"\\u0000\"}",
        "nul",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        auto_json j = parse(bad[i]);
        if (j)
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(e.code, ERR_INPUT);
        assert_non_null(strstr(e.msg, "test.json"));
    }
}

static void a_document_over_the_cap_is_refused_before_it_is_read(void **state)
{
    (void)state;

    assert_null(json_parse(SPAN_LIT("not even JSON"), 5, "test.json", &e));

    assert_int_equal(e.code, ERR_LIMIT);
}

static void nesting_has_a_limit(void **state)
{
    (void)state;
    auto_buf deep = BUF(10000), too_deep = BUF(10000);
    for (unsigned i = 0; i < LIMIT_JSON_DEPTH + 10; i++) {
        buf_add_byte(&too_deep, '[');
        if (i < LIMIT_JSON_DEPTH - 1)
            buf_add_byte(&deep, '[');
    }
    for (unsigned i = 0; i < LIMIT_JSON_DEPTH + 10; i++) {
        buf_add_byte(&too_deep, ']');
        if (i < LIMIT_JSON_DEPTH - 1)
            buf_add_byte(&deep, ']');
    }
    auto_json fits = parse(buf_str(&deep));
    assert_non_null(fits);

    auto_json does_not = parse(buf_str(&too_deep));

    assert_null(does_not);
    assert_int_equal(e.code, ERR_LIMIT);
}

static void a_getter_names_the_place_and_what_it_found(void **state)
{
    (void)state;
    auto_json j = parse("{\"version\":\"1\",\"n\":-1,\"t\":\"yesterday\",\"d\":\"sha1:00\",\"o\":{},\"a\":[]}");
    uint64_t n;
    int64_t t;
    struct digest d;

    assert_int_equal(json_need_uint(j, "version", "/signed", &n, &e), -1);
    assert_non_null(strstr(e.msg, "/signed/version"));
    assert_non_null(strstr(e.msg, "found a string"));
    assert_int_equal(json_need_uint(j, "n", "", &n, &e), -1);
    assert_null(json_need_string(j, "missing", "", &e));
    assert_non_null(strstr(e.msg, "/missing"));
    assert_non_null(strstr(e.msg, "nothing"));
    assert_int_equal(json_need_time(j, "t", "", &t, &e), -1);
    assert_int_equal(json_need_digest(j, "d", "", &d, &e), -1);
    assert_null(json_need_array(j, "o", "", &e));
    assert_null(json_need_object(j, "a", "", &e));
    assert_non_null(json_need_object(j, "o", "", &e));
    assert_non_null(json_need_array(j, "a", "", &e));
    assert_string_equal(json_get_string(j, "n", "fallback"), "fallback");
}

static void an_unknown_member_is_named(void **state)
{
    (void)state;
    auto_json j = parse("{\"known\":1,\"surprise\":2}");
    static const char *const keys[] = {"known", NULL}, *const both[] = {"known", "surprise", NULL};

    assert_int_equal(json_only_keys(j, both, "", &e), 0);
    assert_int_equal(json_only_keys(j, keys, "", &e), -1);

    assert_non_null(strstr(e.msg, "surprise"));
}

static void the_writer_keeps_commas_and_order(void **state)
{
    (void)state;
    struct json_out w;
    auto_buf out = BUF(1000);
    struct digest d = digest_of(SPAN_LIT(""));

    json_out_init(&w, &out);
    json_out_object(&w);
    json_put_string(&w, "z", "last first");
    json_put_array(&w, "list");
    json_out_int(&w, -1);
    json_out_null(&w);
    json_out_object(&w);
    json_out_object_end(&w);
    json_out_array(&w);
    json_out_array_end(&w);
    json_out_array_end(&w);
    json_put_bool(&w, "yes", true);
    json_put_uint(&w, "n", UINT64_MAX);
    json_put_time(&w, "t", 0);
    json_out_key(&w, "x");
    json_out_double(&w, 1.5, 2);
    json_out_key(&w, "raw");
    json_out_raw(&w, SPAN_LIT("{\"a\": 1}"));
    json_put_digest(&w, "d", &d);
    json_out_object_end(&w);

    assert_string_equal(buf_str(&out),
                        "{\"z\":\"last first\",\"list\":[-1,null,{},[]],\"yes\":true,\"n\":18446744073709551615,"
                        "\"t\":\"1970-01-01T00:00:00Z\",\"x\":1.50,\"raw\":{\"a\": 1},"
                        "\"d\":\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}");
}

static void any_text_reads_back_as_it_was_written(void **state)
{
    (void)state;
    static const char text[] = "quote \" slash \\ / tab \t newline \n bell \a del \x7f umlaut \xc3\xbc "
                               "emoji \xf0\x9f\x98\x80 end";
    struct json_out w;
    auto_buf out = BUF(1000);
    json_out_init(&w, &out);
    json_out_object(&w);
    json_put_string(&w, "text", text);
    json_out_object_end(&w);

    auto_json j = parse(buf_str(&out));

    assert_non_null(j);
    assert_string_equal(json_need_string(j, "text", "", &e), text);
}

static void bytes_that_are_no_utf8_become_replacement_characters(void **state)
{
    (void)state;
    struct json_out w;
    auto_buf out = BUF(1000);
    json_out_init(&w, &out);

    json_out_span(&w, span_of("a\xff\xc0\x80z\xe2\x82", 7));

    assert_string_equal(buf_str(&out), "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void writing_too_deep_is_a_failure_and_not_an_overflow(void **state)
{
    (void)state;
    struct json_out w;
    auto_buf out = BUF(10000);
    json_out_init(&w, &out);

    for (unsigned i = 0; i < 200; i++)
        json_out_array(&w);
    for (unsigned i = 0; i < 300; i++)
        json_out_array_end(&w);

    assert_false(buf_ok(&out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_one_strict_document_is_refused),
        cmocka_unit_test(a_document_over_the_cap_is_refused_before_it_is_read),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(a_getter_names_the_place_and_what_it_found),
        cmocka_unit_test(an_unknown_member_is_named),
        cmocka_unit_test(the_writer_keeps_commas_and_order),
        cmocka_unit_test(any_text_reads_back_as_it_was_written),
        cmocka_unit_test(bytes_that_are_no_utf8_become_replacement_characters),
        cmocka_unit_test(writing_too_deep_is_a_failure_and_not_an_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
