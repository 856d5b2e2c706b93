/* Bearer tokens: what they look like, and that only their hash is known afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "trust/token.h"

static void a_token_is_32_random_bytes_behind_a_prefix(void **state)
{
    (void)state;
    struct token_text one, two;
    struct digest a, b, again;
    struct err e = {0};

    assert_int_equal(token_new(&one, &a, &e), 0);
    assert_int_equal(token_new(&two, &b, &e), 0);

    assert_int_equal(strlen(one.text), 51);
    assert_true(strncmp(one.text, "airlock_", 8) == 0);
    assert_string_not_equal(one.text, two.text);
    assert_true(token_hash(span_str(one.text), &again));
    assert_true(digest_equal(&a, &again));
    assert_false(digest_equal(&a, &b));
}

static void what_has_not_the_form_of_a_token_is_none(void **state)
{
    (void)state;
    struct token_text text;
    struct digest d;
    struct err e = {0};
    assert_int_equal(token_new(&text, &d, &e), 0);
    struct span s = span_str(text.text);

    assert_false(token_hash(span_of(s.ptr, s.len - 1), &d));
    assert_false(token_hash(span_of(s.ptr + 1, s.len - 1), &d));
    assert_false(token_hash(SPAN_LIT(""), &d));
    text.text[20] = '+';
    assert_false(token_hash(s, &d));
    text.text[20] = '\0';
    assert_false(token_hash(s, &d));
    text.text[20] = 'a';
    text.text[0] = 'A';
    assert_false(token_hash(s, &d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_32_random_bytes_behind_a_prefix),
        cmocka_unit_test(what_has_not_the_form_of_a_token_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
