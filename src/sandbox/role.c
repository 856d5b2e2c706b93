/* Order matters: limits and capabilities first (their calls are forbidden afterwards), then no_new_privs, which
 * Landlock and an unprivileged seccomp both ask for, then Landlock, then seccomp, which ends all further changes. */
#include "sandbox/role.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/confine.h"
#include "util/auto.h"

/* Heap of a role. RLIMIT_DATA counts what is private and writable; RLIMIT_AS would count the read-only mapping of a
 * model of 100 GB too, and so could bound nothing. */
#define HEAP_BYTES (2ULL << 30)

/* Seconds of CPU over the life of a child; the parent's own timeout and child_call's recycling come first. */
#define CPU_SECONDS 1200U

#define OPEN_FILES 32U

struct limit {
    __rlimit_resource_t resource;
    const char *name;
    rlim_t value;
};

const char *sandbox_role_name(enum sandbox_role role)
{
    static const char *const names[ROLE_COUNT] = {
        [ROLE_PARSE] = "parse", [ROLE_UNPACK] = "unpack", [ROLE_STUB] = "stub"};
    return role < ROLE_COUNT ? names[role] : "unknown";
}

/* The lower of what stands and what we want: a limit is never raised. */
static int set_limit(const struct limit *limit, struct err *e)
{
    struct rlimit now;
    if (getrlimit(limit->resource, &now) < 0)
        return err_set(e, ERR_SYSTEM, errno, "getrlimit %s", limit->name);
    if (now.rlim_max > limit->value)
        now.rlim_max = limit->value;
    now.rlim_cur = now.rlim_max;
    if (setrlimit(limit->resource, &now) < 0)
        return err_set(e, ERR_SYSTEM, errno, "setrlimit %s to %llu", limit->name, (unsigned long long)now.rlim_max);
    return 0;
}

static int set_limits(enum sandbox_role role, struct err *e)
{
    const struct limit limits[] = {
        {RLIMIT_DATA, "data", HEAP_BYTES},
        {RLIMIT_CPU, "cpu", role == ROLE_STUB ? RLIM_INFINITY : CPU_SECONDS},
        {RLIMIT_NOFILE, "nofile", OPEN_FILES},
        {RLIMIT_CORE, "core", 0},
        {RLIMIT_FSIZE, "fsize", role == ROLE_UNPACK ? RLIM_INFINITY : 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (set_limit(&limits[i], e) < 0)
            return -1;
    return 0;
}

/* Root without capabilities is an ordinary user who owns root's files. Unpacking as root keeps what it takes to write a
 * tree of other people's files. */
static int drop_capabilities(enum sandbox_role role, struct err *e)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    if (syscall(SYS_capget, &header, data) < 0)
        return err_set(e, ERR_SYSTEM, errno, "capget");
    uint32_t keep =
        role == ROLE_UNPACK ? 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER | 1U << CAP_FSETID : 0;
    data[0].effective &= keep;
    data[0].permitted &= keep;
    data[0].inheritable = 0;
    data[1] = (struct __user_cap_data_struct){0};
    if (syscall(SYS_capset, &header, data) < 0)
        return err_set(e, ERR_SYSTEM, errno, "capset");
    return 0;
}

static int no_new_privileges(struct err *e)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_set(e, ERR_SYSTEM, errno, "prctl no_new_privs");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return err_set(e, ERR_SYSTEM, errno, "prctl dumpable");
    return 0;
}

int sandbox_enter(enum sandbox_role role, int dir, struct err *e)
{
    if (role >= ROLE_COUNT || (role == ROLE_UNPACK) != (dir >= 0))
        return err_set(e, ERR_USAGE, 0, "role %s: a directory belongs to role unpack, and to it alone",
                       sandbox_role_name(role));
    if (set_limits(role, e) < 0 || drop_capabilities(role, e) < 0 || no_new_privileges(e) < 0)
        return -1;
    int landlock = landlock_confine(dir, e);
    if (landlock < 0)
        return -1;
    if (landlock == 0 && role == ROLE_UNPACK)
        return err_set(e, ERR_SYSTEM, 0,
                       "role unpack opens paths, and this kernel has no Landlock to keep it below one directory; "
                       "start the kernel with lsm=landlock,… or use a newer one");
    return filter_install(role, e);
}
