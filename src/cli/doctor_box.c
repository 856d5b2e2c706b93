/* What the kernel lets us make: tried, not read. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "sandbox/box.h"
#include "sandbox/host.h"

static void set(struct finding *f, enum health health, const char *found, const char *means, const char *todo)
{
    f->health = health;
    snprintf(f->found, sizeof(f->found), "%s", found);
    snprintf(f->means, sizeof(f->means), "%s", means);
    snprintf(f->todo, sizeof(f->todo), "%s", todo);
}

void doctor_user(struct finding *f)
{
    char text[128];
    uid_t uid = geteuid();
    const struct passwd *p = getpwuid(uid);
    snprintf(text, sizeof(text), "%s %.64s (uid %u)", uid == 0 ? "root:" : "ordinary user:", p ? p->pw_name : "?",
             (unsigned)uid);
    set(f, HEALTH_FINE, text,
        uid == 0
            ? "engines run behind the same boundary as an ordinary user's, without any capability; limits are cgroups"
            : "everything works; limits of an engine depend on cgroups that this user may make",
        "");
}

void doctor_namespaces(struct finding *f)
{
    struct err e = {0};
    if (host_namespaces(&e) == 0)
        set(f, HEALTH_FINE, "user, network, mount, pid, ipc, uts and cgroup namespaces can be made",
            "engines can be cut off from every network", "");
    else
        set(f, HEALTH_BROKEN, e.msg, "no engine can be started here, and no silence test can run",
            "change the setting named above, then run airlock doctor again");
}

void doctor_seccomp(struct finding *f)
{
    struct err e = {0};
    if (host_seccomp(&e) == 0)
        set(f, HEALTH_FINE, "the filter of an engine was installed", "what a network namespace does not hold is held",
            "");
    else
        set(f, HEALTH_BROKEN, e.msg, "no engine can be started here, and nothing can be scanned",
            "use a kernel with CONFIG_SECCOMP_FILTER; inside a container, a seccomp profile that allows seccomp(2)");
}

void doctor_notify(struct finding *f)
{
    struct err e = {0};
    if (host_notify(&e) == 0)
        set(f, HEALTH_FINE, "calls can be reported to a recorder", "a silence test can say who tried to leave", "");
    else
        set(f, HEALTH_BROKEN, e.msg, "silence tests cannot run here, so no release can reach prod here",
            "use Linux 5.5 or newer; inside a container, a seccomp profile that allows listeners");
}

void doctor_landlock(struct finding *f)
{
    char text[64];
    int version = host_landlock();
    snprintf(text, sizeof(text), "Landlock version %d", version);
    if (version > 0)
        set(f, HEALTH_FINE, text, "the helper that unpacks images can write below one directory only", "");
    else
        set(f, HEALTH_BROKEN, "no Landlock",
            "engine images cannot be unpacked: the helper that does it refuses to run without",
            "start the kernel with landlock in its lsm= list, or use a newer one");
}

/* A whole box, made and taken away; the program is not started. */
static struct box *try_box(uint64_t memory, struct err *e)
{
    static const char *const argv[] = {"/airlock-doctor", NULL};
    struct box *b = NULL;
    auto_fd root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        err_set(e, ERR_IO, errno, "open /");
        return NULL;
    }
    struct box_spec spec = {.name = "doctor",
                            .root = root,
                            .run_dir = -1,
                            .argv = argv,
                            .output = -1,
                            .error = -1,
                            .memory_bytes = memory,
                            .cpu_percent = memory ? 100 : 0,
                            .processes = memory ? 64 : 0,
                            .observe = true,
                            .resolv_conf = "nameserver 127.0.0.1\n"};
    return box_start(&spec, &b, e) == 0 ? b : NULL;
}

void doctor_box(struct finding *f)
{
    struct err e = {0};
    auto_box b = try_box(0, &e);
    if (b)
        set(f, HEALTH_FINE, "a box was made, with its mounts, filter and recorders' descriptors, and taken away",
            "engines and silence tests can run", "");
    else
        set(f, HEALTH_BROKEN, e.msg, "no engine can be started here, and no silence test can run",
            "see the first thing above that is broken; if there is none, the message says what the kernel refused");
}

void doctor_cgroups(struct finding *f)
{
    struct err e = {0};
    auto_box b = try_box(64ULL << 20, &e);
    if (!b)
        set(f, HEALTH_UNKNOWN, "no box could be made to try it in", "whether engines can be limited is not known",
            "see \"box\"");
    else if (b->memory_limited && b->cpu_limited && b->processes_limited)
        set(f, HEALTH_FINE, b->limits, "memory, processor time and tasks of an engine can be limited", "");
    else
        set(f, HEALTH_WEAK, b->limits,
            "an engine may take more than it should; memory is then limited for each process only",
            b->as_root ? "mount the memory, cpu and pids controllers (cgroup v2, or v1) writable"
                       : "start it with systemd-run --user --scope -p Delegate=yes, or as root");
}
