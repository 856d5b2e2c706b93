/* The verdict, as a function of facts: what passes, and everything that must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sandbox/box_canary.h"
#include "silence/session.h"
#include "util/auto.h"

/* Everybody awake, nothing tried. */
static struct silence_facts all_awake(void)
{
    struct canary_run run = {.made = true, .counted = true, .packets = 5, .seen = SEEN_CALLS | SEEN_NAMES};
    return (struct silence_facts){.before = run, .after = run, .witness_read = true};
}

static struct silence_event call(const char *op, const char *address, uint16_t port)
{
    struct silence_event event = {.kind = EVENT_CALL, .pid = 42, .by_ip = 1, .port = port, .proto = "tcp"};
    snprintf(event.op, sizeof(event.op), "%s", op);
    snprintf(event.address, sizeof(event.address), "%s", address);
    snprintf(event.program, sizeof(event.program), "/engine/chatty");
    return event;
}

static enum silence_verdict judge(const struct silence_facts *f, struct silence_result *r)
{
    silence_judge(r, f);
    assert_true(r->reason[0] != '\0');
    return r->verdict;
}

static bool awake(const struct silence_result *r, const char *name)
{
    for (size_t i = 0; i < SILENCE_RECORDERS; i++)
        if (strcmp(r->recorders[i].name, name) == 0)
            return r->recorders[i].awake;
    fail_msg("no recorder %s", name);
    return false;
}

static void silence_with_everybody_awake_passes(void **state)
{
    (void)state;
    struct silence_facts f = all_awake();
    auto_silence_result r = {0};

    assert_int_equal(judge(&f, &r), SILENCE_PASSED);

    for (size_t i = 0; i < SILENCE_RECORDERS; i++)
        assert_true(r.recorders[i].awake);
}

static void one_attempt_fails_and_is_named(void **state)
{
    (void)state;
    struct silence_facts f = all_awake();
    auto_silence_result r = {.witness = 1};
    struct silence_event event = call("connect", "192.0.2.7", 443);
    silence_add(&r, &event, "start", 5);

    assert_int_equal(judge(&f, &r), SILENCE_FAILED);

    assert_non_null(strstr(r.reason, "/engine/chatty"));
    assert_non_null(strstr(r.reason, "192.0.2.7"));
}

static void an_attempt_fails_even_while_a_recorder_sleeps(void **state)
{
    (void)state;
    struct silence_facts f = all_awake();
    auto_silence_result r = {.witness = 1};
    struct silence_event event = call("connect", "192.0.2.7", 443);
    silence_add(&r, &event, "start", 5);
    f.stub_died = true;

    assert_int_equal(judge(&f, &r), SILENCE_FAILED);
}

/* Each of these alone must keep silence from being believed. */
static void break_recorder(struct silence_facts *f)
{
    f->recorder_died = true;
}
static void break_stub(struct silence_facts *f)
{
    f->stub_died = true;
}
static void break_witness(struct silence_facts *f)
{
    f->witness_read = false;
}
static void break_count_before(struct silence_facts *f)
{
    f->before.packets = 4;
}
static void break_count_after(struct silence_facts *f)
{
    f->after.packets = 6;
}
static void break_counting(struct silence_facts *f)
{
    f->after.counted = false;
}
static void break_canary(struct silence_facts *f)
{
    f->before.made = false;
}
static void break_canary_after(struct silence_facts *f)
{
    f->after.made = false;
}
static void break_attempts(struct silence_facts *f)
{
    f->after.missing = CANARY_BROKEN;
}
static void break_sight(struct silence_facts *f)
{
    snprintf(f->blind, sizeof(f->blind), "an address of process 7: Operation not permitted");
}

static void whatever_sleeps_makes_silence_inconclusive(void **state)
{
    (void)state;
    void (*const breaks[])(struct silence_facts *) = {
        break_recorder, break_stub,   break_witness,      break_count_before, break_count_after,
        break_counting, break_canary, break_canary_after, break_attempts,     break_sight};
    for (size_t i = 0; i < ARRAY_LEN(breaks); i++) {
        struct silence_facts f = all_awake();
        auto_silence_result r = {0};
        breaks[i](&f);
        assert_int_equal(judge(&f, &r), SILENCE_INCONCLUSIVE);
    }
}

static void each_unseen_attempt_of_either_canary_makes_silence_inconclusive(void **state)
{
    (void)state;
    for (unsigned bit = 1; bit & (SEEN_CALLS | SEEN_NAMES); bit <<= 1)
        for (int after = 0; after < 2; after++) {
            struct silence_facts f = all_awake();
            auto_silence_result r = {0};
            (after ? &f.after : &f.before)->seen &= ~bit;
            assert_int_equal(judge(&f, &r), SILENCE_INCONCLUSIVE);
            assert_int_equal(awake(&r, "seccomp-notify"), (bit & SEEN_NAMES) != 0);
            assert_int_equal(awake(&r, "dns-stub"), (bit & SEEN_CALLS) != 0);
        }
}

static void a_host_without_ipv6_is_not_asked_for_it(void **state)
{
    (void)state;
    struct silence_facts f = all_awake();
    auto_silence_result r = {0};
    f.before.missing = f.after.missing = CANARY_NO_IPV6;
    f.before.packets = f.after.packets = 4;
    f.before.seen &= ~(unsigned)SEEN_TCP6;
    f.after.seen &= ~(unsigned)SEEN_TCP6;

    assert_int_equal(judge(&f, &r), SILENCE_PASSED);
}

static void packets_that_nobody_reported_are_an_attempt(void **state)
{
    (void)state;
    struct silence_facts f = all_awake();
    auto_silence_result r = {.witness = 3, .recorded = 0};

    assert_int_equal(judge(&f, &r), SILENCE_FAILED);

    assert_int_equal(r.count, 1);
    assert_string_equal(r.attempts[0].op, "unseen");
    assert_int_equal(r.attempts[0].count, 3);
}

static void a_program_that_did_not_do_its_work_proves_nothing(void **state)
{
    (void)state;
    struct silence_facts f = all_awake();
    auto_silence_result r = {.exercise_failed = true, .exercise = "2 of 8 requests answered"};

    assert_int_equal(judge(&f, &r), SILENCE_INCONCLUSIVE);
    assert_non_null(strstr(r.reason, "2 of 8"));
}

static void a_box_that_died_proves_nothing(void **state)
{
    (void)state;
    struct silence_facts f = all_awake();
    auto_silence_result r = {0};
    f.box_died = true;

    assert_int_equal(judge(&f, &r), SILENCE_INCONCLUSIVE);
}

static void repeats_are_counted_and_different_ones_are_listed(void **state)
{
    (void)state;
    auto_silence_result r = {0};
    struct silence_event one = call("connect", "192.0.2.7", 443), other = call("connect", "192.0.2.7", 80);
    silence_add(&r, &one, "start", 5);
    silence_add(&r, &one, "idle", 9);
    silence_add(&r, &other, "idle", 10);

    assert_int_equal(r.count, 2);
    assert_int_equal(r.attempts[0].count, 2);
    assert_string_equal(r.attempts[0].phase, "start");
    assert_int_equal(r.attempts[0].first_ms, 5);
    assert_int_equal(r.attempts[0].last_ms, 9);
    assert_int_equal(r.recorded, 3);
}

static void what_does_not_fit_is_counted_and_still_fails(void **state)
{
    (void)state;
    struct silence_facts f = all_awake();
    auto_silence_result r = {0};
    for (unsigned i = 0; i < SILENCE_ATTEMPTS_MAX + 7; i++) {
        struct silence_event event = call("connect", "192.0.2.7", (uint16_t)(i + 1));
        silence_add(&r, &event, "start", 1);
    }
    r.witness = r.recorded;

    assert_int_equal(judge(&f, &r), SILENCE_FAILED);
    assert_int_equal(r.count, SILENCE_ATTEMPTS_MAX);
    assert_int_equal(r.dropped, 7);
    assert_non_null(strstr(r.reason, "1007"));
}

static void a_foreign_name_is_no_canary(void **state)
{
    (void)state;
    struct canary_run c = {.nonce = "0123456789abcdef"};
    struct silence_event event = {.kind = EVENT_QUERY};
    snprintf(event.name, sizeof(event.name), "fedcba9876543210%s", CANARY_UDP_SUFFIX);

    assert_int_equal(canary_bit(&c, &event), 0);

    snprintf(event.name, sizeof(event.name), "%s%s", c.nonce, CANARY_UDP_SUFFIX);
    assert_int_equal(canary_bit(&c, &event), SEEN_DNS_UDP);
}

static void texts_that_a_program_chose_are_cleaned(void **state)
{
    (void)state;
    char out[32];
    clean_text(out, sizeof(out), "a\nb\x1b[31m\"q\\");
    assert_string_equal(out, "a?b?[31m\"q\\");
    clean_text(out, sizeof(out), "bad \xff\xfe utf-8");
    assert_string_equal(out, "bad ?? utf-8");
    clean_text(out, sizeof(out), "c1 \xc2\x9b here");
    assert_string_equal(out, "c1 ?? here");
    clean_text(out, sizeof(out), "\xc3\xa9t\xc3\xa9");
    assert_string_equal(out, "\xc3\xa9t\xc3\xa9");
    clean_text(out, 4, "cut here");
    assert_string_equal(out, "cut");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_with_everybody_awake_passes),
        cmocka_unit_test(one_attempt_fails_and_is_named),
        cmocka_unit_test(an_attempt_fails_even_while_a_recorder_sleeps),
        cmocka_unit_test(whatever_sleeps_makes_silence_inconclusive),
        cmocka_unit_test(each_unseen_attempt_of_either_canary_makes_silence_inconclusive),
        cmocka_unit_test(a_host_without_ipv6_is_not_asked_for_it),
        cmocka_unit_test(packets_that_nobody_reported_are_an_attempt),
        cmocka_unit_test(a_program_that_did_not_do_its_work_proves_nothing),
        cmocka_unit_test(a_box_that_died_proves_nothing),
        cmocka_unit_test(repeats_are_counted_and_different_ones_are_listed),
        cmocka_unit_test(what_does_not_fit_is_counted_and_still_fails),
        cmocka_unit_test(a_foreign_name_is_no_canary),
        cmocka_unit_test(texts_that_a_program_chose_are_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
