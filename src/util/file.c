#include "util/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/limits.h"
#include "util/sys.h"

/* Whose file it is that we may not open, and who we are: what somebody needs who called the program as another user. */
static int not_permitted(int dir, const char *path, const char *what, struct err *e)
{
    struct stat st;
    unsigned own = (unsigned)geteuid();
    if (fstatat(dir, path, &st, 0) < 0) {
        err_set(e, ERR_DENIED, EACCES, "%s %s", what, path);
        return err_hint(e, "A folder on the way to it is closed to user %u, who this runs as", own);
    }
    err_set(e, ERR_DENIED, EACCES, "%s %s: it belongs to user %u with mode %04o, and this runs as user %u", what, path,
            (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777), own);
    return err_hint(e, "Run it as that user, or have them open it to you");
}

int file_open_failed(int dir, const char *path, const char *what, struct err *e)
{
    int why = errno;
    switch (why) {
    case ENOENT:
        return err_set(e, ERR_NOTFOUND, why, "%s %s", what, path);
    case EACCES:
        return not_permitted(dir, path, what, e);
    case ENOTDIR:
        return err_set(e, ERR_INPUT, 0, "%s is not a directory, or something on the way to it is not; wanted a folder",
                       path);
    case EISDIR:
        return err_set(e, ERR_INPUT, 0, "%s is a folder; wanted a file", path);
    case ELOOP:
        return err_set(e, ERR_INPUT, 0, "%s: the symbolic links on the way to it lead in a ring", path);
    case ENAMETOOLONG:
        return err_set(e, ERR_INPUT, 0, "%.64s…: a name of %zu characters is longer than the system allows", path,
                       strlen(path));
    default:
        return err_set(e, ERR_IO, why, "%s %s", what, path);
    }
}

int file_read_fd(int fd, const char *what, struct buf *out, struct err *e)
{
    for (;;) {
        size_t left = out->max - out->len;
        /* One byte more than the cap is asked for, so that a longer file is seen and not cut. */
        size_t want = left < 65536 ? left + 1 : 65536;
        uint8_t chunk[65537];
        ssize_t n = sys.read(fd, chunk, want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EISDIR)
            return err_set(e, ERR_INPUT, 0, "%s is a folder; wanted a file", what);
        if (n < 0)
            return err_set(e, ERR_IO, errno, "read %s", what);
        if (n == 0)
            return 0;
        buf_add(out, chunk, (size_t)n);
        if (!buf_ok(out))
            return err_set(e, ERR_LIMIT, 0, "%s is longer than the %zu bytes allowed for it", what, out->max);
    }
}

int file_read(int dir, const char *path, struct buf *out, struct err *e)
{
    auto_fd fd = sys.openat(dir, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return file_open_failed(dir, path, "open", e);
    return file_read_fd(fd, path, out, e);
}

int file_write_all(int fd, struct span bytes, const char *what, struct err *e)
{
    while (bytes.len) {
        ssize_t n = sys.write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(e, ERR_IO, errno, "write %s", what);
        span_skip(&bytes, (size_t)n);
    }
    return 0;
}

/* The directory part of `path` ("." when there is none), opened. */
static int parent_open(int dir, const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return dir_open(dir, ".", e);
    auto_free char *parent = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!parent)
        abort();
    return dir_open(dir, parent, e);
}

int dir_sync(int fd, const char *what, struct err *e)
{
    if (sys.fsync(fd) < 0)
        return err_set(e, ERR_IO, errno, "fsync directory %s", what);
    return 0;
}

static int write_temporary(int parent, const char *name, struct span bytes, mode_t mode, struct err *e)
{
    auto_fd fd = sys.openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return err_set(e, ERR_IO, errno, "create %s", name);
    if (file_write_all(fd, bytes, name, e) < 0)
        return -1;
    if (sys.fsync(fd) < 0)
        return err_set(e, ERR_IO, errno, "fsync %s", name);
    if (sys.close(fd_steal(&fd)) < 0)
        return err_set(e, ERR_IO, errno, "close %s", name);
    return 0;
}

int file_write(int dir, const char *path, struct span bytes, mode_t mode, struct err *e)
{
    auto_fd parent = parent_open(dir, path, e);
    if (parent < 0)
        return -1;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return err_set(e, ERR_SYSTEM, errno, "no random numbers for the temporary name of %s", path);
    auto_buf temporary = BUF(4096);
    buf_printf(&temporary, ".%s.%016llx.tmp", name, (unsigned long long)random);
    if (buf_check(&temporary, path, e) < 0)
        return -1;
    if (write_temporary(parent, buf_str(&temporary), bytes, mode, e) < 0 ||
        (sys.renameat2(parent, buf_str(&temporary), parent, name, 0) < 0 &&
         err_set(e, ERR_IO, errno, "rename %s to %s", buf_str(&temporary), path))) {
        sys.unlinkat(parent, buf_str(&temporary), 0);
        return err_prefix(e, "%s", path);
    }
    return dir_sync(parent, path, e);
}

int dir_make(int dir, const char *path, mode_t mode, struct err *e)
{
    if (sys.mkdirat(dir, path, mode) < 0) {
        if (errno == EEXIST)
            return 0;
        return err_set(e, ERR_IO, errno, "make directory %s", path);
    }
    auto_fd parent = parent_open(dir, path, e);
    if (parent < 0)
        return -1;
    return dir_sync(parent, path, e);
}

int dir_open(int dir, const char *path, struct err *e)
{
    int fd = sys.openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return file_open_failed(dir, path, "open directory", e);
    return fd;
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

static int remove_children(int dir, const char *path, struct err *e)
{
    int fd = sys.openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_set(e, ERR_IO, errno, "open directory %s", path);
    AUTO(close_dir) DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return err_set(e, ERR_IO, errno, "read directory %s", path);
    }
    fchmod(fd, 0700);
    for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (tree_remove(dirfd(d), entry->d_name, e) < 0)
            return -1;
    }
    return 0;
}

int tree_remove(int dir, const char *path, struct err *e)
{
    if (sys.unlinkat(dir, path, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return err_set(e, ERR_IO, errno, "remove %s", path);
    if (remove_children(dir, path, e) < 0)
        return -1;
    if (sys.unlinkat(dir, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return err_set(e, ERR_IO, errno, "remove directory %s", path);
    return 0;
}

int file_lock(int dir, const char *path, bool wait, struct err *e)
{
    auto_fd fd = sys.openat(dir, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(e, ERR_IO, errno, "open lock %s", path);
    int result;
    do
        result = flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));
    while (result < 0 && errno == EINTR);
    if (result < 0 && errno == EWOULDBLOCK)
        return err_set(e, ERR_BUSY, 0, "%s is held by another airlock process", path);
    if (result < 0)
        return err_set(e, ERR_IO, errno, "lock %s", path);
    return fd_steal(&fd);
}

int disk_free(int fd, uint64_t *bytes, struct err *e)
{
    struct statvfs fs;
    if (fstatvfs(fd, &fs) < 0)
        return err_set(e, ERR_IO, errno, "ask for free disk space");
    *bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return 0;
}
