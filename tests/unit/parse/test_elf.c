/* ELF: this very program is read to its end, and memory that is writable and executable is found. */
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>

#include "look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/file.h"

static void a_small_program_is_clean(void **state)
{
    (void)state;
    auto_buf b = BUF(4096);
    elf_file(&b, PF_R | PF_X, PF_R | PF_W);

    auto_look l = look_named(buf_span(&b), "program");

    assert_int_equal(l.verdict, VERDICT_CLEAN);
    assert_true(json_is_true(json_object_get(json_object_get(l.reply, "facts"), "static")));
}

static void this_program_is_read_to_its_end(void **state)
{
    (void)state;
    auto_buf b = BUF(64U << 20);
    struct err e = {0};
    assert_int_equal(file_read(AT_FDCWD, "/proc/self/exe", &b, &e), 0);

    auto_look l = look_named(buf_span(&b), "test_parse_elf");

    assert_int_equal(l.verdict, VERDICT_CLEAN);
    const json_t *facts = json_object_get(l.reply, "facts"), *needed = json_object_get(facts, "needed"), *name;
    bool libc = false;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)needed, i, name) libc |= strcmp(json_string_value(name), "libc.so.6") == 0;
    assert_true(libc);
    assert_string_equal(json_get_string(facts, "type", ""), "shared"); /* position-independent */
}

static void memory_that_is_writable_and_executable_is_a_finding(void **state)
{
    (void)state;
    auto_buf b = BUF(4096);
    elf_file(&b, PF_R | PF_W | PF_X, PF_R | PF_W);

    auto_look l = look_named(buf_span(&b), "program");

    assert_int_equal(l.verdict, VERDICT_SUSPICIOUS);
    assert_true(look_has(&l, "elf-writable-code"));
}

static void an_executable_stack_is_a_finding(void **state)
{
    (void)state;
    auto_buf b = BUF(4096);
    elf_file(&b, PF_R | PF_X, PF_R | PF_W | PF_X);

    auto_look l = look_named(buf_span(&b), "program");

    assert_true(look_has(&l, "elf-executable-stack"));
}

static void bytes_behind_everything_are_a_finding(void **state)
{
    (void)state;
    auto_buf b = BUF(4096);
    elf_file(&b, PF_R | PF_X, PF_R | PF_W);
    buf_add_str(&b, "PK\005\006");

    auto_look l = look_named(buf_span(&b), "program");

    assert_true(look_has(&l, "elf-trailing"));
}

static void a_program_cut_at_any_byte_is_never_clean(void **state)
{
    (void)state;
    auto_buf b = BUF(4096);
    elf_file(&b, PF_R | PF_X, PF_R | PF_W);
    for (size_t len = 4; len < b.len; len++) {
        auto_look l = look_named(span_of(b.ptr, len), "program");
        assert_true(verdict_blocks(l.verdict));
    }
}

static void a_table_of_sections_beyond_the_file_is_refused(void **state)
{
    (void)state;
    auto_buf b = BUF(4096);
    elf_file(&b, PF_R | PF_X, PF_R | PF_W);
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)b.ptr;
    header->e_shoff = UINT64_MAX - 10;
    header->e_shnum = 3;
    header->e_shentsize = sizeof(Elf64_Shdr);

    auto_look l = look_named(buf_span(&b), "program");

    assert_true(look_has(&l, "elf-truncated"));
}

static void another_byte_order_than_the_header_says_is_broken(void **state)
{
    (void)state;
    auto_buf b = BUF(4096);
    elf_file(&b, PF_R | PF_X, PF_R | PF_W);
    b.ptr[EI_DATA] = ELFDATA2MSB;

    auto_look l = look_named(buf_span(&b), "program");

    assert_int_equal(l.verdict, VERDICT_SUSPICIOUS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_program_is_clean),
        cmocka_unit_test(this_program_is_read_to_its_end),
        cmocka_unit_test(memory_that_is_writable_and_executable_is_a_finding),
        cmocka_unit_test(an_executable_stack_is_a_finding),
        cmocka_unit_test(bytes_behind_everything_are_a_finding),
        cmocka_unit_test(a_program_cut_at_any_byte_is_never_clean),
        cmocka_unit_test(a_table_of_sections_beyond_the_file_is_refused),
        cmocka_unit_test(another_byte_order_than_the_header_says_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
