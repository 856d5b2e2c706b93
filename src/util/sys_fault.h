/* The injector of the fault tests, linked into airlock-fault and into tests/fault, never into airlock. It stands in
 * front of the table of system calls, and (src/store/db_fault.c) of SQLite's, and makes one call fail, or ends the
 * process there, as the environment says:
 *
 *   AIRLOCK_FAULT=count      counts; says at the end on stderr: "fault: calls=N changes=N syncs=N"
 *   AIRLOCK_FAULT=enospc:N   the N-th call fails with ENOSPC (one that needs no room: EIO); enospc:N+ and all after it
 *   AIRLOCK_FAULT=eio:N      the N-th call fails with EIO; likewise eio:N+
 *   AIRLOCK_FAULT=kill:N     SIGKILL at the N-th call that changes something; a write is half done
 *   AIRLOCK_FAULT=cut:N      the power fails there: what was not synced is gone, content and names; cut:0 at exit
 *   AIRLOCK_FAULT=tear:N     the same, but names are kept although their directory was not synced
 *   AIRLOCK_FAULT_STASH=DIR  where cut and tear keep what they may have to put back; same file system
 *   AIRLOCK_FAULT_SKIP=K     the K-th distinct place that syncs (of ours, not SQLite's) does not; needs cut or tear
 *
 * "Calls" are those of the two tables; children that were started as a role count for nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What the environment does at the start of airlock-fault, for a test that forks: from here on in this process. `spec`
 * as above. False: malformed. */
bool fault_arm(const char *spec, size_t skip, const char *stash);
/* What the end of the program does: cut:0 and tear:0 happen here. */
void fault_finish(void);

struct fault_counts {
    uint64_t calls, changes;
    size_t syncs; /* distinct places of ours */
};
struct fault_counts fault_count(void);
void fault_print_sync(size_t k); /* place k, from 1, on stderr */

enum fault_call {
    FAULT_READ,   /* changes nothing, needs no room */
    FAULT_REMOVE, /* changes, needs no room */
    FAULT_GROW,   /* changes, and may need room */
    FAULT_SYNC,   /* may fail with either */
};

/* Counts a call, and ends the process if this is the one. True: do not make it, fail with the errno that is set. */
bool fault_step(enum fault_call kind);

/* True when the process is to die in the coming write, after half of it. */
bool fault_dies_now(void);
void fault_die(void) __attribute__((noreturn));

/* fsync and fdatasync with everything above; `ours` when the table was called, not SQLite. */
int fault_sync(int fd, bool data_only, bool ours);

/* The calls of the table as the injector makes them; SQLite's are turned into these. */
int fault_openat(int dir, const char *path, int flags, mode_t mode);
ssize_t fault_write(int fd, const void *bytes, size_t len);
ssize_t fault_pwrite(int fd, const void *bytes, size_t len, off_t at);
int fault_ftruncate(int fd, off_t size);
int fault_fallocate(int fd, int mode, off_t from, off_t len);
int fault_unlinkat(int dir, const char *path, int flags);
