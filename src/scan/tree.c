/* A path of a user: one file, or everything below a directory. */
#include <dirent.h>
#include <errno.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scan/beside.h"
#include "scan/internal.h"
#include "util/sys.h"

/* Directories inside each other, and files in all. */
#define LIMIT_TREE_DEPTH 64U
#define LIMIT_TREE_FILES 1000000U

struct tree {
    int root;        /* the folder that the user named; borrowed */
    size_t root_len; /* of its path, which stands in front of each path */
    struct scanning how;
    const struct scan_options *o;
    struct scan_report *out;
    struct err *e;
};

/* What was named, to be held against what lies beside it when all is read. */
struct named {
    char *path; /* owned */
    bool folder;
    size_t from, count; /* rows */
};

static int not_hidden(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int scan_directory(struct tree *t, int dir, const char *path, unsigned depth);

/* A link to another file of the same folder adds nothing: its target has a row. Any other is not followed. */
static void scan_symlink(struct tree *t, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    auto_fd target = (int)syscall(SYS_openat2, t->root, path + t->root_len, &how, sizeof(how));
    if (target >= 0)
        scan_linked(t->out, path);
    else
        scan_unread(t->out, path, "symlink", "a symbolic link out of this folder; it is not followed: name its target");
}

/* O_NONBLOCK: a named pipe must not hold us up; what is no regular file is refused by scan_fd. */
static int scan_entry(struct tree *t, int dir, const char *name, const char *path, unsigned depth)
{
    struct stat st;
    if (t->out->count >= LIMIT_TREE_FILES)
        return err_set(t->e, ERR_LIMIT, 0, "%s: more than %u files", path, LIMIT_TREE_FILES);
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        scan_unread(t->out, path, "unreadable", strerror(errno));
        return 0;
    }
    if (S_ISLNK(st.st_mode)) {
        scan_symlink(t, path);
        return 0;
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        scan_unread(t->out, path, "no-file", "is no regular file; only those are read");
        return 0;
    }
    auto_fd fd = sys.openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0) {
        scan_unread(t->out, path, "unreadable", strerror(errno));
        return 0;
    }
    if (S_ISDIR(st.st_mode))
        return scan_directory(t, fd_steal(&fd), path, depth + 1);
    return scan_ask_inspect(&t->how, scan_look_new(&t->how, fd_steal(&fd), path, path), t->o, t->e);
}

/* Closes `dir`. */
static int scan_directory(struct tree *t, int dir, const char *path, unsigned depth)
{
    struct dirent **entries = NULL;
    auto_fd fd = dir;
    int count = depth > LIMIT_TREE_DEPTH ? -1 : scandirat(fd, ".", &entries, not_hidden, alphasort), result = 0;
    if (count < 0)
        scan_unread(t->out, path, "unreadable", depth > LIMIT_TREE_DEPTH ? "directories too deep" : strerror(errno));
    for (int i = 0; i < count; i++) {
        auto_buf inner = BUF(65536);
        buf_printf(&inner, "%s/%s", path, entries[i]->d_name);
        if (result == 0)
            result = scan_entry(t, fd, entries[i]->d_name, buf_str(&inner), depth);
        free(entries[i]);
    }
    free(entries);
    return result;
}

/* One file alone may need others of its folder; whether they are there can be said without looking into them. */
static int look_beside(const struct named *n, struct scan_report *out, struct err *e)
{
    const char *slash = strrchr(n->path, '/');
    size_t len = n->folder ? strlen(n->path) + 1 : slash ? (size_t)(slash + 1 - n->path) : 0;
    auto_free char *folder = n->folder ? strdup(n->path) : len ? strndup(n->path, len) : strdup(".");
    if (!folder)
        abort();
    auto_fd root = sys.openat(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (root < 0)
        return err_set(e, ERR_IO, errno, "%s", folder);
    scan_beside(out, n->from, n->count, root, len);
    return 0;
}

static int scan_named(struct tree *t, struct named *n)
{
    struct stat st;
    auto_fd fd = sys.openat(AT_FDCWD, n->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(t->e, errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND : ERR_IO, errno, "%s", n->path);
    n->folder = S_ISDIR(st.st_mode);
    n->from = t->out->count;
    t->root = fd;
    t->root_len = strlen(n->path) + 1;
    int copy = n->folder ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1, result;
    if (!n->folder)
        result = scan_ask_inspect(&t->how, scan_look_new(&t->how, fd_steal(&fd), n->path, n->path), t->o, t->e);
    else
        result = copy < 0 ? err_set(t->e, ERR_IO, errno, "%s", n->path) : scan_directory(t, copy, n->path, 0);
    n->count = t->out->count - n->from;
    return result;
}

/* The path without slashes at its end. */
static int name_path(struct named *n, const char *path, struct err *e)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len > 4095)
        return err_set(e, ERR_LIMIT, 0, "%.100s…: a path of more than 4095 bytes", path);
    n->path = strndup(path, len);
    if (!n->path)
        abort();
    return 0;
}

int scan_paths(struct child *parser, char *const paths[], size_t count, const struct scan_options *o,
               struct scan_report *out, struct err *e)
{
    struct tree t = {.o = o, .out = out, .e = e};
    auto_pool pool = pool_new(parser, &t.how);
    t.how = (struct scanning){
        .out = out, .parser = parser, .pool = pool, .progress = o->progress, .progress_arg = o->progress_arg};
    t.how.engines = out->engines = o->engines;
    struct named *named = calloc(count + 1, sizeof *named);
    int result = 0;
    if (!named)
        abort();
    for (size_t i = 0; result == 0 && i < count; i++)
        result = name_path(&named[i], paths[i], e) < 0 ? -1 : scan_named(&t, &named[i]);
    if (result == 0)
        result = pool_wait(pool, e);
    for (size_t i = 0; result == 0 && i < count; i++)
        result = look_beside(&named[i], out, e);
    for (size_t i = 0; i < count; i++)
        free(named[i].path);
    free(named);
    return result;
}

int scan_path(struct child *parser, const char *path, const struct scan_options *o, struct scan_report *out,
              struct err *e)
{
    char *const paths[] = {(char *)(uintptr_t)path};
    return scan_paths(parser, paths, 1, o, out, e);
}
