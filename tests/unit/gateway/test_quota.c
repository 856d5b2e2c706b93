/* The quota of a token: a burst of a minute's worth, then evenly. */
#include "gateway/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct digest token(int n)
{
    return digest_of(span_of(&n, sizeof(n)));
}

static unsigned granted(struct quota *q, int who, int64_t from_ms, int64_t to_ms, int64_t step_ms)
{
    struct digest t = token(who);
    unsigned n = 0, wait_s;
    for (int64_t at = from_ms; at < to_ms; at += step_ms)
        n += quota_take(q, &t, at, &wait_s);
    return n;
}

static void a_minutes_worth_may_come_at_once_and_then_it_fills_evenly(void **state)
{
    (void)state;
    struct quota *q = quota_new(60);
    assert_int_equal(granted(q, 1, 1000, 1100, 1), 60);
    assert_int_equal(granted(q, 1, 1100, 11100, 10), 10);
    assert_int_equal(granted(q, 1, 1000000, 1000100, 1), 60);
    quota_free(q);
}

static void who_is_refused_learns_when_to_come_back(void **state)
{
    (void)state;
    struct quota *q = quota_new(2);
    struct digest t = token(1);
    unsigned wait_s = 0;
    assert_true(quota_take(q, &t, 5000, &wait_s));
    assert_true(quota_take(q, &t, 5000, &wait_s));
    assert_false(quota_take(q, &t, 5000, &wait_s));
    assert_int_equal(wait_s, 30);
    assert_false(quota_take(q, &t, 5000 + 29000, &wait_s));
    assert_int_equal(wait_s, 1);
    assert_true(quota_take(q, &t, 5000 + 31000, &wait_s));
    quota_free(q);
}

static void one_token_does_not_use_up_anothers(void **state)
{
    (void)state;
    struct quota *q = quota_new(5);
    assert_int_equal(granted(q, 1, 1000, 1100, 1), 5);
    for (int i = 2; i < 200; i++)
        assert_int_equal(granted(q, i, 1000, 1100, 10), 5);
    quota_free(q);
}

static void zero_means_no_quota(void **state)
{
    (void)state;
    struct quota *q = quota_new(0);
    assert_int_equal(granted(q, 1, 0, 10000, 1), 10000);
    quota_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minutes_worth_may_come_at_once_and_then_it_fills_evenly),
        cmocka_unit_test(who_is_refused_learns_when_to_come_back),
        cmocka_unit_test(one_token_does_not_use_up_anothers),
        cmocka_unit_test(zero_means_no_quota),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
