/* Words of others in an HTML page: no markup gets in, nothing that is no text, nothing that reads in another order. */
#include "util/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BAD "\xef\xbf\xbd"

static void becomes(struct span text, const char *wanted)
{
    auto_buf out = BUF(4096);
    html_add(&out, text);
    assert_true(buf_ok(&out));
    assert_string_equal(buf_str(&out), wanted);
}

static void markup_becomes_text(void **state)
{
    (void)state;
    becomes(SPAN_LIT("<script>alert('1' & \"2\")</script>"),
            "&lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)&lt;/script&gt;");
    becomes(SPAN_LIT("&lt;"), "&amp;lt;");
}

static void other_alphabets_stay_as_they_are(void **state)
{
    (void)state;
    becomes(SPAN_LIT("Zo\xc3\xab, \xd0\xaf, \xe4\xb8\xad, \xf0\x9f\x94\x92\ttab\n"),
            "Zo\xc3\xab, \xd0\xaf, \xe4\xb8\xad, \xf0\x9f\x94\x92\ttab\n");
}

static void bytes_that_are_no_utf8_are_shown_one_by_one(void **state)
{
    (void)state;
    becomes(SPAN_LIT("a\xff\xfe z"), "a" BAD BAD " z");
    becomes(SPAN_LIT("\xc0\xbcscript"), BAD BAD "script"); /* an overlong < */
    becomes(SPAN_LIT("cut \xe4\xb8"), "cut " BAD BAD);
    becomes(SPAN_LIT("\xc3<b>"), BAD "&lt;b&gt;"); /* a lead byte takes no markup with it */
}

static void what_hides_or_turns_text_round_is_shown(void **state)
{
    (void)state;
    becomes(span_of("a\0b\x1b[31m\x7f", 9), "a" BAD "b" BAD "[31m" BAD);
    becomes(SPAN_LIT("txt.\xe2\x80\xae"
                     "exe"),
            "txt." BAD "exe");
    becomes(SPAN_LIT("\xe2\x81\xa6x\xe2\x81\xa9 \xc2\x85"), BAD "x" BAD " " BAD);
}

static void a_format_is_escaped_as_a_whole(void **state)
{
    (void)state;
    auto_buf out = BUF(64), small = BUF(8);
    html_printf(&out, "%s > %d", "<i>", 7);
    assert_string_equal(buf_str(&out), "&lt;i&gt; &gt; 7");
    html_printf(&small, "%s", "longer than eight");
    assert_false(buf_ok(&small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_becomes_text),
        cmocka_unit_test(other_alphabets_stay_as_they_are),
        cmocka_unit_test(bytes_that_are_no_utf8_are_shown_one_by_one),
        cmocka_unit_test(what_hides_or_turns_text_round_is_shown),
        cmocka_unit_test(a_format_is_escaped_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
