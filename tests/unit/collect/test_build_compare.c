/* Two archives that should be the same: what differs first, in the order of what matters. */
#include "collect/build_compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ONE "{\"path\":\"a\",\"type\":\"file\",\"mode\":420,\"mtime\":1000,\"size\":1,\"sha256\":\"aa\"}"
#define TWO "{\"path\":\"b\",\"type\":\"file\",\"mode\":420,\"mtime\":1000,\"size\":1,\"sha256\":\"bb\"}"

static struct build_finding compare(const char *one, const char *two)
{
    char text[1024];
    struct err e = {0};
    struct build_finding f;
    snprintf(text, sizeof text, "{\"members\":[%s]}", one);
    auto_json a = json_parse(span_str(text), sizeof text, "a", &e);
    snprintf(text, sizeof text, "{\"members\":[%s]}", two);
    auto_json b = json_parse(span_str(text), sizeof text, "b", &e);
    assert_true(a && b);
    build_compare(a, b, &f);
    return f;
}

static void is(struct build_finding f, enum build_difference kind, const char *member, const char *words)
{
    if (f.kind != kind || !strstr(f.text, words))
        print_message("# %s: %s\n", build_difference_name(f.kind), f.text);
    assert_int_equal(f.kind, kind);
    assert_string_equal(f.member, member);
    assert_non_null(strstr(f.text, words));
}

static void a_member_that_only_one_has_is_named_first(void **state)
{
    (void)state;
    is(compare(ONE "," TWO, TWO), BUILD_CONTENT, "a", "a is only in the first");
    is(compare(ONE, ONE "," TWO), BUILD_CONTENT, "b", "b is only in the second");
}

static void other_bytes_weigh_more_than_an_earlier_member_s_mode(void **state)
{
    (void)state;
    is(compare(ONE "," TWO,
               "{\"path\":\"a\",\"type\":\"file\",\"mode\":384,\"mtime\":1000,\"size\":1,\"sha256\":\"aa\"},"
               "{\"path\":\"b\",\"type\":\"file\",\"mode\":420,\"mtime\":1000,\"size\":2,\"sha256\":\"cc\"}"),
       BUILD_CONTENT, "b", "b has other bytes: 1 and 2");
}

static void only_permissions_only_times_only_order_are_said_to_be_that(void **state)
{
    (void)state;
    is(compare(ONE, "{\"path\":\"a\",\"type\":\"file\",\"mode\":416,\"mtime\":2000,\"size\":1,\"sha256\":\"aa\"}"),
       BUILD_MODE, "a", "only permissions differ: a has 0644 and 0640");
    is(compare(ONE, "{\"path\":\"a\",\"type\":\"file\",\"mode\":420,\"mtime\":2000,\"size\":1,\"sha256\":\"aa\"}"),
       BUILD_TIME, "a", "only times differ: a is of 1970-01-01T00:16:40Z and of 1970-01-01T00:33:20Z");
    is(compare(ONE "," TWO, TWO "," ONE), BUILD_ORDER, "a", "only the order of the members differs: at place 1");
    is(compare(ONE "," TWO, ONE "," TWO), BUILD_BYTES, "", "every member is the same");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_that_only_one_has_is_named_first),
        cmocka_unit_test(other_bytes_weigh_more_than_an_earlier_member_s_mode),
        cmocka_unit_test(only_permissions_only_times_only_order_are_said_to_be_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
