/* Patterns over a model's answer: bounded in size, time and memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "contour/pattern.h"
#include "util/buf.h"

static void a_pattern_is_found_anywhere_in_the_text(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(pattern_search("Par[iy]s", "The capital is Paris.", &e), 1);
    assert_int_equal(pattern_search("^Paris", "The capital is Paris.", &e), 0);
    assert_int_equal(pattern_search("^[0-9]{3}-[0-9]{2}$", "123-45", &e), 1);
}

static void a_malformed_pattern_is_named(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(pattern_check("a(b", &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "a(b"));
}

static void what_multiplies_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(pattern_check("(a)\\1", &e), -1);
    assert_int_equal(pattern_check("a{1000}", &e), -1);
    assert_int_equal(pattern_check("a{,5}x{", &e), -1);
    assert_int_equal(pattern_check("a{2,3}", &e), 0);
    assert_int_equal(pattern_check("a\\{1000}", &e), 0);
}

static void a_pattern_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    char pattern[PATTERN_BYTES_MAX + 2];
    memset(pattern, 'a', sizeof pattern - 1);
    pattern[sizeof pattern - 1] = '\0';
    assert_int_equal(pattern_check(pattern, &e), -1);
}

static void a_pattern_that_uses_up_its_room_decides_nothing(void **state)
{
    (void)state;
    struct err e = {0};
    /* 255^4 states: no automaton of that size is built in 256 MiB or two seconds */
    int found =
        pattern_search("((((a{1,255}){1,255}){1,255}){1,255})b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &e);
    assert_int_equal(found, -1);
    assert_int_equal(e.code, ERR_UNDECIDED);
}

static void a_text_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf text = BUF(PATTERN_TEXT_BYTES_MAX + 16);
    memset(buf_room(&text, PATTERN_TEXT_BYTES_MAX + 1), 'x', PATTERN_TEXT_BYTES_MAX + 1);
    buf_grown(&text, PATTERN_TEXT_BYTES_MAX + 1);
    assert_int_equal(pattern_search("x", buf_str(&text), &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_is_found_anywhere_in_the_text),
        cmocka_unit_test(a_malformed_pattern_is_named),
        cmocka_unit_test(what_multiplies_is_refused),
        cmocka_unit_test(a_pattern_that_is_too_long_is_refused),
        cmocka_unit_test(a_pattern_that_uses_up_its_room_decides_nothing),
        cmocka_unit_test(a_text_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
