/* Hardware: what changes a model's answers is counted, what changes with a kernel is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>

#include "gate/hardware.h"
#include "util/file.h"

static char root[64];

static int set_up(void **state)
{
    (void)state;
    struct err e = {0};
    snprintf(root, sizeof root, "/tmp/airlock-hw-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    auto_fd dir = dir_open(AT_FDCWD, root, &e);
    return dir_make(dir, "proc", 0700, &e);
}

static int tear_down(void **state)
{
    (void)state;
    struct err e = {0};
    return tree_remove(AT_FDCWD, root, &e);
}

static struct hardware read_with(const char *model, const char *flags)
{
    struct hardware h;
    struct err e = {0};
    auto_buf text = BUF(4096);
    buf_printf(&text, "processor\t: 0\nmodel name\t: %s\nflags\t\t: %s\n\nprocessor\t: 1\nmodel name\t: other\n", model,
               flags);
    auto_fd dir = dir_open(AT_FDCWD, root, &e);
    assert_int_equal(file_write(dir, "proc/cpuinfo", buf_span(&text), 0600, &e), 0);
    if (hardware_read(root, &h, &e) < 0)
        fail_msg("%s", e.msg);
    return h;
}

static void instruction_sets_are_sorted_and_the_rest_is_left_out(void **state)
{
    (void)state;
    struct hardware h = read_with("Some CPU @ 2 GHz", "fpu vme sse2 avx512f avx2 ibrs fma nopl");
    assert_string_equal(h.processor, "Some CPU @ 2 GHz");
    assert_string_equal(h.features, "avx2 avx512f fma sse2");
    assert_string_equal(h.gpu, "none");
}

static void a_flag_of_the_kernel_does_not_make_other_hardware(void **state)
{
    (void)state;
    struct hardware a = read_with("A", "sse2 avx2 fma"), b = read_with("A", "fma ibpb md_clear avx2 sse2");
    assert_true(digest_equal(&a.id, &b.id));
}

static void another_processor_or_instruction_set_is_other_hardware(void **state)
{
    (void)state;
    struct hardware a = read_with("A", "sse2 avx2"), b = read_with("A", "sse2"), c = read_with("B", "sse2 avx2");
    assert_false(digest_equal(&a.id, &b.id));
    assert_false(digest_equal(&a.id, &c.id));
}

static void this_host_has_hardware(void **state)
{
    (void)state;
    struct hardware h;
    struct err e = {0};
    assert_int_equal(hardware_read("", &h, &e), 0);
    assert_true(h.processor[0] || h.features[0]);
}

static void the_id_is_read_back_from_a_predicate(void **state)
{
    (void)state;
    struct hardware h = read_with("A", "sse2");
    struct digest id;
    struct err e = {0};
    struct json_out w;
    auto_buf out = BUF(4096);
    json_out_init(&w, &out);
    json_out_object(&w);
    hardware_json(&w, &h);
    json_out_object_end(&w);
    auto_json j = json_parse(buf_span(&out), 4096, "predicate", &e);
    assert_non_null(j);
    assert_int_equal(hardware_id(j, &id, &e), 0);
    assert_true(digest_equal(&id, &h.id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instruction_sets_are_sorted_and_the_rest_is_left_out),
        cmocka_unit_test(a_flag_of_the_kernel_does_not_make_other_hardware),
        cmocka_unit_test(another_processor_or_instruction_set_is_other_hardware),
        cmocka_unit_test(this_host_has_hardware),
        cmocka_unit_test(the_id_is_read_back_from_a_predicate),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
