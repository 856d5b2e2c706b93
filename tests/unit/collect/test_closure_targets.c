/* For which platforms a set of wheels is, from the tags of their names. */
#include "collect/closure_targets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static size_t targets_of(const char *const names[], struct closure_target out[CLOSURE_TARGETS_MAX], bool *more)
{
    static struct package items[64];
    size_t count = 0;
    for (; names[count]; count++)
        items[count] =
            (struct package){.ecosystem = (char *)(uintptr_t) "pypi", .filename = (char *)(uintptr_t)names[count]};
    const struct packages all = {.items = items, .count = count};
    return closure_targets(&all, out, more);
}

static void wheels_for_any_platform_are_one_target_without_a_name(void **state)
{
    (void)state;
    static const char *const names[] = {"a-1-py3-none-any.whl", "b-1-py2.py3-none-any.whl", "c-1.tar.gz", NULL};
    struct closure_target t[CLOSURE_TARGETS_MAX];
    bool more;
    assert_int_equal(targets_of(names, t, &more), 1);
    assert_string_equal(t[0].platform, "");
    assert_int_equal(t[0].tag_count, 0);
    assert_false(more);
}

static void each_pair_of_python_and_platform_is_a_target_with_all_its_tags(void **state)
{
    (void)state;
    static const char *const names[] = {
        "a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "b-1-1build-cp311-cp311-manylinux_2_28_x86_64.whl",
        "a-1-cp312-cp312-manylinux_2_17_x86_64.whl",
        "a-1-cp311-cp311-win_amd64.whl",
        NULL,
    };
    struct closure_target t[CLOSURE_TARGETS_MAX];
    bool more;
    assert_int_equal(targets_of(names, t, &more), 3);
    assert_string_equal(t[0].python, "3.11");
    assert_string_equal(t[0].platform, "manylinux x86_64");
    assert_int_equal(t[0].tag_count, 3);
    assert_string_equal(t[0].tags[1], "manylinux2014_x86_64");
    assert_string_equal(t[1].python, "3.12");
    assert_string_equal(t[2].platform, "win amd64");
}

static void a_wheel_for_every_python_of_a_platform_belongs_to_each_that_is_named(void **state)
{
    (void)state;
    static const char *const names[] = {"c-1-cp38-abi3-manylinux_2_28_x86_64.whl",
                                        "a-1-cp311-cp311-manylinux2014_x86_64.whl",
                                        "d-1-py3-none-manylinux1_x86_64.whl", NULL};
    static const char *const alone[] = {"c-1-cp38-abi3-manylinux_2_28_x86_64.whl", NULL};
    struct closure_target t[CLOSURE_TARGETS_MAX];
    bool more;
    assert_int_equal(targets_of(names, t, &more), 1);
    assert_string_equal(t[0].python, "3.11");
    assert_int_equal(t[0].tag_count, 3);
    assert_int_equal(targets_of(alone, t, &more), 1);
    assert_string_equal(t[0].python, "");
    assert_string_equal(t[0].platform, "manylinux x86_64");
}

static void platforms_beyond_the_maximum_are_said_to_be_left_out(void **state)
{
    (void)state;
    static char texts[CLOSURE_TARGETS_MAX + 2][64];
    const char *names[CLOSURE_TARGETS_MAX + 3] = {0};
    struct closure_target t[CLOSURE_TARGETS_MAX];
    bool more;
    for (unsigned i = 0; i < CLOSURE_TARGETS_MAX + 2; i++) {
        snprintf(texts[i], sizeof texts[i], "a-1-cp3%u-cp3%u-linux_x86_64.whl", i + 1, i + 1);
        names[i] = texts[i];
    }
    assert_int_equal(targets_of(names, t, &more), CLOSURE_TARGETS_MAX);
    assert_true(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wheels_for_any_platform_are_one_target_without_a_name),
        cmocka_unit_test(each_pair_of_python_and_platform_is_a_target_with_all_its_tags),
        cmocka_unit_test(a_wheel_for_every_python_of_a_platform_belongs_to_each_that_is_named),
        cmocka_unit_test(platforms_beyond_the_maximum_are_said_to_be_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
