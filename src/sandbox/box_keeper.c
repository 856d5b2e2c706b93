/* The keeper of a box: role "box", on the host, our own program and nobody else's. It reads the spec, makes the
 * namespaces with process 1 in them, writes the identity maps, sets the limits, takes the listener out, and then passes
 * messages both ways. When the caller's socket closes it kills process 1, and the kernel everything behind it; when the
 * keeper itself dies, process 1 dies with it (PR_SET_PDEATHSIG).
 *
 * Whether it is root decides who makes the mounts. Root detaches them here, with its own rights over foreign
 * directories; an ordinary user has none over the host's mounts, so process 1 does it, as that user, in its own
 * namespace. The boundary is the same. */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/box_parts.h"
#include "sandbox/host.h"
#include "util/auto.h"
#include "util/file.h"

#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS)

struct keeper {
    int caller; /* socket */
    int inside; /* socket to process 1 */
    pid_t init;
    bool as_root;
    struct box_plan plan;
    struct box_trees trees;
    struct box_cgroups cgroups;
};

/* Root gets a mount namespace of its own, in which it may clone mounts. */
static int prepare_as_root(struct keeper *k, struct err *e)
{
    /* Root of a container without CAP_SYS_ADMIN, or of a user namespace in which groups cannot be dropped
     * (user_namespaces(7), "/proc/pid/setgroups"): as an ordinary user. */
    if (setgroups(0, NULL) < 0 || unshare(CLONE_NEWNS) < 0) {
        k->as_root = false;
        return 0;
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return err_set(e, ERR_SYSTEM, errno, "make the mounts of the keeper private");
    return box_detach_all(&k->plan, &k->trees, e);
}

static int clone_init(struct keeper *k, struct err *e)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_set(e, ERR_SYSTEM, errno, "socketpair");
    long pid = syscall(SYS_clone, NAMESPACES | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        close(pair[0]);
        close(k->caller);
        struct box_inside in = {.plan = &k->plan, .trees = k->as_root ? &k->trees : NULL, .sock = pair[1]};
        box_init(&in);
    }
    int why = errno;
    close(pair[1]);
    k->inside = pair[0];
    k->init = (pid_t)pid;
    if (pid > 0)
        return 0;
    char reason[256];
    host_why_no_namespaces(why, reason, sizeof(reason));
    return err_set(e, ERR_SYSTEM, why, "make the namespaces of the box: %s", reason);
}

static int write_map(pid_t pid, const char *name, const char *text, struct err *e)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    auto_fd fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        return err_set(e, ERR_SYSTEM, errno, "write %s", path);
    return 0;
}

/* Identity maps: inside, the user is whom it is outside, and nobody else exists. */
static int write_maps(pid_t pid, struct err *e)
{
    char uid[48], gid[48];
    snprintf(uid, sizeof(uid), "%u %u 1", (unsigned)geteuid(), (unsigned)geteuid());
    snprintf(gid, sizeof(gid), "%u %u 1", (unsigned)getegid(), (unsigned)getegid());
    if (write_map(pid, "setgroups", "deny", e) < 0 || write_map(pid, "uid_map", uid, e) < 0)
        return -1;
    return write_map(pid, "gid_map", gid, e);
}

/* Process 1 was made and may not do its work: some setting of the host took its rights away. */
static int explain(struct err *e)
{
    char reason[256];
    if (e->sys_errno != EPERM)
        return -1;
    host_why_no_namespaces(EPERM, reason, sizeof(reason));
    return err_hint(e, "On this host: %s", reason);
}

/* Receives what process 1 says next; an error of its is taken over. */
static int hear(struct keeper *k, enum box_word wanted, struct box_message *m, int *fds, size_t *count, struct err *e)
{
    int result = box_receive(k->inside, m, fds, fds ? BOX_SOCKETS_MAX : 0, count);
    if (result == 1 && m->word == (uint32_t)wanted)
        return 0;
    if (result == 1 && m->word == BOX_SAYS_ERROR) {
        box_take_error(m, e);
        return e->code == ERR_SYSTEM ? explain(e) : -1;
    }
    return err_set(e, ERR_SYSTEM, result < 0 ? errno : 0, "process 1 of the box died while it was being made");
}

static int take_listener(const struct keeper *k, int number, struct err *e)
{
    auto_fd process = (int)syscall(SYS_pidfd_open, k->init, 0U);
    if (process < 0)
        return err_set(e, ERR_SYSTEM, errno, "pidfd_open of process 1 of the box");
    int fd = (int)syscall(SYS_pidfd_getfd, process, number, 0U);
    if (fd >= 0)
        return fd;
    err_set(e, ERR_SYSTEM, errno, "take the listener out of the box (pidfd_getfd)");
    return err_hint(e,
                    "If kernel.yama.ptrace_scope is 3, nobody may look into a process here: set it to 2 and restart");
}

/* Builds, and tells the caller with what it has to be told. */
static int build(struct keeper *k, struct err *e)
{
    const struct box_spec *s = &k->plan.spec;
    int fds[BOX_SOCKETS_MAX + 1], listener = -1;
    size_t count = 0, wanted = box_socket_count(s);
    struct door_place place;
    struct box_message m = {.word = BOX_GO};
    if (k->as_root && prepare_as_root(k, e) < 0)
        return -1;
    if (clone_init(k, e) < 0 || write_maps(k->init, e) < 0)
        return -1;
    if (door_place_of(k->init, &place) < 0) /* later process 1 opens to nobody */
        return err_set(e, ERR_SYSTEM, errno, "/proc does not tell the namespaces of the box");
    box_cgroups_make(s, k->init, &k->cgroups);
    m.flags = k->cgroups.flags;
    if (box_send(k->inside, &m, NULL, 0) < 0)
        return err_set(e, ERR_SYSTEM, errno, "process 1 of the box is gone");
    if (wanted && hear(k, BOX_SAYS_READY, &m, fds, &count, e) < 0)
        return -1;
    if (count != wanted)
        return err_set(e, ERR_SYSTEM, 0, "the box handed out %zu sockets; wanted %zu", count, wanted);
    if (hear(k, BOX_SAYS_READY, &m, NULL, NULL, e) < 0)
        return -1;
    if (s->observe && (listener = take_listener(k, m.value, e)) < 0)
        return -1;
    m = (struct box_message){.word = BOX_TAKEN};
    if (box_send(k->inside, &m, NULL, 0) < 0)
        return err_set(e, ERR_SYSTEM, errno, "process 1 of the box is gone");
    m = (struct box_message){.word = BOX_SAYS_HOST, .value = k->init, .place = place};
    m.flags = k->cgroups.flags | (k->as_root ? BOX_FLAG_ROOT : 0U);
    snprintf(m.text, sizeof(m.text), "%s", k->cgroups.text);
    if (listener >= 0)
        fds[count++] = listener;
    int sent = box_send(k->caller, &m, fds, count);
    for (size_t i = 0; i < count; i++)
        close(fds[i]); /* the last copies are the caller's */
    return sent < 0 ? err_set(e, ERR_IO, errno, "the caller of the box is gone") : 0;
}

/* Descriptors that only process 1 has use for. */
static void close_plan(struct keeper *k)
{
    struct box_spec *s = &k->plan.spec;
    int *const own[] = {&s->root, &s->run_dir, &s->output, &s->error};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (*own[i] >= 0)
            close(*own[i]);
    for (size_t i = 0; i < s->file_count; i++)
        close(k->plan.files[i].fd);
    for (size_t i = 0; k->as_root && i < s->file_count; i++)
        close(k->trees.files[i]);
    if (k->as_root)
        close(k->trees.root);
    if (k->as_root && k->trees.run_dir >= 0)
        close(k->trees.run_dir);
}

/* Passes one message on. False: that side is gone. */
static bool pass(int from, int to)
{
    struct box_message m;
    if (box_receive(from, &m, NULL, 0, NULL) != 1)
        return false;
    return box_send(to, &m, NULL, 0) == 0;
}

static void relay(struct keeper *k)
{
    struct pollfd p[] = {{.fd = k->caller, .events = POLLIN}, {.fd = k->inside, .events = POLLIN}};
    for (;;) {
        if (poll(p, ARRAY_LEN(p), -1) < 0) {
            if (errno == EINTR)
                continue;
            return;
        }
        if ((p[1].revents && !pass(k->inside, k->caller)) || (p[0].revents && !pass(k->caller, k->inside)))
            return;
    }
}

static void tear_down(struct keeper *k)
{
    if (k->init > 0) {
        kill(k->init, SIGKILL);
        while (waitpid(k->init, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    box_cgroups_remove(&k->cgroups);
}

int box_main(int sock)
{
    struct keeper k = {.caller = sock, .inside = -1, .as_root = geteuid() == 0};
    struct err e = {0};
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NAME, "box-keeper", 0, 0, 0);
    if (fcntl(sock, F_SETFD, FD_CLOEXEC) < 0)
        return 1;
    int result = box_receive_spec(sock, &k.plan, &e);
    if (result == 0)
        result = build(&k, &e);
    if (result < 0)
        box_send_error(sock, &e);
    else {
        close_plan(&k);
        relay(&k);
    }
    tear_down(&k);
    return result < 0 ? 1 : 0;
}
