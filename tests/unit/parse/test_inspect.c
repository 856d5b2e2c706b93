/* What a file is, whether its name agrees, and that what nobody understands says so. */
#include "look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *name;
    struct span bytes;
    const char *format;
    enum verdict verdict;
};

#define ROW(name, bytes, format, verdict)                                    \
    {                                                                        \
        name, {(const uint8_t *)(bytes), sizeof(bytes) - 1}, format, verdict \
    }

static void come_out(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        auto_look l = look_named(rows[i].bytes, rows[i].name);
        if (l.verdict != rows[i].verdict || strcmp(l.format, rows[i].format) != 0)
            print_message("# %s: %s %s, wanted %s %s; %s\n", rows[i].name, l.format, verdict_name(l.verdict),
                          rows[i].format, verdict_name(rows[i].verdict), l.rules);
        assert_int_equal(l.verdict, rows[i].verdict);
        assert_string_equal(l.format, rows[i].format);
    }
}

static void text_that_nothing_interprets_is_clean(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("README.md", "# A title\n", "text", VERDICT_CLEAN),
        ROW("LICENSE", "Do what you like.\n", "text", VERDICT_CLEAN),
        ROW("notes.txt", "caf\xc3\xa9\n", "text", VERDICT_CLEAN),
        ROW("words.txt", "cat\ndog\nelephant\n", "text", VERDICT_CLEAN),
        ROW("empty.txt", "", "empty", VERDICT_OPAQUE),
        ROW("passwd", "root:x:0:0::/root:/bin/sh\n", "config", VERDICT_OPAQUE),
        ROW("a.yaml", "a: 1\n", "yaml", VERDICT_CLEAN),
        ROW("a.json", "{\"a\":1}", "json", VERDICT_CLEAN),
        ROW("a.jsonl", "{\"a\":1}\n{\"b\":2}\n", "jsonl", VERDICT_CLEAN),
    };
    come_out(rows, ARRAY_LEN(rows));
}

static void what_is_run_or_rendered_needs_a_scanner(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("handler.py", "print(1)\n", "script", VERDICT_SUSPICIOUS),
        ROW("notes", "#!/bin/sh\nid\n", "script", VERDICT_NOT_SCANNED),
        ROW("page.html", "<p>hello</p>\n", "html", VERDICT_CLEAN),
        ROW("x", "<?xml version='1.0'?><svg/>", "script", VERDICT_NOT_SCANNED),
        ROW("requirements.txt", "evil==1\n", "script", VERDICT_SUSPICIOUS),
        ROW("Makefile", "all:\n\tid\n", "script", VERDICT_SUSPICIOUS),
    };
    come_out(rows, ARRAY_LEN(rows));
}

static void what_has_no_scanner_yet_says_so(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("vectors.pb", "\x78\x07\x12\x00", "protobuf", VERDICT_NOT_SCANNED),
        ROW("image.squashfs", "hsqs\x01\x00\x00", "archive", VERDICT_NOT_SCANNED),
        ROW("a.exe", "MZ\x90\x00\x03", "program", VERDICT_NOT_SCANNED),
        ROW("a.db", "SQLite format 3\x00", "database", VERDICT_NOT_SCANNED),
        ROW("unknown", "\x01\x02\x03\x04\xff", "binary", VERDICT_NOT_SCANNED),
    };
    come_out(rows, ARRAY_LEN(rows));
}

static void what_is_broken_is_suspicious(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("model.pt", "PK\x03\x04 and more", "zip", VERDICT_SUSPICIOUS),
        ROW("objects.a", "!<arch>\nobject.o", "archive", VERDICT_SUSPICIOUS),
        ROW("a.npy", "\x93NUMPY\x01\x00", "numpy", VERDICT_SUSPICIOUS),
        ROW("weights.h5", "\x89HDF\r\n\x1a\n and more", "hdf5", VERDICT_SUSPICIOUS),
        ROW("model.onnx", "\x08\x07\x12\x00", "onnx", VERDICT_SUSPICIOUS),
    };
    come_out(rows, ARRAY_LEN(rows));
}

static void a_pickle_is_a_pickle_under_any_name(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("pytorch_model.bin", "\x80\x02}q\x01.", "pickle", VERDICT_CLEAN),
        ROW("notes", "cos\nsystem\n(S'id'\ntR.", "pickle", VERDICT_MALICIOUS),
        ROW("broken", "cos\nsystem\n(S'id'\ntR and then nothing that is an opcode", "pickle", VERDICT_MALICIOUS),
        ROW("p", "(S'id'\nios\nsystem\n.", "pickle", VERDICT_MALICIOUS),
        ROW("notes.txt", "cos\nsystem\n(S'id'\ntR.", "pickle", VERDICT_MALICIOUS),
        ROW("picture.png", "\x80\x04\x95\x00\x00", "pickle", VERDICT_SUSPICIOUS),
    };
    come_out(rows, ARRAY_LEN(rows));
}

static void a_name_that_promises_another_format_is_a_finding(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("model.gguf", "not a model at all\n", "config", VERDICT_SUSPICIOUS),
        ROW("model.safetensors", "PK\x03\x04", "zip", VERDICT_SUSPICIOUS),
        ROW("model.gguf", "", "empty", VERDICT_SUSPICIOUS),
        ROW("a.json", "", "empty", VERDICT_SUSPICIOUS),
        ROW("a.json", "{'a': 1}", "json", VERDICT_SUSPICIOUS),
        ROW("a.png", "<?php system('id');", "script", VERDICT_SUSPICIOUS),
        ROW("a.txt", "\x01\x02\x03", "binary", VERDICT_SUSPICIOUS),
        ROW("libx.so.1", "hello\n", "config", VERDICT_SUSPICIOUS),
        ROW("a.zip", "\x89PNG\r\n\x1a\n", "picture", VERDICT_SUSPICIOUS),
    };
    come_out(rows, ARRAY_LEN(rows));
}

static void a_git_lfs_pointer_is_no_model(void **state)
{
    (void)state;
    auto_look l = look_named(SPAN_LIT("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"), "m.gguf");

    assert_true(look_has(&l, "git-lfs-pointer"));
    assert_int_equal(l.verdict, VERDICT_SUSPICIOUS);
}

static void a_picture_is_opaque_unless_it_ends_like_a_zip_file(void **state)
{
    (void)state;
    static const char tail[] = "\x89PNG\r\n\x1a\n....PK\005\006\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    auto_look plain = look_named(SPAN_LIT("\x89PNG\r\n\x1a\n...."), "a.png");
    auto_look hidden = look_named(SPAN_LIT(tail), "a.png");

    assert_int_equal(plain.verdict, VERDICT_OPAQUE);
    assert_int_equal(hidden.verdict, VERDICT_NOT_SCANNED);
}

static void findings_without_end_are_counted_and_not_kept(void **state)
{
    (void)state;
    auto_buf b = BUF(16U << 20);
    for (int i = 0; i < 1000; i++)
        tar_member(&b, "dev/x", '3', 0644, "", span_of("", 0));
    tar_member(&b, "../x", '0', 0644, "", span_of("", 0));
    tar_end(&b);

    auto_look l = look_named(buf_span(&b), "a.tar");

    size_t count = json_array_size(json_object_get(l.reply, "findings"));
    assert_int_equal(count, REPORT_FINDINGS_MAX + 2);
    assert_true(look_has(&l, "tar-path")); /* for a critical one there is room */
    const json_t *last = json_array_get(json_object_get(l.reply, "findings"), count - 1);
    assert_string_equal(json_get_string(last, "message", ""), "800 more findings are not listed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_nothing_interprets_is_clean),
        cmocka_unit_test(what_is_run_or_rendered_needs_a_scanner),
        cmocka_unit_test(what_has_no_scanner_yet_says_so),
        cmocka_unit_test(what_is_broken_is_suspicious),
        cmocka_unit_test(a_pickle_is_a_pickle_under_any_name),
        cmocka_unit_test(a_name_that_promises_another_format_is_a_finding),
        cmocka_unit_test(a_git_lfs_pointer_is_no_model),
        cmocka_unit_test(a_picture_is_opaque_unless_it_ends_like_a_zip_file),
        cmocka_unit_test(findings_without_end_are_counted_and_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
