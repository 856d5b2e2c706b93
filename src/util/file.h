/* Whole files, through the table of system calls. Reading is capped; writing is durable: what a function here has
 * returned 0 for is on the disk, whole, under its name. Order of a durable write: temporary file, write, fsync, rename,
 * fsync of the directory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

/* What a failed open of `path` means (errno says how it failed): ERR_NOTFOUND; ERR_INPUT when the name is wrong (a file
 * where a folder was wanted, too long, a ring of links); ERR_DENIED, with whose it is and who we are; else ERR_IO.
 * Returns -1. */
int file_open_failed(int dir, const char *path, const char *what, struct err *e);

/* Reads the file into *out (whose maximum is the cap). ERR_LIMIT, ERR_IO, and those of file_open_failed, each naming
 * `path`. `dir` as in openat. */
int file_read(int dir, const char *path, struct buf *out, struct err *e);

/* Reads from fd until its end into *out. `what` names it in messages. */
int file_read_fd(int fd, const char *what, struct buf *out, struct err *e);

/* Replaces (or makes) the file whole and durably. */
int file_write(int dir, const char *path, struct span bytes, mode_t mode, struct err *e);

/* Writes all of `bytes` at the current position. */
int file_write_all(int fd, struct span bytes, const char *what, struct err *e);

/* Makes the directory if it is not there; its parent is synced. */
int dir_make(int dir, const char *path, mode_t mode, struct err *e);

/* Opens a directory: O_RDONLY | O_DIRECTORY | O_CLOEXEC. As file_open_failed. */
int dir_open(int dir, const char *path, struct err *e);

/* Makes the entries of a directory durable. */
int dir_sync(int fd, const char *what, struct err *e);

/* Removes a tree; what is not there is no error. Never follows a link. */
int tree_remove(int dir, const char *path, struct err *e);

/* An exclusive lock on a file that is made if need be. Returns the descriptor that holds it until closed, or -1:
 * ERR_BUSY when somebody else has it and `wait` is false. */
int file_lock(int dir, const char *path, bool wait, struct err *e);

/* Bytes that an ordinary process may still write on the file system of fd. */
int disk_free(int fd, uint64_t *bytes, struct err *e);
