/* Answers of clamd: each form is taken for what it is, and everything else for no answer. */
#include "parse/clamd_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/auto.h"

#define REPLY(text) SPAN_LIT(text "\0")

static void each_form_is_taken_for_what_it_is(void **state)
{
    static const struct {
        struct span reply;
        enum clamd_answer answer;
        const char *text;
    } cases[] = {
        {REPLY("stream: OK"), CLAMD_OK, ""},
        {REPLY("fd[10]: OK"), CLAMD_OK, ""},
        {REPLY("stream: Win.Test.EICAR_HDB-1 FOUND"), CLAMD_FOUND, "Win.Test.EICAR_HDB-1"},
        {REPLY("fd[0]: {HEX}php.cmdshell.357.UNOFFICIAL FOUND"), CLAMD_FOUND, "{HEX}php.cmdshell.357.UNOFFICIAL"},
        {REPLY("fd[9]: Heuristics.Limits.Exceeded.MaxFileSize FOUND"), CLAMD_LIMITS,
         "Heuristics.Limits.Exceeded.MaxFileSize"},
        {REPLY("fd[9]: Heuristics.Limits.Exceeded FOUND"), CLAMD_LIMITS, "Heuristics.Limits.Exceeded"},
        {REPLY("fd[9]: Heuristics.Encrypted.Zip FOUND"), CLAMD_LIMITS, "Heuristics.Encrypted.Zip"},
        {REPLY("fd[9]: Not a regular file ERROR"), CLAMD_ERROR, "Not a regular file"},
        {REPLY("INSTREAM size limit exceeded. ERROR"), CLAMD_ERROR, "INSTREAM size limit exceeded."},
        {REPLY("No file descriptor received. ERROR"), CLAMD_ERROR, "No file descriptor received."},
        {REPLY("COMMAND READ TIMED OUT ERROR"), CLAMD_ERROR, "COMMAND READ TIMED OUT"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct clamd_reply reply;
        struct err e = {0};
        assert_int_equal(clamd_reply_parse(cases[i].reply, &reply, &e), 0);
        assert_int_equal(reply.answer, cases[i].answer);
        assert_string_equal(reply.text, cases[i].text);
    }
}

static void everything_else_is_no_answer(void **state)
{
    static const struct span replies[] = {
        SPAN_LIT(""),
        SPAN_LIT("\0"),
        SPAN_LIT("stream: OK"),                    /* without its end */
        SPAN_LIT("stream: OK\n\0"),                /* of the prefix n */
        SPAN_LIT("stream: OK\0stream: A FOUND\0"), /* two of them */
        SPAN_LIT("OK\0"),                          /* about nothing */
        SPAN_LIT("/etc/passwd: OK\0"),             /* about a path that we never named */
        SPAN_LIT("fd[]: OK\0"),
        SPAN_LIT("fd[x]: OK\0"),
        SPAN_LIT("fd[1: OK\0"),
        SPAN_LIT("1: stream: OK\0"), /* of a session */
        SPAN_LIT("stream: ok\0"),
        SPAN_LIT("stream: OK \0"),
        SPAN_LIT("stream:  OK\0"),
        SPAN_LIT("stream: FOUND\0"),
        SPAN_LIT("stream:  FOUND\0"),
        SPAN_LIT("stream: two words FOUND\0"),
        SPAN_LIT("A FOUND\0"), /* about nothing */
        SPAN_LIT(" ERROR\0"),
        SPAN_LIT("stream:  ERROR\0"),
        SPAN_LIT("UNKNOWN COMMAND\0"),
        SPAN_LIT("PONG\0"),
        SPAN_LIT("stream: \x1b[2J FOUND\0"),
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct clamd_reply reply;
        struct err e = {0};
        int result = clamd_reply_parse(replies[i], &reply, &e);
        if (result == 0)
            print_message("# %zu: %s\n", i, (const char *)replies[i].ptr);
        assert_int_equal(result, -1);
        assert_int_equal(e.code, ERR_INPUT);
        assert_true(span_is_printable(span_str(e.msg)));
    }
}

static void an_answer_is_never_longer_than_its_limit(void **state)
{
    static char text[LIMIT_CLAMD_REPLY + 16] = "stream: ";
    struct clamd_reply reply;
    struct err e = {0};
    (void)state;
    memset(text + 8, 'a', LIMIT_CLAMD_REPLY);
    memcpy(text + LIMIT_CLAMD_REPLY, " FOUND", 7);
    assert_int_equal(clamd_reply_parse(span_of(text, LIMIT_CLAMD_REPLY + 7), &reply, &e), -1);
}

static void a_version_has_engine_database_and_date(void **state)
{
    struct clamd_version v;
    struct err e = {0};
    (void)state;
    assert_int_equal(clamd_version_parse(REPLY("ClamAV 1.4.6/27500/Tue Nov 24 09:12:00 2026"), &v, &e), 0);
    assert_string_equal(v.engine, "ClamAV 1.4.6");
    assert_string_equal(v.database, "27500");
    assert_int_equal(v.date_s, 1795511520);
    assert_int_equal(clamd_version_parse(REPLY("ClamAV 1.4.6/27500/Sun Nov  1 00:00:00 2026"), &v, &e), 0);
    assert_int_equal(v.date_s, 1793491200);
    assert_int_equal(clamd_version_parse(REPLY("ClamAV 1.4.6"), &v, &e), 0); /* only signatures of others */
    assert_string_equal(v.database, "");
    assert_int_equal(v.date_s, 0);
}

static void what_is_no_version_is_refused(void **state)
{
    static const struct span replies[] = {
        SPAN_LIT(""),
        SPAN_LIT("ClamAV 1.4.6/27500\0"),
        SPAN_LIT("ClamAV 1.4.6/27500/\0"),
        SPAN_LIT("ClamAV 1.4.6/x/Tue Nov 24 09:12:00 2026\0"),
        SPAN_LIT("ClamAV 1.4.6/27500/Tue Foo 24 09:12:00 2026\0"),
        SPAN_LIT("ClamAV 1.4.6/27500/Tue anF 24 09:12:00 2026\0"),
        SPAN_LIT("ClamAV 1.4.6/27500/Tue Nov 32 09:12:00 2026\0"),
        SPAN_LIT("ClamAV 1.4.6/27500/Tue Nov 24 24:12:00 2026\0"),
        SPAN_LIT("ClamAV 1.4.6/27500/Tue Nov 24 09:12:00 2026 \0"),
        SPAN_LIT("ClamAV 1.4.6/27500/Tue Nov 24 09:12:00 26\0"),
        SPAN_LIT("ClamAV 1.4.6/27500/Tue Nov 24 09:12:00 2026"),
        SPAN_LIT("Other 1/2/Tue Nov 24 09:12:00 2026\0"),
        SPAN_LIT("UNKNOWN COMMAND\0"),
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct clamd_version v;
        struct err e = {0};
        assert_int_equal(clamd_version_parse(replies[i], &v, &e), -1);
        assert_int_equal(e.code, ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_is_taken_for_what_it_is),
        cmocka_unit_test(everything_else_is_no_answer),
        cmocka_unit_test(an_answer_is_never_longer_than_its_limit),
        cmocka_unit_test(a_version_has_engine_database_and_date),
        cmocka_unit_test(what_is_no_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
