/* Files that are two things at once, or another thing than their name says. */
#include "models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A GGUF file of one tensor of so many bytes; `text` stands in its metadata. */
static void put_gguf(struct buf *b, const char *text, struct span data)
{
    gguf_begin(b, 1, 2);
    gguf_pair_string(b, "general.architecture", "llama");
    gguf_pair_string(b, "general.description", text);
    gguf_tensor_f32(b, "a", data.len / 4, 0);
    gguf_data(b, 0);
    buf_add_span(b, data);
}

static void put_safetensors(struct buf *b, const char *text, struct span data)
{
    char header[512];
    snprintf(header, sizeof header,
             "{\"__metadata__\":{\"note\":\"%s\"},\"a\":{\"dtype\":\"U8\",\"shape\":[%zu],\"data_offsets\":[0,%zu]}}",
             text, data.len, data.len);
    safetensors_file(b, header, 0);
    buf_add_span(b, data);
}

/* The rule that fires with these data, in both formats; NULL: they are clean. */
static void weights_are(const char *text, struct span data, const char *rule)
{
    for (int i = 0; i < 2; i++) {
        auto_buf b = BUF(1U << 20);
        if (i == 0)
            put_gguf(&b, text, data);
        else
            put_safetensors(&b, text, data);
        auto_look l = look_named(buf_span(&b), i == 0 ? "m.gguf" : "m.safetensors");
        if (rule)
            assert_true(look_has(&l, rule));
        else if (l.rules[0])
            print_message("# %s\n", l.rules);
        assert_int_equal(verdict_blocks(l.verdict), rule != NULL);
    }
}

static void case_26_an_archive_at_the_end_of_weights_is_blocked(void **state)
{
    (void)state;
    auto_buf data = BUF(65536), zip = BUF(65536);
    zip_texts(&zip, "data.pkl", "cos\nsystem\n(S'id'\ntR.", NULL);
    buf_add(&data, "\0\0\0\0\0\0\0\0", 8);
    buf_add_span(&data, buf_span(&zip));
    while (data.len % 4)
        buf_add_byte(&data, 0);

    weights_are("a model", buf_span(&data), "hidden-archive");
    weights_are("a model", SPAN_LIT("PK\5\6 alone is no zip file, and weights may hold it by chance.   "), NULL);
}

static void case_26_bytes_behind_the_weights_are_blocked(void **state)
{
    (void)state;
    static const char *const names[] = {"m.gguf", "m.safetensors"}, *const rules[] = {"gguf-trailing",
                                                                                      "safetensors-trailing"};
    for (int i = 0; i < 2; i++) {
        auto_buf b = BUF(65536);
        if (i == 0)
            put_gguf(&b, "a model", SPAN_LIT("\0\0\0\0\0\0\0\0"));
        else
            put_safetensors(&b, "a model", SPAN_LIT("\0\0\0\0\0\0\0\0"));
        buf_add_str(&b, "cos\nsystem\n(S'id'\ntR. and so much more than any padding");
        auto_look l = look_named(buf_span(&b), names[i]);
        assert_true(look_has(&l, rules[i]));
        assert_true(verdict_blocks(l.verdict));
    }
}

static void case_26_a_document_or_a_program_inside_weights_is_blocked(void **state)
{
    (void)state;
    auto_buf elf = BUF(65536);
    elf_file(&elf, 5, 6);
    while (elf.len % 4)
        buf_add_byte(&elf, 0);

    weights_are("%PDF-1.7 1 0 obj", SPAN_LIT("\0\0\0\0\0\0\0\0"), "hidden-document");
    weights_are("a model", buf_span(&elf), "hidden-program");
}

static void case_26_two_formats_in_one_file_are_blocked(void **state)
{
    (void)state;
    auto_buf zip = BUF(65536), both = BUF(65536);
    zip_texts(&zip, "a.txt", "hello\n", NULL);
    buf_add_str(&both, "cos\nsystem\n(S'id'\ntR.");
    buf_add_span(&both, buf_span(&zip));
    static const char *const names[] = {"a.zip", "a.pkl", "a.bin", "a.gguf", "a.onnx", "a"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        auto_look l = look_named(buf_span(&both), names[i]);
        assert_int_equal(l.verdict, VERDICT_MALICIOUS);
    }
}

static void case_20_a_name_makes_no_model_of_another_kind_pass(void **state)
{
    (void)state;
    auto_buf lambda = BUF(65536);
    zip_texts(&lambda, "metadata.json", "{}", "config.json", "{\"class_name\":\"Lambda\",\"config\":{}}", NULL);
    static const char *const names[] = {"m.keras", "m.zip", "m.bin", "m.pt",  "m.npz",
                                        "m.h5",    "m.whl", "m.txt", "m.png", "m"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        auto_look l = look_named(buf_span(&lambda), names[i]);
        assert_true(verdict_blocks(l.verdict));
    }
    /* a graph that no name calls ONNX has no format that bytes could tell */
    auto_look graph = look_named(SPAN_LIT("\x08\x09\x3a\x02\x0a\x00\xff\xff"), "m.bin");
    assert_int_equal(graph.verdict, VERDICT_NOT_SCANNED);
}

static void case_22_containers_without_a_reader_are_not_scanned(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        const char *name;
    } rows[] = {
        {SPAN_LIT("7z\xbc\xaf\x27\x1c\0\4 and more"), "m.bin"},
        {SPAN_LIT("Rar!\x1a\7\1\0 and more"), "m.pt"},
        {SPAN_LIT("\x1c\0\0\0TFL3\0\0\0\0\0\0\0\0"), "m.tflite"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_look l = look_named(rows[i].bytes, rows[i].name);
        assert_true(verdict_blocks(l.verdict));
    }
}

static void case_28_a_pointer_of_git_lfs_is_no_model_under_any_name(void **state)
{
    (void)state;
    static const char *const names[] = {"m.gguf",         "m.safetensors", "m.onnx", "m.keras",        "m.h5",
                                        "m.pt",           "m.bin",         "m.npz",  "saved_model.pb", "m.skops",
                                        "tokenizer.json", "notes.txt",     "m"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        auto_look l =
            look_named(SPAN_LIT("version https://git-lfs.github.com/spec/v1\n"
                                "oid sha256:4665a5ea423c2713d436b5ee50593a9640e0018c1550b5a0002f74190d6caea8\n"
                                "size 1\n"),
                       names[i]);
        assert_true(look_has(&l, "git-lfs-pointer"));
        assert_true(verdict_blocks(l.verdict));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_26_an_archive_at_the_end_of_weights_is_blocked),
        cmocka_unit_test(case_26_bytes_behind_the_weights_are_blocked),
        cmocka_unit_test(case_26_a_document_or_a_program_inside_weights_is_blocked),
        cmocka_unit_test(case_26_two_formats_in_one_file_are_blocked),
        cmocka_unit_test(case_20_a_name_makes_no_model_of_another_kind_pass),
        cmocka_unit_test(case_22_containers_without_a_reader_are_not_scanned),
        cmocka_unit_test(case_28_a_pointer_of_git_lfs_is_no_model_under_any_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
