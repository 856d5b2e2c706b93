/* Hex, base64, digests, times, errors: one input has one meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/digest.h"
#include "util/encode.h"

#include <errno.h>

static struct err e;

static void hex_is_lower_case_and_of_the_wanted_length(void **state)
{
    (void)state;
    uint8_t out[2];
    char text[5];

    hex_encode(span_of("\x0f\xa0", 2), text);
    assert_string_equal(text, "0fa0");
    assert_true(hex_decode(SPAN_LIT("0fa0"), out, 2));
    assert_memory_equal(out, "\x0f\xa0", 2);

    static const char *const bad[] = {"", "0f", "0fa", "0fa0a", "0fa000", "0FA0", "0ga0", " fa0", "0x0f"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(hex_decode(span_str(bad[i]), out, 2));
}

/* RFC 4648 section 10. */
static void base64_gives_the_vectors_of_its_standard(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        auto_buf text = BUF(100), bytes = BUF(100);
        base64_encode(span_str(pairs[i][0]), &text);
        assert_string_equal(buf_str(&text), pairs[i][1]);
        assert_true(base64_decode(span_str(pairs[i][1]), false, &bytes));
        assert_string_equal(buf_str(&bytes), pairs[i][0]);
    }
}

static void every_other_spelling_of_base64_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"Zg",    "Zg=",   "Zg===",     "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==",
                                      "Zm9v ", "Zm9\n", "Zm9vYg==x", "Zm-_", "Zm9*", "=Zg=", "Zm=v"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        auto_buf bytes = BUF(100);
        if (base64_decode(span_str(bad[i]), false, &bytes))
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

static void the_url_alphabet_is_taken_where_it_is_allowed(void **state)
{
    (void)state;
    auto_buf url = BUF(100), plain = BUF(100), small = BUF(2);

    assert_true(base64_decode(SPAN_LIT("-_-_"), true, &url));
    assert_true(base64_decode(SPAN_LIT("+/+/"), true, &plain));

    assert_true(span_equal(buf_span(&url), buf_span(&plain)));
    assert_false(base64_decode(SPAN_LIT("Zm9v"), false, &small)); /* three bytes do not fit */
}

static void a_digest_is_the_hash_however_it_is_fed(void **state)
{
    (void)state;
    struct digest whole = digest_of(SPAN_LIT("abc"));
    struct sha256 *h = sha256_new();
    sha256_add(h, "a", 1);
    sha256_add(h, "bc", 2);
    struct digest parts = sha256_finish(h);

    /* FIPS 180-4, example of SHA-256("abc") */
    assert_string_equal(digest_text(&whole).text,
                        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(digest_equal(&whole, &parts));
    assert_int_equal(digest_compare(&whole, &parts), 0);
}

static void only_the_one_form_of_a_digest_is_read(void **state)
{
    (void)state;
    struct digest d, want = digest_of(SPAN_LIT("abc"));
    struct digest_text text = digest_text(&want);

    assert_int_equal(digest_parse(span_str(text.text), &d, &e), 0);
    assert_true(digest_equal(&d, &want));

    static const char *const bad[] = {"", "sha256:", "sha512:ba78", "ba7816bf"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(digest_parse(span_str(bad[i]), &d, &e), -1);
        assert_int_equal(e.code, ERR_INPUT);
    }
    text.text[10] = 'A';
    assert_int_equal(digest_parse(span_str(text.text), &d, &e), -1);
    assert_non_null(strstr(e.msg, "lower-case"));
}

static void a_time_has_one_spelling(void **state)
{
    (void)state;
    int64_t t = 7;
    assert_true(time_parse(SPAN_LIT("2026-11-24T08:00:00Z"), &t));
    assert_int_equal(t, 1795507200);
    assert_string_equal(time_text(t).text, "2026-11-24T08:00:00Z");
    assert_true(time_parse(SPAN_LIT("1970-01-01T00:00:00Z"), &t));
    assert_int_equal(t, 0);
    assert_true(time_parse(SPAN_LIT("2028-02-29T23:59:59Z"), &t));
    assert_true(time_parse(SPAN_LIT("9999-12-31T23:59:59Z"), &t));

    static const char *const bad[] = {
        "2026-11-24T08:00:00",      "2026-11-24 08:00:00Z", "2026-11-24T08:00:00+00:00", "2026-11-24T08:00:00.0Z",
        "2026-02-30T00:00:00Z",     "2027-02-29T00:00:00Z", "2026-13-01T00:00:00Z",      "2026-00-01T00:00:00Z",
        "2026-11-24T24:00:00Z",     "2026-11-24T23:60:00Z", "2016-12-31T23:59:60Z",      "1969-12-31T23:59:59Z",
        "2026-11-24t08:00:00z",     "+026-11-24T08:00:00Z", "10000-01-01T00:00:00Z",     "",
        "2026-11-24T08:00:00Z2026", "2026-1-24T08:00:00Z",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (time_parse(span_str(bad[i]), &t))
            fail_msg("\"%s\" was taken", bad[i]);
}

static void a_monotonic_clock_does_not_run_backwards(void **state)
{
    (void)state;
    int64_t before = clock_mono_ns();
    for (unsigned i = 0; i < 1000; i++) {
        int64_t now = clock_mono_ns();
        assert_true(now >= before);
        before = now;
    }
    assert_true(clock_now_s() > 1700000000);
}

static void a_full_disk_is_another_code_than_a_broken_one(void **state)
{
    (void)state;
    assert_int_equal(err_set(&e, ERR_IO, ENOSPC, "write %s", "x"), -1);
    assert_int_equal(e.code, ERR_NOSPACE);
    assert_int_equal(err_set(&e, ERR_IO, EIO, "write %s", "x"), -1);
    assert_int_equal(e.code, ERR_IO);
    assert_int_equal(err_set(NULL, ERR_IO, EIO, "nobody listens"), -1);
}

static void a_message_says_where_what_and_what_next(void **state)
{
    (void)state;
    err_set(&e, ERR_NOTFOUND, ENOENT, "open %s", "policy.yaml");
    err_prefix(&e, "contour %s", "demo");
    err_hint(&e, "Make it");

    assert_string_equal(e.msg, "contour demo: open policy.yaml: No such file or directory. Make it");
    assert_int_equal(err_exit_status(e.code), 4);
    assert_int_equal(err_http_status(e.code), 404);
    assert_string_equal(err_code_name(e.code), "not-found");
}

static void a_message_that_is_too_long_is_cut_and_not_more(void **state)
{
    (void)state;
    char text[2 * ERR_MSG_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';

    err_set(&e, ERR_INPUT, 0, "%s", text);
    err_prefix(&e, "%s", text);
    err_hint(&e, "%s", text);

    assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
}

/* The table of cli.md. */
static void every_code_has_its_exit_status(void **state)
{
    (void)state;
    static const int want[ERR_CODES] = {
        [ERR_NONE] = 0,   [ERR_USAGE] = 2,     [ERR_INPUT] = 3, [ERR_LIMIT] = 3,   [ERR_NOTFOUND] = 4, [ERR_EXISTS] = 5,
        [ERR_DENIED] = 5, [ERR_UNDECIDED] = 6, [ERR_BUSY] = 7,  [ERR_NOSPACE] = 7, [ERR_IO] = 7,       [ERR_SYSTEM] = 7,
    };
    for (int code = 0; code < ERR_CODES; code++)
        assert_int_equal(err_exit_status((enum err_code)code), want[code]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_is_lower_case_and_of_the_wanted_length),
        cmocka_unit_test(base64_gives_the_vectors_of_its_standard),
        cmocka_unit_test(every_other_spelling_of_base64_is_refused),
        cmocka_unit_test(the_url_alphabet_is_taken_where_it_is_allowed),
        cmocka_unit_test(a_digest_is_the_hash_however_it_is_fed),
        cmocka_unit_test(only_the_one_form_of_a_digest_is_read),
        cmocka_unit_test(a_time_has_one_spelling),
        cmocka_unit_test(a_monotonic_clock_does_not_run_backwards),
        cmocka_unit_test(a_full_disk_is_another_code_than_a_broken_one),
        cmocka_unit_test(a_message_says_where_what_and_what_next),
        cmocka_unit_test(a_message_that_is_too_long_is_cut_and_not_more),
        cmocka_unit_test(every_code_has_its_exit_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
