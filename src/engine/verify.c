#include "engine/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/beneath.h"
#include "util/limits.h"
#include "util/sys.h"

int hash_fd(int fd, const char *what, uint64_t done, uint64_t total, const struct verify_watch *watch,
            struct digest *out, uint64_t *size, struct err *e)
{
    auto_free uint8_t *chunk = malloc(COPY_CHUNK_BYTES);
    if (!chunk)
        abort();
    struct sha256 *hash = sha256_new();
    uint64_t at = 0;
    ssize_t got;
    while ((got = sys.pread(fd, chunk, COPY_CHUNK_BYTES, (off_t)at)) > 0) {
        sha256_add(hash, chunk, (size_t)got);
        at += (uint64_t)got;
        if (watch && watch->progress)
            watch->progress(watch->arg, done + at, total);
        if (watch && watch->cancel && atomic_load(watch->cancel)) {
            sha256_free(hash);
            return err_set(e, ERR_BUSY, 0, "%s: given up, because something else was asked for", what);
        }
    }
    int problem = errno;
    *out = sha256_finish(hash);
    *size = at;
    return got < 0 ? err_set(e, ERR_IO, problem, "read %s", what) : 0;
}

struct check {
    const struct tree *tree;
    int root;
    uint64_t done;
    const struct verify_watch *watch;
};

static int differs(const struct tree_node *n, struct err *e, const char *found, const char *wanted)
{
    auto_buf path = BUF(IMAGE_PATH_MAX + 1);
    tree_path(n, &path);
    return err_set(e, ERR_DENIED, 0, "/%.300s: found %s, wanted %s", buf_str(&path), found, wanted);
}

static const char *type_name(mode_t mode)
{
    return S_ISDIR(mode)   ? "a directory"
           : S_ISREG(mode) ? "a file"
           : S_ISLNK(mode) ? "a symbolic link"
                           : "something else";
}

static int check_mode(const struct tree_node *n, const struct stat *st, struct err *e)
{
    static const mode_t types[] = {[TREE_DIRECTORY] = S_IFDIR, [TREE_FILE] = S_IFREG, [TREE_SYMLINK] = S_IFLNK};
    char found[32], wanted[32];
    if ((st->st_mode & S_IFMT) != types[n->type])
        return differs(n, e, type_name(st->st_mode), type_name(types[n->type]));
    if (n->type == TREE_SYMLINK || (st->st_mode & 07777) == n->mode)
        return 0;
    snprintf(found, sizeof found, "mode %04o", st->st_mode & 07777);
    snprintf(wanted, sizeof wanted, "%04o", n->mode);
    return differs(n, e, found, wanted);
}

static int check_file(struct check *c, const struct tree_node *n, int dir, struct err *e)
{
    auto_fd fd = beneath_open(dir, n->name, O_RDONLY, 0);
    struct stat st;
    struct digest found;
    uint64_t size;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(e, ERR_IO, errno, "open \"%.200s\" of the unpacked image", n->name);
    if (check_mode(n, &st, e) < 0 || hash_fd(fd, n->name, c->done, c->tree->bytes, c->watch, &found, &size, e) < 0)
        return -1;
    c->done += size;
    if (digest_equal(&found, &n->digest) && size == n->size)
        return 0;
    return differs(n, e, digest_text(&found).text, digest_text(&n->digest).text);
}

static int check_symlink(const struct tree_node *n, int dir, struct err *e)
{
    char target[IMAGE_PATH_MAX + 2];
    ssize_t len = readlinkat(dir, n->name, target, sizeof target - 1);
    if (len < 0)
        return err_set(e, ERR_IO, errno, "read the link \"%.200s\"", n->name);
    target[len] = '\0';
    return strcmp(target, n->target) == 0 ? 0 : differs(n, e, target, n->target);
}

static int count_entries(int dir, size_t *count, struct err *e)
{
    /* An own description: readdir moves its position. */
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    if (!list)
        return err_set(e, ERR_IO, errno, "list a directory of the unpacked image");
    const struct dirent *entry;
    *count = 0;
    while ((errno = 0, entry = readdir(list)))
        *count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    int problem = errno;
    closedir(list);
    return problem ? err_set(e, ERR_IO, problem, "list a directory of the unpacked image") : 0;
}

static int check_entry(struct check *c, const struct tree_node *n, int dir, struct err *e)
{
    struct stat st;
    if (fstatat(dir, n->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? differs(n, e, "nothing",
                                         type_name(n->type == TREE_DIRECTORY ? S_IFDIR
                                                   : n->type == TREE_FILE    ? S_IFREG
                                                                             : S_IFLNK))
                               : err_set(e, ERR_IO, errno, "look at \"%.200s\"", n->name);
    if (check_mode(n, &st, e) < 0)
        return -1;
    if (n->type == TREE_SYMLINK)
        return check_symlink(n, dir, e);
    return n->type == TREE_FILE ? check_file(c, n, dir, e) : 0;
}

/* Everything that the list has in one directory is there; so equal numbers mean that nothing else is. */
static int check_directory(struct check *c, const struct tree_node *d, struct err *e)
{
    auto_buf path = BUF(IMAGE_PATH_MAX + 1);
    size_t listed = 0, found = 0;
    tree_path(d, &path);
    auto_fd dir = beneath_open(c->root, buf_str(&path), O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return err_set(e, ERR_IO, errno, "open /%.200s of the unpacked image", buf_str(&path));
    for (const struct tree_node *n = d->child; n; n = n->next, listed++)
        if (check_entry(c, n, dir, e) < 0)
            return -1;
    if (count_entries(dir, &found, e) < 0)
        return -1;
    if (found == listed)
        return 0;
    return err_set(e, ERR_DENIED, 0, "/%.300s: found %zu entries, wanted %zu; something was put there", buf_str(&path),
                   found, listed);
}

int tree_verify(const struct tree *t, int root, const struct verify_watch *watch, struct err *e)
{
    struct check c = {.tree = t, .root = root, .watch = watch};
    for (const struct tree_node *n = t->root; n; n = tree_following(n))
        if (n->type == TREE_DIRECTORY && check_directory(&c, n, e) < 0)
            return -1;
    return 0;
}
