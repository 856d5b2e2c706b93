/* Documents that a browser shows: plain ones are clean, what runs, fetches or posts is found, however it is written;
 * and the HTML in Markdown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "look.h"
#include "parse/html_doc.h"

struct row {
    const char *text, *rule; /* rule "": nothing at all */
    bool blocks;
};

static void assert_rows(const char *name, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        auto_look l = look_named(span_str(rows[i].text), name);
        bool right = rows[i].rule[0] ? look_has(&l, rows[i].rule) : l.rules[0] == '\0';
        if (!right || verdict_blocks(l.verdict) != rows[i].blocks)
            fail_msg("%s: \"%s\" (%s)", rows[i].text, l.rules, verdict_name(l.verdict));
    }
}

static void plain_documents_are_clean(void **state)
{
    static const struct row rows[] = {
        {"<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>Guide</title><link rel=stylesheet href=a.css>"
         "<style>p { color: red }</style></head><body><p class=\"x\">Hi &lt;script&gt; <a href='b.html#c'>b</a>"
         "<img src=img/a.png alt=\"javascript: the good parts\"></body></html>\n",
         "", false},
        {"<p>1 < 2 && 3 > 2, <unknown-element></p><br/><!-- a <script> in words --><code>onclick=</code>", "", false},
        {"<script type=\"application/ld+json\">{\"@type\": \"X\"}</script>", "", false},
        {"<link rel=canonical href=https://docs.example/a><a href=https://docs.example>there</a>", "", false},
        {"<form action=search.html><input name=q></form>", "", false},
        {"", "", false},
        {"no markup at all\n", "", false},
    };
    (void)state;
    assert_rows("page.html", rows, ARRAY_LEN(rows));
}

static void what_runs_is_found_however_it_is_written(void **state)
{
    static const struct row rows[] = {
        {"<script>alert(1)</script>", "html-script", true},
        {"<ScRiPt\n src=a.js>", "html-script", true},
        {"<script/x>1</script>", "html-script", true},
        {"<script type=module>import 'x'</script>", "html-script", true},
        {"<svg><svg:script>1</svg:script></svg>", "html-script", true},
        {"<img src=x onerror=alert(1)>", "html-event", true},
        {"<img src=x\tONERROR = 'alert(1)'>", "html-event", true},
        {"<body/onload=alert(1)>", "html-event", true},
        {"<a href=\"javascript:alert(1)\">x</a>", "html-script-url", true},
        {"<a href=\" JaVa\nScRiPt:alert(1)\">x</a>", "html-script-url", true},
        {"<a href=\"&#106;avascript&colon;alert(1)\">x</a>", "html-script-url", true},
        {"<a href=\"java&Tab;script&#x3A;alert(1)\">x</a>", "html-script-url", true},
        {"<a href='data:text/html,<script>1</script>'>x</a>", "html-script-url", true},
        {"<svg><animate attributeName=href values=\"a;javascript:1\"/></svg>", "html-script-url", true},
        {"<p style=\"width: expression(alert(1))\">", "html-style-script", true},
    };
    (void)state;
    assert_rows("page.html", rows, ARRAY_LEN(rows));
}

/* The same bytes are text for one reader and markup for the other. */
static void what_hides_between_two_readings_is_found(void **state)
{
    static const struct row rows[] = {
        {"<title><!--</title><script>1</script>-->", "html-script", true},
        {"<svg><style><script>1</script></style></svg>", "html-script", true},
        {"<svg><title><img src=x onerror=1></title></svg>", "html-event", true},
        {"<noscript><p title=\"</noscript><img src=x onerror=1>\">", "html-event", true},
        {"<!--><script>1</script>-->", "html-script", true},
        {"<!---><script>1</script>-->", "html-script", true},
        {"<!-- x --!><script>1</script>", "html-script", true},
        {"<![CDATA[><script>1</script>]]>", "html-script", true},
        {"<!x><script>1</script>", "html-script", true},
        {"</ x><script>1</script>", "html-script", true},
        {"<a title=\">\" href='javascript:1'>", "html-script-url", true},
        {"<textarea></textarea/ ><script>1</script>", "html-script", true},
        {"<!DOCTYPE svg [<!ENTITY x '&#60;script&#62;'>]><svg>&x;</svg>", "html-entity", true},
        {"<meta charset=utf-7>+ADw-script+AD4-", "html-charset", true},
        {"<meta http-equiv=content-type content='text/html; charset=iso-2022-jp'>", "html-charset", true},
    };
    (void)state;
    assert_rows("page.html", rows, ARRAY_LEN(rows));
}

static void what_leads_away_is_found(void **state)
{
    static const struct row rows[] = {
        {"<iframe src=https://away.test></iframe>", "html-frame", true},
        {"<iframe srcdoc='<p>'></iframe>", "html-frame", true},
        {"<object data=//away.test/x></object>", "html-frame", true},
        {"<embed src=graph.svg>", "html-local-frame", false},
        {"<form method=post action=https://away.test><input>", "html-form", true},
        {"<button formaction=//away.test>", "html-form", true},
        {"<meta http-equiv=refresh content='0; url=https://away.test'>", "html-refresh", true},
        {"<meta http-equiv=refresh content='0; url=index.html'>", "html-local-frame", false},
        {"<meta http-equiv=refresh content='0; url=javascript:1'>", "html-script-url", true},
        {"<base href=https://away.test/>", "html-base", true},
        {"<img src=https://away.test/a.png>", "html-external", false},
        {"<img srcset='a.png 1x, https://away.test/a.png 2x'>", "html-external", false},
        {"<img src='\\\\away.test/a.png'>", "html-external", false},
        {"<link rel=stylesheet href=//away.test/a.css>", "html-external", false},
        {"<style>@import url(https://away.test/a.css)</style>", "html-external", false},
        {"<?php system('x') ?>", "html-instruction", true},
        {"<!--#exec cmd='ls' -->", "html-instruction", true},
        {"<p>cut in <a hre", "html-unfinished", false},
    };
    (void)state;
    assert_rows("page.html", rows, ARRAY_LEN(rows));
}

static void pictures_in_svg_are_documents(void **state)
{
    static const struct row rows[] = {
        {"<?xml version=\"1.0\"?><!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"x\">"
         "<svg xmlns=\"http://www.w3.org/2000/svg\"><title>a</title><path d=\"M0 0\"/></svg>",
         "", false},
        {"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "html-script", true},
        {"<svg><a xlink:href='javascript:1'/></svg>", "html-script-url", true},
        {"<svg><use href='https://away.test/a.svg#x'/></svg>", "html-external", false},
    };
    (void)state;
    assert_rows("a.svg", rows, ARRAY_LEN(rows));
}

static void html_in_markdown_is_held_to_the_same_rules(void **state)
{
    static const struct row rows[] = {
        {"# Model\n\n<div align=\"center\"><img src=\"a.png\"></div>\n\na < b\n", "", false},
        {"Use `<script>` or\n\n```html\n<script>1</script>\n```\n\n~~~\n<img onerror=1>\n~~~\n", "", false},
        {"``a ` <script> ``\n", "", false},
        {"a\n\n<script>1</script>\n", "html-script", true},
        {"text <img src=x onerror=alert(1)>\n", "html-event", true},
        {"[x](javascript:alert(1))\n", "html-script-url", true},
        {"[x]( <JavaScript&colon;alert(1)>)\n", "html-script-url", true},
        {"[x]: javascript:alert(1)\n", "html-script-url", true},
        {"<javascript:alert(1)>\n", "html-script-url", true},
        {"<pre>\n```\n<script>1</script>\n```\n</pre>\n", "html-script", true},
        {"<a title=\"`\"><script>1</script>`\n", "html-script", true},
        {"\\`<script>1</script>`\n", "html-script", true},
        {"`open\n<script>1</script>\n", "html-script", true},
        {"```\ncode\n```\n<script>1</script>\n", "html-script", true},
        {"``` a`b\n<script>1</script>\n```\n", "html-script", true},
    };
    (void)state;
    assert_rows("README.md", rows, ARRAY_LEN(rows));
}

static void a_document_of_a_package_gets_one_remark(void **state)
{
    struct inspect_options o = {.name = "doc/index.html", .stands = true};
    (void)state;
    auto_look l = look_at(SPAN_LIT("<script>1</script><img src=x onerror=1><iframe src=//a.test>"), &o);
    auto_look plain = look_at(SPAN_LIT("<p>a</p><img src=https://a.test/x>"), &o);
    assert_true(look_has(&l, "html-active"));
    assert_int_equal(l.verdict, VERDICT_CLEAN);
    assert_int_equal(json_array_size(json_object_get(l.reply, "findings")), 1);
    assert_string_equal(plain.rules, "");
}

static void one_finding_a_rule_says_how_many_and_where(void **state)
{
    (void)state;
    auto_look l =
        look_named(SPAN_LIT("<p>\n<p>\n<script>1</script>\n<script>2</script>\n<script>3</script>"), "a.html");
    const json_t *first = json_array_get(json_object_get(l.reply, "findings"), 0);
    assert_int_equal(json_array_size(json_object_get(l.reply, "findings")), 1);
    assert_string_equal(json_get_string(first, "at", ""), "line 3");
    assert_non_null(strstr(json_get_string(first, "message", ""), "3 in all"));
}

static void remarks_hide_nothing_that_blocks(void **state)
{
    auto_buf tar = BUF(16U << 20);
    (void)state;
    for (int i = 0; i < 1000; i++)
        tar_member(&tar, "x.conf", '0', 0666, "", SPAN_LIT("a\n"));
    tar_member(&tar, "a.html", '0', 0644, "", SPAN_LIT("<script>1</script>"));
    tar_end(&tar);
    auto_look l = look_named(buf_span(&tar), "a.tar");
    assert_true(look_has(&l, "html-script"));
    assert_true(look_has(&l, "more-remarks"));
    assert_int_equal(l.verdict, VERDICT_SUSPICIOUS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_documents_are_clean),
        cmocka_unit_test(what_runs_is_found_however_it_is_written),
        cmocka_unit_test(what_hides_between_two_readings_is_found),
        cmocka_unit_test(what_leads_away_is_found),
        cmocka_unit_test(pictures_in_svg_are_documents),
        cmocka_unit_test(html_in_markdown_is_held_to_the_same_rules),
        cmocka_unit_test(a_document_of_a_package_gets_one_remark),
        cmocka_unit_test(one_finding_a_rule_says_how_many_and_where),
        cmocka_unit_test(remarks_hide_nothing_that_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
