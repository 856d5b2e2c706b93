/* The static seccomp filter of a box: second half of its boundary, for what a network namespace does not hold
 * (AF_VSOCK, kernel upcalls of request_key, io_uring, other ABIs). It looks at numbers only, follows no pointer, and so
 * cannot be raced. Default: allow; i386 and x32 calls: ENOSYS.
 *
 * Families are compared as 64-bit registers where the kernel uses the low half: "greater than 16" and "equal to one
 * that is not allowed" leave no value with high bits set that passes. */
#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>

#include "sandbox/box_observe.h"
#include "sandbox/box_parts.h"
#include "util/auto.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

/* Numbers that the headers of libseccomp 2.5 may lack. */
#ifndef __NR_mount_setattr
#define __NR_mount_setattr 442
#endif

#define AF_HIGHEST_ALLOWED AF_NETLINK /* 16 */

struct denial {
    int nr;
    int error;
    const char *reported; /* a box that observes reports it under this name; NULL: it just fails */
};

/* What a program in a box has no business with. Reported are those with which others got out of sandboxes. */
static const struct denial DENIED[] = {
    {SCMP_SYS(io_uring_setup), ENOSYS, "io_uring_setup"}, /* ENOSYS: libraries fall back */
    {SCMP_SYS(io_uring_enter), ENOSYS, NULL},
    {SCMP_SYS(io_uring_register), ENOSYS, NULL},
    {SCMP_SYS(clone3), ENOSYS, NULL}, /* flags behind a pointer; libc falls back to clone */
    {SCMP_SYS(keyctl), EPERM, "keyctl"},
    {SCMP_SYS(add_key), EPERM, "add_key"},
    {SCMP_SYS(request_key), EPERM, "request_key"}, /* its upcall runs in the host's namespaces */
    {SCMP_SYS(bpf), EPERM, "bpf"},
    {SCMP_SYS(setns), EPERM, "setns"},
    {SCMP_SYS(unshare), EPERM, "unshare"},
    {SCMP_SYS(pidfd_getfd), EPERM, "pidfd_getfd"},
    {SCMP_SYS(ptrace), EPERM, NULL},
    {SCMP_SYS(process_vm_readv), EPERM, NULL},
    {SCMP_SYS(process_vm_writev), EPERM, NULL},
    {SCMP_SYS(kcmp), EPERM, NULL},
    {SCMP_SYS(perf_event_open), EPERM, NULL},
    {SCMP_SYS(userfaultfd), EPERM, NULL},
    {SCMP_SYS(fanotify_init), EPERM, NULL},
    {SCMP_SYS(name_to_handle_at), EPERM, NULL},
    {SCMP_SYS(open_by_handle_at), EPERM, NULL},
    {SCMP_SYS(mount), EPERM, NULL},
    {SCMP_SYS(umount2), EPERM, NULL},
    {SCMP_SYS(pivot_root), EPERM, NULL},
    {SCMP_SYS(chroot), EPERM, NULL},
    {SCMP_SYS(open_tree), EPERM, NULL},
    {SCMP_SYS(move_mount), EPERM, NULL},
    {SCMP_SYS(fsopen), EPERM, NULL},
    {SCMP_SYS(fsconfig), EPERM, NULL},
    {SCMP_SYS(fsmount), EPERM, NULL},
    {SCMP_SYS(fspick), EPERM, NULL},
    {__NR_mount_setattr, EPERM, NULL},
    {SCMP_SYS(kexec_load), EPERM, NULL},
    {SCMP_SYS(kexec_file_load), EPERM, NULL},
    {SCMP_SYS(init_module), EPERM, NULL},
    {SCMP_SYS(finit_module), EPERM, NULL},
    {SCMP_SYS(delete_module), EPERM, NULL},
    {SCMP_SYS(reboot), EPERM, NULL},
    {SCMP_SYS(swapon), EPERM, NULL},
    {SCMP_SYS(swapoff), EPERM, NULL},
    {SCMP_SYS(acct), EPERM, NULL},
    {SCMP_SYS(quotactl), EPERM, NULL},
    {SCMP_SYS(quotactl_fd), EPERM, NULL},
    {SCMP_SYS(iopl), EPERM, NULL},
    {SCMP_SYS(ioperm), EPERM, NULL},
    {SCMP_SYS(syslog), EPERM, NULL},
    {SCMP_SYS(settimeofday), EPERM, NULL},
    {SCMP_SYS(clock_settime), EPERM, NULL},
    {SCMP_SYS(adjtimex), EPERM, NULL},
    {SCMP_SYS(clock_adjtime), EPERM, NULL},
    {SCMP_SYS(sethostname), EPERM, NULL},
    {SCMP_SYS(setdomainname), EPERM, NULL},
    {SCMP_SYS(vhangup), EPERM, NULL},
    {SCMP_SYS(lookup_dcookie), EPERM, NULL},
    {SCMP_SYS(nfsservctl), EPERM, NULL},
};

/* Calls that may carry an address; the network namespace answers them. */
static const struct {
    int nr;
    const char *name;
} CARRIERS[] = {
    {SCMP_SYS(connect), "connect"},
    {SCMP_SYS(sendto), "sendto"},
    {SCMP_SYS(sendmsg), "sendmsg"},
    {SCMP_SYS(sendmmsg), "sendmmsg"},
};

int box_observed_answer(int nr)
{
    for (size_t i = 0; i < ARRAY_LEN(CARRIERS); i++)
        if (CARRIERS[i].nr == nr)
            return 0;
    if (nr == SCMP_SYS(socket))
        return EAFNOSUPPORT;
    for (size_t i = 0; i < ARRAY_LEN(DENIED); i++)
        if (DENIED[i].nr == nr && DENIED[i].reported)
            return DENIED[i].error;
    return -1;
}

const char *box_observed_name(int nr)
{
    for (size_t i = 0; i < ARRAY_LEN(CARRIERS); i++)
        if (CARRIERS[i].nr == nr)
            return CARRIERS[i].name;
    if (nr == SCMP_SYS(socket))
        return "socket";
    for (size_t i = 0; i < ARRAY_LEN(DENIED); i++)
        if (DENIED[i].nr == nr)
            return DENIED[i].reported;
    return NULL;
}

bool box_family_allowed(int family, int protocol)
{
    return family == AF_UNIX || family == AF_INET || family == AF_INET6 || (family == AF_NETLINK && protocol == 0);
}

static int add_families(scmp_filter_ctx f, uint32_t action)
{
    int result = seccomp_rule_add(f, action, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GT, AF_HIGHEST_ALLOWED));
    for (uint64_t family = 0; family < AF_HIGHEST_ALLOWED && result == 0; family++)
        if (!box_family_allowed((int)family, 0))
            result = seccomp_rule_add(f, action, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, family));
    /* Netlink: protocol 0, NETLINK_ROUTE, and no other. */
    if (result == 0)
        result =
            seccomp_rule_add(f, action, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK), SCMP_A2(SCMP_CMP_NE, 0));
    /* Pairs are made of unix sockets only. */
    if (result == 0)
        result =
            seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socketpair), 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX));
    return result;
}

static int add_denials(scmp_filter_ctx f, bool observe)
{
    int result = 0;
    for (size_t i = 0; i < ARRAY_LEN(DENIED) && result == 0; i++) {
        uint32_t action = observe && DENIED[i].reported ? SCMP_ACT_NOTIFY : SCMP_ACT_ERRNO((uint32_t)DENIED[i].error);
        result = seccomp_rule_add(f, action, DENIED[i].nr, 0);
        if (result == -EDOM || result == -EFAULT) /* a call that this architecture never had */
            result = 0;
    }
    if (result == 0)
        result = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
    /* Typing into the terminal of the caller. The kernel takes 32 bits of the request. */
    if (result == 0)
        result = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffU, TIOCSTI));
    if (result == 0)
        result = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffU, TIOCLINUX));
    return result;
}

/* A crash must not start the host's handler of core files; see box_rlimits. Reading the limit is free. */
static int add_core_limit(scmp_filter_ctx f)
{
    int result = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(setrlimit), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffU, RLIMIT_CORE));
    if (result == 0)
        result = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 2,
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffU, RLIMIT_CORE), SCMP_A2(SCMP_CMP_NE, 0));
    return result;
}

static int add_carriers(scmp_filter_ctx f)
{
    int result = seccomp_rule_add(f, SCMP_ACT_NOTIFY, SCMP_SYS(connect), 0);
    if (result == 0) /* plain send() has no address and stays free */
        result = seccomp_rule_add(f, SCMP_ACT_NOTIFY, SCMP_SYS(sendto), 1, SCMP_A4(SCMP_CMP_NE, 0));
    if (result == 0)
        result = seccomp_rule_add(f, SCMP_ACT_NOTIFY, SCMP_SYS(sendmsg), 0);
    if (result == 0)
        result = seccomp_rule_add(f, SCMP_ACT_NOTIFY, SCMP_SYS(sendmmsg), 0);
    return result;
}

/* The program as the kernel wants it. We load it ourselves: libseccomp 2.5 does not know WAIT_KILLABLE_RECV, without
 * which a signal makes a reported call begin again, and count twice. */
static int load(scmp_filter_ctx f, bool observe, int *listener, struct err *e)
{
    static struct sock_filter code[8192];
    auto_fd file = memfd_create("box-filter", MFD_CLOEXEC);
    if (file < 0 || seccomp_export_bpf(f, file) < 0)
        return err_set(e, ERR_SYSTEM, errno, "make the seccomp filter of the box");
    ssize_t bytes = pread(file, code, sizeof(code), 0);
    if (bytes <= 0 || bytes % (ssize_t)sizeof(code[0]) != 0 || bytes == (ssize_t)sizeof(code))
        return err_set(e, ERR_SYSTEM, 0, "the seccomp filter of the box has an impossible size");
    struct sock_fprog program = {.len = (unsigned short)((size_t)bytes / sizeof(code[0])), .filter = code};
    unsigned long flags = observe ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
    long result = -1;
    if (observe)
        result =
            syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
    if (result < 0)
        result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (result < 0)
        return err_set(e, ERR_SYSTEM, errno, "install the seccomp filter of the box; this kernel lacks %s",
                       observe ? "seccomp user notification (Linux 5.0)" : "seccomp filters");
    *listener = observe ? (int)result : -1;
    return 0;
}

int box_filter_install(bool observe, int *listener, struct err *e)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    if (!f)
        return err_set(e, ERR_SYSTEM, 0, "libseccomp gave no filter");
    int result = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
    if (result == 0)
        result = add_families(f, observe ? SCMP_ACT_NOTIFY : SCMP_ACT_ERRNO(EAFNOSUPPORT));
    if (result == 0)
        result = add_denials(f, observe);
    if (result == 0)
        result = add_core_limit(f);
    if (result == 0 && observe)
        result = add_carriers(f);
    result = result < 0 ? err_set(e, ERR_SYSTEM, -result, "build the seccomp filter of the box")
                        : load(f, observe, listener, e);
    seccomp_release(f);
    return result;
}

int box_notify_sizes(size_t *call, size_t *answer)
{
    struct seccomp_notif_sizes sizes;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
        return -1;
    *call = sizes.seccomp_notif > sizeof(struct seccomp_notif) ? sizes.seccomp_notif : sizeof(struct seccomp_notif);
    *answer = sizes.seccomp_notif_resp > sizeof(struct seccomp_notif_resp) ? sizes.seccomp_notif_resp
                                                                           : sizeof(struct seccomp_notif_resp);
    return 0;
}
