/* What a power cut would take back: undo records, in memory, of every change since its file or directory was last
 * synced. The strictest disk that POSIX allows: content goes back to what fsync had seen of that file, a name to what
 * fsync had seen of its directory. Only sys_fault.c calls this. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

void undo_start(const char *stash);

/* Before the change. at < 0: the current position. */
void undo_write(int fd, off_t at, size_t len);
void undo_resize(int fd, off_t size);

/* After a name was made. */
void undo_created(int dir, const char *path);

/* These make the change, too: what is removed or replaced is kept in the stash. */
int undo_unlink(int dir, const char *path, int flags);
int undo_rename(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);

/* The file or directory was synced. */
void undo_forget(int fd);

/* The power fails. `keep_names`: only content is taken back. */
void undo_all(bool keep_names);
