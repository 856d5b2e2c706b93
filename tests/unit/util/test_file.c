/* Whole files: read under a cap, written whole or not at all. */
#include "scratch.h"

#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/sys.h"

static struct err e;

static const char *content(struct scratch *s, const char *path)
{
    static char text[100];
    auto_buf bytes = BUF(sizeof text - 1);
    if (file_read(s->dir, path, &bytes, &e) < 0)
        return NULL;
    memcpy(text, buf_str(&bytes), bytes.len + 1);
    return text;
}

/* Names in the directory, without . and .. */
static unsigned names(struct scratch *s)
{
    struct stat st;
    unsigned count = 0;
    static const char *const tried[] = {"file", "dir", "link", "lock", "outside"};
    for (size_t i = 0; i < ARRAY_LEN(tried); i++)
        count += fstatat(s->dir, tried[i], &st, AT_SYMLINK_NOFOLLOW) == 0;
    return count;
}

static void a_file_written_is_there_whole_and_replaces_the_old_one(void **state)
{
    struct scratch *s = *state;
    struct stat st;

    assert_int_equal(file_write(s->dir, "file", SPAN_LIT("one"), 0600, &e), 0);
    assert_int_equal(file_write(s->dir, "file", SPAN_LIT("two"), 0640, &e), 0);

    assert_string_equal(content(s, "file"), "two");
    assert_int_equal(fstatat(s->dir, "file", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void the_cap_is_kept_to_the_byte(void **state)
{
    struct scratch *s = *state;
    auto_buf exact = BUF(5), less = BUF(4);
    assert_int_equal(file_write(s->dir, "file", SPAN_LIT("12345"), 0600, &e), 0);

    assert_int_equal(file_read(s->dir, "file", &exact, &e), 0);
    assert_int_equal(file_read(s->dir, "file", &less, &e), -1);

    assert_int_equal(e.code, ERR_LIMIT);
    assert_non_null(strstr(e.msg, "file"));
}

static void what_is_not_there_is_said_by_name(void **state)
{
    struct scratch *s = *state;
    auto_buf bytes = BUF(10);

    assert_int_equal(file_read(s->dir, "nothing", &bytes, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.msg, "nothing"));
    assert_int_equal(dir_open(s->dir, "nothing", &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_int_equal(file_write(s->dir, "nothing/file", SPAN_LIT("x"), 0600, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
}

static int failing_fsync(int fd)
{
    (void)fd;
    errno = EIO;
    return -1;
}

static ssize_t half_write(int fd, const void *bytes, size_t len)
{
    return write(fd, bytes, len > 1 ? len / 2 : len);
}

static ssize_t full_disk(int fd, const void *bytes, size_t len)
{
    (void)fd, (void)bytes, (void)len;
    errno = ENOSPC;
    return -1;
}

static void a_path_of_the_wrong_kind_is_wrong_input(void **state)
{
    struct scratch *s = *state;
    auto_buf bytes = BUF(10);

    assert_int_equal(file_write(s->dir, "plain", SPAN_LIT("x"), 0600, &e), 0);
    assert_int_equal(dir_make(s->dir, "folder", 0700, &e), 0);

    assert_int_equal(dir_open(s->dir, "plain", &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "wanted a folder"));
    assert_int_equal(file_read(s->dir, "plain/deeper", &bytes, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_int_equal(file_read(s->dir, "folder", &bytes, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "wanted a file"));
}

static void a_write_that_fails_leaves_the_old_file_and_nothing_else(void **state)
{
    struct scratch *s = *state;
    struct sys saved = sys;
    assert_int_equal(file_write(s->dir, "file", SPAN_LIT("old"), 0600, &e), 0);

    sys.fsync = failing_fsync;
    assert_int_equal(file_write(s->dir, "file", SPAN_LIT("new"), 0600, &e), -1);
    assert_int_equal(e.code, ERR_IO);
    sys = saved;
    sys.write = full_disk;
    assert_int_equal(file_write(s->dir, "file", SPAN_LIT("new"), 0600, &e), -1);
    assert_int_equal(e.code, ERR_NOSPACE);
    sys = saved;

    assert_string_equal(content(s, "file"), "old");
    assert_int_equal(unlinkat(s->dir, "file", 0), 0);
    assert_int_equal(rmdir(s->path), 0); /* it was empty */
    assert_int_equal(mkdir(s->path, 0700), 0);
}

static void a_write_that_takes_part_of_the_bytes_is_gone_on_with(void **state)
{
    struct scratch *s = *state;
    struct sys saved = sys;
    sys.write = half_write;

    assert_int_equal(file_write(s->dir, "file", SPAN_LIT("all of this"), 0600, &e), 0);

    sys = saved;
    assert_string_equal(content(s, "file"), "all of this");
}

static void a_directory_is_made_once(void **state)
{
    struct scratch *s = *state;

    assert_int_equal(dir_make(s->dir, "dir", 0700, &e), 0);
    assert_int_equal(dir_make(s->dir, "dir", 0700, &e), 0);
    assert_int_equal(dir_make(s->dir, "dir/sub", 0700, &e), 0);

    auto_fd fd = dir_open(s->dir, "dir/sub", &e);
    assert_true(fd >= 0);
}

static void a_tree_is_removed_without_following_links(void **state)
{
    struct scratch *s = *state;
    assert_int_equal(dir_make(s->dir, "outside", 0700, &e), 0);
    assert_int_equal(file_write(s->dir, "outside/kept", SPAN_LIT("kept"), 0600, &e), 0);
    assert_int_equal(dir_make(s->dir, "dir", 0700, &e), 0);
    assert_int_equal(dir_make(s->dir, "dir/sub", 0700, &e), 0);
    assert_int_equal(file_write(s->dir, "dir/sub/file", SPAN_LIT("x"), 0600, &e), 0);
    assert_int_equal(symlinkat("../outside", s->dir, "dir/link"), 0);

    assert_int_equal(tree_remove(s->dir, "dir", &e), 0);
    assert_int_equal(tree_remove(s->dir, "dir", &e), 0); /* what is not there is no error */

    assert_string_equal(content(s, "outside/kept"), "kept");
    assert_int_equal(names(s), 1);
}

static void a_lock_is_held_by_one(void **state)
{
    struct scratch *s = *state;
    int held = file_lock(s->dir, "lock", false, &e);
    assert_true(held >= 0);

    assert_int_equal(file_lock(s->dir, "lock", false, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    close(held);

    auto_fd next = file_lock(s->dir, "lock", false, &e);
    assert_true(next >= 0);
}

static void free_space_is_asked_of_the_file_system(void **state)
{
    struct scratch *s = *state;
    uint64_t bytes = 0;

    assert_int_equal(disk_free(s->dir, &bytes, &e), 0);

    assert_true(bytes > 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_file_written_is_there_whole_and_replaces_the_old_one),
        T(the_cap_is_kept_to_the_byte),
        T(what_is_not_there_is_said_by_name),
        T(a_path_of_the_wrong_kind_is_wrong_input),
        T(a_write_that_fails_leaves_the_old_file_and_nothing_else),
        T(a_write_that_takes_part_of_the_bytes_is_gone_on_with),
        T(a_directory_is_made_once),
        T(a_tree_is_removed_without_following_links),
        T(a_lock_is_held_by_one),
        T(free_space_is_asked_of_the_file_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
