/* What lies beside weights and is neither weights nor settings: programs, byte code, vocabularies of sentencepiece. */
#include "look.h"
#include "models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "parse/loader_code.h"
#include "parse/pyc.h"
#include "util/encode.h"

static void a_program_that_a_loader_would_run_says_who_would(void **state)
{
    (void)state;
    static const char *const names[] = {"modeling_x.py", "a/tokenization_y.py", "handler.py",       "hubconf.py",
                                        "setup.py",      "pipeline.py",         "requirements.txt", "sitecustomize.py"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        auto_look l = look_named(SPAN_LIT("import os\n"), names[i]);
        assert_non_null(loader_code_runner(names[i]));
        assert_int_equal(l.verdict, VERDICT_SUSPICIOUS);
        assert_true(look_has(&l, "loader-code"));
    }
    auto_look other = look_named(SPAN_LIT("import os\n"), "notes.py");
    assert_int_equal(other.verdict, VERDICT_NOT_SCANNED);
    assert_null(loader_code_runner("notes.py"));
    assert_null(loader_code_runner("modeling.md"));
}

/* ── byte code ── */

#define SOURCE "x = 1\n"
/* what Python 3.11 makes of SOURCE when it is asked for a checked hash */
#define HEADER "\xa7\r\r\n\x03\0\0\0\x4c\x03\x72\xaa\x93\xf7\x52\x52"
#define TIMED  "\xa7\r\r\n\0\0\0\0\x01\x02\x03\x04\x06\0\0\0"
#define CODE   "\xe3\0\0\0"

static void record_line(struct buf *b, const char *path, struct span bytes)
{
    struct digest d = digest_of(bytes);
    uint8_t raw[32];
    struct digest_hex hex = digest_hex(&d);
    auto_buf text = BUF(128);
    hex_decode(span_str(hex.text), raw, sizeof(raw));
    base64_encode(span_of(raw, sizeof(raw)), &text);
    buf_printf(b, "%s,sha256=", path);
    for (size_t i = 0; i < text.len && text.ptr[i] != '='; i++)
        buf_add_byte(b, text.ptr[i] == '+' ? '-' : text.ptr[i] == '/' ? '_' : text.ptr[i]);
    buf_printf(b, ",%zu\n", bytes.len);
}

/* A wheel with a module and its byte code. */
static struct look look_at_wheel(const char *source, const char *pyc_path, struct span pyc)
{
    static const char metadata[] = "Metadata-Version: 2.1\nName: vers\nVersion: 1.0\n";
    static const char about[] = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    auto_buf record = BUF(4096), out = BUF(65536);
    record_line(&record, "vers/b.py", span_str(source));
    record_line(&record, pyc_path, pyc);
    record_line(&record, "vers-1.0.dist-info/METADATA", span_str(metadata));
    record_line(&record, "vers-1.0.dist-info/WHEEL", span_str(about));
    buf_add_str(&record, "vers-1.0.dist-info/RECORD,,\n");
    struct zip_entry entries[] = {
        {.name = "vers/b.py", .text = source},
        {.name = pyc_path, .bytes = pyc},
        {.name = "vers-1.0.dist-info/METADATA", .text = metadata},
        {.name = "vers-1.0.dist-info/WHEEL", .text = about},
        {.name = "vers-1.0.dist-info/RECORD", .bytes = buf_span(&record)},
    };
    zip_write(&out, entries, ARRAY_LEN(entries), &(struct zip_form){0});
    return look_named(buf_span(&out), "vers-1.0-py3-none-any.whl");
}

static void byte_code_of_a_package_is_clean_when_it_was_made_of_the_source_beside_it(void **state)
{
    (void)state;
    auto_look l = look_at_wheel(SOURCE, "vers/__pycache__/b.cpython-311.pyc", SPAN_LIT(HEADER CODE));
    if (l.verdict != VERDICT_CLEAN)
        print_message("# %s\n", l.rules);
    assert_int_equal(l.verdict, VERDICT_CLEAN);
}

static void any_other_byte_code_is_not_scanned(void **state)
{
    (void)state;
    auto_look other = look_at_wheel("x = 2\n", "vers/__pycache__/b.cpython-311.pyc", SPAN_LIT(HEADER CODE));
    auto_look timed = look_at_wheel(SOURCE, "vers/__pycache__/b.cpython-311.pyc", SPAN_LIT(TIMED CODE));
    auto_look alone = look_at_wheel(SOURCE, "vers/__pycache__/c.cpython-311.pyc", SPAN_LIT(HEADER CODE));
    auto_look moved = look_at_wheel(SOURCE, "vers/b.pyc", SPAN_LIT(HEADER CODE));
    auto_look loose = look_named(SPAN_LIT(HEADER CODE), "__pycache__/b.cpython-311.pyc");
    assert_int_equal(other.verdict, VERDICT_NOT_SCANNED);
    assert_true(look_has(&other, "byte-code"));
    assert_int_equal(timed.verdict, VERDICT_NOT_SCANNED);
    assert_int_equal(alone.verdict, VERDICT_NOT_SCANNED);
    assert_int_equal(moved.verdict, VERDICT_NOT_SCANNED);
    assert_int_equal(loose.verdict, VERDICT_NOT_SCANNED);
}

static void the_source_of_byte_code_is_found_by_its_path(void **state)
{
    (void)state;
    char out[64];
    assert_true(pyc_source_path("a/__pycache__/b.cpython-311.opt-1.pyc", out, sizeof(out)));
    assert_string_equal(out, "a/b.py");
    assert_true(pyc_source_path("__pycache__/b.cpython-312.pyc", out, sizeof(out)));
    assert_string_equal(out, "b.py");
    assert_false(pyc_source_path("a/b.cpython-311.pyc", out, sizeof(out)));
    assert_false(pyc_source_path("x__pycache__/b.cpython-311.pyc", out, sizeof(out)));
    assert_false(pyc_source_path("a/__pycache__/b.pyc", out, sizeof(out)));
    assert_false(pyc_source_path("a/__pycache__/b.cpython-311.pyc", out, 4));
}

/* ── sentencepiece ── */

static void put_piece(struct buf *b, const char *text, uint64_t kind)
{
    auto_buf piece = BUF(256);
    pb_text(&piece, 1, text);
    buf_add_byte(&piece, 2 << 3 | 5);
    buf_add_le32(&piece, 0);
    pb_number(&piece, 3, kind);
    pb_message(b, 1, &piece);
}

static void come_out(const struct buf *b, enum verdict verdict, const char *rule)
{
    auto_look l = look_named(buf_span(b), "tokenizer.model");
    if (l.verdict != verdict)
        print_message("# %s; %s\n", verdict_name(l.verdict), l.rules);
    assert_int_equal(l.verdict, verdict);
    assert_string_equal(l.format, "sentencepiece");
    if (rule)
        assert_true(look_has(&l, rule));
}

static void a_vocabulary_of_sentencepiece_is_read_to_its_end(void **state)
{
    (void)state;
    auto_buf b = BUF(4096), settings = BUF(256);
    put_piece(&b, "<unk>", 2);
    put_piece(&b, "<s>", 3);
    put_piece(&b, "ab", 1);
    pb_text(&settings, 1, "identity");
    pb_message(&b, 3, &settings);
    come_out(&b, VERDICT_CLEAN, NULL);
}

static void what_is_wrong_with_one_is_found(void **state)
{
    (void)state;
    auto_buf twice = BUF(4096), none = BUF(4096), table = BUF(4096), settings = BUF(256), newer = BUF(4096);
    put_piece(&twice, "<unk>", 2);
    put_piece(&twice, "a", 1);
    put_piece(&twice, "a", 4);
    come_out(&twice, VERDICT_SUSPICIOUS, "config-token");
    put_piece(&none, "a", 1);
    come_out(&none, VERDICT_SUSPICIOUS, "sentencepiece-broken");
    put_piece(&table, "<unk>", 2);
    pb_bytes(&settings, 2, SPAN_LIT("\xff\xff\0\0abcd"));
    pb_message(&table, 3, &settings);
    come_out(&table, VERDICT_SUSPICIOUS, "sentencepiece-broken");
    put_piece(&newer, "<unk>", 2);
    pb_number(&newer, 99, 1);
    come_out(&newer, VERDICT_NOT_SCANNED, "protobuf-field");
    buf_add_byte(&none, 0x0a);
    come_out(&none, VERDICT_SUSPICIOUS, "sentencepiece-broken");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_that_a_loader_would_run_says_who_would),
        cmocka_unit_test(byte_code_of_a_package_is_clean_when_it_was_made_of_the_source_beside_it),
        cmocka_unit_test(any_other_byte_code_is_not_scanned),
        cmocka_unit_test(the_source_of_byte_code_is_found_by_its_path),
        cmocka_unit_test(a_vocabulary_of_sentencepiece_is_read_to_its_end),
        cmocka_unit_test(what_is_wrong_with_one_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
