/* Ranges (RFC 9110 section 14): one is honoured, several or malformed ones are answered with the whole. */
#include "http/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *value;
    uint64_t size;
    enum http_range wanted;
    uint64_t from, len;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t from = 77, len = 77;
        enum http_range found = range_parse(rows[i].value, rows[i].size, &from, &len);
        if (found != rows[i].wanted)
            fail_msg("%s of %llu: found %d, wanted %d", rows[i].value, (unsigned long long)rows[i].size, found,
                     rows[i].wanted);
        if (found != RANGE_PART)
            continue;
        assert_int_equal(from, rows[i].from);
        assert_int_equal(len, rows[i].len);
    }
}

static void one_range_is_honoured(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=0-0", 10, RANGE_PART, 0, 1},   {"bytes=2-5", 10, RANGE_PART, 2, 4},
        {"bytes=5-", 10, RANGE_PART, 5, 5},    {"bytes=-3", 10, RANGE_PART, 7, 3},
        {"bytes=-300", 10, RANGE_PART, 0, 10}, {"bytes=9-18446744073709551615", 10, RANGE_PART, 9, 1},
        {"BYTES=0-", 10, RANGE_PART, 0, 10},   {"bytes=9-99999999999999999999999999", 10, RANGE_PART, 9, 1},
    };
    check(rows, sizeof(rows) / sizeof(rows[0]));
}

static void what_lies_behind_the_end_cannot_be_satisfied(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=10-20", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=5-2", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-5", 0, RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=18446744073709551616-", UINT64_MAX / 16, RANGE_UNSATISFIABLE, 0, 0},
    };
    check(rows, sizeof(rows) / sizeof(rows[0]));
}

/* RFC 9110 section 14.2: many small or overlapping ranges are how a client makes a server work; they are one answer. */
static void a_thousand_ranges_and_overlapping_ones_give_the_whole(void **state)
{
    (void)state;
    static char many[16384];
    size_t at = (size_t)snprintf(many, sizeof(many), "bytes=0-0");
    for (unsigned i = 1; i < 1000; i++)
        at += (size_t)snprintf(many + at, sizeof(many) - at, ",%u-%u", i, i);
    const struct row rows[] = {
        {many, 10000, RANGE_WHOLE, 0, 0},
        {"bytes=0-5,3-9", 10, RANGE_WHOLE, 0, 0},
        {"bytes=0-,0-,0-,-1", 10, RANGE_WHOLE, 0, 0},
    };
    check(rows, sizeof(rows) / sizeof(rows[0]));
}

static void several_or_malformed_ranges_give_the_whole(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {NULL, 10, RANGE_WHOLE, 0, 0},
        {"", 10, RANGE_WHOLE, 0, 0},
        {"bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 0},
        {"items=0-1", 10, RANGE_WHOLE, 0, 0},
        {"bytes=a-b", 10, RANGE_WHOLE, 0, 0},
        {"bytes=-", 10, RANGE_WHOLE, 0, 0},
        {"bytes=1", 10, RANGE_WHOLE, 0, 0},
        {"bytes=--1", 10, RANGE_WHOLE, 0, 0},
        {"bytes= 1-2", 10, RANGE_WHOLE, 0, 0},
        {"bytes=+1-2", 10, RANGE_WHOLE, 0, 0},
        {"bytes=1-2-3", 10, RANGE_WHOLE, 0, 0},
    };
    check(rows, sizeof(rows) / sizeof(rows[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range_is_honoured),
        cmocka_unit_test(what_lies_behind_the_end_cannot_be_satisfied),
        cmocka_unit_test(several_or_malformed_ranges_give_the_whole),
        cmocka_unit_test(a_thousand_ranges_and_overlapping_ones_give_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
