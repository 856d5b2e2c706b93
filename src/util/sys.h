/* The system calls that matter, in one table, so that a test can fail the n-th one, or die there. Durable state is
 * written through this table and through nothing else. Hard rule: a caller never assumes that a call cannot fail. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

struct sys {
    int (*openat)(int dir, const char *path, int flags, mode_t mode);
    ssize_t (*read)(int fd, void *bytes, size_t len);
    ssize_t (*pread)(int fd, void *bytes, size_t len, off_t at);
    ssize_t (*write)(int fd, const void *bytes, size_t len);
    ssize_t (*pwrite)(int fd, const void *bytes, size_t len, off_t at);
    int (*ftruncate)(int fd, off_t size);
    int (*fallocate)(int fd, int mode, off_t from, off_t len);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*linkat)(int from_dir, const char *from, int to_dir, const char *to, int flags);
    int (*renameat2)(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags);
    int (*unlinkat)(int dir, const char *path, int flags);
    int (*mkdirat)(int dir, const char *path, mode_t mode);
    int (*symlinkat)(const char *target, int dir, const char *path);
    int (*fchmod)(int fd, mode_t mode);
    int (*close)(int fd); /* of a descriptor that was written to; a close may report a failed write */
};

extern struct sys sys;
