/* Uploads: bytes that come in pieces are no blob until their digest was seen. */
#include "scratch.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/blobs_upload.h"
#include "util/sys.h"

#define NAME "0123456789abcdef-fedcba"

static struct err e;

static struct blobs *fresh(void **state)
{
    struct scratch *s = *state;
    struct blobs *b = blobs_make(s->dir, "pushed", &e);
    assert_non_null(b);
    return b;
}

static void add(struct blob_upload *u, const char *text)
{
    assert_int_equal(blob_upload_add(u, span_str(text), &e), 0);
}

static bool is_there(void **state, const char *path)
{
    struct scratch *s = *state;
    return faccessat(s->dir, path, F_OK, 0) == 0;
}

static void pieces_become_a_blob_when_their_digest_is_the_promised_one(void **state)
{
    struct blobs *b = fresh(state);
    struct digest id, wanted = digest_of(SPAN_LIT("one two"));
    struct digest512 also = digest512_of(SPAN_LIT("one two"));
    struct blob_upload *u = blob_upload_new(b, NAME, &e);
    add(u, "one ");
    add(u, "two");
    assert_int_equal(blob_upload_size(u), 7);
    assert_false(blob_have(b, &wanted));
    assert_int_equal(blob_upload_finish(u, &wanted, &also, &id, &e), 0);
    blob_upload_close(u);
    assert_true(digest_equal(&id, &wanted) && blob_have(b, &wanted));
    assert_false(is_there(state, "pushed/uploads/" NAME));
    blobs_close(b);
}

static void another_digest_leaves_nothing(void **state)
{
    struct blobs *b = fresh(state);
    struct digest wrong = digest_of(SPAN_LIT("else")), right = digest_of(SPAN_LIT("bytes"));
    struct digest512 wrong512 = digest512_of(SPAN_LIT("else"));
    for (int i = 0; i < 2; i++) {
        struct blob_upload *u = blob_upload_new(b, NAME, &e);
        add(u, "bytes");
        assert_int_equal(blob_upload_finish(u, i ? NULL : &wrong, i ? &wrong512 : NULL, NULL, &e), -1);
        assert_int_equal(e.code, ERR_INPUT);
        blob_upload_close(u);
        assert_false(blob_have(b, &right));
        assert_false(is_there(state, "pushed/uploads/" NAME));
    }
    blobs_close(b);
}

static void an_upload_goes_on_in_another_process(void **state)
{
    struct blobs *b = fresh(state);
    struct digest wanted = digest_of(SPAN_LIT("before after"));
    struct blob_upload *u = blob_upload_new(b, NAME, &e);
    add(u, "before ");
    blob_upload_close(u);
    u = blob_upload_open(b, NAME, &e);
    assert_non_null(u);
    assert_int_equal(blob_upload_size(u), 7);
    add(u, "after");
    assert_int_equal(blob_upload_finish(u, &wanted, NULL, NULL, &e), 0);
    blob_upload_close(u);
    assert_null(blob_upload_open(b, NAME, &e));
    assert_int_equal(e.code, ERR_NOTFOUND);
    blobs_close(b);
}

static void bytes_can_be_taken_back(void **state)
{
    struct blobs *b = fresh(state);
    struct digest wanted = digest_of(SPAN_LIT("kept and more"));
    struct blob_upload *u = blob_upload_new(b, NAME, &e);
    add(u, "kept");
    add(u, " a lie");
    assert_int_equal(blob_upload_cut(u, 4, &e), 0);
    add(u, " and more");
    assert_int_equal(blob_upload_finish(u, &wanted, NULL, NULL, &e), 0);
    blob_upload_close(u);
    blobs_close(b);
}

static ssize_t full_disk(int fd, const void *bytes, size_t len)
{
    (void)fd;
    (void)bytes;
    (void)len;
    errno = ENOSPC;
    return -1;
}

static void what_the_disk_did_not_take_is_not_counted(void **state)
{
    struct blobs *b = fresh(state);
    struct digest wanted = digest_of(SPAN_LIT("kept"));
    struct blob_upload *u = blob_upload_new(b, NAME, &e);
    add(u, "kept");
    ssize_t (*real)(int, const void *, size_t) = sys.write;
    sys.write = full_disk;
    assert_int_equal(blob_upload_add(u, SPAN_LIT("lost"), &e), -1);
    sys.write = real;
    assert_int_equal(e.code, ERR_NOSPACE);
    assert_int_equal(blob_upload_size(u), 4);
    assert_int_equal(blob_upload_finish(u, &wanted, NULL, NULL, &e), 0);
    blob_upload_close(u);
    blobs_close(b);
}

static void names_lead_nowhere_else(void **state)
{
    static const char *const bad[] = {"", "../x", "a/b", ".", "ABC", "0123456789g"};
    struct blobs *b = fresh(state);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_null(blob_upload_new(b, bad[i], &e));
        assert_int_equal(e.code, ERR_USAGE);
    }
    blobs_close(b);
}

static void what_nobody_goes_on_with_expires(void **state)
{
    struct scratch *s = *state;
    struct blobs *b = fresh(state);
    unsigned removed = 0;
    blob_upload_close(blob_upload_new(b, NAME, &e));
    blob_upload_close(blob_upload_new(b, "aaaa", &e));
    struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(s->dir, "pushed/uploads/" NAME, old, 0), 0);
    assert_int_equal(blob_uploads_expire(b, 2000, &removed, &e), 0);
    assert_int_equal(removed, 1);
    assert_false(is_there(state, "pushed/uploads/" NAME));
    assert_true(is_there(state, "pushed/uploads/aaaa"));
    blobs_close(b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(pieces_become_a_blob_when_their_digest_is_the_promised_one),
        T(another_digest_leaves_nothing),
        T(an_upload_goes_on_in_another_process),
        T(bytes_can_be_taken_back),
        T(what_the_disk_did_not_take_is_not_counted),
        T(names_lead_nowhere_else),
        T(what_nobody_goes_on_with_expires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
