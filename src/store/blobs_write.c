/* Writing a blob. Order, so that a reader (and a power cut) never sees half: a file without a name → bytes, hashed on
 * the way → fsync of the file → linkat under its digest → fsync of the directory. Where the file system has no
 * O_TMPFILE, the file has a temporary name and is renamed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>

#include "store/blobs.h"
#include "store/blobs_internal.h"
#include "util/file.h"
#include "util/limits.h"
#include "util/sys.h"

/* Enough for a disk to work on in one go. */
#define WRITEBACK_BYTES (16U << 20)

struct blob_writer {
    struct blobs *blobs;
    struct sha256 *hash;
    int fd;
    uint64_t written, reserved;
    uint64_t begun;     /* up to here the disk was told to write */
    char temporary[40]; /* "" when the file has no name */
};

static bool lacks_tmpfile(int error)
{
    return error == EOPNOTSUPP || error == EISDIR || error == ENOENT || error == EINVAL;
}

static int temporary_open(struct blob_writer *w, struct err *e)
{
    w->fd = sys.openat(w->blobs->sha256, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0444);
    if (w->fd >= 0)
        return 0;
    if (!lacks_tmpfile(errno))
        return err_set(e, ERR_IO, errno, "make a file in %s", w->blobs->path);
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return err_set(e, ERR_SYSTEM, errno, "no random numbers for a temporary name in %s", w->blobs->path);
    snprintf(w->temporary, sizeof w->temporary, BLOB_TEMPORARY_PREFIX "%016llx", (unsigned long long)random);
    w->fd = sys.openat(w->blobs->sha256, w->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
    if (w->fd < 0) {
        int error = errno;
        w->temporary[0] = '\0';
        return err_set(e, ERR_IO, error, "make a file in %s", w->blobs->path);
    }
    flock(w->fd, LOCK_EX | LOCK_NB); /* only blobs_tidy asks for it */
    return 0;
}

/* Asks the file system for the room now rather than half-way through. */
static int reserve(struct blob_writer *w, uint64_t size, struct err *e)
{
    if (size == 0)
        return 0;
    if (size > INT64_MAX)
        return err_set(e, ERR_LIMIT, 0, "a blob of %llu bytes is more than a file can hold", (unsigned long long)size);
    int result;
    do
        result = sys.fallocate(w->fd, 0, 0, (off_t)size);
    while (result < 0 && errno == EINTR);
    if (result == 0)
        w->reserved = size;
    if (result == 0 || errno == EOPNOTSUPP)
        return 0;
    return err_set(e, ERR_IO, errno, "reserve %llu bytes in %s", (unsigned long long)size, w->blobs->path);
}

struct blob_writer *blob_writer_new(struct blobs *b, uint64_t size, struct err *e)
{
    struct blob_writer *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->blobs = b;
    w->hash = sha256_new();
    if (temporary_open(w, e) < 0 || reserve(w, size, e) < 0) {
        blob_writer_abort(w);
        return NULL;
    }
    return w;
}

void blob_writer_abort(struct blob_writer *w)
{
    if (!w)
        return;
    if (w->temporary[0])
        sys.unlinkat(w->blobs->sha256, w->temporary, 0);
    if (w->fd >= 0)
        sys.close(w->fd);
    sha256_free(w->hash);
    free(w);
}

void blobs_begin_writeback(int fd, uint64_t *begun, uint64_t written)
{
    if (written - *begun < WRITEBACK_BYTES)
        return;
    sync_file_range(fd, (off_t)*begun, (off_t)(written - *begun), SYNC_FILE_RANGE_WRITE);
    *begun = written;
}

int blob_writer_add(struct blob_writer *w, struct span bytes, struct err *e)
{
    sha256_add(w->hash, bytes.ptr, bytes.len);
    if (file_write_all(w->fd, bytes, "a blob", e) < 0)
        return err_prefix(e, "%s", w->blobs->path);
    w->written += bytes.len;
    blobs_begin_writeback(w->fd, &w->begun, w->written);
    return 0;
}

static int give_name(struct blob_writer *w, const char *name)
{
    if (w->temporary[0]) {
        if (sys.renameat2(w->blobs->sha256, w->temporary, w->blobs->sha256, name, 0) < 0)
            return -1;
        w->temporary[0] = '\0';
        return 0;
    }
    /* AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH; the descriptor's own link in /proc does not (open(2), O_TMPFILE).
     */
    char self[40];
    snprintf(self, sizeof self, "/proc/self/fd/%d", w->fd);
    for (;;) {
        if (sys.linkat(AT_FDCWD, self, w->blobs->sha256, name, AT_SYMLINK_FOLLOW) == 0)
            return 0;
        if (errno != EEXIST)
            return -1;
        /* It is there: from now on it is young (blob_retire), unless it went away just now. */
        if (utimensat(w->blobs->sha256, name, NULL, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
            return 0;
    }
}

static int publish(struct blob_writer *w, const struct digest *id, struct err *e)
{
    struct digest_hex hex = digest_hex(id);
    if (w->reserved > w->written && sys.ftruncate(w->fd, (off_t)w->written) < 0)
        return err_set(e, ERR_IO, errno, "truncate blob sha256:%s", hex.text);
    if (sys.fsync(w->fd) < 0)
        return err_set(e, ERR_IO, errno, "fsync blob sha256:%s", hex.text);
    if (give_name(w, hex.text) < 0)
        return err_set(e, ERR_IO, errno, "publish blob sha256:%s in %s", hex.text, w->blobs->path);
    /* Also when the name was there: the process that made it may have died before its fsync. */
    return blobs_changed(w->blobs, e);
}

int blob_writer_finish(struct blob_writer *w, const struct digest *expected, struct digest *id, struct err *e)
{
    struct digest found = sha256_finish(ptr_steal(&w->hash));
    int result = 0;
    if (expected && !digest_equal(expected, &found))
        result = err_set(e, ERR_INPUT, 0, "the bytes hash to %s; wanted %s", digest_text(&found).text,
                         digest_text(expected).text);
    else
        result = publish(w, &found, e);
    blob_writer_abort(w);
    if (result == 0 && id)
        *id = found;
    return result;
}

int blob_put(struct blobs *b, struct span bytes, struct digest *id, struct err *e)
{
    struct blob_writer *w = blob_writer_new(b, bytes.len, e);
    if (!w)
        return -1;
    if (blob_writer_add(w, bytes, e) < 0) {
        blob_writer_abort(w);
        return -1;
    }
    return blob_writer_finish(w, NULL, id, e);
}

static int copy_all(struct blob_writer *w, int fd, struct err *e)
{
    auto_free uint8_t *chunk = malloc(COPY_CHUNK_BYTES);
    if (!chunk)
        abort();
    for (;;) {
        ssize_t n = sys.read(fd, chunk, COPY_CHUNK_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(e, ERR_IO, errno, "read what is to become a blob");
        if (n == 0)
            return 0;
        if (blob_writer_add(w, span_of(chunk, (size_t)n), e) < 0)
            return -1;
    }
}

static uint64_t bytes_ahead(int fd)
{
    struct stat st;
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || at < 0 || at > st.st_size)
        return 0;
    return (uint64_t)(st.st_size - at);
}

int blob_put_fd(struct blobs *b, int fd, const struct digest *expected, struct digest *id, uint64_t *size,
                struct err *e)
{
    struct blob_writer *w = blob_writer_new(b, bytes_ahead(fd), e);
    if (!w)
        return -1;
    if (copy_all(w, fd, e) < 0) {
        blob_writer_abort(w);
        return -1;
    }
    uint64_t written = w->written;
    if (blob_writer_finish(w, expected, id, e) < 0)
        return -1;
    if (size)
        *size = written;
    return 0;
}
