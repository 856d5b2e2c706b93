/* The cursor over hostile bytes: what it takes, and that a failed take consumes nothing. */
#include "util/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void take_moves_the_cursor_behind_what_was_taken(void **state)
{
    (void)state;
    struct span s = SPAN_LIT("headtail"), head;

    assert_true(span_take(&s, 4, &head));

    assert_true(span_equal_str(head, "head"));
    assert_true(span_equal_str(s, "tail"));
}

static void a_failed_take_consumes_nothing(void **state)
{
    (void)state;
    struct span s = SPAN_LIT("abc"), before = s, out;
    uint32_t number;

    assert_false(span_take(&s, 4, &out));
    assert_false(span_take(&s, SIZE_MAX, &out));
    assert_false(span_skip(&s, 4));
    assert_false(span_take_le32(&s, &number));
    assert_false(span_take_be32(&s, &number));
    assert_false(span_take_until(&s, ':', &out));
    assert_false(span_take_prefix(&s, SPAN_LIT("abd")));
    assert_false(span_take_prefix(&s, SPAN_LIT("abcd")));

    assert_ptr_equal(s.ptr, before.ptr);
    assert_int_equal(s.len, before.len);
}

static void integers_are_read_in_the_order_of_bytes_that_is_asked_for(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xf8};
    struct span s;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    s = span_of(bytes, sizeof(bytes));
    assert_true(span_take_u8(&s, &u8));
    assert_int_equal(u8, 0x01);
    assert_true(span_take_le16(&s, &u16));
    assert_int_equal(u16, 0x0302);
    assert_true(span_take_be16(&s, &u16));
    assert_int_equal(u16, 0x0405);

    s = span_of(bytes, sizeof(bytes));
    assert_true(span_take_le32(&s, &u32));
    assert_int_equal(u32, 0x04030201);
    assert_true(span_take_be32(&s, &u32));
    assert_int_equal(u32, 0x050607f8);

    s = span_of(bytes, sizeof(bytes));
    assert_true(span_take_le64(&s, &u64));
    assert_true(u64 == UINT64_C(0xf807060504030201));
    s = span_of(bytes, sizeof(bytes));
    assert_true(span_take_be64(&s, &u64));
    assert_true(u64 == UINT64_C(0x01020304050607f8));
    assert_int_equal(s.len, 0);
}

static void take_until_drops_the_stop_byte(void **state)
{
    (void)state;
    struct span s = SPAN_LIT("key:value:rest"), out;

    assert_true(span_take_until(&s, ':', &out));
    assert_true(span_equal_str(out, "key"));
    assert_true(span_take_until(&s, ':', &out));
    assert_true(span_equal_str(out, "value"));
    assert_true(span_equal_str(s, "rest"));

    s = SPAN_LIT(":x");
    assert_true(span_take_until(&s, ':', &out));
    assert_int_equal(out.len, 0);
    assert_true(span_equal_str(s, "x"));
}

static void a_slice_lies_wholly_inside_or_is_refused(void **state)
{
    (void)state;
    struct span s = SPAN_LIT("0123456789"), out;

    assert_true(span_slice(s, 3, 4, &out));
    assert_true(span_equal_str(out, "3456"));
    assert_true(span_slice(s, 10, 0, &out));
    assert_int_equal(out.len, 0);

    assert_false(span_slice(s, 3, 8, &out));
    assert_false(span_slice(s, 11, 0, &out));
    assert_false(span_slice(s, 3, UINT64_MAX, &out));
    assert_false(span_slice(s, UINT64_MAX, 2, &out));
}

static void a_decimal_has_one_spelling_and_fits_64_bits(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "00",
                                      "01",
                                      "+1",
                                      "-1",
                                      " 1",
                                      "1 ",
                                      "1x",
                                      "0x1",
                                      "1_0",
                                      "1\xff",
                                      "18446744073709551616",
                                      "99999999999999999999"};
    uint64_t n;

    assert_true(span_decimal(SPAN_LIT("0"), &n));
    assert_true(n == 0);
    assert_true(span_decimal(SPAN_LIT("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(span_decimal(span_str(bad[i]), &n));
    assert_false(span_decimal(SPAN_LIT("1\0"), &n));
}

static void order_is_bytewise_and_shorter_first(void **state)
{
    (void)state;
    assert_true(span_compare(SPAN_LIT("a"), SPAN_LIT("b")) < 0);
    assert_true(span_compare(SPAN_LIT("a"), SPAN_LIT("ab")) < 0);
    assert_true(span_compare(SPAN_LIT("\x7f"), SPAN_LIT("\x80")) < 0);
    assert_true(span_compare(SPAN_LIT("b"), SPAN_LIT("ab")) > 0);
    assert_int_equal(span_compare(SPAN_LIT("ab"), SPAN_LIT("ab")), 0);
    assert_int_equal(span_compare(span_of(NULL, 0), SPAN_LIT("")), 0);
    assert_true(span_equal(span_of(NULL, 0), SPAN_LIT("")));
}

static void beginnings_and_ends_are_compared_within_the_span(void **state)
{
    (void)state;
    assert_true(span_starts(SPAN_LIT("sha256:ab"), SPAN_LIT("sha256:")));
    assert_false(span_starts(SPAN_LIT("sha"), SPAN_LIT("sha256:")));
    assert_true(span_starts(SPAN_LIT("x"), SPAN_LIT("")));
    assert_true(span_ends(SPAN_LIT("model.gguf"), SPAN_LIT(".gguf")));
    assert_false(span_ends(SPAN_LIT("gguf"), SPAN_LIT(".gguf")));
}

static void utf8_is_refused_when_overlong_surrogate_or_beyond_unicode(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "plain",
                                       "\xc2\xa2",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "seven b\xc2\xa2",
                                       "eight by\xc2\xa2",
                                       "eight bytes, and sixteen"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\xaf",
                                      "\xc2",
                                      "\xe0\x80\xaf",
                                      "\xe2\x82",
                                      "\xed\xa0\x80",
                                      "\xf0\x80\x80\xaf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "a\xc2z",
                                      "seven b\x80",
                                      "eight by\x80",
                                      "eight bytes, and sixteen\xc2"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(span_is_utf8(span_str(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(span_is_utf8(span_str(bad[i])));
}

static void printable_means_ascii_without_control_bytes(void **state)
{
    (void)state;
    assert_true(span_is_printable(SPAN_LIT("Release v1.0.0 ~")));
    assert_false(span_is_printable(SPAN_LIT("a\nb")));
    assert_false(span_is_printable(SPAN_LIT("a\x7f")));
    assert_false(span_is_printable(SPAN_LIT("\xc3\xa9")));
    assert_false(span_is_printable(SPAN_LIT("a\0b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(take_moves_the_cursor_behind_what_was_taken),
        cmocka_unit_test(a_failed_take_consumes_nothing),
        cmocka_unit_test(integers_are_read_in_the_order_of_bytes_that_is_asked_for),
        cmocka_unit_test(take_until_drops_the_stop_byte),
        cmocka_unit_test(a_slice_lies_wholly_inside_or_is_refused),
        cmocka_unit_test(a_decimal_has_one_spelling_and_fits_64_bits),
        cmocka_unit_test(order_is_bytewise_and_shorter_first),
        cmocka_unit_test(beginnings_and_ends_are_compared_within_the_span),
        cmocka_unit_test(utf8_is_refused_when_overlong_surrogate_or_beyond_unicode),
        cmocka_unit_test(printable_means_ascii_without_control_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
