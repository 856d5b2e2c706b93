/* Guessing: who sends wrong tokens waits longer each time and is then locked; nobody else notices; and whatever a
 * stranger does, the access log gets so much of it and no more. Time is given, never waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/callers_porter.h"

#define MALLORY "10.0.0.7"
#define START   1000000

static struct porter *p;
static int64_t now;

static int set_up(void **state)
{
    (void)state;
    p = porter_new();
    now = START;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    porter_free(p);
    return 0;
}

/* A wrong token that nobody tried before, unlike all others from its first character on. */
static struct porter_news wrong(const char *address)
{
    static unsigned count;
    char token[40];
    int len = snprintf(token, sizeof(token), "%u-guess", count++);
    return porter_failed(p, address, span_of(token, (size_t)len), now);
}

static enum porter_word look(const char *address, unsigned *wait_s)
{
    return porter_look(p, address, now, wait_s);
}

static enum porter_word word_of(const char *address)
{
    unsigned wait_s;
    return look(address, &wait_s);
}

static void the_first_wrong_tokens_cost_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PORTER_FREE; i++) {
        struct porter_news n = wrong(MALLORY);
        assert_false(n.waits || n.locked);
        assert_int_equal(word_of(MALLORY), PORTER_OPEN);
    }
}

static void each_further_one_waits_twice_as_long_and_then_comes_the_lock(void **state)
{
    (void)state;
    unsigned wait_s;
    for (unsigned i = 0; i < PORTER_FREE; i++)
        wrong(MALLORY);
    for (unsigned i = PORTER_FREE + 1, seconds = 1; i < PORTER_LOCK_AT; i++, seconds *= 2) {
        struct porter_news n = wrong(MALLORY);
        assert_int_equal(n.failures, i);
        assert_int_equal(n.waits, i == PORTER_FREE + 1); /* said once */
        assert_int_equal(look(MALLORY, &wait_s), PORTER_WAIT);
        assert_int_equal(wait_s, seconds);
        if (seconds <= 4) { /* small waits, so that nothing is forgiven meanwhile */
            now += seconds * 1000;
            assert_int_equal(word_of(MALLORY), PORTER_OPEN);
        }
    }
    struct porter_news n = wrong(MALLORY);
    assert_true(n.locked);
    assert_int_equal(look(MALLORY, &wait_s), PORTER_LOCKED);
    assert_int_equal(wait_s, PORTER_LOCK_S);
    now += PORTER_LOCK_S * 1000 - 1;
    assert_int_equal(word_of(MALLORY), PORTER_LOCKED);
    now += 1;
    assert_int_equal(word_of(MALLORY), PORTER_OPEN);
    wrong(MALLORY);
    assert_int_equal(word_of(MALLORY), PORTER_WAIT); /* what comes after a lock gets nothing for free */
}

static void a_wrong_token_that_was_under_way_does_not_shorten_the_lock(void **state)
{
    (void)state;
    unsigned wait_s;
    for (unsigned i = 0; i < PORTER_LOCK_AT; i++)
        wrong(MALLORY);
    assert_false(wrong(MALLORY).locked);
    assert_int_equal(look(MALLORY, &wait_s), PORTER_LOCKED);
    assert_int_equal(wait_s, PORTER_LOCK_S);
}

static void another_address_notices_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PORTER_LOCK_AT; i++)
        wrong(MALLORY);
    assert_int_equal(word_of(MALLORY), PORTER_LOCKED);
    assert_int_equal(word_of("10.0.0.8"), PORTER_OPEN);
    assert_int_equal(word_of("::1"), PORTER_OPEN);
}

static void who_does_not_wait_is_locked(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= PORTER_FREE; i++)
        wrong(MALLORY);
    for (unsigned i = 1; i < PORTER_HASTE; i++)
        assert_false(porter_hasty(p, MALLORY, now).locked);
    assert_true(porter_hasty(p, MALLORY, now).locked);
    assert_int_equal(word_of(MALLORY), PORTER_LOCKED);
}

static void time_forgives(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) { /* a robot with a typing error, once a minute */
        assert_false(wrong(MALLORY).waits);
        now += 60000;
    }
}

static void the_same_wrong_token_again_waits_and_never_locks(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3 * PORTER_LOCK_AT; i++)
        assert_false(porter_failed(p, MALLORY, SPAN_LIT("the-token-of-yesterday"), now).locked);
    assert_int_equal(word_of(MALLORY), PORTER_WAIT);
}

static void many_addresses_that_guess_at_one_token_are_locked_at_their_first_try(void **state)
{
    (void)state;
    char address[32], token[64];
    for (unsigned i = 0; i < PORTER_PREFIX_TRIES; i++) {
        snprintf(address, sizeof(address), "127.0.%u.%u", i / 200, 1 + i % 200);
        snprintf(token, sizeof(token), "airlock_AAAAAAAA%u", i);
        assert_false(porter_failed(p, address, span_str(token), now).locked);
    }
    assert_true(porter_failed(p, "127.0.9.9", SPAN_LIT("airlock_AAAAAAAA-once-more"), now).locked);
    assert_false(porter_failed(p, "127.0.9.8", SPAN_LIT("airlock_BBBBBBBB-once-more"), now).locked);
}

static void a_fleet_with_one_old_token_does_not_guess(void **state)
{
    (void)state;
    char address[32];
    for (unsigned i = 0; i < 10 * PORTER_PREFIX_TRIES; i++) {
        snprintf(address, sizeof(address), "127.1.%u.%u", i / 200, 1 + i % 200);
        assert_false(porter_failed(p, address, SPAN_LIT("airlock_AAAAAAAA-of-yesterday"), now).locked);
    }
}

static void of_many_locked_addresses_some_are_told(void **state)
{
    (void)state;
    char address[32], token[64];
    unsigned locked = 0, told = 0;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(address, sizeof(address), "127.0.%u.%u", i / 200, 1 + i % 200);
        snprintf(token, sizeof(token), "airlock_AAAAAAAA%u", i);
        struct porter_news n = porter_failed(p, address, span_str(token), now);
        locked += n.locked;
        told += n.told;
    }
    assert_int_equal(locked, 1000 - PORTER_PREFIX_TRIES);
    assert_int_equal(told, PORTER_NEWS);
    now += 60000;
    assert_true(porter_failed(p, "127.0.9.9", SPAN_LIT("airlock_AAAAAAAA-later"), now).told);
}

static void a_network_of_version_six_is_one_address(void **state)
{
    (void)state;
    char address[48];
    for (unsigned i = 0; i < PORTER_LOCK_AT; i++) {
        snprintf(address, sizeof(address), "2001:db8:1:2::%x", i + 1);
        wrong(address);
    }
    assert_int_equal(word_of("2001:db8:1:2:ffff::1"), PORTER_LOCKED);
    assert_int_equal(word_of("2001:db8:1:3::1"), PORTER_OPEN);
}

static void a_flood_of_addresses_does_not_free_who_is_locked(void **state)
{
    (void)state;
    char address[32];
    for (unsigned i = 0; i < PORTER_LOCK_AT; i++)
        wrong(MALLORY);
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(address, sizeof(address), "127.%u.%u.%u", 2 + i / 62500, i / 250 % 250, 1 + i % 250);
        wrong(address);
    }
    assert_int_equal(word_of(MALLORY), PORTER_LOCKED);
}

/* ── records ── */

struct told {
    char text[4096];
};

static void tell(void *arg, const char *address, unsigned count)
{
    struct told *t = arg;
    size_t at = strlen(t->text);
    snprintf(t->text + at, sizeof(t->text) - at, "%s=%u ", address, count);
}

static unsigned recorded(const char *address, unsigned of)
{
    unsigned n = 0;
    for (unsigned i = 0; i < of; i++)
        n += porter_may_record(p, address, now);
    return n;
}

static void an_address_gets_so_many_records_a_minute_and_the_rest_is_told(void **state)
{
    (void)state;
    struct told t = {""};
    assert_int_equal(recorded(MALLORY, 100), PORTER_RECORDS);
    assert_int_equal(recorded("10.0.0.8", 3), 3);
    porter_left_out(p, now, false, tell, &t);
    assert_string_equal(t.text, ""); /* the minute is not over */
    now += 60000;
    porter_left_out(p, now, false, tell, &t);
    assert_string_equal(t.text, "10.0.0.7=70 ");
    assert_int_equal(recorded(MALLORY, 1), 1);
    porter_left_out(p, now, true, tell, &t);
    assert_string_equal(t.text, "10.0.0.7=70 "); /* once */
}

static void all_addresses_together_have_a_bound_too(void **state)
{
    (void)state;
    struct told t = {""};
    char address[32], wanted[32];
    unsigned n = 0;
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(address, sizeof(address), "127.0.%u.%u", i / 200, 1 + i % 200);
        n += recorded(address, 2);
    }
    assert_int_equal(n, PORTER_RECORDS_ALL);
    porter_left_out(p, now, true, tell, &t);
    snprintf(wanted, sizeof(wanted), "*=%u ", 4000 - PORTER_RECORDS_ALL);
    assert_string_equal(t.text, wanted);
}

#define RULE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(the_first_wrong_tokens_cost_nothing),
        RULE(each_further_one_waits_twice_as_long_and_then_comes_the_lock),
        RULE(a_wrong_token_that_was_under_way_does_not_shorten_the_lock),
        RULE(another_address_notices_nothing),
        RULE(who_does_not_wait_is_locked),
        RULE(time_forgives),
        RULE(the_same_wrong_token_again_waits_and_never_locks),
        RULE(many_addresses_that_guess_at_one_token_are_locked_at_their_first_try),
        RULE(a_fleet_with_one_old_token_does_not_guess),
        RULE(of_many_locked_addresses_some_are_told),
        RULE(a_network_of_version_six_is_one_address),
        RULE(a_flood_of_addresses_does_not_free_who_is_locked),
        RULE(an_address_gets_so_many_records_a_minute_and_the_rest_is_told),
        RULE(all_addresses_together_have_a_bound_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
