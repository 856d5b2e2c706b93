/* Process 1 of a box. It finishes the boundary from inside (cgroup namespace, loopback, host name, mounts, limits,
 * capabilities, filter), then starts the program, forwards SIGTERM, reaps, and kills what the program leaves behind.
 * Order matters: whatever needs a capability comes before box_drop; the filter comes last, and in a box that observes
 * every process that will ever live there descends from this one, behind the same listener. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/box_canary.h"
#include "sandbox/box_parts.h"
#include "util/auto.h"

#define DNS_PORT       53
#define LISTEN_BACKLOG 64

/* The program, and what process 1 knows of it. */
struct init {
    const struct box_inside *in;
    int children; /* signalfd */
    pid_t program, canary;
    bool quiet; /* "quiet" was asked for and not yet said */
};

static int bring_up_loopback(struct err *e)
{
    auto_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo"};
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        return err_set(e, ERR_SYSTEM, errno, "look at the loopback of the box");
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        return err_set(e, ERR_SYSTEM, errno, "bring up the loopback of the box");
    return 0;
}

static int loopback_socket(int type, const char *address, uint16_t port, struct err *e)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &at.sin_addr) != 1 || ntohl(at.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
        return err_set(e, ERR_USAGE, 0, "listen in the box at \"%s\": wanted an address of 127.0.0.0/8", address);
    auto_fd fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
        (type == SOCK_STREAM && listen(fd, LISTEN_BACKLOG) < 0))
        return err_set(e, ERR_SYSTEM, errno, "bind %s:%u in the box", address, port);
    return fd_steal(&fd);
}

/* The sockets that the caller gets, in the order of BOX_SAYS_READY. */
static int make_sockets(const struct box_spec *s, int *out, struct err *e)
{
    size_t n = 0;
    if (s->observe && ((out[n++] = loopback_socket(SOCK_DGRAM, "127.0.0.1", DNS_PORT, e)) < 0 ||
                       (out[n++] = loopback_socket(SOCK_STREAM, "127.0.0.1", DNS_PORT, e)) < 0))
        return -1;
    for (size_t i = 0; i < s->listen_count; i++)
        if ((out[n++] = loopback_socket(SOCK_STREAM, s->listens[i].address, s->listens[i].port, e)) < 0)
            return -1;
    return 0;
}

/* No capability, now or ever: uid 0 inside gains none by execve, and no bit can be set again. */
static int drop_capabilities(struct err *e)
{
    const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                               SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                               SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
            return err_set(e, ERR_SYSTEM, errno, "drop capability %lu of the box", cap);
    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
        return err_set(e, ERR_SYSTEM, errno, "lock the capabilities of the box");
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &header, none) < 0)
        return err_set(e, ERR_SYSTEM, errno, "drop the capabilities of the box");
    return 0;
}

static int say(const struct init *i, enum box_word word, int value)
{
    struct box_message m = {.word = (uint32_t)word, .value = value};
    return box_send(i->in->sock, &m, NULL, 0);
}

/* Waits for one word of the keeper; another, or none, ends the box. */
static void expect(const struct init *i, enum box_word word, struct box_message *m)
{
    if (box_receive(i->in->sock, m, NULL, 0, NULL) != 1 || m->word != (uint32_t)word)
        _exit(1);
}

static int build_file_system(const struct init *i, struct err *e)
{
    struct box_trees own;
    const struct box_trees *trees = i->in->trees;
    if (!trees) {
        if (box_detach_all(i->in->plan, &own, e) < 0)
            return -1;
        trees = &own;
    }
    return box_mount_all(i->in->plan, trees, e);
}

/* Everything that needs a capability. `sockets` gets those for the caller. */
static int build(const struct init *i, uint32_t flags, int *sockets, struct err *e)
{
    const struct box_spec *s = &i->in->plan->spec;
    if (unshare(CLONE_NEWCGROUP) < 0)
        return err_set(e, ERR_SYSTEM, errno, "make a cgroup namespace for the box");
    if (sethostname(s->name, strlen(s->name)) < 0)
        return err_set(e, ERR_SYSTEM, errno, "name the box %s", s->name);
    umask(022);
    if (bring_up_loopback(e) < 0 || build_file_system(i, e) < 0 || make_sockets(s, sockets, e) < 0)
        return -1;
    if (box_rlimits(s, flags, e) < 0 || drop_capabilities(e) < 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_set(e, ERR_SYSTEM, errno, "set no_new_privs in the box");
    return 0;
}

static int watch_children(struct init *i, struct err *e)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || (i->children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return err_set(e, ERR_SYSTEM, errno, "watch the children of the box");
    return 0;
}

/* The filter, and with it the last words that may need sendmsg: after it, plain writes only. */
static int close_boundary(struct init *i, const int *sockets, struct err *e)
{
    int listener = -1;
    const struct box_spec *s = &i->in->plan->spec;
    size_t count = box_socket_count(s);
    struct box_message m = {.word = BOX_SAYS_READY};
    if (count && box_send(i->in->sock, &m, sockets, count) < 0)
        return err_set(e, ERR_IO, errno, "hand out the sockets of the box");
    for (size_t n = 0; n < count; n++)
        close(sockets[n]);
    if (box_filter_install(s->observe, &listener, e) < 0)
        return -1;
    if (say(i, BOX_SAYS_READY, listener) < 0)
        return err_set(e, ERR_IO, errno, "the keeper of the box is gone");
    expect(i, BOX_TAKEN, &m);
    if (listener >= 0)
        close(listener);
    /* Same uid as the program: /proc/1 of the box must not open to it. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return err_set(e, ERR_SYSTEM, errno, "close /proc/1 of the box");
    return 0;
}

/* ── the program ── */

static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    for (int n = 1; n < NSIG; n++)
        signal(n, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int place(int fd, int at)
{
    if (fd >= 0)
        return dup2(fd, at);
    auto_fd null = open("/dev/null", O_RDWR | O_CLOEXEC);
    return null < 0 ? -1 : dup2(null, at);
}

/* In the child: becomes the program, or writes errno to `report`. */
static _Noreturn void become(const struct box_plan *plan, int report)
{
    static const char *const fallback[] = {"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/tmp",
                                           "LANG=C.UTF-8", NULL};
    const struct box_spec *s = &plan->spec;
    setsid();
    reset_signals();
    environ = s->env[0] ? plan->env : (char **)(uintptr_t)fallback;
    if (place(-1, STDIN_FILENO) >= 0 && place(s->output, STDOUT_FILENO) >= 0 &&
        place(s->error >= 0 ? s->error : s->output, STDERR_FILENO) >= 0 && chdir(s->workdir) == 0 &&
        syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) == 0)
        execvp(plan->argv[0], plan->argv);
    int why = errno;
    (void)!write(report, &why, sizeof(why));
    _exit(127);
}

static int start_program(struct init *i, struct err *e)
{
    int report[2], why = 0;
    const struct box_plan *plan = i->in->plan;
    if (pipe2(report, O_CLOEXEC) < 0)
        return err_set(e, ERR_SYSTEM, errno, "pipe");
    pid_t pid = fork();
    if (pid == 0)
        become(plan, report[1]);
    close(report[1]);
    auto_fd answer = report[0];
    if (pid < 0)
        return err_set(e, ERR_SYSTEM, errno, "fork in the box");
    if (read(answer, &why, sizeof(why)) == (ssize_t)sizeof(why)) {
        waitpid(pid, NULL, 0);
        return err_set(e, ERR_INPUT, why, "start %s in the box (working directory %s)", plan->argv[0],
                       plan->spec.workdir);
    }
    i->program = pid;
    return 0;
}

static void run_program(struct init *i)
{
    struct err e = {0};
    if (i->program > 0)
        return;
    if (start_program(i, &e) < 0)
        box_send_error(i->in->sock, &e);
    else
        say(i, BOX_SAYS_STARTED, 0);
}

static void run_canary(struct init *i, const char *nonce)
{
    pid_t pid = i->program > 0 ? -1 : fork();
    if (pid == 0) {
        reset_signals();
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* so that the recorder can read its addresses */
        _exit(canary_try(nonce));
    }
    i->canary = pid;
    if (pid < 0)
        say(i, BOX_SAYS_CANARY, CANARY_BROKEN);
}

/* ── the watch ── */

static void reap_one(struct init *i, pid_t pid, int status)
{
    if (pid == i->program) {
        i->program = 0;
        kill(-1, SIGKILL); /* what it left behind does not outlive it */
        say(i, BOX_SAYS_ENDED, status);
    } else if (pid == i->canary) {
        i->canary = 0;
        say(i, BOX_SAYS_CANARY, WIFEXITED(status) ? WEXITSTATUS(status) : CANARY_BROKEN);
    }
}

static void reap(struct init *i)
{
    struct signalfd_siginfo ignored;
    int status;
    pid_t pid;
    while (read(i->children, &ignored, sizeof(ignored)) > 0)
        continue;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        reap_one(i, pid, status);
    if (pid < 0 && errno == ECHILD && i->quiet) {
        i->quiet = false;
        say(i, BOX_SAYS_QUIET, 0);
    }
}

static void obey(struct init *i, const struct box_message *m)
{
    switch (m->word) {
    case BOX_RUN:
        run_program(i);
        break;
    case BOX_CANARY:
        run_canary(i, m->text);
        break;
    case BOX_TERM:
        if (i->program > 0)
            kill(i->program, SIGTERM);
        break;
    case BOX_KILL:
        kill(-1, SIGKILL);
        i->quiet = true;
        reap(i);
        break;
    default:
        _exit(1);
    }
}

static _Noreturn void watch(struct init *i)
{
    struct box_message m;
    struct pollfd p[] = {{.fd = i->in->sock, .events = POLLIN}, {.fd = i->children, .events = POLLIN}};
    for (;;) {
        if (poll(p, ARRAY_LEN(p), -1) < 0 && errno != EINTR)
            _exit(1);
        if (p[1].revents)
            reap(i);
        if (p[0].revents) {
            if (box_receive(i->in->sock, &m, NULL, 0, NULL) != 1)
                _exit(0);
            obey(i, &m);
        }
    }
}

_Noreturn void box_init(const struct box_inside *in)
{
    struct init i = {.in = in};
    struct err e = {0};
    struct box_message go;
    int sockets[BOX_SOCKETS_MAX];
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_NAME, "box-init", 0, 0, 0);
    setsid();
    expect(&i, BOX_GO, &go); /* a keeper that died before PDEATHSIG shows here */
    if (place(-1, STDIN_FILENO) < 0 || place(-1, STDOUT_FILENO) < 0 || place(-1, STDERR_FILENO) < 0 ||
        build(&i, go.flags, sockets, &e) < 0 || watch_children(&i, &e) < 0 || close_boundary(&i, sockets, &e) < 0) {
        if (e.code == ERR_NONE)
            err_set(&e, ERR_SYSTEM, errno, "open /dev/null for the box");
        box_send_error(in->sock, &e);
        _exit(1);
    }
    watch(&i);
}
