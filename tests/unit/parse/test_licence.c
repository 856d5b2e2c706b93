/* Licences: what people write and what texts are, made expressions; expressions held against lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>

#include "parse/licence.h"
#include "parse/licence_judge.h"
#include "parse/licence_text.h"
#include "parse/spdx_licence.h"
#include "util/file.h"

static void means(const char *text, const char *wanted)
{
    auto_buf out = BUF(LICENCE_MAX);
    bool known = licence_expression(span_str(text), &out);
    if (known != (wanted != NULL) || strcmp(buf_str(&out), wanted ? wanted : "") != 0)
        fail_msg("\"%s\" is \"%s\", wanted \"%s\"", text, buf_str(&out), wanted ? wanted : "nothing");
}

static void names_that_people_use_become_identifiers(void **state)
{
    (void)state;
    means("mit", "MIT");
    means("The MIT License (MIT)", "MIT");
    means("Apache 2.0", "Apache-2.0");
    means("Apache License, Version 2.0", "Apache-2.0");
    means("apache-2.0", "Apache-2.0");
    means("License :: OSI Approved :: MIT License", "MIT");
    means("License :: OSI Approved :: GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later");
    means("License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)", "LGPL-3.0-only");
    means("GPLv3+", "GPL-3.0-or-later");
    means("GPL-2.0", "GPL-2.0-only");
    means("GPL-2.0+", "GPL-2.0-or-later");
    means("GNU AGPL v3", "AGPL-3.0-only");
    means("LGPLv2.1+", "LGPL-2.1-or-later");
    means("3-Clause BSD License", "BSD-3-Clause");
    means("MPL 2.0", "MPL-2.0");
    means("MIT/X11", "MIT");
    means("public-domain", "LicenseRef-public-domain");
    means("UNLICENSED", "LicenseRef-proprietary");
    means("The Unlicense (Unlicense)", "Unlicense");
    means("LicenseRef-ours", "LicenseRef-ours");
}

static void names_with_words_between_them_become_expressions(void **state)
{
    (void)state;
    means("(MIT OR Apache-2.0)", "(MIT OR Apache-2.0)");
    means("Apache-2.0/MIT", "Apache-2.0 OR MIT");
    means("LGPLv2+ and GPLv2+", "LGPL-2.0-or-later AND GPL-2.0-or-later");
    means("bsd-3-clause and (mit or gpl-2.0)", "BSD-3-Clause AND (MIT OR GPL-2.0-only)");
    means("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception");
    means("GPL-2+, LGPL-2.1+ and MIT", "GPL-2.0-or-later AND LGPL-2.1-or-later AND MIT");
    means("GPL v2 or any later version", "GPL-2.0-or-later");
}

static void what_has_no_meaning_or_several_has_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "GPL",
                                        "BSD",
                                        "License :: OSI Approved :: BSD License",
                                        "License :: OSI Approved :: Apache Software License",
                                        "SEE LICENSE IN LICENSE.txt",
                                        "Dual License",
                                        "MIT OR",
                                        "MIT OR nothing known",
                                        "(MIT",
                                        "MIT)",
                                        "GPLv2+ with exceptions",
                                        "((((((((((((((((((MIT))))))))))))))))))"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        means(texts[i], NULL);
}

static void in_a_document_that_has_the_texts_every_name_stands(void **state)
{
    (void)state;
    auto_buf out = BUF(LICENCE_MAX);
    assert_true(licence_expression_own(SPAN_LIT("LGPL-2.1+ AND (Expat or GPL-2) AND custom-foo"), &out));
    assert_string_equal(buf_str(&out), "LGPL-2.1-or-later AND (MIT OR GPL-2.0-only) AND LicenseRef-custom-foo");
    buf_clear(&out);
    assert_true(licence_expression_own(SPAN_LIT("GPL-2+ with OpenSSL exception"), &out));
    assert_string_equal(buf_str(&out), "GPL-2.0-or-later");
    buf_clear(&out);
    assert_false(licence_expression_own(SPAN_LIT("GPL"), &out));
}

/* ── lists ── */

static void is(const char *expression, const char *allow, const char *deny, enum licence_answer wanted)
{
    enum licence_answer answer = licence_judge(span_str(expression), span_str(allow), span_str(deny));
    if (answer != wanted)
        fail_msg("%s against [%s] and not [%s]: %d, wanted %d", expression, allow, deny, answer, wanted);
}

static void or_asks_for_one_branch_and_for_all(void **state)
{
    (void)state;
    is("MIT", "MIT,Apache-2.0", "", LICENCE_ALLOWED);
    is("mit", "MIT", "", LICENCE_ALLOWED);
    is("ISC", "MIT,Apache-2.0", "", LICENCE_NOT_ALLOWED);
    is("MIT OR GPL-3.0-only", "MIT", "", LICENCE_ALLOWED);
    is("MIT AND GPL-3.0-only", "MIT", "", LICENCE_NOT_ALLOWED);
    is("MIT AND (ISC OR GPL-3.0-only)", "MIT,ISC", "", LICENCE_ALLOWED);
    is("MIT OR ISC AND GPL-3.0-only", "ISC", "", LICENCE_NOT_ALLOWED);
    is("AGPL-3.0-only", "", "AGPL-3.0+", LICENCE_DENIED);
    is("AGPL-3.0-only OR MIT", "", "AGPL-3.0+", LICENCE_ALLOWED);
    is("AGPL-3.0-only AND MIT", "", "AGPL-3.0+", LICENCE_DENIED);
    is("anything", "", "", LICENCE_NOT_ALLOWED);
    is("LicenseRef-ours", "LicenseRef-ours", "", LICENCE_ALLOWED);
    is("LicenseRef-ours-2.0", "LicenseRef-ours-1.0+", "", LICENCE_NOT_ALLOWED);
}

static void or_later_is_a_choice_of_versions(void **state)
{
    (void)state;
    is("GPL-2.0-or-later", "GPL-3.0-only", "", LICENCE_ALLOWED);
    is("GPL-2.0-only", "GPL-3.0-only", "", LICENCE_NOT_ALLOWED);
    is("GPL-3.0-only", "GPL-2.0+", "", LICENCE_ALLOWED);
    is("GPL-2.0-only", "GPL-3.0+", "", LICENCE_NOT_ALLOWED);
    is("GPL-2.0-or-later", "", "GPL-3.0+", LICENCE_ALLOWED); /* version 2 may be chosen */
    is("GPL-2.0-or-later", "", "GPL-2.0+", LICENCE_DENIED);
    is("GPL-2.0-or-later", "", "GPL-2.0-only", LICENCE_ALLOWED);
    is("LGPL-2.1-or-later", "GPL-2.0+", "", LICENCE_NOT_ALLOWED);
    is("Apache-1.1+", "Apache-2.0", "", LICENCE_ALLOWED);
}

static void an_exception_adds_to_its_licence(void **state)
{
    (void)state;
    is("GPL-3.0-only WITH GCC-exception-3.1", "GPL-3.0-only", "", LICENCE_ALLOWED);
    is("GPL-3.0-only WITH GCC-exception-3.1", "GPL-3.0-only WITH GCC-exception-3.1", "GPL-3.0+", LICENCE_ALLOWED);
    is("GPL-3.0-only", "GPL-3.0-only WITH GCC-exception-3.1", "", LICENCE_NOT_ALLOWED);
    is("GPL-3.0-only WITH GCC-exception-3.1", "", "GPL-3.0+", LICENCE_DENIED);
}

static void only_one_licence_is_an_item_of_a_list(void **state)
{
    (void)state;
    assert_true(licence_item_is_right(SPAN_LIT("MIT")));
    assert_true(licence_item_is_right(SPAN_LIT("LGPL-2.1+")));
    assert_true(licence_item_is_right(SPAN_LIT("GPL-3.0-only WITH GCC-exception-3.1")));
    assert_true(licence_item_is_right(SPAN_LIT("LicenseRef-ours")));
    assert_false(licence_item_is_right(SPAN_LIT("MIT OR ISC")));
    assert_false(licence_item_is_right(SPAN_LIT("(MIT)")));
    assert_false(licence_item_is_right(SPAN_LIT("Apache 2.0")));
    assert_false(licence_item_is_right(SPAN_LIT("")));
}

/* ── texts ── */

static bool common(const char *name, struct buf *out)
{
    char path[256];
    struct err e = {0};
    snprintf(path, sizeof path, "/usr/share/common-licenses/%s", name);
    return file_read(AT_FDCWD, path, out, &e) == 0;
}

static void a_text_is_known_whatever_stands_around_its_words(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"Apache-2.0", "Apache-2.0"},  {"Artistic", "Artistic-1.0-Perl"},
                                           {"BSD", "BSD-4-Clause-UC"},    {"CC0-1.0", "CC0-1.0"},
                                           {"GFDL-1.2", "GFDL-1.2-only"}, {"GFDL-1.3", "GFDL-1.3-only"},
                                           {"GPL-1", "GPL-1.0-only"},     {"GPL-2", "GPL-2.0-only"},
                                           {"GPL-3", "GPL-3.0-only"},     {"LGPL-2", "LGPL-2.0-only"},
                                           {"LGPL-2.1", "LGPL-2.1-only"}, {"LGPL-3", "LGPL-3.0-only"},
                                           {"MPL-1.1", "MPL-1.1"},        {"MPL-2.0", "MPL-2.0"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        auto_buf text = BUF(1U << 20), other = BUF(2U << 20), found = BUF(LICENCE_MAX);
        if (!common(names[i][0], &text)) {
            fprintf(stderr, "SKIPPED: no /usr/share/common-licenses (Debian's base-files) here\n");
            skip();
        }
        buf_add_str(&other, "/* Copyright (c) 2026 Somebody\n * ");
        for (size_t k = 0; k < text.len; k++) {
            char c = (char)text.ptr[k];
            if (c == '\n')
                buf_add_str(&other, "\r\n *   ");
            else
                buf_add_byte(&other, (uint8_t)(c >= 'a' && c <= 'z' ? c - 32 : c));
        }
        assert_true(licence_text_read(buf_span(&text), &found));
        assert_string_equal(buf_str(&found), names[i][1]);
        buf_clear(&found);
        assert_true(licence_text_read(buf_span(&other), &found));
        assert_string_equal(buf_str(&found), names[i][1]);
    }
}

static void half_a_text_and_a_text_with_a_rider_are_no_licence(void **state)
{
    (void)state;
    auto_buf text = BUF(1U << 20), rider = BUF(2U << 20), found = BUF(LICENCE_MAX);
    if (!common("Apache-2.0", &text))
        skip();
    assert_false(licence_text_read(span_of(text.ptr, text.len / 2), &found));
    buf_add_str(&rider, "\"Commons Clause\" condition: without limiting other conditions, no right to sell.\n");
    buf_add_span(&rider, buf_span(&text));
    assert_false(licence_text_read(buf_span(&rider), &found));
    assert_false(licence_text_read(SPAN_LIT("Ask us."), &found));
    assert_int_equal(found.len, 0);
}

static void two_texts_in_one_file_are_two_licences(void **state)
{
    (void)state;
    auto_buf text = BUF(1U << 20), found = BUF(LICENCE_MAX);
    if (!common("Apache-2.0", &text) || !common("MPL-2.0", &text))
        skip();
    assert_true(licence_text_read(buf_span(&text), &found));
    assert_string_equal(buf_str(&found), "MPL-2.0 AND Apache-2.0");
}

static void names_of_licence_files(void **state)
{
    (void)state;
    assert_true(licence_file_named("a-1.0.dist-info/licenses/LICENSE"));
    assert_true(licence_file_named("LICENCE-MIT"));
    assert_true(licence_file_named("x/COPYING.LESSER"));
    assert_false(licence_file_named("license.py"));
    assert_false(licence_file_named("licenses/readme"));
}

/* ── together ── */

static void concludes(const char *said, const char *file, const char *other, const char *wanted, bool differing)
{
    auto_buf out = BUF(LICENCE_MAX);
    const struct span files[] = {span_str(file), span_str(other)};
    bool differs, known = licence_conclude(span_str(said), files, 2, &out, &differs);
    assert_int_equal(known, wanted[0] != '\0');
    assert_string_equal(buf_str(&out), wanted);
    assert_int_equal(differs, differing);
}

static void a_file_that_says_more_than_the_metadata_adds_to_it(void **state)
{
    (void)state;
    concludes("MIT", "MIT", "", "MIT", false);
    concludes("", "MIT", "", "MIT", false);
    concludes("", "", "", "", false);
    concludes("MIT", "", "", "MIT", false);
    concludes("Apache-2.0 OR MIT", "MIT", "Apache-2.0", "Apache-2.0 OR MIT", false);
    concludes("MIT", "GPL-3.0-only", "", "MIT AND GPL-3.0-only", true);
    concludes("MIT OR ISC", "GPL-3.0-only", "", "(MIT OR ISC) AND GPL-3.0-only", true);
    concludes("GPL-2.0-or-later", "GPL-3.0-only", "", "GPL-2.0-or-later", false);
    concludes("GPL-3.0-or-later", "GPL-2.0-only", "", "GPL-3.0-or-later AND GPL-2.0-only", true);
    concludes("LGPL-3.0-or-later", "LGPL-3.0-only", "GPL-3.0-only", "LGPL-3.0-or-later", false);
    concludes("", "MIT", "ISC", "MIT AND ISC", false);
}

static void card(const char *text, const char *wanted)
{
    auto_buf out = BUF(LICENCE_MAX);
    assert_int_equal(licence_of_card(span_str(text), &out), wanted != NULL);
    assert_string_equal(buf_str(&out), wanted ? wanted : "");
}

static void a_model_card_says_its_licence_in_its_front_matter(void **state)
{
    (void)state;
    card("---\nlicense: apache-2.0\ntags:\n- x\n---\n# A\n", "Apache-2.0");
    card("---\ntags: [a]\r\nlicense: \"llama3.1\"\r\n---\r\n", "LicenseRef-llama3.1");
    card("---\nlicense: other\nlicense_name: tongyi-qianwen\n---\n", "LicenseRef-tongyi-qianwen");
    card("---\nlicense:\n- mit\n- apache-2.0\n---\n", "MIT AND Apache-2.0");
    card("---\nlicense: [mit, 'isc']\n---\n", "MIT AND ISC");
    card("---\nlicense: other\n---\n", NULL);
    card("---\nlicense: gpl\n---\n", NULL);
    card("# A\n\nlicense: mit\n", NULL);
    card("", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_people_use_become_identifiers),
        cmocka_unit_test(names_with_words_between_them_become_expressions),
        cmocka_unit_test(what_has_no_meaning_or_several_has_none),
        cmocka_unit_test(in_a_document_that_has_the_texts_every_name_stands),
        cmocka_unit_test(or_asks_for_one_branch_and_for_all),
        cmocka_unit_test(or_later_is_a_choice_of_versions),
        cmocka_unit_test(an_exception_adds_to_its_licence),
        cmocka_unit_test(only_one_licence_is_an_item_of_a_list),
        cmocka_unit_test(a_text_is_known_whatever_stands_around_its_words),
        cmocka_unit_test(half_a_text_and_a_text_with_a_rider_are_no_licence),
        cmocka_unit_test(two_texts_in_one_file_are_two_licences),
        cmocka_unit_test(names_of_licence_files),
        cmocka_unit_test(a_file_that_says_more_than_the_metadata_adds_to_it),
        cmocka_unit_test(a_model_card_says_its_licence_in_its_front_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
