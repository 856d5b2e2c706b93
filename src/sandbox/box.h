/* A box: one program that is not ours, behind a boundary of the kernel's: own user, network (loopback only), mount,
 * pid, ipc, uts and cgroup namespaces, a read-only root, closed descriptors, no capability, no_new_privs, a static
 * seccomp filter, limits. Works as root and as an ordinary user; the boundary is the same. Hard rule: the box is closed
 * or it is not started; what may be missing on a host (a cgroup limit, for one) is said in struct box, never left out
 * silently.
 *
 * The caller may have threads: this program is started again as role "box" (the keeper), which builds everything and
 * then watches. When the caller dies, its end of the socket closes and the keeper kills the box. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/door.h"
#include "util/err.h"

#define BOX_FILES_MAX  512
#define BOX_LISTEN_MAX 32

/* A regular file or directory that appears inside at `path` (absolute, no "..", not below /proc, /dev, /tmp/… is fine),
 * read-only. The mount is made of the very inode behind `fd` (any descriptor, O_PATH too), so what was hashed through
 * `fd` is what the program sees. Its directory is made if the root does not have the directory's first part; in a
 * directory of the root itself the mount point must exist. */
struct box_file {
    int fd;
    const char *path;
};

/* A TCP socket that listens inside, on the box's own loopback, from before the program's first instruction on; the
 * caller gets it in box->listeners and accepts there: how a program in the box reaches one place outside, and no other
 * (sandbox/relay.h). */
struct box_listen {
    const char *address; /* of 127.0.0.0/8 */
    uint16_t port;
};

struct box_spec {
    const char *name; /* host name inside, and part of the cgroup's name: [a-z0-9-], at most 40 */
    int root; /* directory that becomes /, read-only, nosuid, nodev; its proc, dev, sys, tmp and run are not used */
    const struct box_file *files;
    size_t file_count;
    int run_dir;             /* host directory that appears, writable, at /run/airlock (holds the unix socket); or -1 */
    const char *const *argv; /* NULL-terminated; argv[0] with a slash, or looked up in the PATH of `env` inside */
    const char *const *env;  /* NULL-terminated "K=V"; the whole environment. NULL: PATH, HOME=/tmp, LANG=C.UTF-8 */
    const char *workdir;     /* inside; NULL: / */
    int output;              /* its stdout and stderr; -1: /dev/null. stdin is /dev/null */
    int error;               /* its stderr, when that is another; -1: `output` */

    const struct box_listen *listens; /* at most BOX_LISTEN_MAX, each another address or port */
    size_t listen_count;

    /* 0: no limit of that kind. */
    uint64_t memory_bytes;
    uint64_t cpu_percent; /* 100 is one processor's time */
    uint64_t processes;   /* tasks: processes and threads */
    uint64_t tmp_bytes;   /* /tmp and /dev/shm, each; 0: 64 MiB */

    /* For a silence test: network calls are reported through box->notify before they happen, names are asked of
     * box->dns_udp and box->dns_tcp, and the program waits for box_run. */
    bool observe;
    const char *resolv_conf; /* observe: never NULL there; text of /etc/resolv.conf inside, "nameserver 127.0.0.1\n" */
};

struct box {
    pid_t keeper;            /* our child */
    pid_t init;              /* process 1 inside, as seen from here: /proc/<init>/net/snmp is the box's */
    int socket;              /* to the keeper */
    struct door_place place; /* its namespaces, by which its processes are known */

    /* observe, else -1. The caller takes them over (sets -1 here) or box_free closes them. Whoever answers `notify`
     * must close every other copy: when the last one closes, the calls end with ENOSYS. */
    int notify;  /* seccomp user-notify listener (seccomp_unotify(2)) */
    int dns_udp; /* bound to 127.0.0.1:53 inside */
    int dns_tcp; /* bound and listening there */

    int listeners[BOX_LISTEN_MAX]; /* in the order of spec->listens; non-blocking; closed by box_free */
    size_t listener_count;

    bool as_root;        /* made by root; the boundary is the same, limits are cgroups */
    char limits[256];    /* what limits are in force and how, for people: "memory 4.0 GiB (cgroup v1), …" */
    bool memory_limited; /* for the whole box, by a cgroup */
    bool cpu_limited;
    bool processes_limited;

    bool ended; /* the program has ended, with */
    int status; /* this wait status (waitpid(2)) */
};

/* Makes the box and starts the program (observe: makes it ready, see box_run). When this returns 0, execve has
 * succeeded. `spec` and its descriptors are not needed any more after it. ERR_SYSTEM names what the host lacks (and the
 * sysctl that forbids it), ERR_INPUT what is wrong with the program or a mount (which, found, wanted). */
int box_start(const struct box_spec *spec, struct box **out, struct err *e);

/* observe: starts the program. 0 when execve has succeeded. */
int box_run(struct box *b, struct err *e);

/* observe: makes the known attempts from inside (box_canary.h says which) and waits until they are made. Not while the
 * program runs. `nonce` ([a-z0-9], at most 32) is part of the name that it looks up. */
int box_canary(struct box *b, const char *nonce, struct err *e);

/* Waits for the program's end at most timeout_ms (-1: for ever; 0: asks). 1: it has ended, b->status; 0: not yet; -1:
 * ERR_IO, the keeper is gone. When the program has ended, everything else that it started is killed. */
int box_wait(struct box *b, int timeout_ms, struct err *e);

/* Asks the program to end (SIGTERM), waits at most grace_ms, then kills whatever is left in there. The box stays good
 * for box_canary when it observes. */
int box_stop(struct box *b, int grace_ms, struct err *e);

/* Kills whatever is left, takes limits and namespaces away. NULL is fine. */
void box_free(struct box *b);
static inline void auto_box_free(struct box **b)
{
    box_free(*b);
}
#define auto_box AUTO(auto_box_free) struct box *

/* The keeper's side: role "box", its socket as descriptor `sock`. Returns the exit status. */
int box_main(int sock);

/* The name after --role. */
#define BOX_ROLE "box"
