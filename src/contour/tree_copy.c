#include "contour/tree_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/auto.h"
#include "util/file.h"
#include "util/limits.h"
#include "util/sys.h"

#define TEMPORARY ".tmp-copy"
#define DEPTH_MAX 16U /* a site has five */

static int failed(const char *name, struct err *e)
{
    return err_set(e, errno == ENOSPC || errno == EDQUOT ? ERR_NOSPACE : ERR_IO, errno, "copy %s", name);
}

static int pump(int from, int to, const char *name, uint64_t *bytes, struct err *e)
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
        if (file_write_all(to, span_of(chunk, (size_t)n), name, e) < 0)
            return -1;
        *bytes += (uint64_t)n;
    }
}

static int copy_file(struct tree_copy *c, int from, int to, const char *name, const struct stat *st, struct err *e)
{
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
    if (pump(source, target, name, &c->copied_bytes, e) < 0)
        return -1;
    if (sys.fchmod(target, st->st_mode & 0777) < 0 || sys.fsync(target) < 0 ||
        sys.renameat2(to, TEMPORARY, to, name, 0) < 0)
        return failed(name, e);
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

static bool is_there(int to, const char *name, const struct stat *wanted)
{
    struct stat st;
    return fstatat(to, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && st.st_size == wanted->st_size;
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
    return keep && is_there(to, name, &st) ? 0 : copy_file(c, from, to, name, &st, e);
}

int tree_copy(struct tree_copy *c, int from, int to, const char *name, bool keep, struct err *e)
{
    return copy_entry(c, from, to, name, keep, 0, e);
}
