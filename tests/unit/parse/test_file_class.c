/* The class of a file follows from its bytes; the name only says what an archive is for. */
#include "parse/file_class.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/auto.h"

static void bytes_and_name_make_the_class(void **state)
{
    static const struct {
        struct span bytes;
        const char *name, *class;
    } cases[] = {
        {SPAN_LIT("\x7f"
                  "ELF\2\1\1"),
         "picture.png", "program"},
        {SPAN_LIT("MZ\x90\0\3\0\0\0"), "notes.txt", "program"},
        {SPAN_LIT("#!/bin/sh\n"), "README", "script"},
        {SPAN_LIT("import os\n"), "a/b.py", "script"},
        {SPAN_LIT("<html><body>x</body></html>"), "a.html", "document"},
        {SPAN_LIT("{{ x }}"), "chat.jinja", "script"},
        {SPAN_LIT("PK\3\4"), "a.zip", "archive"},
        {SPAN_LIT("PK\3\4"), "a.txt", "archive"},
        {SPAN_LIT("PK\3\4"), "a-1.0-py3-none-any.WHL", "package"},
        {SPAN_LIT("PK\3\4"), "weights.pt", "model"},
        {SPAN_LIT("!<arch>\n"), "bash_5.2_amd64.deb", "package"},
        {SPAN_LIT("\x1f\x8b\x08"), "layer.tar.gz", "archive"},
        {SPAN_LIT("\x1f\x8b\x08"), "left-pad-1.3.0.tgz", "package"},
        {SPAN_LIT("GGUF\3\0\0\0"), "x", "model"},
        {SPAN_LIT("%PDF-1.7"), "x", "document"},
        {SPAN_LIT("hello\n"), "README", "document"},
        {SPAN_LIT("{}"), "config.json", "configuration"},
        {SPAN_LIT("a = 1\n"), "app.conf", "configuration"},
        {SPAN_LIT("\x89PNG\r\n\x1a\n"), "x.exe", "media"},
        {SPAN_LIT("\1\2\3\4\377"), "x", "unknown"},
        {SPAN_LIT(""), "x", "unknown"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(file_class_name(file_class(sniff(cases[i].bytes, cases[i].name), cases[i].name)),
                            cases[i].class);
}

static void every_kind_of_content_has_a_class_that_its_name_leads_back_to(void **state)
{
    (void)state;
    for (int c = 0; c < CONTENT_KINDS; c++) {
        enum file_class class = file_class((enum content)c, ""), again;
        assert_true(file_class_from_name(file_class_name(class), &again));
        assert_int_equal(again, class);
    }
    enum file_class none;
    assert_false(file_class_from_name("programs", &none));
}

static void only_archives_and_packages_hold_files_of_every_class(void **state)
{
    (void)state;
    for (int c = 0; c < FILE_CLASSES; c++)
        assert_int_equal(file_class_holds_files((enum file_class)c), c == CLASS_ARCHIVE || c == CLASS_PACKAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_and_name_make_the_class),
        cmocka_unit_test(every_kind_of_content_has_a_class_that_its_name_leads_back_to),
        cmocka_unit_test(only_archives_and_packages_hold_files_of_every_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
