/* Blobs: a name is the hash of its bytes, and nothing half is ever there. */
#include "scratch.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/blobs.h"
#include "util/file.h"
#include "util/sys.h"

static struct err e;

static struct blobs *fresh(void **state, const char *path)
{
    struct scratch *s = *state;
    struct blobs *b = blobs_make(s->dir, path, &e);
    assert_non_null(b);
    return b;
}

struct seen {
    size_t blobs, others;
    uint64_t bytes;
};

static int count(void *arg, const struct digest *id, const char *name, uint64_t size)
{
    struct seen *seen = arg;
    (void)name;
    *(id ? &seen->blobs : &seen->others) += 1;
    seen->bytes += size;
    return 0;
}

static struct seen list(struct blobs *b)
{
    struct seen seen = {0};
    assert_int_equal(blobs_each(b, count, &seen, &e), 0);
    return seen;
}

static void a_made_folder_is_an_oci_image_layout(void **state)
{
    struct scratch *s = *state;
    blobs_close(fresh(state, "store"));
    auto_buf layout = BUF(100), index = BUF(1000);

    assert_int_equal(file_read(s->dir, "store/oci-layout", &layout, &e), 0);
    assert_int_equal(file_read(s->dir, "store/index.json", &index, &e), 0);

    assert_string_equal(buf_str(&layout), "{\"imageLayoutVersion\":\"1.0.0\"}");
    assert_non_null(strstr(buf_str(&index), "\"schemaVersion\":2"));
}

static void making_again_keeps_what_is_there(void **state)
{
    struct digest id;
    struct blobs *b = fresh(state, "store");
    assert_int_equal(blob_put(b, SPAN_LIT("x"), &id, &e), 0);
    blobs_close(b);

    b = fresh(state, "store");

    assert_true(blob_have(b, &id));
    blobs_close(b);
}

static void opening_what_is_no_layout_says_not_found(void **state)
{
    struct scratch *s = *state;

    assert_null(blobs_open(s->dir, "nothing", &e));
    assert_int_equal(e.code, ERR_NOTFOUND);

    assert_int_equal(mkdirat(s->dir, "empty", 0755), 0);
    assert_null(blobs_open(s->dir, "empty", &e));
    assert_int_equal(e.code, ERR_NOTFOUND);
}

static void a_blob_is_found_under_the_hash_of_its_bytes(void **state)
{
    struct blobs *b = fresh(state, "store");
    struct digest id, want = digest_of(SPAN_LIT("hello"));
    uint64_t size = 0;

    assert_int_equal(blob_put(b, SPAN_LIT("hello"), &id, &e), 0);

    assert_true(digest_equal(&id, &want));
    int fd = blob_open(b, &id, &size, &e);
    assert_true(fd >= 0);
    assert_int_equal(size, 5);
    close(fd);
    auto_buf bytes = BUF(100);
    assert_int_equal(blob_read(b, &id, &bytes, &e), 0);
    assert_string_equal(buf_str(&bytes), "hello");
    assert_int_equal(blob_put(b, SPAN_LIT("hello"), &id, &e), 0);
    assert_int_equal(list(b).blobs, 1);
    blobs_close(b);
}

static void the_empty_blob_is_a_blob(void **state)
{
    struct blobs *b = fresh(state, "store");
    struct digest id;
    uint64_t size = 7;

    assert_int_equal(blob_put(b, SPAN_LIT(""), &id, &e), 0);

    int fd = blob_open(b, &id, &size, &e);
    assert_true(fd >= 0);
    assert_int_equal(size, 0);
    close(fd);
    blobs_close(b);
}

static void a_copy_whose_hash_is_another_is_not_published(void **state)
{
    struct scratch *s = *state;
    struct blobs *b = fresh(state, "store");
    struct digest expected = digest_of(SPAN_LIT("right")), id;
    assert_int_equal(file_write(s->dir, "in", SPAN_LIT("wrong"), 0600, &e), 0);
    int fd = openat(s->dir, "in", O_RDONLY | O_CLOEXEC);

    assert_int_equal(blob_put_fd(b, fd, &expected, &id, NULL, &e), -1);

    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, digest_hex(&expected).text));
    assert_int_equal(list(b).blobs + list(b).others, 0);
    close(fd);
    blobs_close(b);
}

static void a_copied_file_reports_its_size(void **state)
{
    struct scratch *s = *state;
    struct blobs *b = fresh(state, "store");
    struct digest id;
    uint64_t size = 0;
    assert_int_equal(file_write(s->dir, "in", SPAN_LIT("some bytes"), 0600, &e), 0);
    int fd = openat(s->dir, "in", O_RDONLY | O_CLOEXEC);

    assert_int_equal(blob_put_fd(b, fd, NULL, &id, &size, &e), 0);

    assert_int_equal(size, 10);
    close(fd);
    blobs_close(b);
}

static void an_aborted_writer_leaves_nothing(void **state)
{
    struct blobs *b = fresh(state, "store");
    struct blob_writer *w = blob_writer_new(b, 1000, &e);
    assert_non_null(w);
    assert_int_equal(blob_writer_add(w, SPAN_LIT("half"), &e), 0);
    assert_int_equal(list(b).blobs + list(b).others, 0);

    blob_writer_abort(w);

    assert_int_equal(list(b).blobs + list(b).others, 0);
    blobs_close(b);
}

static void a_blob_shorter_than_reserved_has_its_own_size(void **state)
{
    struct blobs *b = fresh(state, "store");
    struct digest id;
    struct blob_writer *w = blob_writer_new(b, 100000, &e);
    assert_int_equal(blob_writer_add(w, SPAN_LIT("short"), &e), 0);

    assert_int_equal(blob_writer_finish(w, NULL, &id, &e), 0);

    assert_int_equal(list(b).bytes, 5);
    blobs_close(b);
}

static int no_room(int fd, int mode, off_t from, off_t len)
{
    (void)fd, (void)mode, (void)from, (void)len;
    errno = ENOSPC;
    return -1;
}

static void a_full_disk_is_said_before_a_byte_is_written(void **state)
{
    struct blobs *b = fresh(state, "store");
    struct sys saved = sys;
    sys.fallocate = no_room;

    struct blob_writer *w = blob_writer_new(b, 1 << 20, &e);

    sys = saved;
    assert_null(w);
    assert_int_equal(e.code, ERR_NOSPACE);
    blobs_close(b);
}

static int no_tmpfile(int dir, const char *path, int flags, mode_t mode)
{
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return openat(dir, path, flags, mode);
}

static void without_o_tmpfile_a_temporary_name_is_used(void **state)
{
    struct blobs *b = fresh(state, "store");
    struct sys saved = sys;
    struct digest id;
    sys.openat = no_tmpfile;
    struct blob_writer *w = blob_writer_new(b, 5, &e);
    assert_non_null(w);
    assert_int_equal(blob_writer_add(w, SPAN_LIT("bytes"), &e), 0);
    assert_int_equal(list(b).others, 1);

    assert_int_equal(blob_writer_finish(w, NULL, &id, &e), 0);

    sys = saved;
    assert_int_equal(list(b).blobs, 1);
    assert_int_equal(list(b).others, 0);
    auto_buf bytes = BUF(10);
    assert_int_equal(blob_read(b, &id, &bytes, &e), 0);
    blobs_close(b);
}

static void tidying_takes_a_dead_writers_file_and_not_a_living_ones(void **state)
{
    struct scratch *s = *state;
    struct blobs *b = fresh(state, "store");
    struct sys saved = sys;
    sys.openat = no_tmpfile;
    struct blob_writer *living = blob_writer_new(b, 5, &e);
    assert_int_equal(file_write(s->dir, "store/blobs/sha256/.tmp-dead", SPAN_LIT("half"), 0600, &e), 0);
    assert_int_equal(list(b).others, 2);

    assert_int_equal(blobs_tidy(b, &e), 0);

    assert_int_equal(list(b).others, 1);
    blob_writer_abort(living);
    sys = saved;
    assert_int_equal(list(b).others, 0);
    blobs_close(b);
}

static void a_flipped_byte_is_seen_when_a_blob_is_read(void **state)
{
    struct scratch *s = *state;
    struct blobs *b = fresh(state, "store");
    struct digest id;
    assert_int_equal(blob_put(b, SPAN_LIT("hello"), &id, &e), 0);
    auto_buf path = BUF(200), bytes = BUF(100);
    buf_printf(&path, "store/blobs/sha256/%s", digest_hex(&id).text);

    scratch_flip(s, buf_str(&path), 2);

    assert_int_equal(blob_read(b, &id, &bytes, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, digest_hex(&id).text));
    blobs_close(b);
}

static void a_blob_over_the_cap_is_refused(void **state)
{
    struct blobs *b = fresh(state, "store");
    struct digest id;
    assert_int_equal(blob_put(b, SPAN_LIT("hello"), &id, &e), 0);
    auto_buf bytes = BUF(4);

    assert_int_equal(blob_read(b, &id, &bytes, &e), -1);

    assert_int_equal(e.code, ERR_LIMIT);
    blobs_close(b);
}

static void a_link_shares_the_bytes_and_survives_the_other_name(void **state)
{
    struct blobs *from = fresh(state, "quarantine"), *to = fresh(state, "store");
    struct digest id, other = digest_of(SPAN_LIT("absent"));
    assert_int_equal(blob_put(from, SPAN_LIT("hello"), &id, &e), 0);

    assert_int_equal(blob_link(from, to, &id, &e), 0);
    assert_int_equal(blob_link(from, to, &id, &e), 0);
    assert_int_equal(blob_remove(from, &id, &e), 0);

    assert_false(blob_have(from, &id));
    auto_buf bytes = BUF(10);
    assert_int_equal(blob_read(to, &id, &bytes, &e), 0);
    assert_int_equal(blob_link(from, to, &other, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_int_equal(blob_remove(from, &id, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    blobs_close(from);
    blobs_close(to);
}

static int synced;

static int counting_fsync(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    synced += S_ISDIR(st.st_mode);
    return fsync(fd);
}

static void a_batch_syncs_the_directory_once(void **state)
{
    struct blobs *b = fresh(state, "store");
    struct sys saved = sys;
    synced = 0;
    sys.fsync = counting_fsync;

    blobs_batch_begin(b);
    assert_int_equal(blob_put(b, SPAN_LIT("1"), NULL, &e), 0);
    assert_int_equal(blob_put(b, SPAN_LIT("2"), NULL, &e), 0);
    assert_int_equal(synced, 0);
    assert_int_equal(blobs_batch_end(b, &e), 0);

    sys = saved;
    assert_int_equal(synced, 1);
    assert_int_equal(list(b).blobs, 2);
    blobs_close(b);
}

static void what_is_no_blob_is_listed_by_its_name(void **state)
{
    struct scratch *s = *state;
    struct blobs *b = fresh(state, "store");
    assert_int_equal(file_write(s->dir, "store/blobs/sha256/README", SPAN_LIT("?"), 0644, &e), 0);

    assert_int_equal(list(b).others, 1);
    assert_int_equal(list(b).blobs, 0);
    blobs_close(b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_made_folder_is_an_oci_image_layout),
        T(making_again_keeps_what_is_there),
        T(opening_what_is_no_layout_says_not_found),
        T(a_blob_is_found_under_the_hash_of_its_bytes),
        T(the_empty_blob_is_a_blob),
        T(a_copy_whose_hash_is_another_is_not_published),
        T(a_copied_file_reports_its_size),
        T(an_aborted_writer_leaves_nothing),
        T(a_blob_shorter_than_reserved_has_its_own_size),
        T(a_full_disk_is_said_before_a_byte_is_written),
        T(without_o_tmpfile_a_temporary_name_is_used),
        T(tidying_takes_a_dead_writers_file_and_not_a_living_ones),
        T(a_flipped_byte_is_seen_when_a_blob_is_read),
        T(a_blob_over_the_cap_is_refused),
        T(a_link_shares_the_bytes_and_survives_the_other_name),
        T(a_batch_syncs_the_directory_once),
        T(what_is_no_blob_is_listed_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
