/* The seccomp filter of each role, as lists. Three answers: a listed call is allowed; a call that libraries try and can
 * do without (opening a locale file, asking for the number of processors) fails with EPERM; everything else kills the
 * process, because no code of ours makes it. */
#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sandbox/confine.h"
#include "util/auto.h"

/* Every role: memory without PROT_EXEC (see add_memory), its open descriptors, its end. */
static const int COMMON[] = {
    SCMP_SYS(read),         SCMP_SYS(write),      SCMP_SYS(readv),        SCMP_SYS(writev),
    SCMP_SYS(recvmsg),      SCMP_SYS(sendmsg),    SCMP_SYS(recvfrom),     SCMP_SYS(sendto),
    SCMP_SYS(close),        SCMP_SYS(munmap),     SCMP_SYS(mremap),       SCMP_SYS(brk),
    SCMP_SYS(madvise),      SCMP_SYS(futex),      SCMP_SYS(getrandom),    SCMP_SYS(clock_gettime),
    SCMP_SYS(exit),         SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(gettid),       SCMP_SYS(getpid),     SCMP_SYS(sched_yield),  SCMP_SYS(restart_syscall),
    SCMP_SYS(gettimeofday), SCMP_SYS(time),
};

static const int UNPACK[] = {
    SCMP_SYS(openat),    SCMP_SYS(openat2),    SCMP_SYS(mkdirat),    SCMP_SYS(symlinkat),  SCMP_SYS(linkat),
    SCMP_SYS(unlinkat),  SCMP_SYS(renameat2),  SCMP_SYS(renameat),   SCMP_SYS(fchmod),     SCMP_SYS(fchmodat),
    SCMP_SYS(fchown),    SCMP_SYS(fchownat),   SCMP_SYS(utimensat),  SCMP_SYS(newfstatat), SCMP_SYS(fstat),
    SCMP_SYS(statx),     SCMP_SYS(getdents64), SCMP_SYS(ftruncate),  SCMP_SYS(lseek),      SCMP_SYS(fsync),
    SCMP_SYS(fdatasync), SCMP_SYS(pread64),    SCMP_SYS(pwrite64),   SCMP_SYS(fallocate),  SCMP_SYS(copy_file_range),
    SCMP_SYS(fcntl),     SCMP_SYS(dup),        SCMP_SYS(readlinkat), SCMP_SYS(umask),      SCMP_SYS(syncfs),
};

static const int STUB[] = {
    SCMP_SYS(poll),     SCMP_SYS(ppoll),           SCMP_SYS(accept4),     SCMP_SYS(shutdown),
    SCMP_SYS(recvmmsg), SCMP_SYS(clock_nanosleep), SCMP_SYS(getsockname),
};

/* What libraries try: refused, survived. */
static const int REFUSED[] = {
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(openat2),
    SCMP_SYS(creat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(ioctl),
    SCMP_SYS(sysinfo),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(uname),
    SCMP_SYS(getcwd),
    SCMP_SYS(fcntl),
    SCMP_SYS(lseek),
    SCMP_SYS(getrlimit),
    SCMP_SYS(prlimit64),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(prctl),
};

static const struct {
    const int *calls;
    size_t count;
} OWN[ROLE_COUNT] = {
    [ROLE_PARSE] = {NULL, 0},
    [ROLE_UNPACK] = {UNPACK, ARRAY_LEN(UNPACK)},
    [ROLE_STUB] = {STUB, ARRAY_LEN(STUB)},
};

/* A call that this architecture does not have (a negative number) needs no rule. */
static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int result = calls[i] < 0 ? 0 : seccomp_rule_add(filter, action, calls[i], 0);
        if (result < 0)
            return result;
    }
    return 0;
}

static int add_memory(scmp_filter_ctx filter)
{
    int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        if (result < 0)
            return result;
    }
    /* abort() must look like abort(), and nobody else can be signalled. */
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
}

static bool is_own(enum sandbox_role role, int call)
{
    for (size_t i = 0; i < OWN[role].count; i++)
        if (OWN[role].calls[i] == call)
            return true;
    return false;
}

static int add_refused(scmp_filter_ctx filter, enum sandbox_role role)
{
    for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
        if (is_own(role, REFUSED[i]))
            continue;
        int result = add_all(filter, SCMP_ACT_ERRNO(EPERM), &REFUSED[i], 1);
        if (result < 0)
            return result;
    }
    return 0;
}

int filter_install(enum sandbox_role role, struct err *e)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return err_set(e, ERR_SYSTEM, 0, "seccomp: no filter could be made");
    int result = add_all(filter, SCMP_ACT_ALLOW, COMMON, ARRAY_LEN(COMMON));
    if (result == 0)
        result = add_all(filter, SCMP_ACT_ALLOW, OWN[role].calls, OWN[role].count);
    if (result == 0)
        result = add_memory(filter);
    if (result == 0)
        result = add_refused(filter, role);
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    if (result < 0)
        return err_set(e, ERR_SYSTEM, -result, "seccomp: the filter of role %s was refused by this kernel",
                       sandbox_role_name(role));
    return 0;
}
