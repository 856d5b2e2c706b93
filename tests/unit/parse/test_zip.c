/* Zip files: one reading of an archive, or none. */
#include "models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "parse/zip.h"

#define HELLO                                \
    {                                        \
        .name = "m/a.txt", .text = "hello\n" \
    }

static void form_is(const struct zip_entry *entries, size_t count, const struct zip_form *form, const char *rule)
{
    auto_buf b = BUF(64U << 20);
    zip_write(&b, entries, count, form);
    auto_look l = look_named(buf_span(&b), "a.zip");
    if (rule)
        assert_true(look_has(&l, rule));
    else if (l.rules[0])
        print_message("# %s\n", l.rules);
    assert_int_equal(verdict_blocks(l.verdict), rule != NULL);
}

static void member_is(struct zip_entry e, const char *rule)
{
    const struct zip_entry list[] = {HELLO, e};
    form_is(list, 2, NULL, rule);
}

static void archive_is(struct zip_form form, const char *rule)
{
    static const struct zip_entry list[] = {HELLO};
    form_is(list, 1, &form, rule);
}

static void what_honest_writers_write_is_clean(void **state)
{
    (void)state;
    member_is((struct zip_entry){.name = "b.txt", .text = "text\n"}, NULL);
    member_is((struct zip_entry){.name = "b.txt", .text = "text\n", .deflated = true}, NULL);
    member_is((struct zip_entry){.name = "b/", .text = ""}, NULL);
    member_is(
        (struct zip_entry){
            .name = "b.txt", .text = "", .flags = 8, .descriptor = SPAN_LIT("PK\x07\x08\0\0\0\0\0\0\0\0\0\0\0\0")},
        NULL);
    archive_is((struct zip_form){.comment = "of 2026"}, NULL);
    archive_is((struct zip_form){.wide = true}, NULL);
}

static void a_stored_member_is_given_where_it_lies(void **state)
{
    (void)state;
    static const struct zip_entry list[] = {HELLO, {.name = "b", .text = "packed packed packed", .deflated = true}};
    auto_buf b = BUF(65536), room = BUF(65536);
    auto_report r = {0};
    auto_zip z = {0};
    struct span bytes;
    report_init(&r, "");
    zip_write(&b, list, 2, NULL);
    assert_int_equal(zip_open(buf_span(&b), &z, &r), 0);

    assert_int_equal(zip_bytes(zip_find(&z, "m/a.txt"), &room, &bytes, &r), 0);
    assert_true(span_equal_str(bytes, "hello\n"));
    assert_true(bytes.ptr > b.ptr && bytes.ptr < b.ptr + b.len);

    assert_int_equal(zip_bytes(zip_find(&z, "b"), &room, &bytes, &r), 0);
    assert_true(span_equal_str(bytes, "packed packed packed"));
    assert_ptr_equal(bytes.ptr, room.ptr);
    assert_null(zip_find(&z, "m"));
}

/* As PyTorch writes it: the member behind the first 4 GiB has a 64-bit offset in both headers, and its sizes follow. */
static void a_member_behind_the_first_4_gib_is_found(void **state)
{
    (void)state;
    static const char first[] =
        "PK\3\4\55\0\0\0\0\0\0\0\41\0\0\0\0\0\377\377\377\377\377\377\377\377\1\0\24\0a\1\0\20\0"
        "\0\0\0\4\1\0\0\0\0\0\0\4\1\0\0\0";
    const uint64_t size = 0x104000000ULL, second_at = sizeof first - 1 + size;
    auto_buf tail = BUF(65536);
    auto_report r = {0};
    auto_zip z = {0};
    report_init(&r, "");
    /* a second member: "b", one byte, its sizes behind it */
    buf_add(&tail, "PK\3\4\55\0\10\0\0\0\0\0\41\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\14\0b\1\0\10\0", 35);
    put_le64(&tail, second_at);
    buf_add(&tail, "xPK\7\10\203\26\334\214", 9);
    put_le64(&tail, 1);
    put_le64(&tail, 1);
    uint64_t directory = second_at + tail.len;
    buf_add(&tail,
            "PK\1\2\55\0\55\0\0\0\0\0\0\0\41\0\0\0\0\0\377\377\377\377\377\377\377\377\1\0\24\0\0\0\0\0\0\0\0\0\0\0",
            42);
    buf_add_le32(&tail, 0);
    buf_add(&tail, "a\1\0\20\0", 5);
    put_le64(&tail, size);
    put_le64(&tail, size);
    buf_add(&tail, "PK\1\2\55\0\55\0\10\0\0\0\0\0\41\0\203\26\334\214\1\0\0\0\1\0\0\0\1\0\14\0\0\0\0\0\0\0\0\0\0\0",
            42);
    buf_add_le32(&tail, UINT32_MAX);
    buf_add(&tail, "b\1\0\10\0", 5);
    put_le64(&tail, second_at);
    uint64_t end = second_at + tail.len;
    buf_add(&tail, "PK\6\6", 4);
    put_le64(&tail, 44);
    buf_add(&tail, "\55\0\55\0\0\0\0\0\0\0\0\0", 12);
    put_le64(&tail, 2);
    put_le64(&tail, 2);
    put_le64(&tail, end - directory);
    put_le64(&tail, directory);
    buf_add(&tail, "PK\6\7\0\0\0\0", 8);
    put_le64(&tail, end);
    buf_add_le32(&tail, 1);
    buf_add(&tail, "PK\5\6\0\0\0\0\2\0\2\0", 12);
    buf_add_le32(&tail, (uint32_t)(end - directory));
    buf_add(&tail, "\377\377\377\377\0\0", 6);
    size_t all = (size_t)(second_at + tail.len);
    uint8_t *file = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(file, MAP_FAILED);
    memcpy(file, first, sizeof first - 1);
    memcpy(file + second_at, tail.ptr, tail.len);

    int result = zip_open(span_of(file, all), &z, &r);

    if (result < 0)
        print_message("# %s\n", buf_str(&r.findings_json));
    assert_int_equal(result, 0);
    assert_int_equal(zip_find(&z, "a")->size, size);
    assert_int_equal(zip_find(&z, "b")->data.len, 1);
    munmap(file, all);
}

static void case_21_local_header_and_directory_that_differ_are_blocked(void **state)
{
    (void)state;
    member_is((struct zip_entry){.name = "b", .text = "x", .local_name = "c"}, "zip-differs");
    member_is((struct zip_entry){.name = "b", .text = "x", .local_flags = 2}, "zip-differs");
    member_is((struct zip_entry){.name = "b", .text = "x", .local_size_off = 1}, "zip-differs");
    member_is((struct zip_entry){.name = "b", .text = "x", .extra = SPAN_LIT("\x75\x70\6\0\1\0\0\0\0c")},
              "zip-differs");
    member_is((struct zip_entry){.name = "b", .text = "x", .local_extra = SPAN_LIT("\x75\x70\6\0\1\0\0\0\0c")},
              "zip-differs");
    member_is((struct zip_entry){.name = "b", .text = "x", .extra = SPAN_LIT("\1\0\10\0\2\0\0\0\0\0\0\0")},
              "zip-differs");
    member_is((struct zip_entry){.name = "b",
                                 .text = "x",
                                 .local_extra = SPAN_LIT("\1\0\20\0\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0")},
              "zip-differs");
    member_is((struct zip_entry){.name = "b", .text = "x", .flags = 8, .descriptor = SPAN_LIT("PK\7\10wrongdescrip")},
              "zip-differs");
}

static void case_21_flags_that_readers_treat_differently_are_blocked(void **state)
{
    (void)state;
    member_is((struct zip_entry){.name = "b", .text = "x", .flags = 0x1}, "zip-encrypted");
    member_is((struct zip_entry){.name = "b", .text = "x", .flags = 0x20}, "zip-flags");
    member_is((struct zip_entry){.name = "b", .text = "x", .flags = 0x40}, "zip-flags");
    member_is((struct zip_entry){.name = "b", .text = "x", .flags = 0x2000}, "zip-flags");
    member_is((struct zip_entry){.name = "b", .text = "x", .method = 12}, "zip-method");
}

static void case_21_a_wrong_checksum_is_blocked_and_hides_no_other_member(void **state)
{
    (void)state;
    static const struct zip_entry list[] = {{.name = "a.txt", .text = "hello\n", .crc_off = 1},
                                            {.name = "b.pkl", .text = "cos\nsystem\n(S'id'\ntR."}};
    auto_buf b = BUF(65536);
    zip_write(&b, list, 2, NULL);

    auto_look l = look_named(buf_span(&b), "a.zip");

    assert_true(look_has(&l, "zip-data"));
    assert_int_equal(l.verdict, VERDICT_MALICIOUS);
}

static void case_21_a_zip_file_inside_a_zip_file_is_blocked_and_looked_into(void **state)
{
    (void)state;
    static const struct zip_entry inner[] = {{.name = "x/data.pkl", .text = "cos\nsystem\n(S'id'\ntR."}};
    static const struct zip_entry harmless[] = {HELLO};
    auto_buf bad = BUF(65536), good = BUF(65536), outer = BUF(65536);
    zip_write(&bad, inner, 1, NULL);
    zip_write(&good, harmless, 1, NULL);
    const struct zip_entry both[] = {{.name = "inner", .bytes = buf_span(&bad)},
                                     {.name = "b.zip", .bytes = buf_span(&good)}};
    zip_write(&outer, both, 2, NULL);

    auto_look l = look_named(buf_span(&outer), "a.zip");

    assert_int_equal(l.verdict, VERDICT_MALICIOUS);
    assert_non_null(strstr(l.rules, "zip-nested@inner "));
    assert_non_null(strstr(l.rules, "zip-nested@b.zip "));
    assert_non_null(strstr(l.rules, "@inner: x/data.pkl"));
}

static void case_21_bytes_that_belong_to_no_member_are_blocked(void **state)
{
    (void)state;
    archive_is((struct zip_form){.prefix = SPAN_LIT("#!/bin/sh\n")}, "content-mismatch");
    archive_is((struct zip_form){.prefix = SPAN_LIT("PK\3\4")}, "zip-gap");
    archive_is((struct zip_form){.between = SPAN_LIT("hidden")}, "zip-gap");
    archive_is((struct zip_form){.suffix = SPAN_LIT("more")}, "zip-broken");
    member_is((struct zip_entry){.name = "b", .text = "x", .gap = SPAN_LIT("hidden")}, "zip-gap");
    member_is(
        (struct zip_entry){
            .name = "b", .text = "x", .flags = 8, .descriptor = SPAN_LIT("PK\7\10\203\26\334\214\1\0\0\0\1\0\0\0zz")},
        "zip-gap");
}

static void case_21_the_place_and_the_count_of_the_directory_are_exact(void **state)
{
    (void)state;
    archive_is((struct zip_form){.count_off = 1}, "zip-broken");
    archive_is((struct zip_form){.count_off = -1}, "zip-broken");
    archive_is((struct zip_form){.offset_off = 1}, "zip-broken");
    archive_is((struct zip_form){.offset_off = -1}, "zip-broken");
    archive_is((struct zip_form){.comment = "PK\5\6 an end in a comment"}, "zip-broken");
    archive_is((struct zip_form){.wide = true, .wide_count_off = 1}, "zip-differs");
    form_is(NULL, 0, NULL, "zip-broken");
}

static void case_21_a_name_that_is_there_twice_is_blocked(void **state)
{
    (void)state;
    member_is((struct zip_entry){.name = "m/a.txt", .text = "x"}, "zip-twice");
    member_is((struct zip_entry){.name = "./m//a.txt", .text = "x"}, "zip-twice");
    member_is((struct zip_entry){.name = "M/A.txt", .text = "x"}, "zip-case");
    member_is((struct zip_entry){.name = "m/a.txt/b", .text = "x"}, "zip-path");
}

static void case_21_a_path_that_leads_out_is_blocked(void **state)
{
    (void)state;
    static const char *const paths[] = {"../b", "a/../../b", "/b", "a\\b", "C:b", "b\x01", "", "\xff", "a\x7f"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        member_is((struct zip_entry){.name = paths[i], .text = "x"}, "zip-path");
    member_is((struct zip_entry){.name = "b\0c", .name_len = 3, .text = "x"}, "zip-path");
    member_is((struct zip_entry){.name = "b", .text = "../../etc/passwd", .mode = 0120777}, "zip-kind");
    member_is((struct zip_entry){.name = "b/", .text = "hidden"}, "zip-kind");
    member_is((struct zip_entry){.name = "b", .text = "x", .mode = 040755}, "zip-kind");
}

static void case_21_a_bomb_is_blocked(void **state)
{
    (void)state;
    auto_free char *zeros = malloc((16U << 20) + 1);
    memset(zeros, 'a', 16U << 20);
    zeros[16U << 20] = '\0';
    member_is((struct zip_entry){.name = "b.txt", .text = zeros, .deflated = true}, "archive-bomb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_honest_writers_write_is_clean),
        cmocka_unit_test(a_stored_member_is_given_where_it_lies),
        cmocka_unit_test(a_member_behind_the_first_4_gib_is_found),
        cmocka_unit_test(case_21_local_header_and_directory_that_differ_are_blocked),
        cmocka_unit_test(case_21_flags_that_readers_treat_differently_are_blocked),
        cmocka_unit_test(case_21_a_wrong_checksum_is_blocked_and_hides_no_other_member),
        cmocka_unit_test(case_21_a_zip_file_inside_a_zip_file_is_blocked_and_looked_into),
        cmocka_unit_test(case_21_bytes_that_belong_to_no_member_are_blocked),
        cmocka_unit_test(case_21_the_place_and_the_count_of_the_directory_are_exact),
        cmocka_unit_test(case_21_a_name_that_is_there_twice_is_blocked),
        cmocka_unit_test(case_21_a_path_that_leads_out_is_blocked),
        cmocka_unit_test(case_21_a_bomb_is_blocked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
