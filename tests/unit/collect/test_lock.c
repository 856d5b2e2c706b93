/* A lock file becomes packages with their hashes; one entry that floats stops the whole, and says where. */
#include "collect/lock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "parse/ops.h"
#include "util/file.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char folder[] = "/tmp/airlock-lock-XXXXXX";
static int dir = -1;
static struct child *parser;

static void read_lock(const char *text, enum lock_kind kind, struct lock *l)
{
    struct err e = {0};
    assert_int_equal(file_write(dir, "lock", span_str(text), 0600, &e), 0);
    int result = lock_read(parser, dir, "lock", kind, "prod", l, &e);
    if (result < 0)
        print_message("# %s\n", e.msg);
    assert_int_equal(result, 0);
}

static void a_pinned_file_comes_out_as_packages(void **state)
{
    (void)state;
    struct err e = {0};
    auto_lock l = {0};
    read_lock("six==1.16.0 --hash=sha256:" A64 " --hash=sha256:" B64 "\n", LOCK_PIP, &l);

    assert_int_equal(l.count, 1);
    assert_string_equal(l.packages[0].name, "six");
    assert_string_equal(l.packages[0].version, "1.16.0");
    assert_int_equal(l.packages[0].hash_count, 2);
    assert_int_equal(l.packages[0].line, 1);
    assert_null(l.packages[0].marker);
    assert_int_equal(lock_check(&l, &e), 0);
}

static void a_file_is_allowed_by_any_of_its_hashes_and_by_no_other(void **state)
{
    (void)state;
    auto_lock l = {0};
    read_lock("six==1.16.0 --hash=sha256:" A64 " --hash=sha256:" B64 "\n", LOCK_PIP, &l);

    assert_true(lock_allows(&l.packages[0], "sha256", B64));
    assert_false(lock_allows(&l.packages[0], "sha512", B64));
    assert_false(lock_allows(&l.packages[0], "sha256", "cc"));
}

static void one_entry_that_floats_stops_the_whole_and_says_how_to_pin_it(void **state)
{
    (void)state;
    struct err e = {0};
    auto_lock l = {0};
    read_lock("six==1.16.0 --hash=sha256:" A64 "\n\nrequests>=2\nidna\n", LOCK_PIP, &l);

    assert_int_equal(lock_check(&l, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "lock:3: \"requests>=2\""));
    assert_non_null(strstr(e.msg, "range"));
    assert_non_null(strstr(e.msg, "--hash=sha256"));
    assert_non_null(strstr(e.msg, "1 more"));
}

static void requirements_are_written_for_the_groups_that_are_asked_for(void **state)
{
    (void)state;
    static const char *const prod[] = {"prod", NULL}, *const dev[] = {"dev", NULL};
    auto_lock l = {0};
    auto_buf out = BUF(4096);
    read_lock("six[a]==1.16.0 ; python_version > \"3\" --hash=sha256:" A64 "\n", LOCK_PIP, &l);

    lock_write_requirements(&l, dev, &out);
    assert_int_equal(out.len, 0);
    lock_write_requirements(&l, prod, &out);
    assert_string_equal(buf_str(&out), "six==1.16.0 ; (python_version > \"3\") --hash=sha256:" A64 "\n");
}

static void a_package_of_several_groups_is_one_line_that_holds_where_any_of_them_wants_it(void **state)
{
    (void)state;
    static const char *const both[] = {"dev", "test", NULL}, *const dev[] = {"dev", NULL};
    auto_lock l = {0};
    auto_buf out = BUF(4096);
    read_lock("version = 1\n"
              "[[package]]\nname = \"app\"\nsource = { virtual = \".\" }\n"
              "[package.dev-dependencies]\n"
              "dev = [{ name = \"a\", marker = \"x == '1'\" }]\ntest = [{ name = \"a\", marker = \"y == '2'\" }]\n"
              "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"r\" }\n"
              "sdist = { url = \"https://files.example/a-1.tar.gz\", hash = \"sha256:" A64 "\" }\n",
              LOCK_UV, &l);
    assert_int_equal(l.count, 2);
    assert_string_equal(l.packages[1].files[0].filename, "a-1.tar.gz");

    lock_write_requirements(&l, both, &out);
    assert_string_equal(buf_str(&out), "a==1 ; (((x == '1'))) or (((y == '2'))) --hash=sha256:" A64 "\n");
    buf_clear(&out);
    lock_write_requirements(&l, dev, &out);
    assert_string_equal(buf_str(&out), "a==1 ; (((x == '1'))) --hash=sha256:" A64 "\n");
}

static int set_up(void **state)
{
    struct err e = {0};
    (void)state;
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    parser = child_start(ROLE_PARSE, &e);
    dir = mkdtemp(folder) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    return parser && dir >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    struct err e = {0};
    (void)state;
    child_stop(parser);
    close(dir);
    return tree_remove(AT_FDCWD, folder, &e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pinned_file_comes_out_as_packages),
        cmocka_unit_test(a_file_is_allowed_by_any_of_its_hashes_and_by_no_other),
        cmocka_unit_test(one_entry_that_floats_stops_the_whole_and_says_how_to_pin_it),
        cmocka_unit_test(requirements_are_written_for_the_groups_that_are_asked_for),
        cmocka_unit_test(a_package_of_several_groups_is_one_line_that_holds_where_any_of_them_wants_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
