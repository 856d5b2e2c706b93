/* Buffers: they grow to their maximum and no further, and remember that something did not fit. */
#include "util/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void appends_stand_behind_each_other_with_a_nul_behind_them(void **state)
{
    (void)state;
    auto_buf b = BUF(100);

    buf_add_str(&b, "one ");
    buf_printf(&b, "%d ", 2);
    buf_add_span(&b, SPAN_LIT("three"));
    buf_add_byte(&b, '!');

    assert_true(buf_ok(&b));
    assert_string_equal(buf_str(&b), "one 2 three!");
    assert_int_equal(b.len, 12);
}

static void an_empty_buffer_is_the_empty_string(void **state)
{
    (void)state;
    auto_buf b = BUF(10);

    assert_string_equal(buf_str(&b), "");
    assert_int_equal(buf_span(&b).len, 0);
    char *text = buf_steal_str(&b);
    assert_string_equal(text, "");
    free(text);
}

static void the_maximum_is_reached_and_not_passed(void **state)
{
    (void)state;
    struct err e;
    auto_buf b = BUF(4);

    buf_add_str(&b, "1234");
    assert_true(buf_ok(&b));
    buf_add_str(&b, "5");

    assert_false(buf_ok(&b));
    assert_string_equal(buf_str(&b), "1234");
    assert_int_equal(buf_check(&b, "the thing", &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
    assert_non_null(strstr(e.msg, "the thing"));
}

static void a_failure_is_remembered_until_the_buffer_is_emptied(void **state)
{
    (void)state;
    auto_buf b = BUF(4);
    buf_add_str(&b, "12345");

    buf_add_str(&b, "1"); /* it would fit, but the buffer is not whole any more */
    assert_int_equal(b.len, 0);
    assert_false(buf_ok(&b));
    assert_null(buf_steal_str(&b));

    buf_clear(&b);
    buf_add_str(&b, "1");
    assert_true(buf_ok(&b));
}

static void a_size_that_overflows_does_not_fit(void **state)
{
    (void)state;
    auto_buf b = BUF(SIZE_MAX);
    buf_add_str(&b, "1");

    assert_null(buf_room(&b, SIZE_MAX));
    assert_false(buf_ok(&b));
}

static void room_is_written_and_then_counted(void **state)
{
    (void)state;
    auto_buf b = BUF(1000);
    uint8_t *room = buf_room(&b, 600);
    assert_non_null(room);
    memset(room, 'x', 600);

    buf_grown(&b, 300);

    assert_int_equal(b.len, 300);
    assert_int_equal(strlen(buf_str(&b)), 300);
}

static void numbers_are_written_in_their_order_of_bytes(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x12, 0x34, 0x12, 0x34, 0x56, 0x78, 1, 2, 3, 4, 5, 6, 7, 8, 0x78, 0x56, 0x34, 0x12};
    auto_buf b = BUF(100);

    buf_add_be16(&b, 0x1234);
    buf_add_be32(&b, 0x12345678);
    buf_add_be64(&b, 0x0102030405060708);
    buf_add_le32(&b, 0x12345678);

    assert_int_equal(b.len, sizeof want);
    assert_memory_equal(b.ptr, want, sizeof want);
}

static void stealing_leaves_the_buffer_empty(void **state)
{
    (void)state;
    auto_buf b = BUF(100);
    buf_add_str(&b, "mine");

    char *text = buf_steal_str(&b);

    assert_string_equal(text, "mine");
    assert_int_equal(b.len, 0);
    assert_int_equal(b.max, 100);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_stand_behind_each_other_with_a_nul_behind_them),
        cmocka_unit_test(an_empty_buffer_is_the_empty_string),
        cmocka_unit_test(the_maximum_is_reached_and_not_passed),
        cmocka_unit_test(a_failure_is_remembered_until_the_buffer_is_emptied),
        cmocka_unit_test(a_size_that_overflows_does_not_fit),
        cmocka_unit_test(room_is_written_and_then_counted),
        cmocka_unit_test(numbers_are_written_in_their_order_of_bytes),
        cmocka_unit_test(stealing_leaves_the_buffer_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
