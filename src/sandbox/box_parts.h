/* The parts that a box is made of, for box*.c alone. Three processes: the caller (box.c), the keeper on the host
 * (box_keeper.c) and process 1 inside (box_init.c). Between them go box_messages over sequenced-packet sockets. Hard
 * rule: what comes from process 1 is looked at as if it were the program's: fixed size, known words. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/box.h"
#include "util/json.h"

enum box_word {
    BOX_SAYS_READY = 1, /* everything is built; value: number of the listener in process 1, or -1; in a message before
                           that, when there are any, the sockets: dns_udp, dns_tcp, then those of spec.listens */
    BOX_SAYS_HOST,      /* keeper: value: pid of process 1 as seen on the host, flags; text: limits; descriptors: the
                           sockets, then the listener */
    BOX_SAYS_ERROR,     /* code, sys_errno, text */
    BOX_SAYS_STARTED,   /* execve succeeded */
    BOX_SAYS_ENDED,     /* value: wait status of the program */
    BOX_SAYS_CANARY,    /* value: CANARY_* bits of what could not be tried */
    BOX_SAYS_QUIET,     /* nothing but process 1 is left inside */
    BOX_GO,             /* to process 1: maps and limits are set, build */
    BOX_TAKEN,          /* to process 1: the listener was taken, close it */
    BOX_RUN,
    BOX_CANARY, /* text: nonce */
    BOX_TERM,
    BOX_KILL,
};

struct box_message {
    uint32_t word; /* enum box_word */
    int32_t value;
    int32_t code, sys_errno;
    uint32_t flags;          /* BOX_LIMITS_* */
    struct door_place place; /* with BOX_SAYS_HOST */
    char text[ERR_MSG_MAX];
};

#define BOX_FLAG_ROOT      1U
#define BOX_FLAG_MEMORY    2U
#define BOX_FLAG_CPU       4U
#define BOX_FLAG_PROCESSES 8U

#define BOX_MESSAGE_FDS 64

/* Sockets that process 1 makes for the caller: two for DNS where the box observes, and those that were asked for. */
#define BOX_SOCKETS_MAX (2 + BOX_LISTEN_MAX)
static inline size_t box_socket_count(const struct box_spec *s)
{
    return (s->observe ? 2U : 0U) + s->listen_count;
}

/* One message with at most BOX_MESSAGE_FDS descriptors. With none it is a plain write, which no filter of ours reports.
 * 0, or -1 with errno. */
int box_send(int sock, const struct box_message *m, const int *fds, size_t count);
/* 1: received; 0: the other side is gone; -1: errno. Descriptors (close-on-exec) beyond `room` are closed. `fds` may be
 * NULL when no message with descriptors can come; then it is a plain read. */
int box_receive(int sock, struct box_message *m, int *fds, size_t room, size_t *count);
int box_send_error(int sock, const struct err *e);
void box_take_error(const struct box_message *m, struct err *e);

/* The spec on its way to the keeper: JSON in a memory file, then the descriptors. */
int box_send_spec(int sock, const struct box_spec *spec, struct err *e);

/* As received; owns everything. */
struct box_plan {
    struct box_spec spec; /* its descriptors and texts are the plan's */
    struct box_file *files;
    struct box_listen listens[BOX_LISTEN_MAX];
    char **argv, **env;
    char **paths;
    json_t *document; /* keeps the texts alive */
};
int box_receive_spec(int sock, struct box_plan *plan, struct err *e);

/* Mounts (box_mount.c). Makes a detached, read-only (unless `writable`) copy of the mount tree at the inode of `fd`, as
 * this process's mount namespace sees it. Needs CAP_SYS_ADMIN over that namespace. */
int box_detach(int fd, const char *what, bool writable, struct err *e);
struct box_trees {
    int root, run_dir;
    int *files; /* spec.file_count of them */
};
int box_detach_all(const struct box_plan *plan, struct box_trees *out, struct err *e);
/* Builds the new root of this mount namespace out of the trees and moves into it. */
int box_mount_all(const struct box_plan *plan, const struct box_trees *trees, struct err *e);

/* Limits (box_limits.c). */
struct box_cgroups {
    char dirs[3][512]; /* to be removed when the box is gone */
    size_t count;
    uint32_t flags; /* BOX_FLAG_* in force */
    char text[256];
};
/* Makes cgroups for the spec's limits and puts `pid` into them. Never fails: what could not be done stands in text. */
void box_cgroups_make(const struct box_spec *spec, pid_t pid, struct box_cgroups *out);
void box_cgroups_remove(struct box_cgroups *c);
/* Resource limits of the program itself: no core files; and where no cgroup does it, memory and processes. */
int box_rlimits(const struct box_spec *spec, uint32_t flags, struct err *e);

/* Filter (box_filter.c). Installs it; observe: *listener is the listener's number. Wants no_new_privs. */
int box_filter_install(bool observe, int *listener, struct err *e);

/* Process 1 (box_init.c): builds the rest from inside and then starts, watches and ends the program. Never returns. */
struct box_inside {
    const struct box_plan *plan;
    const struct box_trees *trees; /* NULL: to be made inside, by an ordinary user */
    int sock;
};
_Noreturn void box_init(const struct box_inside *in);
