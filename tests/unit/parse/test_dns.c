/* DNS queries: what is taken apart, what is refused, what is answered. */
#include "parse/dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/auto.h"

#define HEADER "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"

static void a_query_gives_its_name_and_type(void **state)
{
    (void)state;
    struct dns_question q;
    struct err e = {0};
    struct span message = SPAN_LIT(HEADER "\x0bhuggingface\x02"
                                          "co\x00\x00\x1c\x00\x01");

    assert_int_equal(dns_query_parse(message, &q, &e), 0);

    assert_string_equal(q.name, "huggingface.co");
    assert_string_equal(dns_type_text(q.type).text, "AAAA");
    assert_int_equal(q.id, 0x1234);
    assert_true(q.recursion);
}

static void what_stands_behind_the_question_is_not_looked_at(void **state)
{
    (void)state;
    struct dns_question q;
    struct err e = {0};
    struct span message = SPAN_LIT("\x12\x34\x01\x20\x00\x01\x00\x00\x00\x00\x00\x01\x01"
                                   "a\x00\x00\x01\x00\x01\x00\x00\x29garbage");

    assert_int_equal(dns_query_parse(message, &q, &e), 0);

    assert_string_equal(q.name, "a");
    assert_int_equal(q.raw.len, 7);
}

static void bytes_that_could_lie_in_a_log_are_replaced(void **state)
{
    (void)state;
    struct dns_question q;
    struct err e = {0};
    struct span message = SPAN_LIT(HEADER "\x06"
                                          "a.b\n\"\\\x03_ok\x00\x00\x10\x00\x01");

    assert_int_equal(dns_query_parse(message, &q, &e), 0);

    assert_string_equal(q.name, "a?b???._ok");
}

static void a_malformed_query_is_refused(void **state)
{
    (void)state;
    static const struct span bad[] = {
        {(const uint8_t *)"", 0},
        {(const uint8_t *)HEADER, 11},
        {(const uint8_t *)HEADER, 12},                            /* no name */
        {(const uint8_t *)HEADER "\xc0\x0c\x00\x01\x00\x01", 18}, /* a pointer to itself */
        {(const uint8_t *)HEADER "\x05hi", 15},                   /* the label is longer than what is left */
        {(const uint8_t *)HEADER "\x01x\x00\x00\x01", 17},        /* no class */
        {(const uint8_t *)"\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01", 17}, /* a response */
        {(const uint8_t *)"\x12\x34\x29\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01", 17}, /* an update */
        {(const uint8_t *)"\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01",
         17},                                                                      /* two questions */
        {(const uint8_t *)"\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00", 12}, /* none */
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct dns_question q;
        struct err e = {0};
        assert_int_equal(dns_query_parse(bad[i], &q, &e), -1);
        assert_int_equal(e.code, ERR_INPUT);
    }
}

/* Three labels of 63 and one of `last`: 3 * 64 + last + 1 + 1 bytes on the wire. */
static int parse_long_name(size_t last, struct dns_question *q)
{
    static uint8_t bytes[512];
    struct err e = {0};
    auto_buf b = BUF(sizeof(bytes));
    buf_add(&b, HEADER, 12);
    for (int i = 0; i < 4; i++) {
        size_t len = i < 3 ? 63 : last;
        buf_add_byte(&b, (uint8_t)len);
        for (size_t n = 0; n < len; n++)
            buf_add_byte(&b, 'a');
    }
    buf_add(&b, "\0\0\1\0\1", 5);
    memcpy(bytes, b.ptr, b.len);
    return dns_query_parse(span_of(bytes, b.len), q, &e);
}

static void a_name_has_at_most_255_bytes(void **state)
{
    (void)state;
    struct dns_question q;

    assert_int_equal(parse_long_name(61, &q), 0);
    assert_int_equal(strlen(q.name), 253);

    assert_int_equal(parse_long_name(62, &q), -1);
}

static void the_answer_asks_the_same_and_knows_no_such_name(void **state)
{
    (void)state;
    struct dns_question q;
    struct err e = {0};
    auto_buf answer = BUF(512);
    assert_int_equal(dns_query_parse(SPAN_LIT(HEADER "\x01x\x00\x00\x01\x00\x01tail"), &q, &e), 0);

    dns_answer_nxdomain(&q, &answer);

    static const uint8_t wanted[] = "\x12\x34\x85\x83\x00\x01\x00\x00\x00\x00\x00\x00\x01x\x00\x00\x01\x00\x01";
    assert_int_equal(answer.len, sizeof(wanted) - 1);
    assert_memory_equal(answer.ptr, wanted, sizeof(wanted) - 1);
}

static void an_unknown_type_has_a_number(void **state)
{
    (void)state;
    assert_string_equal(dns_type_text(65).text, "HTTPS");
    assert_string_equal(dns_type_text(65535).text, "TYPE65535");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_gives_its_name_and_type),
        cmocka_unit_test(what_stands_behind_the_question_is_not_looked_at),
        cmocka_unit_test(bytes_that_could_lie_in_a_log_are_replaced),
        cmocka_unit_test(a_malformed_query_is_refused),
        cmocka_unit_test(a_name_has_at_most_255_bytes),
        cmocka_unit_test(the_answer_asks_the_same_and_knows_no_such_name),
        cmocka_unit_test(an_unknown_type_has_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
