/* What is looked at, in this order: the inode (opened by name once, and connected to through its descriptor, so that no
 * exchange of the name in between matters), then who listens. The inode alone would let a hard link to a foreign socket
 * pass; the listener's pid alone would let a foreign process pass that was given a pid of the box: so both, and a pidfd
 * where the kernel has one (SO_PEERPIDFD, Linux 6.5), which shows that the pid was not given on while we looked. */
#include "sandbox/door.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/auto.h"
#include "util/log.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

struct door {
    int dir;
    char *name, *who; /* owned */
    char label[32];
    struct door_place box;

    pthread_mutex_t lock;
    bool broken;           /* under lock */
    char how[ERR_MSG_MAX]; /* under lock */
};

/* ── who is where ── */

static int look_at(pid_t pid, const char *which, ino_t *out)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, which);
    if (stat(path, &st) < 0)
        return -1;
    *out = st.st_ino;
    return 0;
}

int door_place_of(pid_t pid, struct door_place *out)
{
    *out = (struct door_place){0};
    return look_at(pid, "net", &out->net) < 0 || look_at(pid, "pid", &out->pid) < 0 ? -1 : 0;
}

/* ── making one ── */

struct door *door_new(int dir, const char *name, const struct door_place *box, const char *who, struct err *e)
{
    static atomic_ulong count;
    struct door *d = calloc(1, sizeof *d);
    if (!d || !(d->name = strdup(name)) || !(d->who = strdup(who)))
        abort();
    pthread_mutex_init(&d->lock, NULL);
    snprintf(d->label, sizeof d->label, "/door/%lu", atomic_fetch_add(&count, 1));
    d->box = *box;
    d->dir = fcntl(dir, F_DUPFD_CLOEXEC, 0);
    if (d->dir >= 0)
        return d;
    err_set(e, ERR_IO, errno, "keep the run directory of %s", who);
    door_free(d);
    return NULL;
}

void door_free(struct door *d)
{
    if (!d)
        return;
    if (d->dir >= 0)
        close(d->dir);
    pthread_mutex_destroy(&d->lock);
    free(d->name);
    free(d->who);
    free(d);
}

const char *door_label(const struct door *d)
{
    return d->label;
}

/* ── a foreign socket ── */

bool door_broken(struct door *d, struct buf *how)
{
    pthread_mutex_lock(&d->lock);
    bool broken = d->broken;
    if (broken && how)
        buf_add_str(how, d->how);
    pthread_mutex_unlock(&d->lock);
    return broken;
}

static int refuse(struct door *d, const char *found, struct err *e)
{
    err_set(
        e, ERR_DENIED, 0,
        "the engine %s is refused: at its socket %s lies %s, wanted a socket that a process of its own box listens at; "
        "nothing was sent",
        d->who, d->name, found);
    pthread_mutex_lock(&d->lock);
    bool first = !d->broken;
    d->broken = true;
    if (first)
        memcpy(d->how, e->msg, sizeof d->how);
    pthread_mutex_unlock(&d->lock);
    if (first)
        log_event(EV_ENGINE_ESCAPE, "engine", d->who, "found", found, NULL);
    return -1;
}

/* ── one connection ── */

static const char *kind_of(mode_t mode)
{
    return S_ISLNK(mode) ? "a symbolic link" : S_ISREG(mode) ? "a file" : S_ISDIR(mode) ? "a directory" : "no socket";
}

/* The socket itself, as an O_PATH descriptor. A link in its place is opened as the link that it is. */
static int open_inode(struct door *d, struct err *e)
{
    struct stat st;
    struct open_how how = {
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    auto_fd fd = (int)syscall(SYS_openat2, d->dir, d->name, &how, sizeof how);
    if (fd < 0 && errno == ENOENT)
        return err_set(e, ERR_BUSY, 0, "the engine does not answer its socket: it is not there");
    if (fd < 0 && (errno == EXDEV || errno == ELOOP))
        return refuse(d, "what leads out of its run directory", e);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(e, ERR_IO, errno, "the socket of %s", d->who);
    if (!S_ISSOCK(st.st_mode))
        return refuse(d, kind_of(st.st_mode), e);
    if (st.st_uid != geteuid())
        return refuse(d, "the socket of another user", e);
    return fd_steal(&fd);
}

int door_look(struct door *d, struct sockaddr_un *to, struct err *e)
{
    auto_buf how = BUF(ERR_MSG_MAX);
    if (door_broken(d, &how))
        return err_set(e, ERR_DENIED, 0, "%s", buf_str(&how));
    auto_fd inode = open_inode(d, e);
    if (inode < 0)
        return -1;
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(to->sun_path, sizeof to->sun_path, "/proc/self/fd/%d", inode);
    return fd_steal(&inode);
}

/* Has the process that the pidfd stands for been reaped? Then its pid may be another's. */
static bool is_gone(int pidfd)
{
    return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0 && errno == ESRCH;
}

/* A listener whose queue is full leaves a socket unconnected, without an error. */
static bool is_connected(int fd)
{
    struct sockaddr_un peer;
    socklen_t len = sizeof peer;
    return getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

static int has_ended(struct err *e)
{
    return err_set(e, ERR_BUSY, 0, "the engine does not answer its socket: who listened there has ended");
}

int door_check(struct door *d, int fd, struct err *e)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer, pidfd_len = sizeof(int);
    struct door_place there;
    auto_fd pidfd = -1;
    if (!is_connected(fd))
        return err_set(e, ERR_BUSY, 0, "the engine does not answer its socket: too many wait there already");
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return err_set(e, ERR_SYSTEM, errno, "who listens at the socket of %s", d->who);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &pidfd_len) < 0) {
        pidfd = -1;
        if (errno != ENOPROTOOPT)
            return has_ended(e);
    }
    if (peer.pid <= 0 || peer.uid != geteuid())
        return refuse(d, "a socket whose listener is outside", e);
    if (door_place_of(peer.pid, &there) < 0)
        return errno == ENOENT || errno == ESRCH
                   ? has_ended(e)
                   : err_set(e, ERR_SYSTEM, errno, "/proc/%d/ns: who listens at the socket of %s cannot be told",
                             (int)peer.pid, d->who);
    if (there.net != d->box.net || there.pid != d->box.pid)
        return refuse(d, "a socket whose listener is outside", e);
    return pidfd >= 0 && is_gone(pidfd) ? has_ended(e) : 0;
}
