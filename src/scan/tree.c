/* A path of a user: one file, or everything below a directory. */
#include <dirent.h>
#include <errno.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scan/beside.h"
#include "util/sys.h"

/* Directories inside each other, and files in all. */
#define LIMIT_TREE_DEPTH 64U
#define LIMIT_TREE_FILES 1000000U

struct tree {
    int root;        /* the folder that the user named; borrowed */
    size_t root_len; /* of its path, which stands in front of each path */
    struct child *parser;
    const struct scan_options *o;
    struct scan_report *out;
    struct err *e;
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
    return scan_fd(t->parser, fd, path, path, t->o, t->out, t->e);
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
static int scan_neighbours(char *path, size_t from, struct scan_report *out, struct err *e)
{
    char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash + 1 - path) : 0;
    auto_free char *folder = len ? strndup(path, len) : strdup(".");
    if (!folder)
        abort();
    auto_fd root = sys.openat(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (root < 0)
        return err_set(e, ERR_IO, errno, "%s", folder);
    scan_beside(out, from, root, len);
    return 0;
}

int scan_path(struct child *parser, const char *path, const struct scan_options *o, struct scan_report *out,
              struct err *e)
{
    struct tree t = {.parser = parser, .o = o, .out = out, .e = e};
    struct stat st;
    char clean[4096];
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len >= sizeof(clean))
        return err_set(e, ERR_LIMIT, 0, "%.100s…: a path of more than 4095 bytes", path);
    memcpy(clean, path, len);
    clean[len] = '\0';
    auto_fd fd = sys.openat(AT_FDCWD, clean, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(e, errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND : ERR_IO, errno, "%s", clean);
    size_t from = out->count;
    if (S_ISDIR(st.st_mode)) {
        t.root = fd;
        t.root_len = strlen(clean) + 1;
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        int result = copy < 0 ? err_set(e, ERR_IO, errno, "%s", clean) : scan_directory(&t, copy, clean, 0);
        if (result == 0)
            scan_beside(out, from, fd, t.root_len);
        return result;
    }
    return scan_fd(parser, fd, clean, clean, o, out, e) < 0 ? -1 : scan_neighbours(clean, from, out, e);
}
