/* Accept: the most precise element that speaks of a media type says how well it is taken. */
#include "http/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define JSON "application/vnd.pypi.simple.v1+json"

static unsigned quality(const char *list, const char *media_type)
{
    struct accept_match m = {0};
    accept_look(span_str(list), media_type, &m);
    return m.quality;
}

static void what_is_not_named_is_not_taken(void **state)
{
    (void)state;
    assert_int_equal(quality("text/html", JSON), 0);
    assert_int_equal(quality("", JSON), 0);
    assert_int_equal(quality(",, ;q=1", JSON), 0);
    assert_int_equal(quality("application/vnd.pypi.simple.v1+jso", JSON), 0);
}

static void the_quality_is_read_in_thousandths(void **state)
{
    (void)state;
    const char *list = JSON ", text/html; q=0.01 ,a/b;q=0.125,a/c ; charset=utf-8 ; Q=0.5, a/d;q=1.000,a/e;q=0";
    assert_int_equal(quality(list, JSON), 1000);
    assert_int_equal(quality(list, "text/html"), 10);
    assert_int_equal(quality(list, "A/B"), 125);
    assert_int_equal(quality(list, "a/c"), 500);
    assert_int_equal(quality(list, "a/d"), 1000);
    assert_int_equal(quality(list, "a/e"), 0);
    assert_int_equal(quality("a/b;q=x, a/c;q=7", "a/b"), 1000);
    assert_int_equal(quality("a/b;q=x, a/c;q=7", "a/c"), 1000);
}

static void the_most_precise_element_counts(void **state)
{
    (void)state;
    assert_int_equal(quality("*/*;q=0.3, text/*;q=0.2, text/html;q=0.1", "text/html"), 100);
    assert_int_equal(quality("text/html;q=0, */*", "text/html"), 0);
    assert_int_equal(quality("*/*;q=0.3, text/*;q=0.2, text/html;q=0.1", "text/plain"), 200);
    assert_int_equal(quality("*/*;q=0.3, text/*;q=0.2, text/html;q=0.1", JSON), 300);
    assert_int_equal(quality("application/*", JSON), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_named_is_not_taken),
        cmocka_unit_test(the_quality_is_read_in_thousandths),
        cmocka_unit_test(the_most_precise_element_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
