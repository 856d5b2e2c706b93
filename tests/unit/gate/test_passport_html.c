/* The page to print: words of others stay words, and no page says PASSED where a gate would say no. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"

#include "gate/passport.h"

static int scene_with_words(void **state)
{
    set_up(state);
    r.licence = r.description = r.model_name = r.model.name = (char *)"tiny";
    return 0;
}

static void page(struct buf *out)
{
    struct err e = {0};
    ok(passport_html(t.site, &r, out, &e), &e);
}

static void says(const char *words)
{
    auto_buf out = BUF(1 << 20);
    page(&out);
    if (!strstr(buf_str(&out), words))
        fail_msg("wanted \"%s\" in %s", words, buf_str(&out));
}

static void does_not_say(const char *words)
{
    auto_buf out = BUF(1 << 20);
    page(&out);
    if (strstr(buf_str(&out), words))
        fail_msg("found \"%s\" in %s", words, buf_str(&out));
}

static void approved_for_prod(void)
{
    ready_for_approval();
    approved_by(pavel);
    approved_by(sofia);
    struct verdict v = judged(GATE_TRUST, "prod");
    passes(&v);
}

static void words_of_others_are_escaped(void **state)
{
    (void)state;
    char *command[] = {(char *)"/engine/x", (char *)"--'<b>", NULL};
    r.description = (char *)"<script>alert(1)</script>";
    r.owner = (char *)"\"o\" onclick='x' & sons";
    r.licence = (char *)"bad \xff\xc3( bytes";
    r.model_name = (char *)"txt.\xe2\x80\xae"
                           "fugg";
    r.command = command;
    r.command_count = 2;

    says("<td class=\"\">&lt;script&gt;alert(1)&lt;/script&gt;</td>");
    says("<td class=\"\">&quot;o&quot; onclick=&#39;x&#39; &amp; sons</td>");
    says("bad \xef\xbf\xbd\xef\xbf\xbd( bytes");
    says("txt.\xef\xbf\xbd"
         "fugg");
    says("/engine/x --&#39;&lt;b&gt;");
    does_not_say("<script");
}

static void words_inside_signed_lines_are_escaped_too(void **state)
{
    (void)state;
    struct err e = {0};
    arrived();
    line_by(station, PREDICATE_CYCLONEDX, "{\"bomFormat\":\"<i>\",\"components\":[{\"type\":\"<script>\"}]}");
    ok(request_make(t.site, &r, "prod", ines, "because </td><script src=x>", NULL, &e), &e);

    says("1: 1 &lt;script&gt;");
    says("because &lt;/td&gt;&lt;script src=x&gt;");
    does_not_say("<script");
    does_not_say("<i>");
}

static void what_no_gate_has_judged_is_not_called_passed(void **state)
{
    (void)state;
    arrived();
    says("<section class=\"verdict failed\">\n<strong>NOT JUDGED</strong>");
}

static void a_release_that_only_came_in_is_not_called_fit_for_prod(void **state)
{
    (void)state;
    arrived();
    scanned("PASSED", 0);
    judged(GATE_INTAKE, NULL);
    says("<strong>PASSED</strong>");
    says("Not judged for prod");
}

static void approved_for_prod_is_passed(void **state)
{
    (void)state;
    approved_for_prod();
    says("<section class=\"verdict passed\">\n<strong>PASSED</strong>");
    says("<td class=\"yes\">yes</td>");
    does_not_say("Not judged for prod");
    does_not_say("<li>");
}

static void what_failed_since_the_verdict_stands_beside_it(void **state)
{
    (void)state;
    approved_for_prod();
    ran(PREDICATE_SILENCE, "FAILED", "test");
    says("<li>Since then: silence test by contour: FAILED (");
    says("newer than the verdict, which does not cover it");
}

static void attempts_to_leave_are_listed_with_their_words_as_words(void **state)
{
    (void)state;
    line_by(
        t.site->key, PREDICATE_SILENCE,
        "{\"environment\":\"test\",\"result\":\"FAILED\",\"attempts\":[{\"program\":\"/engine/<b>\",\"op\":\"connect\","
        "\"protocol\":\"tcp\",\"name\":\"\",\"address\":\"192.0.2.10\",\"port\":443,\"phase\":\"idle\",\"count\":3}],"
        "\"dropped\":2,\"recorders\":[{\"awake\":true},{\"awake\":false}]}");
    says("<td class=\"no\">1 kinds, and 2 more that are not listed</td>");
    says("<td class=\"name\">/engine/&lt;b&gt;</td><td class=\"\">connect tcp</td><td class=\"name\">192.0.2.10 port "
         "443</td>");
    says("<td class=\"no\">1 of 2 awake</td>");
}

static void findings_and_failed_cases_are_listed_with_their_words_as_words(void **state)
{
    (void)state;
    line_by(
        t.site->key, PREDICATE_SCAN,
        "{\"result\":\"FAILED\",\"files\":[{\"path\":\"model/<x>\",\"verdict\":\"malicious\",\"findings\":[{\"rule\":"
        "\"pickle\",\"severity\":\"high\",\"at\":\"4\",\"message\":\"calls '<os>'\"}]}]}");
    line_by(t.site->key, PREDICATE_TEST_RESULT,
            "{\"result\":\"FAILED\",\"environment\":\"test\",\"failedTests\":[\"<c>\"],\"cases\":[{\"name\":\"<c>\","
            "\"passed\":false,\"latency_ms\":7,\"why\":\"found <none>\"}]}");
    says("1: 1 malicious");
    says("<td class=\"name\">model/&lt;x&gt;</td><td class=\"name\">pickle</td><td class=\"\">high</td><td "
         "class=\"\">4: calls "
         "&#39;&lt;os&gt;&#39;</td>");
    says("<td class=\"name\">&lt;c&gt;</td><td class=\"no\">FAILED</td><td class=\"number\">7</td><td class=\"\">found "
         "&lt;none&gt;</td>");
}

static void a_verdict_whose_ground_was_changed_does_not_hold(void **state)
{
    (void)state;
    approved_for_prod();
    attacker("UPDATE evidence SET envelope = ?1 WHERE predicate_type = '" PREDICATE_SCAN "'", SPAN_LIT("{}"), NULL,
             NULL);
    says("<section class=\"verdict failed\">\n<strong>DOES NOT HOLD</strong>");
    says("<li>1 attestations do not verify");
    says("DOES NOT VERIFY: ");
}

static void a_verdict_whose_ground_was_taken_away_does_not_hold(void **state)
{
    (void)state;
    approved_for_prod();
    attacker("DELETE FROM evidence WHERE predicate_type = '" PREDICATE_SCAN "'", (struct span){0}, NULL, NULL);
    says("<strong>DOES NOT HOLD</strong>");
    says("<li>1 attestations are gone");
}

int main(void)
{
#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_with_words, tear_down)
    const struct CMUnitTest tests[] = {
        IN_SCENE(words_of_others_are_escaped),
        IN_SCENE(words_inside_signed_lines_are_escaped_too),
        IN_SCENE(what_no_gate_has_judged_is_not_called_passed),
        IN_SCENE(a_release_that_only_came_in_is_not_called_fit_for_prod),
        IN_SCENE(approved_for_prod_is_passed),
        IN_SCENE(what_failed_since_the_verdict_stands_beside_it),
        IN_SCENE(attempts_to_leave_are_listed_with_their_words_as_words),
        IN_SCENE(findings_and_failed_cases_are_listed_with_their_words_as_words),
        IN_SCENE(a_verdict_whose_ground_was_changed_does_not_hold),
        IN_SCENE(a_verdict_whose_ground_was_taken_away_does_not_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
