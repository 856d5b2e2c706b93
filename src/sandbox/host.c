#include "sandbox/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/box_parts.h"
#include "util/auto.h"
#include "util/file.h"

#define NR_LANDLOCK_CREATE_RULESET 444

/* 1 and *value, or 0 when this kernel has no such sysctl. */
static int sysctl_number(const char *path, long *value)
{
    auto_buf text = BUF(256);
    struct err ignored;
    if (file_read(AT_FDCWD, path, &text, &ignored) < 0 || text.len == 0)
        return 0;
    *value = strtol(buf_str(&text), NULL, 10);
    return 1;
}

void host_why_no_namespaces(int error, char *out, size_t size)
{
    long n;
    if (sysctl_number("/proc/sys/user/max_user_namespaces", &n) && n == 0)
        snprintf(out, size, "user.max_user_namespaces is 0; set it to 15000 or more");
    else if (sysctl_number("/proc/sys/kernel/unprivileged_userns_clone", &n) && n == 0)
        snprintf(out, size, "kernel.unprivileged_userns_clone is 0; set it to 1");
    else if (sysctl_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", &n) && n == 1)
        snprintf(out, size,
                 "kernel.apparmor_restrict_unprivileged_userns is 1; give airlock an AppArmor profile that allows "
                 "userns, or set it to 0");
    else if (error == ENOSPC)
        snprintf(out, size, "a limit of namespaces is used up (user.max_*_namespaces), or they are nested too deep");
    else if (error == EPERM)
        snprintf(out, size,
                 "this process may not make user namespaces (inside a container: its seccomp profile or a chroot "
                 "forbids it)");
    else
        snprintf(out, size, "this kernel refuses them");
}

/* Runs `try` in a child; its errno comes back, 0 for yes. */
static int in_child(int (*try_it)(void))
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(try_it() & 0xff);
    int status;
    if (pid < 0)
        return errno;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

/* A host may let them be made and then give no rights in them (AppArmor). */
static int try_namespaces(void)
{
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                CLONE_NEWCGROUP) < 0)
        return errno;
    return sethostname("box", 3) < 0 ? errno : 0;
}

int host_namespaces(struct err *e)
{
    char reason[256];
    int why = in_child(try_namespaces);
    if (why == 0)
        return 0;
    host_why_no_namespaces(why, reason, sizeof(reason));
    return err_set(e, ERR_SYSTEM, why, "no namespaces: %s", reason);
}

static int try_filter(bool observe)
{
    int listener;
    struct err e = {0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return errno;
    return box_filter_install(observe, &listener, &e) == 0 ? 0 : e.sys_errno ? e.sys_errno : EINVAL;
}

static int try_seccomp(void)
{
    return try_filter(false);
}

static int try_notify(void)
{
    return try_filter(true);
}

int host_seccomp(struct err *e)
{
    int why = in_child(try_seccomp);
    return why == 0 ? 0 : err_set(e, ERR_SYSTEM, why, "no seccomp filters");
}

int host_notify(struct err *e)
{
    int why = in_child(try_notify);
    return why == 0 ? 0 : err_set(e, ERR_SYSTEM, why, "no seccomp user notification");
}

int host_landlock(void)
{
    long version = syscall(NR_LANDLOCK_CREATE_RULESET, NULL, 0, 1U);
    return version > 0 ? (int)version : 0;
}
