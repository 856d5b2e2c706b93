/* Request targets: decoded once, and refused when two programs could read them in two ways. */
#include "http/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_refused(const char *raw)
{
    struct http_target t;
    const char *why = NULL;
    if (target_parse(raw, &t, &why) == 0)
        fail_msg("%s was accepted as %s", raw, t.path);
    assert_non_null(why);
    target_fini(&t);
}

static void a_path_is_decoded_once(void **state)
{
    (void)state;
    struct http_target t;
    const char *why;

    assert_int_equal(target_parse("/v2/prod/a%20b%2541?n=1%26x&last=a+b&flag", &t, &why), 0);

    assert_string_equal(t.path, "/v2/prod/a b%41");
    assert_int_equal(t.query_count, 3);
    assert_string_equal(t.query[0].key, "n");
    assert_string_equal(t.query[0].value, "1&x");
    assert_string_equal(t.query[1].value, "a b");
    assert_string_equal(t.query[2].key, "flag");
    assert_string_equal(t.query[2].value, "");
    assert_null(t.authority);
    target_fini(&t);
}

static void the_last_segment_may_be_empty(void **state)
{
    (void)state;
    struct http_target t;
    const char *why;

    assert_int_equal(target_parse("/v2/", &t, &why), 0);
    target_fini(&t);
    assert_int_equal(target_parse("/", &t, &why), 0);
    target_fini(&t);
}

static void an_absolute_target_keeps_its_host_apart(void **state)
{
    (void)state;
    struct http_target t;
    const char *why;

    assert_int_equal(target_parse("HTTP://host:80/x", &t, &why), 0);

    assert_string_equal(t.authority, "host:80");
    assert_string_equal(t.path, "/x");
    target_fini(&t);
}

static void ambiguous_paths_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "*",
                                      "v1",
                                      "/a%00b",
                                      "/a%",
                                      "/a%4",
                                      "/a%zz",
                                      "/a%2f/b",
                                      "/%2f%2fb",
                                      "//a",
                                      "/a//b",
                                      "/./a",
                                      "/a/..",
                                      "/a/../b",
                                      "/%2e%2e/b",
                                      "/a/%2E/b",
                                      "/a\\b",
                                      "/a%5cb",
                                      "/a%0ab",
                                      "/a%7f",
                                      "/a%c0%af",
                                      "/a%e0%80%af",
                                      "/a%ed%a0%80",
                                      "/a#b",
                                      "/a?x=%",
                                      "/a?x=%0a",
                                      "/a?x=1&x=2&y=1&y=2",
                                      "/a/%2e.",
                                      "/a?x=%c0%80y",
                                      "/a%f4%90%80%80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused(bad[i]);
}

static void an_encoded_slash_is_for_the_route_to_take(void **state)
{
    (void)state;
    struct http_target t;
    const char *why;

    assert_int_equal(target_parse("/npm/prod/@a%2fb%2Fc", &t, &why), 0);

    assert_string_equal(t.path, "/npm/prod/@a/b/c");
    assert_int_equal(t.encoded_slash, strlen("/npm/prod/@a"));
    assert_string_equal(t.segments, "/npm/prod/@a\x01"
                                    "b\x01"
                                    "c");
    assert_true(target_slash_ok(&t, "/npm/"));
    assert_false(target_slash_ok(&t, NULL));
    target_fini(&t);

    assert_int_equal(target_parse("/npm%2Fprod/six", &t, &why), 0);
    assert_false(target_slash_ok(&t, "/npm/")); /* it would choose the route */
    target_fini(&t);

    assert_int_equal(target_parse("/hf/%61b%2F%25c/d?x=/", &t, &why), 0);
    assert_string_equal(t.path, "/hf/ab/%c/d");
    assert_string_equal(t.segments, "/hf/ab\x01%c/d");
    target_fini(&t);

    assert_int_equal(target_parse("/npm/prod/six", &t, &why), 0);
    assert_true(target_slash_ok(&t, NULL));
    assert_null(t.segments);
    target_fini(&t);

    assert_refused("/npm/@a%2f%2fb");
    assert_refused("/npm/@a%2f..");
    assert_refused("/npm/@a%2f%2e%2e%2fb");
    assert_refused("/npm/%2f");
}

static void a_parameter_twice_is_for_the_route_to_take(void **state)
{
    (void)state;
    struct http_target t;
    const char *why;

    assert_int_equal(target_parse("/v2/?tag=a&n=1&tag=b", &t, &why), 0);

    assert_int_equal(t.query_count, 3);
    assert_string_equal(t.repeated, "tag");
    assert_true(target_query_ok(&t, "tag"));
    assert_false(target_query_ok(&t, "n"));
    assert_false(target_query_ok(&t, NULL));
    target_fini(&t);
}

static void parameters_have_a_maximum(void **state)
{
    (void)state;
    char raw[256] = "/a?";
    for (int i = 0; i <= HTTP_QUERY_MAX; i++) {
        char one[8] = {(char)('a' + i), '=', '1', '&', 0};
        strncat(raw, one, sizeof(raw) - strlen(raw) - 1);
    }
    assert_refused(raw);
}

static void one_parameter_may_stand_twice_where_the_route_takes_that(void **state)
{
    struct http_target t;
    const char *why = NULL;
    (void)state;
    assert_int_equal(target_parse("/a?tag=x&n=1&tag=y", &t, &why), 0);
    assert_int_equal(t.query_count, 3);
    assert_true(target_query_ok(&t, "tag"));
    assert_false(target_query_ok(&t, NULL));
    assert_false(target_query_ok(&t, "n"));
    target_fini(&t);
    assert_int_equal(target_parse("/a?tag=x&n=1", &t, &why), 0);
    assert_true(target_query_ok(&t, NULL));
    target_fini(&t);
    assert_refused("/a?tag=x&n=1&tag=y&n=2");
}

static void a_host_is_a_host_and_a_port(void **state)
{
    (void)state;
    static const char *const good[] = {"localhost", "127.0.0.1:8080", "[::1]:80", "[::1]", "a-b.example:65535"};
    static const char *const bad[] = {"",     "a/b", "user@host", "a b", "host:",  "host:80x", "host:123456",
                                      "[::1", "[]",  "::1",       "a,b", "[::1]x", "host\t",   "a?b"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(target_authority_ok(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (target_authority_ok(bad[i]))
            fail_msg("\"%s\" was accepted", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_decoded_once),
        cmocka_unit_test(the_last_segment_may_be_empty),
        cmocka_unit_test(an_absolute_target_keeps_its_host_apart),
        cmocka_unit_test(ambiguous_paths_are_refused),
        cmocka_unit_test(an_encoded_slash_is_for_the_route_to_take),
        cmocka_unit_test(a_parameter_twice_is_for_the_route_to_take),
        cmocka_unit_test(parameters_have_a_maximum),
        cmocka_unit_test(one_parameter_may_stand_twice_where_the_route_takes_that),
        cmocka_unit_test(a_host_is_a_host_and_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
