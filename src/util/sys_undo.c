/* One list of records, oldest first, undone from its end. A record is forgotten when its file (content) or directory
 * (names) is synced. Files and directories are held by descriptors of our own, so that a record finds them after a
 * rename; they are never closed, because closing any descriptor of a file drops SQLite's locks on it (fcntl(2),
 * "record locks"), and they have open file descriptions of their own, so that they hold nobody's flock. */
#include "util/sys_undo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct held {
    dev_t device;
    ino_t inode;
    int fd;
};

enum undo_kind { UNDO_CONTENT, UNDO_CREATED, UNDO_REMOVED, UNDO_RENAMED };

struct undo {
    enum undo_kind kind;
    bool forgotten;
    size_t held; /* the file, or the directory that must be synced */
    /* content */
    off_t at, size; /* where `bytes` stood; the file's size before */
    void *bytes;
    size_t len;
    /* names */
    char name[256], stash[32]; /* stash "": nothing was replaced */
    size_t from_held;
    char from_name[256];
};

static struct held *all_held;
static size_t held_count, held_room;
static struct undo *records;
static size_t record_count, record_room;
static int stash_fd = -1;
static unsigned stash_next;

static void give_up(const char *what)
{
    fprintf(stderr, "fault: %s: %s\n", what, strerror(errno));
    abort();
}

/* Room for one more in a growing array. */
static void *grow(void *array, size_t count, size_t *room, size_t each)
{
    if (count < *room)
        return array;
    *room = *room ? 2 * *room : 256;
    void *grown = realloc(array, *room * each);
    if (!grown)
        abort();
    return grown;
}

void undo_start(const char *stash)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    stash_fd = open(stash ? stash : "", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (stash_fd < 0)
        give_up("AIRLOCK_FAULT_STASH must name a directory");
}

/* ── what is held ── */

static int open_again(int fd, bool directory)
{
    char self[40];
    if (directory)
        return openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    int own = open(self, O_RDWR | O_CLOEXEC);
    /* A read-only file of somebody who is not root: the same description then, which is open for reading and writing
     * (fault_openat), and is no lock. */
    return own < 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : own;
}

static bool hold_find(const struct stat *st, size_t *at)
{
    for (size_t i = held_count; i-- > 0;)
        if (all_held[i].device == st->st_dev && all_held[i].inode == st->st_ino) {
            *at = i;
            return true;
        }
    return false;
}

static size_t hold(int fd)
{
    struct stat st;
    size_t at;
    if (fstat(fd, &st) < 0)
        give_up("fstat");
    if (hold_find(&st, &at))
        return at;
    int own = open_again(fd, S_ISDIR(st.st_mode));
    if (own < 0)
        give_up("hold a file");
    all_held = grow(all_held, held_count, &held_room, sizeof *all_held);
    all_held[held_count] = (struct held){st.st_dev, st.st_ino, own};
    return held_count++;
}

/* The directory of a path, held, and the last part of the path. */
static size_t hold_parent(int dir, const char *path, char name[256])
{
    char parent[4096];
    const char *slash = strrchr(path, '/');
    snprintf(name, 256, "%s", slash ? slash + 1 : path);
    if (slash)
        snprintf(parent, sizeof parent, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    else
        snprintf(parent, sizeof parent, ".");
    int fd = openat(dir, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        give_up(parent);
    size_t held = hold(fd);
    close(fd);
    return held;
}

static struct undo *record(enum undo_kind kind)
{
    records = grow(records, record_count, &record_room, sizeof *records);
    records[record_count] = (struct undo){.kind = kind};
    return &records[record_count++];
}

/* ── content ── */

/* Keeps the bytes of [from, to) and the size, before they change. */
static void keep(int fd, off_t from, off_t to)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    size_t held = hold(fd);
    struct undo *u = record(UNDO_CONTENT);
    u->held = held;
    u->size = st.st_size;
    u->at = from;
    if (to > st.st_size)
        to = st.st_size;
    if (from >= to)
        return;
    u->len = (size_t)(to - from);
    u->bytes = malloc(u->len);
    if (!u->bytes || pread(all_held[held].fd, u->bytes, u->len, from) != (ssize_t)u->len)
        give_up("keep old content");
}

void undo_write(int fd, off_t at, size_t len)
{
    if (at < 0)
        at = lseek(fd, 0, SEEK_CUR);
    if (at >= 0)
        keep(fd, at, at + (off_t)len);
}

void undo_resize(int fd, off_t size)
{
    struct stat st;
    if (fstat(fd, &st) == 0)
        keep(fd, size, st.st_size);
}

/* ── names ── */

static void new_stash_name(char out[32])
{
    snprintf(out, 32, "%d-%u", (int)getpid(), stash_next++);
}

void undo_created(int dir, const char *path)
{
    char name[256];
    size_t held = hold_parent(dir, path, name);
    struct undo *u = record(UNDO_CREATED);
    u->held = held;
    memcpy(u->name, name, sizeof name);
}

static bool is_empty(int dir, const char *path)
{
    int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    bool empty = true;
    for (struct dirent *entry = d ? readdir(d) : NULL; entry; entry = readdir(d))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            empty = false;
    if (d)
        closedir(d);
    return empty;
}

int undo_unlink(int dir, const char *path, int flags)
{
    struct stat st;
    char name[256], stash[32];
    if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    bool wanted_dir = flags & AT_REMOVEDIR;
    if (S_ISDIR(st.st_mode) != wanted_dir || (wanted_dir && !is_empty(dir, path))) {
        errno = !wanted_dir ? EISDIR : S_ISDIR(st.st_mode) ? ENOTEMPTY : ENOTDIR;
        return -1;
    }
    size_t held = hold_parent(dir, path, name);
    new_stash_name(stash);
    if (renameat(dir, path, stash_fd, stash) < 0)
        give_up("move a removed file to AIRLOCK_FAULT_STASH (is it on the same file system?)");
    struct undo *u = record(UNDO_REMOVED);
    u->held = held;
    memcpy(u->name, name, sizeof name);
    memcpy(u->stash, stash, sizeof stash);
    return 0;
}

int undo_rename(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    struct stat old;
    struct undo u = {.kind = UNDO_RENAMED};
    bool replaces = flags == 0 && fstatat(to_dir, to, &old, AT_SYMLINK_NOFOLLOW) == 0;
    u.held = hold_parent(to_dir, to, u.name);
    u.from_held = hold_parent(from_dir, from, u.from_name);
    if (replaces) {
        new_stash_name(u.stash);
        if (S_ISDIR(old.st_mode) ? renameat(to_dir, to, stash_fd, u.stash) < 0
                                 : linkat(to_dir, to, stash_fd, u.stash, 0) < 0)
            give_up("keep a replaced file in AIRLOCK_FAULT_STASH");
    }
    if (renameat2(from_dir, from, to_dir, to, flags) < 0)
        return -1;
    *record(UNDO_RENAMED) = u;
    return 0;
}

/* ── syncing, and the cut ── */

void undo_forget(int fd)
{
    struct stat st;
    size_t at;
    if (fstat(fd, &st) < 0 || !hold_find(&st, &at))
        return;
    for (size_t i = 0; i < record_count; i++) {
        struct undo *u = &records[i];
        if (u->forgotten || u->held != at)
            continue;
        u->forgotten = true;
        free(u->bytes);
        u->bytes = NULL;
    }
    while (record_count && records[record_count - 1].forgotten)
        record_count--;
}

static void undo_content(const struct undo *u)
{
    int fd = all_held[u->held].fd;
    if (u->len && pwrite(fd, u->bytes, u->len, u->at) != (ssize_t)u->len)
        give_up("put old content back");
    if (ftruncate(fd, u->size) < 0)
        give_up("put the old size back");
}

/* Whatever stands under the name goes to the stash, directories with all that is in them. */
static void put_away(const struct undo *u)
{
    char stash[32];
    new_stash_name(stash);
    if (renameat(all_held[u->held].fd, u->name, stash_fd, stash) < 0 && errno != ENOENT)
        give_up("take a name back");
}

static void put_back(const struct undo *u)
{
    if (u->stash[0] && renameat(stash_fd, u->stash, all_held[u->held].fd, u->name) < 0)
        give_up("put a name back");
}

static void undo_name(const struct undo *u)
{
    if (u->kind == UNDO_CREATED)
        put_away(u);
    if (u->kind == UNDO_RENAMED &&
        renameat(all_held[u->held].fd, u->name, all_held[u->from_held].fd, u->from_name) < 0 && errno != ENOENT)
        give_up("rename back");
    if (u->kind != UNDO_CREATED)
        put_back(u);
}

void undo_all(bool keep_names)
{
    for (size_t i = record_count; i-- > 0;) {
        const struct undo *u = &records[i];
        if (u->forgotten)
            continue;
        if (u->kind == UNDO_CONTENT)
            undo_content(u);
        else if (!keep_names)
            undo_name(u);
    }
}
