/* Paths of an archive: what is safe by itself, and what lies behind a link. */
#include "parse/paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_path_has_one_normal_form(void **state)
{
    (void)state;
    static const struct {
        const char *path, *normal;
        bool absolute;
    } rows[] = {{"a/b", "a/b", false}, {"./a//b/", "a/b", false}, {"/a/./b", "a/b", true},
                {"./", "", false},     {"a/...", "a/...", false}, {"..a/b..", "..a/b..", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf normal = BUF(8192);
        bool absolute;
        assert_null(path_problem(rows[i].path, &normal, &absolute));
        assert_string_equal(buf_str(&normal), rows[i].normal);
        assert_int_equal(absolute, rows[i].absolute);
    }
}

static void a_path_that_leads_out_or_hides_something_has_a_problem(void **state)
{
    (void)state;
    char longest[5000];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    const char *const paths[] = {"..",   "../a",    "a/../b", "a/..",  "/../a",
                                 "a\nb", "a\x1b[m", "a\xff",  longest, longest + 4500};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        auto_buf normal = BUF(8192);
        bool absolute;
        assert_non_null(path_problem(paths[i], &normal, &absolute));
    }
}

static void a_link_may_point_anywhere_in_its_tree(void **state)
{
    (void)state;
    assert_null(symlink_problem("a", "b"));
    assert_null(symlink_problem("a/b", "../c"));
    assert_null(symlink_problem("a", "/etc/passwd"));
    assert_null(symlink_problem("a/b/c", "../../d/e"));
    assert_non_null(symlink_problem("a", "../b"));
    assert_non_null(symlink_problem("a/b", "../../c"));
    assert_non_null(symlink_problem("a", "/../b"));
    assert_non_null(symlink_problem("a/b/c", "x/../../../../d"));
    assert_non_null(symlink_problem("a/b", "x/../y")); /* x may be a link */
    assert_non_null(symlink_problem("a", ""));
}

static void what_lies_behind_a_link_is_found_in_either_order_and_any_depth(void **state)
{
    (void)state;
    struct path_set *s = path_set_new();
    bool full, again;
    assert_null(path_set_add(s, "a", PATH_FILE, &again, &full));
    assert_null(path_set_add(s, "a/b", PATH_FILE, &again, &full));
    assert_null(path_set_add(s, "ab", PATH_SYMLINK, &again, &full));
    assert_null(path_set_add(s, "x/y", PATH_SYMLINK, &again, &full));
    assert_string_equal(path_set_add(s, "x/y/z/w", PATH_FILE, &again, &full), "x/y");
    assert_string_equal(path_set_add(s, "a", PATH_SYMLINK, &again, &full), "a");
    assert_string_equal(path_set_add(s, "a/c", PATH_FILE, &again, &full), "a");
    for (int i = 0; i < 5000; i++) {
        char path[32];
        snprintf(path, sizeof(path), "many/%d/x", i);
        assert_null(path_set_add(s, path, PATH_FILE, &again, &full));
        assert_false(full);
    }
    assert_string_equal(path_set_add(s, "many/4321", PATH_SYMLINK, &again, &full), "many/4321");
    path_set_free(s);
}

static void a_path_that_comes_twice_is_told_unless_both_are_folders(void **state)
{
    (void)state;
    struct path_set *s = path_set_new();
    bool full, again;
    static const struct {
        const char *path;
        enum path_kind kind;
        bool again;
    } steps[] = {{"p", PATH_FOLDER, false},    {"p", PATH_FOLDER, false},      {"p/a", PATH_FILE, false},
                 {"p/a", PATH_FILE, true},     {"p/b", PATH_SYMLINK, false},   {"p/b", PATH_FILE, true},
                 {"p/c/d", PATH_FILE, false},  {"p/c", PATH_FOLDER, false},    {"p", PATH_FILE, true},
                 {"p/c/d", PATH_FOLDER, true}, {"p/package", PATH_FILE, false}};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        (void)path_set_add(s, steps[i].path, steps[i].kind, &again, &full);
        assert_int_equal(again, steps[i].again);
    }
    path_set_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_has_one_normal_form),
        cmocka_unit_test(a_path_that_leads_out_or_hides_something_has_a_problem),
        cmocka_unit_test(a_link_may_point_anywhere_in_its_tree),
        cmocka_unit_test(a_path_that_comes_twice_is_told_unless_both_are_folders),
        cmocka_unit_test(what_lies_behind_a_link_is_found_in_either_order_and_any_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
