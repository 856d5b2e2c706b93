/* The recorder: answers the listener of a box (seccomp_unotify(2)) and tells the session who tried to reach what. While
 * it looks, the caller stands still: even a program that connects and exits at once is found in /proc. It is not the
 * wall: between our look and the kernel's an address may change, which the kernel's own counters then show (witness).
 *
 * Order of a look: receive, read what the pointers point to, and only then ask whether the call is still the same one
 * (NOTIF_ID_VALID); what was read from a task that died in between belongs to somebody else and is dropped. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "sandbox/box_observe.h"
#include "silence/event.h"
#include "silence/witness.h"
#include "util/auto.h"
#include "util/file.h"

#define BATCH_MAX 1024U /* UIO_MAXIOV: the kernel takes no more of one sendmmsg */
#define DNS_PORT  53

struct recorder {
    int session, listener;
    struct seccomp_notif *call;
    struct seccomp_notif_resp *answer;
    size_t call_size, answer_size;
};

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_un local;
    uint8_t bytes[sizeof(struct sockaddr_storage)];
};

/* Exactly `len` bytes of the caller's memory. False: not readable, errno. */
static bool read_memory(pid_t pid, uint64_t at, void *out, size_t len)
{
    struct iovec local = {.iov_base = out, .iov_len = len};
    struct iovec remote = {.iov_base = (void *)(uintptr_t)at, .iov_len = len};
    return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)len;
}

/* ── who ── */

/* The process of a thread. */
static pid_t process_of(pid_t thread)
{
    char path[64];
    auto_buf text = BUF(16384);
    struct err ignored;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
    if (file_read(AT_FDCWD, path, &text, &ignored) < 0)
        return thread;
    const char *line = strstr(buf_str(&text), "\nTgid:");
    long n = line ? strtol(line + strlen("\nTgid:"), NULL, 10) : 0;
    return n > 0 ? (pid_t)n : thread;
}

/* ── what kind of socket ── */

static void name_protocol(int fd, struct silence_event *event)
{
    int type = 0, protocol = 0;
    socklen_t size = sizeof(int);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) < 0)
        return;
    static const struct {
        int protocol;
        const char *name;
    } names[] = {
        {IPPROTO_TCP, "tcp"},          {IPPROTO_UDP, "udp"},   {IPPROTO_ICMP, "icmp"}, {IPPROTO_ICMPV6, "icmp6"},
        {IPPROTO_UDPLITE, "udp-lite"}, {IPPROTO_SCTP, "sctp"}, {262, "mptcp"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].protocol == protocol)
            snprintf(event->proto, sizeof(event->proto), "%s", names[i].name);
    if (event->proto[0] == '\0')
        snprintf(event->proto, sizeof(event->proto), "%s", type == SOCK_RAW ? "raw" : "ip");
}

static void find_protocol(pid_t pid, int fd, struct silence_event *event)
{
    auto_fd process = (int)syscall(SYS_pidfd_open, pid, 0U);
    auto_fd copy = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, fd, 0U);
    if (copy >= 0)
        name_protocol(copy, event);
    if (event->proto[0] == '\0')
        snprintf(event->proto, sizeof(event->proto), "ip");
}

/* ── where to ── */

static bool loopback4(struct in_addr a)
{
    uint32_t n = ntohl(a.s_addr);
    return n >> 24 == 127 || n == INADDR_ANY; /* the kernel takes 0.0.0.0 for itself */
}

/* Fills address and port. False: it stays in the box. */
static bool leaves_by_ip(union address *a, socklen_t len, struct silence_event *event)
{
    struct in_addr four = a->four.sin_addr;
    event->port = ntohs(a->four.sin_port); /* at the same place in both families */
    event->by_ip = 1;
    if (a->any.sa_family == AF_INET6) {
        if (len < (socklen_t)offsetof(struct sockaddr_in6, sin6_scope_id))
            return false; /* the kernel refuses it before it looks for a route */
        if (!IN6_IS_ADDR_V4MAPPED(&a->six.sin6_addr)) {
            inet_ntop(AF_INET6, &a->six.sin6_addr, event->address, sizeof(event->address));
            return !IN6_IS_ADDR_LOOPBACK(&a->six.sin6_addr) && !IN6_IS_ADDR_UNSPECIFIED(&a->six.sin6_addr);
        }
        memcpy(&four, &a->six.sin6_addr.s6_addr[12], sizeof(four));
    } else if (len < (socklen_t)sizeof(struct sockaddr_in)) {
        return false;
    }
    inet_ntop(AF_INET, &four, event->address, sizeof(event->address));
    return !loopback4(four);
}

static bool below(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

/* Where the path leads inside the box, or the path itself when it leads nowhere. True: there is something. */
static bool resolve(pid_t pid, const char *path, char *out, size_t size)
{
    char base[64], link[64];
    snprintf(base, sizeof(base), "/proc/%d/%s", (int)pid, path[0] == '/' ? "root" : "cwd");
    auto_fd dir = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = path[0] == '/' ? RESOLVE_IN_ROOT : 0};
    auto_fd fd = dir < 0 ? -1 : (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
    snprintf(out, size, "%s", path);
    if (fd < 0)
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, out, size - 1);
    if (len >= 0)
        out[len] = '\0';
    return true;
}

/* A unix socket by path: fine where the box itself makes files; anything else can only be meant for the host. The C
 * library asks for nscd at every look-up of a user or a name, so that this one says nothing. *refuse: there is such a
 * socket. */
static bool leaves_by_path(pid_t pid, const union address *a, socklen_t len, struct silence_event *event, bool *refuse)
{
    static const char *const own[] = {"/tmp", "/dev/shm", "/run/airlock"};
    char path[sizeof(a->local.sun_path) + 1] = "", found[4096];
    size_t room = len - offsetof(struct sockaddr_un, sun_path);
    if (len <= offsetof(struct sockaddr_un, sun_path) || a->local.sun_path[0] == '\0')
        return false; /* abstract: of this network namespace */
    memcpy(path, a->local.sun_path, room < sizeof(path) - 1 ? room : sizeof(path) - 1);
    bool there = resolve(pid, path, found, sizeof(found));
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (below(found, own[i]))
            return false;
    if (!there && strstr(path, "/nscd/socket"))
        return false;
    *refuse = there;
    snprintf(event->proto, sizeof(event->proto), "unix");
    clean_text(event->name, sizeof(event->name), path);
    return true;
}

/* ── the calls ── */

/* One address of one call. 0: the call may go on; an errno: it fails with that; -1: the session is gone. */
static int look_at(struct recorder *r, union address *a, socklen_t len, bool connecting)
{
    const struct seccomp_data *d = &r->call->data;
    pid_t pid = process_of((pid_t)r->call->pid);
    struct silence_event event = {.kind = EVENT_CALL};
    bool refuse = false;
    snprintf(event.op, sizeof(event.op), "%s", box_observed_name(d->nr));
    if (len < (socklen_t)sizeof(a->any.sa_family))
        return 0;
    if (a->any.sa_family == AF_UNSPEC) {
        if (connecting)
            return 0;               /* undoes a connect */
        a->any.sa_family = AF_INET; /* what the kernel takes it for in a datagram */
    }
    if (a->any.sa_family == AF_INET || a->any.sa_family == AF_INET6) {
        bool leaves = leaves_by_ip(a, len, &event);
        if (!leaves && event.port != DNS_PORT)
            return 0;
        event.kind = leaves ? EVENT_CALL : EVENT_CONTACT;
        find_protocol(pid, (int)d->args[0], &event);
    } else if (a->any.sa_family == AF_UNIX) {
        if (!leaves_by_path(pid, a, len, &event, &refuse))
            return 0;
    } else if (a->any.sa_family == AF_NETLINK) {
        return 0; /* to the kernel, family ROUTE only */
    } else {
        snprintf(event.proto, sizeof(event.proto), "family %u", a->any.sa_family);
    }
    process_describe(pid, &event);
    if (event_send(r->session, &event) < 0)
        return -1;
    return refuse ? ECONNREFUSED : 0;
}

static int blind(struct recorder *r, const char *what, int why)
{
    struct silence_event event = {.kind = EVENT_BLIND, .pid = (int32_t)r->call->pid};
    snprintf(event.name, sizeof(event.name), "%s of process %u: %s", what, r->call->pid, strerror(why));
    return event_send(r->session, &event);
}

static bool still_there(const struct recorder *r)
{
    uint64_t id = r->call->id;
    return ioctl(r->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* Memory that the caller cannot read either makes the call fail by itself (EFAULT). Any other reason means that we do
 * not see. */
static int unreadable(struct recorder *r, const char *what)
{
    int why = errno;
    if (why == EFAULT || !still_there(r))
        return 0;
    return blind(r, what, why) < 0 ? -1 : 0;
}

static int look_at_pointer(struct recorder *r, uint64_t at, uint64_t len, bool connecting)
{
    union address a = {.bytes = {0}};
    if (at == 0 || len == 0)
        return 0;
    if (len > sizeof(a))
        return 0; /* EINVAL: no address is so long */
    if (!read_memory((pid_t)r->call->pid, at, &a, (size_t)len))
        return unreadable(r, "an address");
    return still_there(r) ? look_at(r, &a, (socklen_t)len, connecting) : 0;
}

static int look_at_message(struct recorder *r, uint64_t at)
{
    struct msghdr m;
    if (!read_memory((pid_t)r->call->pid, at, &m, sizeof(m)))
        return unreadable(r, "a message");
    return look_at_pointer(r, (uint64_t)(uintptr_t)m.msg_name, m.msg_namelen, false);
}

/* Each message of a batch: the first one to loopback must not hide a second. */
static int look_at_batch(struct recorder *r, uint64_t at, uint64_t count)
{
    int worst = 0;
    for (uint64_t i = 0; i < count && i < BATCH_MAX; i++) {
        int result = look_at_message(r, at + i * sizeof(struct mmsghdr));
        if (result < 0)
            return -1;
        if (result > 0)
            worst = result;
    }
    return worst;
}

static const char *family_name(uint64_t family)
{
    static const struct {
        uint64_t family;
        const char *name;
    } names[] = {{AF_VSOCK, "vsock"}, {AF_PACKET, "packet"},   {AF_ALG, "alg"},  {44, "xdp"},
                 {43, "smc"},         {AF_NETLINK, "netlink"}, {AF_TIPC, "tipc"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].family == family)
            return names[i].name;
    return "family";
}

/* A call that is never let through. */
static int look_at_denied(struct recorder *r)
{
    const struct seccomp_data *d = &r->call->data;
    const char *name = box_observed_name(d->nr);
    struct silence_event event = {.kind = EVENT_CALL};
    snprintf(event.op, sizeof(event.op), "%s", name ? name : "?");
    if (name && strcmp(name, "socket") == 0)
        snprintf(event.proto, sizeof(event.proto), "%s", family_name(d->args[0] & 0xffffffffU));
    process_describe(process_of((pid_t)r->call->pid), &event);
    return event_send(r->session, &event);
}

/* As box_observed_answer, and -1: the session is gone. */
static int look(struct recorder *r)
{
    const struct seccomp_data *d = &r->call->data;
    const char *name = box_observed_name(d->nr);
    int answer = box_observed_answer(d->nr);
    if (answer != 0 || !name)
        return look_at_denied(r) < 0 ? -1 : answer > 0 ? answer : EPERM;
    if (strcmp(name, "connect") == 0)
        return look_at_pointer(r, d->args[1], d->args[2] & 0xffffffffU, true);
    if (strcmp(name, "sendto") == 0)
        return look_at_pointer(r, d->args[4], d->args[5] & 0xffffffffU, false);
    if (strcmp(name, "sendmsg") == 0)
        return look_at_message(r, d->args[1]);
    return look_at_batch(r, d->args[1], d->args[2] & 0xffffffffU);
}

/* Takes one call and answers it. False: the session is gone, or the listener. */
static bool serve_call(struct recorder *r)
{
    memset(r->call, 0, r->call_size);
    memset(r->answer, 0, r->answer_size);
    if (ioctl(r->listener, SECCOMP_IOCTL_NOTIF_RECV, r->call) < 0)
        return errno == EINTR || errno == ENOENT; /* ENOENT: the caller died */
    int result = look(r);
    if (result < 0)
        return false;
    r->answer->id = r->call->id;
    r->answer->error = -result;
    r->answer->flags = result == 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    if (ioctl(r->listener, SECCOMP_IOCTL_NOTIF_SEND, r->answer) < 0)
        return errno == ENOENT || errno == EINPROGRESS;
    return true;
}

static bool answer_ping(struct recorder *r)
{
    char word;
    struct silence_event pong = {.kind = EVENT_PONG};
    if (recv(r->session, &word, 1, 0) != 1)
        return false;
    return word != SILENCE_PING || event_send(r->session, &pong) == 0;
}

/* Calls come first: a pong says that none is waiting. When the last task is gone the listener hangs up. */
static void loop(struct recorder *r)
{
    struct pollfd p[] = {{.fd = r->listener, .events = POLLIN}, {.fd = r->session, .events = POLLIN}};
    for (;;) {
        if (poll(p, ARRAY_LEN(p), -1) < 0 && errno != EINTR)
            return;
        if (p[0].revents & POLLIN) {
            if (!serve_call(r))
                return;
        } else if (p[0].revents) {
            p[0].fd = -1;
        } else if (p[1].revents && !answer_ping(r)) {
            return;
        }
    }
}

int recorder_main(int sock, int listener)
{
    struct recorder r = {.session = sock, .listener = listener};
    prctl(PR_SET_NAME, "silence-recorder", 0, 0, 0);
    if (box_notify_sizes(&r.call_size, &r.answer_size) < 0)
        return 1;
    r.call = malloc(r.call_size);
    r.answer = malloc(r.answer_size);
    if (!r.call || !r.answer)
        abort();
    loop(&r);
    free(r.call);
    free(r.answer);
    return 0;
}
