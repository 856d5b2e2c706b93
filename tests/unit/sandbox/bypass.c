/* The attempts. The oracle is not what they report alone: the table's test also looks at the box's interfaces from
 * outside. Addresses are of the blocks kept for documentation. */
#include "bypass.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/auto.h"

#define OUT4 "192.0.2.7"
#define OUT6 "2001:db8::7"

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_un local;
};

static socklen_t at(union address *a, const char *text, uint16_t port)
{
    memset(a, 0, sizeof(*a));
    if (inet_pton(AF_INET, text, &a->four.sin_addr) == 1) {
        a->four.sin_family = AF_INET;
        a->four.sin_port = htons(port);
        return sizeof(a->four);
    }
    inet_pton(AF_INET6, text, &a->six.sin6_addr);
    a->six.sin6_family = AF_INET6;
    a->six.sin6_port = htons(port);
    return sizeof(a->six);
}

static int outcome(long result)
{
    return result < 0 ? errno : PASSED;
}

static int connect_to(int type, int protocol, const char *text, uint16_t port)
{
    union address a;
    socklen_t len = at(&a, text, port);
    auto_fd fd = socket(a.any.sa_family, type | SOCK_CLOEXEC, protocol);
    if (fd < 0)
        return errno;
    return outcome(connect(fd, &a.any, len));
}

static int send_to(int protocol, const char *text, uint16_t port)
{
    union address a;
    int one = 1;
    socklen_t len = at(&a, text, port);
    if (strcmp(text, "ff02::fb") == 0)
        a.six.sin6_scope_id = 1; /* lo */
    auto_fd fd = socket(a.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
    if (fd < 0)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
    return outcome(sendto(fd, "x", 1, 0, &a.any, len));
}

/* ── positive controls: these must work ── */

static int loopback_tcp(void)
{
    union address a;
    socklen_t len = at(&a, "127.0.0.1", 0);
    auto_fd server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server, &a.any, len) < 0 || listen(server, 1) < 0 || getsockname(server, &a.any, &len) < 0)
        return errno;
    return outcome(connect(client, &a.any, len));
}

static int loopback_udp(void)
{
    return send_to(0, "127.0.0.1", 4711);
}

static int netlink_route(void)
{
    auto_fd fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
    return outcome(fd);
}

static int unix_inside(void)
{
    union address a = {.local = {.sun_family = AF_UNIX, .sun_path = "/tmp/inside.sock"}};
    auto_fd server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(server, &a.any, sizeof(a.local)) < 0 || listen(server, 1) < 0)
        return errno;
    return outcome(connect(client, &a.any, sizeof(a.local)));
}

/* ── TCP ── */

static int tcp4(void)
{
    return connect_to(SOCK_STREAM, 0, OUT4, 443);
}

static int tcp6(void)
{
    return connect_to(SOCK_STREAM, 0, OUT6, 443);
}

static int tcp_v4_mapped(void)
{
    return connect_to(SOCK_STREAM, 0, "::ffff:" OUT4, 443);
}

static int dns_over_tcp(void)
{
    return connect_to(SOCK_STREAM, 0, "8.8.8.8", 53);
}

static int mptcp(void)
{
    int result = connect_to(SOCK_STREAM, 262, OUT4, 443);
    return result == ENOPROTOOPT ? EPROTONOSUPPORT : result; /* switched off by sysctl */
}

static int sctp(void)
{
    return connect_to(SOCK_STREAM, 132, OUT4, 443);
}

static int tfo_sendto(void)
{
    union address a;
    socklen_t len = at(&a, OUT4, 443);
    auto_fd fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return outcome(sendto(fd, "x", 1, MSG_FASTOPEN, &a.any, len));
}

static int tfo_connect(void)
{
    union address a;
    int one = 1;
    socklen_t len = at(&a, OUT4, 443);
    auto_fd fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, IPPROTO_TCP, 30 /* TCP_FASTOPEN_CONNECT */, &one, sizeof(one));
    if (connect(fd, &a.any, len) < 0)
        return errno;
    return outcome(send(fd, "x", 1, MSG_NOSIGNAL));
}

static int tcp_nonblocking(void)
{
    union address a;
    int why = 0;
    socklen_t len = at(&a, OUT4, 443), size = sizeof(why);
    auto_fd fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connect(fd, &a.any, len) < 0 && errno != EINPROGRESS)
        return errno;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    poll(&p, 1, 1500);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size);
    return why ? why : PASSED;
}

static void *thread_body(void *result)
{
    *(int *)result = tcp4();
    return NULL;
}

static int from_thread(void)
{
    pthread_t thread;
    int result = PASSED;
    if (pthread_create(&thread, NULL, thread_body, &result) != 0)
        return NO_TEST;
    pthread_join(thread, NULL);
    return result;
}

static int from_double_fork(void)
{
    int ends[2], result = NO_TEST;
    if (pipe(ends) < 0)
        return NO_TEST;
    pid_t child = fork();
    if (child == 0) {
        setsid();
        if (fork() == 0) {
            usleep(100000);
            result = tcp4();
            (void)!write(ends[1], &result, sizeof(result));
        }
        _exit(0);
    }
    close(ends[1]);
    waitpid(child, NULL, 0);
    (void)!read(ends[0], &result, sizeof(result));
    close(ends[0]);
    return result;
}

/* ── UDP ── */

static int udp4(void)
{
    return send_to(0, OUT4, 53);
}

static int udp6(void)
{
    return send_to(0, OUT6, 53);
}

static int udp_v4_mapped(void)
{
    return send_to(0, "::ffff:" OUT4, 53);
}

static int udp_connected(void)
{
    union address a;
    socklen_t len = at(&a, OUT4, 53);
    auto_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int why = connect(fd, &a.any, len) < 0 ? errno : 0;
    return send(fd, "x", 1, MSG_NOSIGNAL) < 0 ? (why ? why : errno) : PASSED;
}

/* An address of family 0 is one of IPv4 to a datagram socket. */
static int udp_unspecified_family(void)
{
    union address a;
    socklen_t len = at(&a, OUT4, 53);
    auto_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    a.any.sa_family = AF_UNSPEC;
    return outcome(sendto(fd, "x", 1, 0, &a.any, len));
}

static int udp_sendmsg(void)
{
    union address a;
    struct iovec part = {.iov_base = (char[]){'x'}, .iov_len = 1};
    struct msghdr m = {.msg_name = &a, .msg_namelen = at(&a, OUT4, 53), .msg_iov = &part, .msg_iovlen = 1};
    auto_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return outcome(sendmsg(fd, &m, 0));
}

/* The first message of the batch goes to loopback, the second leaves. */
static int udp_sendmmsg(void)
{
    union address in, out;
    struct iovec part = {.iov_base = (char[]){'x'}, .iov_len = 1};
    struct mmsghdr batch[2] = {{.msg_hdr = {.msg_name = &in, .msg_iov = &part, .msg_iovlen = 1}},
                               {.msg_hdr = {.msg_name = &out, .msg_iov = &part, .msg_iovlen = 1}}};
    batch[0].msg_hdr.msg_namelen = at(&in, "127.0.0.1", 4711);
    batch[1].msg_hdr.msg_namelen = at(&out, OUT4, 53);
    auto_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int sent = sendmmsg(fd, batch, 2, 0);
    if (sent == 2)
        return PASSED;
    return outcome(sendmmsg(fd, batch + 1, 1, 0));
}

static int udp_lite(void)
{
    return send_to(IPPROTO_UDPLITE, OUT4, 53);
}

static int mdns4(void)
{
    return send_to(0, "224.0.0.251", 5353);
}

static int mdns6(void)
{
    return send_to(0, "ff02::fb", 5353);
}

static int broadcast(void)
{
    return send_to(0, "255.255.255.255", 67);
}

static int source_route(void)
{
    static const uint8_t options[] = {131, 7, 4, 192, 0, 2, 7, 0};
    auto_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return outcome(setsockopt(fd, IPPROTO_IP, IP_OPTIONS, options, sizeof(options)));
}

/* ── raw, and other families ── */

static int open_socket(int family, int type, int protocol)
{
    auto_fd fd = socket(family, type | SOCK_CLOEXEC, protocol);
    return outcome(fd);
}

static int raw_icmp(void)
{
    return open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int ping_socket(void)
{
    return open_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

static int packet(void)
{
    return open_socket(AF_PACKET, SOCK_DGRAM, 0x0008);
}

static int vsock(void)
{
    return open_socket(AF_VSOCK, SOCK_STREAM, 0);
}

static int alg(void)
{
    return open_socket(AF_ALG, SOCK_SEQPACKET, 0);
}

static int xdp(void)
{
    return open_socket(44, SOCK_RAW, 0);
}

static int smc(void)
{
    return open_socket(43, SOCK_STREAM, 0);
}

static int key_socket(void)
{
    return open_socket(AF_KEY, SOCK_RAW, 2);
}

static int netlink_uevent(void)
{
    return open_socket(AF_NETLINK, SOCK_RAW, 15);
}

static int netlink_generic(void)
{
    return open_socket(AF_NETLINK, SOCK_RAW, 16);
}

/* The kernel takes the low half of the register. */
static int vsock_with_high_bits(void)
{
    long fd = syscall(SYS_socket, (1L << 32) | AF_VSOCK, SOCK_STREAM, 0);
    return outcome(fd);
}

static int pair_of_tipc(void)
{
    int pair[2];
    return outcome(socketpair(AF_TIPC, SOCK_SEQPACKET, 0, pair));
}

/* ── other ways into the kernel ── */

static int io_uring(void)
{
    uint8_t parameters[256] = {0};
    return outcome(syscall(SYS_io_uring_setup, 4, parameters));
}

#ifdef __x86_64__
static int int80(long nr, long a, long b, long c)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    return result < 0 ? (int)-result : PASSED;
}

static int int80_socketcall(void)
{
    uint32_t *arguments = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (arguments == MAP_FAILED)
        return NO_TEST;
    arguments[0] = AF_INET;
    arguments[1] = SOCK_DGRAM;
    return int80(102, 1, (long)arguments, 0);
}

static int int80_socket(void)
{
    return int80(359, AF_INET, SOCK_STREAM, 0);
}

static int x32_socket(void)
{
    return outcome(syscall(0x40000000L + SYS_socket, AF_INET, SOCK_STREAM, 0));
}

static int inline_syscall(void)
{
    union address a;
    socklen_t len = at(&a, OUT4, 443);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_connect), "D"((long)fd), "S"(&a), "d"((long)len)
                     : "rcx", "r11", "memory");
    return result < 0 ? (int)-result : PASSED;
}
#else
static int int80_socketcall(void)
{
    return NO_TEST;
}

static int int80_socket(void)
{
    return NO_TEST;
}

static int x32_socket(void)
{
    return NO_TEST;
}

static int inline_syscall(void)
{
    return NO_TEST;
}
#endif

/* ── names, neighbours, descriptors ── */

static int look_up(void)
{
    struct addrinfo *found = NULL;
    int result = getaddrinfo("bypass.example", "443", NULL, &found);
    if (found)
        freeaddrinfo(found);
    return result == 0 ? PASSED : NO_NAME;
}

static int unix_abstract(void)
{
    union address a = {.local = {.sun_family = AF_UNIX}};
    memcpy(a.local.sun_path + 1, ABSTRACT_NAME, sizeof(ABSTRACT_NAME) - 1);
    auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return outcome(connect(fd, &a.any, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(ABSTRACT_NAME))));
}

static int unix_pathname(void)
{
    union address a = {.local = {.sun_family = AF_UNIX, .sun_path = PATHNAME}};
    auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return outcome(connect(fd, &a.any, sizeof(a.local)));
}

static int inherited(void)
{
    union address a;
    socklen_t len = at(&a, "127.0.0.1", 9);
    return outcome(sendto(INHERITED_FD, "x", 1, 0, &a.any, len));
}

/* The keeper's and process 1's own descriptors would lead out too. */
static int any_descriptor(void)
{
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            return PASSED;
    return EBADF;
}

static int host_socket_of_nscd(void)
{
    union address a = {.local = {.sun_family = AF_UNIX, .sun_path = "/run/nscd/socket"}};
    auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return outcome(connect(fd, &a.any, sizeof(a.local)));
}

/* ── namespaces, keys, other processes ── */

static int namespace_of_init(void)
{
    auto_fd fd = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    return outcome(syscall(SYS_setns, fd, CLONE_NEWNET));
}

static int own_namespace(void)
{
    auto_fd fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? NO_TEST : outcome(syscall(SYS_setns, fd, CLONE_NEWNET));
}

static int nested_namespace(void)
{
    return outcome(unshare(CLONE_NEWUSER | CLONE_NEWNET));
}

static int nested_clone(void)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return outcome(pid);
}

static int nested_clone3(void)
{
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid == 0)
        _exit(0);
    return outcome(pid);
}

static int request_a_key(void)
{
    return outcome(syscall(SYS_request_key, "dns_resolver", "bypass.example", "", 0));
}

static int add_a_key(void)
{
    return outcome(syscall(SYS_add_key, "user", "airlock-bypass", "x", 1, -2));
}

static int read_a_keyring(void)
{
    return outcome(syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 0));
}

static int steal_descriptor(void)
{
    auto_fd init = (int)syscall(SYS_pidfd_open, 1, 0);
    return init < 0 ? errno : outcome(syscall(SYS_pidfd_getfd, init, 3, 0));
}

static int host_process(void)
{
    /* Numbers inside count from 1; the host's processes are not among them. */
    return kill(99999, 0) < 0 ? errno : PASSED;
}

static int trace_init(void)
{
    return outcome(ptrace(PTRACE_ATTACH, 1, 0, 0));
}

static int write_init_memory(void)
{
    char byte = 'x';
    struct iovec local = {&byte, 1}, remote = {&byte, 1};
    return outcome(process_vm_writev(1, &local, 1, &remote, 1, 0));
}

static int open_path(const char *path, int flags)
{
    auto_fd fd = open(path, flags | O_CLOEXEC, 0600);
    return outcome(fd);
}

static int root_of_init(void)
{
    return open_path("/proc/1/root", O_RDONLY);
}

static int memory_of_init(void)
{
    return open_path("/proc/1/mem", O_RDWR);
}

static int bpf_map(void)
{
    uint8_t attribute[128] = {2, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1};
    return outcome(syscall(SYS_bpf, 0, attribute, sizeof(attribute)));
}

static int perf_event(void)
{
    uint8_t attribute[128] = {0};
    return outcome(syscall(SYS_perf_event_open, attribute, 0, -1, -1, 0));
}

/* ── files and devices ── */

static int tun_device(void)
{
    return open_path("/dev/net/tun", O_RDWR);
}

static int kernel_log(void)
{
    return open_path("/dev/kmsg", O_RDONLY);
}

static int sysfs(void)
{
    return open_path("/sys/kernel", O_RDONLY);
}

static int write_root(void)
{
    return open_path("/airlock-bypass", O_WRONLY | O_CREAT);
}

static int write_etc(void)
{
    return open_path("/etc/airlock-bypass", O_WRONLY | O_CREAT);
}

static int write_sysctl(void)
{
    return open_path("/proc/sys/kernel/core_pattern", O_WRONLY);
}

static int make_device(void)
{
    return outcome(mknod("/tmp/disk", S_IFBLK | 0600, (8 << 8) | 0));
}

static int mount_tmpfs(void)
{
    return outcome(mount("x", "/tmp", "tmpfs", 0, NULL));
}

static int remount_root(void)
{
    return outcome(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int change_root(void)
{
    return outcome(chroot("/tmp"));
}

static int type_into_terminal(void)
{
    return outcome(ioctl(STDOUT_FILENO, TIOCSTI, "x"));
}

static int become_another(void)
{
    return outcome(setresuid(4242, 4242, 4242));
}

/* With another limit than 1 a crash starts the host's handler, where core_pattern is a pipe. */
static int core_limit(void)
{
    struct rlimit none = {0, 0}, now;
    if (getrlimit(RLIMIT_CORE, &now) < 0 || now.rlim_max > 1)
        return PASSED;
    return outcome(setrlimit(RLIMIT_CORE, &none));
}

static int core_limit_by_setrlimit(void)
{
    struct rlimit none = {0, 0};
    return outcome(syscall(SYS_setrlimit, RLIMIT_CORE, &none));
}

const struct attempt ATTEMPTS[] = {
    {"loopback TCP works", loopback_tcp, {PASSED}},
    {"loopback UDP works", loopback_udp, {PASSED}},
    {"netlink route works", netlink_route, {PASSED}},
    {"a unix socket inside works", unix_inside, {PASSED}},
    {"TCP v4", tcp4, {ENETUNREACH}},
    {"TCP v4 nonblocking", tcp_nonblocking, {ENETUNREACH}},
    {"TCP v6", tcp6, {ENETUNREACH, EAFNOSUPPORT}},
    {"TCP v4-mapped", tcp_v4_mapped, {ENETUNREACH, EAFNOSUPPORT}},
    {"DNS over TCP", dns_over_tcp, {ENETUNREACH}},
    {"MPTCP", mptcp, {ENETUNREACH, EPROTONOSUPPORT}},
    {"SCTP", sctp, {EPROTONOSUPPORT, ESOCKTNOSUPPORT, ENETUNREACH}},
    {"TFO by sendto", tfo_sendto, {ENETUNREACH}},
    {"TFO by setsockopt", tfo_connect, {ENETUNREACH}},
    {"from a thread", from_thread, {ENETUNREACH}},
    {"after double fork and setsid", from_double_fork, {ENETUNREACH}},
    {"UDP v4", udp4, {ENETUNREACH}},
    {"UDP v6", udp6, {ENETUNREACH, EAFNOSUPPORT}},
    {"UDP v4-mapped", udp_v4_mapped, {ENETUNREACH, EAFNOSUPPORT}},
    {"UDP connect and write", udp_connected, {ENETUNREACH}},
    {"UDP to family 0", udp_unspecified_family, {ENETUNREACH}},
    {"UDP sendmsg", udp_sendmsg, {ENETUNREACH}},
    {"UDP sendmmsg, loopback first", udp_sendmmsg, {ENETUNREACH}},
    {"UDP-Lite", udp_lite, {ENETUNREACH, EPROTONOSUPPORT}},
    {"mDNS v4", mdns4, {ENETUNREACH}},
    {"mDNS v6", mdns6, {ENETUNREACH, EAFNOSUPPORT}},
    {"broadcast", broadcast, {ENETUNREACH}},
    {"source route", source_route, {EPERM}},
    {"raw ICMP", raw_icmp, {EPERM}},
    {"ping socket", ping_socket, {EACCES}},
    {"AF_PACKET", packet, {EAFNOSUPPORT}},
    {"AF_VSOCK", vsock, {EAFNOSUPPORT}},
    {"AF_VSOCK with high bits", vsock_with_high_bits, {EAFNOSUPPORT}},
    {"AF_ALG", alg, {EAFNOSUPPORT}},
    {"AF_XDP", xdp, {EAFNOSUPPORT}},
    {"AF_SMC", smc, {EAFNOSUPPORT}},
    {"AF_KEY", key_socket, {EAFNOSUPPORT}},
    {"netlink uevent", netlink_uevent, {EAFNOSUPPORT}},
    {"netlink generic", netlink_generic, {EAFNOSUPPORT}},
    {"socketpair of another family", pair_of_tipc, {EAFNOSUPPORT}},
    {"io_uring", io_uring, {ENOSYS}},
    {"int 0x80 socketcall", int80_socketcall, {ENOSYS}},
    {"int 0x80 socket", int80_socket, {ENOSYS}},
    {"x32 socket", x32_socket, {ENOSYS}},
    {"inline syscall", inline_syscall, {ENETUNREACH}},
    {"a name", look_up, {NO_NAME}},
    {"abstract unix to the host", unix_abstract, {ECONNREFUSED}},
    {"pathname unix to the host", unix_pathname, {ENOENT}},
    {"nscd of the host", host_socket_of_nscd, {ENOENT}},
    {"inherited descriptor", inherited, {EBADF}},
    {"any descriptor but three", any_descriptor, {EBADF}},
    {"setns to process 1", namespace_of_init, {EACCES, EPERM}},
    {"setns to itself", own_namespace, {EPERM}},
    {"nested user and net namespace", nested_namespace, {EPERM}},
    {"nested by clone", nested_clone, {EPERM}},
    {"nested by clone3", nested_clone3, {ENOSYS}},
    {"request_key", request_a_key, {EPERM}},
    {"add_key", add_a_key, {EPERM}},
    {"keyctl", read_a_keyring, {EPERM}},
    {"pidfd_getfd of process 1", steal_descriptor, {EPERM}},
    {"a process of the host", host_process, {ESRCH}},
    {"ptrace of process 1", trace_init, {EPERM}},
    {"process_vm_writev", write_init_memory, {EPERM}},
    {"/proc/1/root", root_of_init, {EACCES, EPERM}},
    {"/proc/1/mem", memory_of_init, {EACCES, EPERM, EROFS}},
    {"bpf", bpf_map, {EPERM}},
    {"perf_event_open", perf_event, {EPERM}},
    {"/dev/net/tun", tun_device, {ENOENT}},
    {"/dev/kmsg", kernel_log, {ENOENT}},
    {"/sys", sysfs, {ENOENT}},
    {"writing the root", write_root, {EROFS}},
    {"writing /etc", write_etc, {EROFS}},
    {"writing a sysctl", write_sysctl, {EROFS, EACCES}},
    {"making a device node", make_device, {EPERM}},
    {"mount", mount_tmpfs, {EPERM}},
    {"remounting the root writable", remount_root, {EPERM}},
    {"chroot", change_root, {EPERM}},
    {"TIOCSTI", type_into_terminal, {EPERM}},
    {"changing the limit of core files", core_limit, {EPERM}},
    {"changing it by the old call", core_limit_by_setrlimit, {EPERM}},
    {"setuid to somebody else", become_another, {EPERM, EINVAL}},
};
const size_t ATTEMPT_COUNT = ARRAY_LEN(ATTEMPTS);

int bypass_main(const char *name)
{
    alarm(8);
    for (size_t i = 0; i < ATTEMPT_COUNT; i++)
        if (strcmp(ATTEMPTS[i].name, name) == 0)
            return ATTEMPTS[i].make();
    return NO_TEST;
}
