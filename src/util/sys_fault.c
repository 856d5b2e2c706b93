#include "util/sys_fault.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/file.h"
#include "util/sys.h"
#include "util/sys_undo.h"

enum mode { OFF, COUNT, ENOSPC_AT, EIO_AT, KILL_AT, CUT_AT, TEAR_AT };

#define SITES_MAX 256

/* A place that syncs: where the table was called, or where dir_sync was, which does it for others. */
struct site {
    void *at;
};

static enum mode mode;
static uint64_t target;
static bool onwards; /* "N+" */
static pid_t owner;  /* a forked child injects nothing */
static uint64_t calls, changes;
static struct site sites[SITES_MAX];
static size_t site_count, skipped_site;
static struct sys real;
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static bool undoing(void)
{
    return mode == CUT_AT || mode == TEAR_AT;
}

void fault_die(void)
{
    if (undoing())
        undo_all(mode == TEAR_AT);
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static bool hits(uint64_t number)
{
    return number == target || (onwards && number > target);
}

bool fault_step(enum fault_call kind)
{
    if (mode == OFF || getpid() != owner)
        return false;
    pthread_mutex_lock(&lock);
    calls++;
    changes += kind != FAULT_READ;
    bool change = kind != FAULT_READ, fails = false;
    if (undoing() && change && hits(changes))
        fault_die();
    if (mode == KILL_AT && change && hits(changes) && kind != FAULT_GROW)
        fault_die();
    if ((mode == ENOSPC_AT || mode == EIO_AT) && hits(calls)) {
        fails = true;
        errno = mode == ENOSPC_AT && (kind == FAULT_GROW || kind == FAULT_SYNC) ? ENOSPC : EIO;
    }
    pthread_mutex_unlock(&lock);
    return fails;
}

bool fault_dies_now(void)
{
    return mode == KILL_AT && getpid() == owner && hits(changes);
}

/* ── the calls ── */

static bool makes(int flags)
{
    return (flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE;
}

/* Old content can only be kept of what can be read; O_TRUNC is made a step of its own. */
static int openat_undoing(int dir, const char *path, int flags, mode_t m)
{
    struct stat st;
    bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;
    bool there = unnamed || fstatat(dir, path, &st, 0) == 0;
    if ((flags & O_ACCMODE) == O_WRONLY)
        flags = (flags & ~O_ACCMODE) | O_RDWR;
    int fd = real.openat(dir, path, flags & ~O_TRUNC, m);
    if (fd < 0)
        return -1;
    if (!there)
        undo_created(dir, path);
    if (flags & O_TRUNC) {
        undo_resize(fd, 0);
        if (real.ftruncate(fd, 0) < 0)
            return -1;
    }
    return fd;
}

int fault_openat(int dir, const char *path, int flags, mode_t m)
{
    if (fault_step(makes(flags) ? FAULT_GROW : FAULT_READ))
        return -1;
    if (makes(flags) && fault_dies_now())
        fault_die();
    if (!undoing() || getpid() != owner || (flags & O_ACCMODE) == O_RDONLY)
        return real.openat(dir, path, flags, m);
    pthread_mutex_lock(&lock);
    int fd = openat_undoing(dir, path, flags, m);
    pthread_mutex_unlock(&lock);
    return fd;
}

static ssize_t fault_read(int fd, void *bytes, size_t len)
{
    return fault_step(FAULT_READ) ? -1 : real.read(fd, bytes, len);
}

static ssize_t fault_pread(int fd, void *bytes, size_t len, off_t at)
{
    return fault_step(FAULT_READ) ? -1 : real.pread(fd, bytes, len, at);
}

static bool undo_here(void)
{
    return undoing() && getpid() == owner;
}

ssize_t fault_write(int fd, const void *bytes, size_t len)
{
    if (fault_step(FAULT_GROW))
        return -1;
    if (fault_dies_now()) {
        (void)!real.write(fd, bytes, len / 2);
        fault_die();
    }
    if (!undo_here())
        return real.write(fd, bytes, len);
    pthread_mutex_lock(&lock);
    undo_write(fd, -1, len);
    ssize_t n = real.write(fd, bytes, len);
    pthread_mutex_unlock(&lock);
    return n;
}

ssize_t fault_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    if (fault_step(FAULT_GROW))
        return -1;
    if (fault_dies_now()) {
        (void)!real.pwrite(fd, bytes, len / 2, at);
        fault_die();
    }
    if (!undo_here())
        return real.pwrite(fd, bytes, len, at);
    pthread_mutex_lock(&lock);
    undo_write(fd, at, len);
    ssize_t n = real.pwrite(fd, bytes, len, at);
    pthread_mutex_unlock(&lock);
    return n;
}

/* The rest have no halves: die before, fail, or note and do. */
#define STEP(kind)            \
    do {                      \
        if (fault_step(kind)) \
            return -1;        \
        if (fault_dies_now()) \
            fault_die();      \
    } while (0)

int fault_ftruncate(int fd, off_t size)
{
    STEP(FAULT_GROW);
    pthread_mutex_lock(&lock);
    if (undo_here())
        undo_resize(fd, size);
    int result = real.ftruncate(fd, size);
    pthread_mutex_unlock(&lock);
    return result;
}

int fault_fallocate(int fd, int how, off_t from, off_t len)
{
    STEP(FAULT_GROW);
    pthread_mutex_lock(&lock);
    if (undo_here())
        undo_write(fd, from, (size_t)len);
    int result = real.fallocate(fd, how, from, len);
    pthread_mutex_unlock(&lock);
    return result;
}

static int created(int result, int dir, const char *path)
{
    if (result < 0 || !undo_here())
        return result;
    pthread_mutex_lock(&lock);
    undo_created(dir, path);
    pthread_mutex_unlock(&lock);
    return result;
}

static int fault_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    STEP(FAULT_GROW);
    return created(real.linkat(from_dir, from, to_dir, to, flags), to_dir, to);
}

static int fault_mkdirat(int dir, const char *path, mode_t m)
{
    STEP(FAULT_GROW);
    return created(real.mkdirat(dir, path, m), dir, path);
}

static int fault_symlinkat(const char *to, int dir, const char *path)
{
    STEP(FAULT_GROW);
    return created(real.symlinkat(to, dir, path), dir, path);
}

static int fault_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
    STEP(FAULT_GROW);
    pthread_mutex_lock(&lock);
    int result = undo_here() ? undo_rename(from_dir, from, to_dir, to, flags)
                             : real.renameat2(from_dir, from, to_dir, to, flags);
    pthread_mutex_unlock(&lock);
    return result;
}

int fault_unlinkat(int dir, const char *path, int flags)
{
    STEP(FAULT_REMOVE);
    pthread_mutex_lock(&lock);
    int result = undo_here() ? undo_unlink(dir, path, flags) : real.unlinkat(dir, path, flags);
    pthread_mutex_unlock(&lock);
    return result;
}

static int fault_fchmod(int fd, mode_t m)
{
    STEP(FAULT_REMOVE);
    return real.fchmod(fd, m);
}

static int fault_close(int fd)
{
    bool fails = fault_step(FAULT_READ);
    int result = real.close(fd); /* also when it fails: the descriptor is gone (close(2)) */
    if (fails)
        errno = EIO;
    return fails ? -1 : result;
}

/* ── syncing ── */

#define FRAMES_BELOW 3 /* site_of_caller, fault_sync, table_fsync */

/* The number of the place that syncs, from 1. */
static __attribute__((noinline)) size_t site_of_caller(void)
{
    void *frames[FRAMES_BELOW + 2] = {NULL};
    backtrace(frames, FRAMES_BELOW + 2);
    void *at = frames[FRAMES_BELOW];
    if ((uintptr_t)at - (uintptr_t)dir_sync < 256) /* dir_sync is shorter, and what follows it syncs nothing */
        at = frames[FRAMES_BELOW + 1];
    for (size_t i = 0; i < site_count; i++)
        if (sites[i].at == at)
            return i + 1;
    if (site_count == SITES_MAX)
        abort();
    sites[site_count++].at = at;
    return site_count;
}

__attribute__((noinline)) int fault_sync(int fd, bool data_only, bool ours)
{
    STEP(FAULT_SYNC);
    if (mode == OFF || getpid() != owner)
        return (int)syscall(data_only ? SYS_fdatasync : SYS_fsync, fd);
    pthread_mutex_lock(&lock);
    bool skip = ours && site_of_caller() == skipped_site;
    if (undoing() && !skip)
        undo_forget(fd);
    pthread_mutex_unlock(&lock);
    /* The tests lose power by undoing, not by losing it: the disk itself need not be waited for. */
    return 0;
}

static __attribute__((noinline)) int table_fsync(int fd)
{
    int result = fault_sync(fd, false, true);
    __asm__ volatile(""); /* no tail call: site_of_caller counts frames */
    return result;
}

static __attribute__((noinline)) int table_fdatasync(int fd)
{
    int result = fault_sync(fd, true, true);
    __asm__ volatile("");
    return result;
}

/* SQLite does not sync through its table of calls (os_unix.c, full_fsync): these stand before libc's for it. */
__attribute__((visibility("default"))) int fsync(int fd)
{
    return fault_sync(fd, false, false);
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    return fault_sync(fd, true, false);
}

/* ── start and end ── */

static bool read_mode(const char *text)
{
    static const struct {
        const char *name;
        enum mode mode;
    } modes[] = {{"count", COUNT},   {"enospc:", ENOSPC_AT}, {"eio:", EIO_AT},
                 {"kill:", KILL_AT}, {"cut:", CUT_AT},       {"tear:", TEAR_AT}};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        size_t len = strlen(modes[i].name);
        if (strncmp(text, modes[i].name, len) != 0)
            continue;
        char *end = NULL;
        mode = modes[i].mode;
        target = mode == COUNT ? 0 : strtoull(text + len, &end, 10);
        onwards = end && *end == '+';
        return mode == COUNT ? text[len] == '\0' : end != text + len && end[onwards] == '\0';
    }
    return false;
}

static void wrap_table(void)
{
    sys = (struct sys){
        .openat = fault_openat,
        .read = fault_read,
        .pread = fault_pread,
        .write = fault_write,
        .pwrite = fault_pwrite,
        .ftruncate = fault_ftruncate,
        .fallocate = fault_fallocate,
        .fsync = table_fsync,
        .fdatasync = table_fdatasync,
        .linkat = fault_linkat,
        .renameat2 = fault_renameat2,
        .unlinkat = fault_unlinkat,
        .mkdirat = fault_mkdirat,
        .symlinkat = fault_symlinkat,
        .fchmod = fault_fchmod,
        .close = fault_close,
    };
}

bool fault_arm(const char *spec, size_t skip, const char *stash)
{
    if (!real.openat)
        real = sys;
    mode = OFF;
    if (!read_mode(spec)) {
        mode = OFF;
        return false;
    }
    owner = getpid();
    calls = changes = 0;
    site_count = 0;
    skipped_site = skip;
    wrap_table();
    if (undoing())
        undo_start(stash);
    return true;
}

/* Constructors are given the program's arguments (glibc). */
__attribute__((constructor)) static void fault_start(int argc, char **argv)
{
    const char *spec = getenv("AIRLOCK_FAULT"), *skip = getenv("AIRLOCK_FAULT_SKIP");
    real = sys;
    if (!spec || (argc > 1 && strcmp(argv[1], "--role") == 0))
        return;
    if (!fault_arm(spec, skip ? (size_t)strtoull(skip, NULL, 10) : 0, getenv("AIRLOCK_FAULT_STASH"))) {
        fprintf(stderr, "AIRLOCK_FAULT=%s: wanted count, or enospc, eio, kill, cut or tear with :N\n", spec);
        _exit(2);
    }
}

struct fault_counts fault_count(void)
{
    return (struct fault_counts){calls, changes, site_count};
}

void fault_print_sync(size_t k)
{
    char **name = backtrace_symbols(&sites[k - 1].at, 1);
    fprintf(stderr, "fault: sync %zu: %s\n", k, name ? *name : "?");
    free(name);
}

void fault_finish(void)
{
    if (mode != OFF && getpid() == owner && undoing() && target == 0)
        fault_die();
}

__attribute__((destructor)) static void fault_end(void)
{
    if (mode == COUNT && getpid() == owner) {
        fprintf(stderr, "fault: calls=%llu changes=%llu syncs=%zu\n", (unsigned long long)calls,
                (unsigned long long)changes, site_count);
        for (size_t k = 1; k <= site_count; k++)
            fault_print_sync(k);
    }
    fault_finish();
}
