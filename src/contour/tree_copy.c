#include "contour/tree_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/auto.h"
#include "util/digest.h"
#include "util/file.h"
#include "util/limits.h"
#include "util/sys.h"

#define TEMPORARY ".tmp-copy"
#define DEPTH_MAX 16U /* a site has five */

static int failed(const char *name, struct err *e)
{
    return err_set(e, errno == ENOSPC || errno == EDQUOT ? ERR_NOSPACE : ERR_IO, errno, "copy %s", name);
}

/* A blob is called as its bytes hash. */
static bool is_blob(const char *name, struct digest *id)
{
    return strlen(name) == DIGEST_HEX_SIZE - 1 && digest_from_hex(span_str(name), id);
}

/* `to` -1: hashes only. */
static int pump(int from, int to, const char *name, struct sha256 *hash, uint64_t *bytes, struct err *e)
{
    static _Thread_local uint8_t chunk[COPY_CHUNK_BYTES];
    for (;;) {
        ssize_t n = sys.read(from, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(name, e);
        if (n == 0)
            return 0;
        if (hash)
            sha256_add(hash, chunk, (size_t)n);
        if (to >= 0 && file_write_all(to, span_of(chunk, (size_t)n), name, e) < 0)
            return -1;
        *bytes += (uint64_t)n;
    }
}

/* The same, and *is becomes the hash of all of it. */
static int pump_hashed(int from, int to, const char *name, struct digest *is, uint64_t *bytes, struct err *e)
{
    struct sha256 *hash = sha256_new();
    int result = pump(from, to, name, hash, bytes, e);
    *is = sha256_finish(hash);
    return result;
}

static int set_time(int fd, const char *name, const struct stat *st, struct err *e)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st->st_mtim};
    return futimens(fd, times) < 0 ? failed(name, e) : 0;
}

static void tell_damaged(struct tree_copy *c, const char *name)
{
    if (c->damaged++ == 0)
        snprintf(c->damaged_name, sizeof c->damaged_name, "%s", name);
}

static int publish(int target, int to, const char *name, const struct stat *st, struct err *e)
{
    if (sys.fchmod(target, st->st_mode & 0777) < 0 || set_time(target, name, st, e) < 0 || sys.fsync(target) < 0 ||
        sys.renameat2(to, TEMPORARY, to, name, 0) < 0)
        return failed(name, e);
    return 0;
}

static int copy_file(struct tree_copy *c, int from, int to, const char *name, const struct stat *st, struct err *e)
{
    struct digest id, is;
    bool hashed = c->hashes && is_blob(name, &id);
    auto_fd source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (source < 0 && errno == ENOENT) {
        c->vanished = true;
        return 0;
    }
    if (source < 0)
        return failed(name, e);
    auto_fd target = sys.openat(to, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (target < 0)
        return failed(name, e);
    int result = hashed ? pump_hashed(source, target, name, &is, &c->copied_bytes, e)
                        : pump(source, target, name, NULL, &c->copied_bytes, e);
    if (result < 0)
        return -1;
    if (hashed && !digest_equal(&is, &id)) {
        tell_damaged(c, name);
        return sys.unlinkat(to, TEMPORARY, 0) < 0 ? failed(name, e) : 0;
    }
    if (publish(target, to, name, st, e) < 0)
        return -1;
    c->copied++;
    return 0;
}

static int copy_entry(struct tree_copy *c, int from, int to, const char *name, bool keep, unsigned depth,
                      struct err *e);

static int copy_folder(struct tree_copy *c, int from, int to, const char *name, bool keep, unsigned depth,
                       struct err *e)
{
    if (depth == DEPTH_MAX)
        return err_set(e, ERR_LIMIT, 0, "%s: folders more than %u deep", name, DEPTH_MAX);
    int below = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0 && errno == ENOENT) {
        c->vanished = true;
        return 0;
    }
    AUTO(dir_close) DIR *list = below < 0 ? NULL : fdopendir(below);
    if (!list)
        return failed(name, e);
    if (dir_make(to, name, 0700, e) < 0)
        return -1;
    auto_fd target = dir_open(to, name, e);
    struct dirent *entry;
    while (target >= 0 && (entry = readdir(list)))
        if (copy_entry(c, below, target, entry->d_name, keep, depth + 1, e) < 0)
            return -1;
    return target < 0 ? -1 : dir_sync(target, name, e);
}

/* Names that writers use before a file has its own, and locks. */
static bool is_passing(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strncmp(name, ".tmp-", 5) == 0 ||
           strcmp(name, ".lock") == 0;
}

/* ── what is there already ── */

static bool same_time(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* 1: it holds what its name says, or for another file what the source does; 0; -1. */
static int is_right(int from, int there, const char *name, struct err *e)
{
    struct digest id, is;
    uint64_t bytes = 0;
    if (pump_hashed(there, -1, name, &is, &bytes, e) < 0)
        return -1;
    if (is_blob(name, &id))
        return digest_equal(&is, &id);
    auto_fd source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (source < 0)
        return errno == ENOENT ? 0 : failed(name, e);
    return pump_hashed(source, -1, name, &id, &bytes, e) < 0 ? -1 : digest_equal(&is, &id);
}

/* 1: the file is kept; 0: it is to be copied; -1. */
static int keeps(struct tree_copy *c, int from, int to, const char *name, const struct stat *wanted, struct err *e)
{
    struct stat st;
    if (fstatat(to, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return 0;
    struct digest id;
    if (st.st_size != wanted->st_size && !is_blob(name, &id)) /* it has grown */
        return 0;
    if (!c->verify && st.st_size == wanted->st_size && same_time(&st, wanted))
        return 1;
    auto_fd there = openat(to, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (there < 0)
        return failed(name, e);
    c->looked_at++;
    int right = is_right(from, there, name, e);
    if (right == 0)
        c->repaired++;
    return right > 0 && !same_time(&st, wanted) && set_time(there, name, wanted, e) < 0 ? -1 : right;
}

static int copy_entry(struct tree_copy *c, int from, int to, const char *name, bool keep, unsigned depth, struct err *e)
{
    struct stat st;
    if (is_passing(name))
        return 0;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        c->vanished = c->vanished || errno == ENOENT;
        return errno == ENOENT ? 0 : failed(name, e);
    }
    if (S_ISDIR(st.st_mode))
        return copy_folder(c, from, to, name, keep, depth, e);
    if (!S_ISREG(st.st_mode))
        return 0;
    c->files++;
    c->bytes += (uint64_t)st.st_size;
    int kept = keep ? keeps(c, from, to, name, &st, e) : 0;
    return kept ? (kept < 0 ? -1 : 0) : copy_file(c, from, to, name, &st, e);
}

int tree_copy(struct tree_copy *c, int from, int to, const char *name, bool keep, struct err *e)
{
    return copy_entry(c, from, to, name, keep, 0, e);
}
