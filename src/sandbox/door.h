/* The door of a box: the one way from this process to the unix socket that a boxed program serves in its run directory.
 * The program may write that directory, so what bears the socket's name is the program's word and nothing more: it may
 * be a link that leads to somebody on this host. Hard rule: no engine is connected to in any other way, and every
 * connection is looked at for itself. It goes to the very socket that lies in the directory (no link, no mount, our own
 * user's), and who listens there is a process of this box, by its network and pid namespaces. What cannot be looked at
 * is not connected to.
 *
 * A box that was once found to offer another's socket is refused from then on: door_broken. Safe from any thread. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "util/buf.h"
#include "util/err.h"

struct door;

/* What tells a box from everything else on this host: inodes of its namespaces. */
struct door_place {
    ino_t net, pid;
};

/* Where a process is. 0, or -1 with errno: ENOENT, ESRCH: there is none any more. */
int door_place_of(pid_t pid, struct door_place *out);

/* The door to the socket `name` (one component) in the directory `dir` (copied; a box's run_dir), whose listener is in
 * `box` (box->place). `who`: the engine's id, for the event. ERR_IO. */
struct door *door_new(int dir, const char *name, const struct door_place *box, const char *who, struct err *e);
void door_free(struct door *d); /* NULL is fine */

/* First half, before connect(2): looks at what lies at the name. Returns a descriptor of that very inode, which the
 * caller closes after his connect, and the address in *to through which that connect reaches it. ERR_BUSY: nothing is
 * there; ERR_DENIED: not the box's, and event engine-escape was written the first time; ERR_IO. Never waits. */
int door_look(struct door *d, struct sockaddr_un *to, struct err *e);

/* Second half, after connect(2) and before the first byte: who listens there? 0: the box. ERR_BUSY: nobody (any more);
 * ERR_DENIED as above; ERR_SYSTEM: it cannot be told. Whatever is not 0, the caller closes fd and has sent nothing. */
int door_check(struct door *d, int fd, struct err *e);

/* Was something foreign found? Then *how (may be NULL) says what. */
bool door_broken(struct door *d, struct buf *how);

/* A name that no other door of this process has or had, for caches of connections: no file bears it. */
const char *door_label(const struct door *d);
