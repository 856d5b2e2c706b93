/* The file system of a box. A small tmpfs becomes the root; each top-level entry of the given root directory is mounted
 * or linked into it, so that mount points of our own (proc, dev, tmp, run, files) need not exist in an image that
 * nobody may write. At the end the tmpfs itself is made read-only and everything else of the host is detached.
 *
 * Trees travel as detached mounts (open_tree(2)). A descriptor of the caller belongs to the mount namespace of the
 * caller, and the kernel clones only mounts of one's own: so the path behind the descriptor is opened again here, and
 * counts only if device and inode are the same. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/box_parts.h"
#include "util/auto.h"
#include "util/file.h"

#define SCAFFOLD    "/tmp"            /* where the new root grows; every system has it */
#define ROOT_TREE   SCAFFOLD "/.root" /* the given root, while its entries are taken */
#define RESOLV_CONF "run/resolv.conf" /* ours, below the new root */

#define TOP_ENTRIES_MAX   1000
#define TMP_BYTES_DEFAULT (64ULL << 20)

int box_detach(int fd, const char *what, bool writable, struct err *e)
{
    char link[40], path[PATH_MAX];
    struct stat wanted, found;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    if (len < 0 || fstat(fd, &wanted) < 0)
        return err_set(e, ERR_IO, errno, "%s: its descriptor", what);
    path[len] = '\0';
    auto_fd again = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    if (again < 0)
        return err_set(e, ERR_INPUT, errno, "%s: open %s again to mount it", what, path);
    if (fstat(again, &found) < 0 || found.st_dev != wanted.st_dev || found.st_ino != wanted.st_ino)
        return err_set(e, ERR_INPUT, 0, "%s: %s is another file now than the one that was opened", what, path);
    auto_fd tree = open_tree(again, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0)
        return err_set(e, ERR_SYSTEM, errno, "%s: open_tree %s", what, path);
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    attr.attr_set |= writable ? MOUNT_ATTR_NOEXEC : MOUNT_ATTR_RDONLY;
    attr.propagation = MS_PRIVATE;
    if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
        return err_set(e, ERR_SYSTEM, errno, "%s: mount_setattr %s", what, path);
    return fd_steal(&tree);
}

int box_detach_all(const struct box_plan *plan, struct box_trees *out, struct err *e)
{
    const struct box_spec *s = &plan->spec;
    out->files = calloc(s->file_count + 1, sizeof(*out->files));
    if (!out->files)
        abort();
    out->run_dir = -1;
    if ((out->root = box_detach(s->root, "root of the box", false, e)) < 0)
        return -1;
    if (s->run_dir >= 0 && (out->run_dir = box_detach(s->run_dir, "run directory of the box", true, e)) < 0)
        return -1;
    for (size_t i = 0; i < s->file_count; i++)
        if ((out->files[i] = box_detach(s->files[i].fd, s->files[i].path, false, e)) < 0)
            return -1;
    return 0;
}

/* ── the new root ── */

static int mount_tmpfs(const char *at, uint64_t bytes, const char *mode, struct err *e)
{
    char options[80];
    snprintf(options, sizeof(options), "size=%llu,mode=%s", (unsigned long long)bytes, mode);
    if (mount("tmpfs", at, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
        return err_set(e, ERR_SYSTEM, errno, "mount a tmpfs for the box at %s", at);
    return 0;
}

static int make_dir(int root, const char *path, mode_t mode, struct err *e)
{
    if (mkdirat(root, path, mode) < 0 && errno != EEXIST)
        return err_set(e, ERR_SYSTEM, errno, "make /%s in the box", path);
    return 0;
}

static int make_file(int root, const char *path, struct err *e)
{
    auto_fd fd = openat(root, path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    return fd < 0 ? err_set(e, ERR_SYSTEM, errno, "make /%s in the box", path) : 0;
}

static int attach(int tree, const char *at, struct err *e)
{
    if (move_mount(tree, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return err_set(e, ERR_SYSTEM, errno, "move_mount to %s", at);
    return 0;
}

static int bind(const char *from, const char *to, struct err *e)
{
    if (mount(from, to, NULL, MS_BIND | MS_REC, NULL) < 0)
        return err_set(e, ERR_SYSTEM, errno, "bind %s into the box", from);
    return 0;
}

static bool is_ours(const char *name)
{
    static const char *const ours[] = {".", "..", ".root", "proc", "dev", "sys", "tmp", "run"};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (strcmp(name, ours[i]) == 0)
            return true;
    return false;
}

static int take_link(int from, int root, const char *name, struct err *e)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(from, name, target, sizeof(target) - 1);
    if (len < 0)
        return err_set(e, ERR_INPUT, errno, "read the link /%s of the root", name);
    target[len] = '\0';
    if (symlinkat(target, root, name) < 0)
        return err_set(e, ERR_SYSTEM, errno, "make the link /%s in the box", name);
    return 0;
}

/* One top-level entry of the given root appears under its name; sockets, pipes and devices do not. */
static int take_entry(int from, int root, const char *name, struct err *e)
{
    struct stat st;
    char source[NAME_MAX + 32], target[NAME_MAX + 32];
    if (is_ours(name))
        return 0;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set(e, ERR_INPUT, errno, "look at /%s of the root", name);
    if (S_ISLNK(st.st_mode))
        return take_link(from, root, name, e);
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        return 0;
    if ((S_ISDIR(st.st_mode) ? make_dir(root, name, 0755, e) : make_file(root, name, e)) < 0)
        return -1;
    snprintf(source, sizeof(source), ROOT_TREE "/%s", name);
    snprintf(target, sizeof(target), SCAFFOLD "/%s", name);
    return bind(source, target, e);
}

static void auto_close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

static int take_root(int root, struct err *e)
{
    AUTO(auto_close_dir) DIR *entries = opendir(ROOT_TREE);
    if (!entries)
        return err_set(e, ERR_INPUT, errno, "list the root of the box");
    const struct dirent *entry;
    for (int n = 0; (entry = readdir(entries)) != NULL; n++) {
        if (n == TOP_ENTRIES_MAX)
            return err_set(e, ERR_LIMIT, 0, "the root of the box has more than %d entries", TOP_ENTRIES_MAX);
        if (take_entry(dirfd(entries), root, entry->d_name, e) < 0)
            return -1;
    }
    return 0;
}

static int mount_root(int root, int tree, struct err *e)
{
    if (make_dir(root, ".root", 0700, e) < 0 || attach(tree, ROOT_TREE, e) < 0 || take_root(root, e) < 0)
        return -1;
    if (umount2(ROOT_TREE, MNT_DETACH) < 0 || unlinkat(root, ".root", AT_REMOVEDIR) < 0)
        return err_set(e, ERR_SYSTEM, errno, "take the scaffold of the box away");
    return 0;
}

/* ── mount points of files ── */

static int open_beneath(int dir, const char *name, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

/* The directory part of `path`, made where we may. Links in an image lead nowhere. */
static int open_parent(int root, const char *path, const char **last, struct err *e)
{
    auto_fd dir = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (;;) {
        char name[NAME_MAX + 1];
        while (*path == '/')
            path++;
        size_t len = strcspn(path, "/");
        if (path[len] == '\0' || dir < 0) {
            *last = path;
            return fd_steal(&dir);
        }
        if (len >= sizeof(name))
            return err_set(e, ERR_INPUT, ENAMETOOLONG, "mount point in the box");
        memcpy(name, path, len);
        name[len] = '\0';
        if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST && errno != EROFS)
            return err_set(e, ERR_SYSTEM, errno, "make the directory %s", name);
        int next = open_beneath(dir, name, O_PATH | O_DIRECTORY);
        if (next < 0)
            return err_set(
                e, ERR_INPUT, errno,
                "the image has no directory \"%s\" there (and is read-only); choose a path below a top-level "
                "directory that the image does not have",
                name);
        close(dir);
        dir = next;
        path += len;
    }
}

/* Opens the mount point, made if need be: a file for a file, a directory for a directory. */
static int open_mount_point(int root, const char *path, bool directory, struct err *e)
{
    const char *name;
    auto_fd parent = open_parent(root, path, &name, e);
    if (parent < 0)
        return -1;
    int point = open_beneath(parent, name, O_PATH);
    if (point >= 0 || errno != ENOENT)
        return point >= 0 ? point : err_set(e, ERR_INPUT, errno, "open the mount point");
    if (directory ? mkdirat(parent, name, 0755) < 0 : make_file(parent, name, e) < 0)
        return err_set(e, ERR_INPUT, errno,
                       "the image has nothing of that name, and its directory is read-only; choose a path below a "
                       "top-level directory that the image does not have");
    point = open_beneath(parent, name, O_PATH);
    return point >= 0 ? point : err_set(e, ERR_SYSTEM, errno, "open the mount point");
}

static int mount_at(int root, int tree, const char *path, struct err *e)
{
    struct stat st;
    if (path[0] != '/' || strstr(path, "/../") || strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/dev/", 5) == 0)
        return err_set(e, ERR_INPUT, 0, "wanted an absolute path without \"..\", not below /proc or /dev");
    if (fstat(tree, &st) < 0)
        return err_set(e, ERR_IO, errno, "fstat");
    auto_fd point = open_mount_point(root, path, S_ISDIR(st.st_mode), e);
    if (point < 0)
        return -1;
    if (move_mount(tree, "", point, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return err_set(e, ERR_SYSTEM, errno, "move_mount");
    return 0;
}

static int mount_files(int root, const struct box_plan *plan, const struct box_trees *trees, struct err *e)
{
    for (size_t i = 0; i < plan->spec.file_count; i++)
        if (mount_at(root, trees->files[i], plan->files[i].path, e) < 0)
            return err_prefix(e, "mount %s in the box", plan->files[i].path);
    return 0;
}

/* ── /dev, /proc, /tmp, /run ── */

static int make_devices(int root, struct err *e)
{
    static const char *const names[] = {"null", "zero", "full", "random", "urandom"};
    static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},
                                           {"/proc/self/fd/0", "dev/stdin"},
                                           {"/proc/self/fd/1", "dev/stdout"},
                                           {"/proc/self/fd/2", "dev/stderr"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char host[32], inside[32], at[48];
        snprintf(host, sizeof(host), "/dev/%s", names[i]);
        snprintf(inside, sizeof(inside), "dev/%s", names[i]);
        snprintf(at, sizeof(at), SCAFFOLD "/%s", inside);
        if (make_file(root, inside, e) < 0 || bind(host, at, e) < 0)
            return -1;
    }
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        if (symlinkat(links[i][0], root, links[i][1]) < 0)
            return err_set(e, ERR_SYSTEM, errno, "make /%s in the box", links[i][1]);
    return 0;
}

/* Read-only: nothing in a box has to set anything in there, and to a box made by root /proc/sys would listen. */
static int mount_proc(struct err *e)
{
    if (mount("proc", SCAFFOLD "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL) == 0)
        return 0;
    int why = errno;
    err_set(e, ERR_SYSTEM, why, "mount /proc for the box");
    return why == EPERM
               ? err_hint(e, "This happens inside a container that hides parts of /proc; run Airlock on the host")
               : -1;
}

static int make_own(int root, const struct box_plan *plan, struct err *e)
{
    uint64_t tmp = plan->spec.tmp_bytes ? plan->spec.tmp_bytes : TMP_BYTES_DEFAULT;
    static const char *const dirs[] = {"proc", "dev", "dev/shm", "tmp", "run"};
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
        if (make_dir(root, dirs[i], 0755, e) < 0)
            return -1;
    if (make_devices(root, e) < 0 || mount_proc(e) < 0 || mount_tmpfs(SCAFFOLD "/dev/shm", tmp, "1777", e) < 0)
        return -1;
    return mount_tmpfs(SCAFFOLD "/tmp", tmp, "1777", e);
}

static int mount_run(int root, int tree, struct err *e)
{
    if (tree < 0)
        return 0;
    if (make_dir(root, "run/airlock", 0755, e) < 0)
        return -1;
    return attach(tree, SCAFFOLD "/run/airlock", e);
}

/* ── /etc/resolv.conf of a box that observes ── */

/* Where the name leads inside: a regular file, or a link into /run, or nothing. A C library without the file asks
 * 127.0.0.1, which is what we want. */
static int find_resolv_conf(int root)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    int found = (int)syscall(SYS_openat2, root, "etc/resolv.conf", &how, sizeof(how));
    if (found >= 0 || errno != ENOENT)
        return found;
    char target[PATH_MAX];
    ssize_t len = readlinkat(root, "etc/resolv.conf", target, sizeof(target) - 1);
    if (len < 0) {
        how.flags = O_WRONLY | O_CREAT | O_CLOEXEC; /* works where /etc is the box's own */
        how.mode = 0644;
        return (int)syscall(SYS_openat2, root, "etc/resolv.conf", &how, sizeof(how));
    }
    target[len] = '\0';
    const char *run = strstr(target, "run/");
    struct err ignored;
    return run ? open_mount_point(root, run, false, &ignored) : -1;
}

static int mount_resolv_conf(int root, const char *text, struct err *e)
{
    auto_fd ours = openat(root, RESOLV_CONF, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (ours < 0 || file_write_all(ours, span_str(text), RESOLV_CONF, e) < 0)
        return err_set(e, ERR_SYSTEM, errno, "write resolv.conf for the box");
    auto_fd target = find_resolv_conf(root);
    struct stat st;
    if (target < 0)
        return 0;
    if (fstat(target, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, 0, "/etc/resolv.conf of the root is no regular file");
    auto_fd tree = open_tree(ours, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0 || move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return err_set(e, ERR_SYSTEM, errno, "mount resolv.conf in the box");
    return 0;
}

static int enter_root(struct err *e)
{
    if (mount(NULL, SCAFFOLD, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
        return err_set(e, ERR_SYSTEM, errno, "make the root of the box read-only");
    if (chdir(SCAFFOLD) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return err_set(e, ERR_SYSTEM, errno, "move into the root of the box (pivot_root)");
    return 0;
}

int box_mount_all(const struct box_plan *plan, const struct box_trees *trees, struct err *e)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return err_set(e, ERR_SYSTEM, errno, "make the mounts of the box private");
    if (mount_tmpfs(SCAFFOLD, 4U << 20, "0755", e) < 0)
        return -1;
    auto_fd root = open(SCAFFOLD, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_set(e, ERR_SYSTEM, errno, "open the root of the box");
    if (mount_root(root, trees->root, e) < 0 || make_own(root, plan, e) < 0 || mount_files(root, plan, trees, e) < 0 ||
        mount_run(root, trees->run_dir, e) < 0)
        return -1;
    if (plan->spec.observe && mount_resolv_conf(root, plan->spec.resolv_conf, e) < 0)
        return -1;
    return enter_root(e);
}
