/* The tar headers that an engine layer is made of. */
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "ship/tar_write.h"

static void header(struct buf *out, enum tar_kind kind, const char *path, uint64_t size, unsigned mode)
{
    struct err e = {0};
    if (tar_header(out, kind, path, size, mode, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(out->len, TAR_BLOCK);
}

static void a_header_holds_nothing_of_this_machine(void **state)
{
    (void)state;
    auto_buf h = BUF(4096);

    header(&h, TAR_FILE, "engine/llama-server", 17586968, 0755);

    assert_string_equal((char *)h.ptr, "engine/llama-server");
    assert_memory_equal(h.ptr + 100,
                        "0000755\0"
                        "0000000\0"
                        "0000000\0",
                        24);
    assert_memory_equal(h.ptr + 124,
                        "00103055430\0"
                        "00000000000\0",
                        24);
    assert_int_equal(h.ptr[156], '0');
    assert_memory_equal(h.ptr + 257,
                        "ustar\0"
                        "00",
                        8);
    assert_int_equal(h.ptr[265], 0); /* no name of a user */
    assert_int_equal(h.ptr[297], 0); /* nor of a group */
}

static void the_sum_is_that_of_all_bytes_with_blanks_in_its_place(void **state)
{
    (void)state;
    auto_buf h = BUF(4096);
    unsigned sum = 0, found;
    header(&h, TAR_DIRECTORY, "engine", 0, 0755);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : h.ptr[i];

    found = (unsigned)strtoul((char *)h.ptr + 148, NULL, 8);

    assert_int_equal(found, sum);
    assert_int_equal(h.ptr[154], 0);
    assert_int_equal(h.ptr[155], ' ');
}

static void a_folder_ends_with_a_slash(void **state)
{
    (void)state;
    auto_buf h = BUF(4096);

    header(&h, TAR_DIRECTORY, "engine", 0, 0755);

    assert_string_equal((char *)h.ptr, "engine/");
    assert_int_equal(h.ptr[156], '5');
}

static void a_long_path_is_split_at_a_slash(void **state)
{
    (void)state;
    auto_buf h = BUF(4096);
    char path[160];
    snprintf(path, sizeof path, "%s/%s", "a-folder-whose-name-has-forty-nine-characters-in-",
             "a-file-whose-name-alone-has-eighty-one-characters-which-is-long-and-not-too-long");

    header(&h, TAR_FILE, path, 1, 0644);

    assert_string_equal((char *)h.ptr + 345, "a-folder-whose-name-has-forty-nine-characters-in-");
    assert_int_equal(strncmp((char *)h.ptr, strchr(path, '/') + 1, 100), 0);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf h = BUF(4096);
    char path[140];
    memset(path, 'a', 120);
    path[120] = '\0';

    assert_int_equal(tar_header(&h, TAR_FILE, path, 1, 0644, &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
    assert_int_equal(tar_header(&h, TAR_FILE, "a", 1ULL << 33, 0644, &e), -1);
    assert_int_equal(e.code, ERR_LIMIT);
}

static void files_fill_whole_blocks(void **state)
{
    (void)state;
    assert_int_equal(tar_padding(0), 0);
    assert_int_equal(tar_padding(1), 511);
    assert_int_equal(tar_padding(512), 0);
    assert_int_equal(tar_padding((1ULL << 32) + 513), 511);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_holds_nothing_of_this_machine),
        cmocka_unit_test(the_sum_is_that_of_all_bytes_with_blanks_in_its_place),
        cmocka_unit_test(a_folder_ends_with_a_slash),
        cmocka_unit_test(a_long_path_is_split_at_a_slash),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(files_fill_whole_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
