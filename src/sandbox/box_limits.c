/* Limits of a box. Cgroups where the host lets us make them: version 1 as root, version 2 as root or below a delegated
 * cgroup. Where none can be made, RLIMIT_DATA and RLIMIT_NPROC take their place as far as they go: RLIMIT_AS is not
 * used, because an engine maps its model. What holds is told, never guessed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sandbox/box_parts.h"
#include "util/auto.h"
#include "util/file.h"

#define CGROUP_MOUNT  "/sys/fs/cgroup"
#define GROUP_PREFIX  "airlock-"
#define CPU_PERIOD_US 100000ULL
#define NOFILE_MAX    65536

static int write_text(int dir, const char *name, const char *text)
{
    auto_fd fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

static int write_number(int dir, const char *name, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return write_text(dir, name, text);
}

/* This process's cgroup of version 1's `controller`, or of version 2 (""): "/user.slice/…" of /proc/self/cgroup. */
static void own_cgroup(const char *controller, char *out, size_t size)
{
    auto_buf text = BUF(65536);
    struct err ignored;
    snprintf(out, size, "/");
    if (file_read(AT_FDCWD, "/proc/self/cgroup", &text, &ignored) < 0)
        return;
    struct span rest = buf_span(&text), line, id, controllers;
    while (span_take_until(&rest, '\n', &line)) {
        if (!span_take_until(&line, ':', &id) || !span_take_until(&line, ':', &controllers))
            continue;
        struct span one;
        bool found = controllers.len == 0 && controller[0] == '\0';
        for (struct span list = controllers; !found && list.len > 0;) {
            if (!span_take_until(&list, ',', &one)) {
                one = list;
                list.len = 0;
            }
            found = span_equal_str(one, controller);
        }
        if (found && line.len < size)
            snprintf(out, size, "%.*s", (int)line.len, (const char *)line.ptr);
    }
}

/* A keeper that was killed leaves its cgroup, empty, behind. Whose process is gone goes too. */
static void sweep(const char *parent)
{
    DIR *dir = opendir(parent);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        uint64_t pid;
        const char *dash = strrchr(entry->d_name, '-');
        if (strncmp(entry->d_name, GROUP_PREFIX, strlen(GROUP_PREFIX)) == 0 && dash &&
            span_decimal(span_str(dash + 1), &pid) && pid > 0 && pid <= INT32_MAX && kill((pid_t)pid, 0) < 0 &&
            errno == ESRCH)
            (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
    }
    if (dir)
        closedir(dir);
}

/* Makes DIR/airlock-NAME-PID, remembers it for removal, opens it. */
static int make_group(const char *parent, const char *name, pid_t pid, struct box_cgroups *out)
{
    char *dir = out->dirs[out->count];
    if (out->count == ARRAY_LEN(out->dirs))
        return -1;
    sweep(parent);
    int len = snprintf(dir, sizeof(out->dirs[0]), "%s/" GROUP_PREFIX "%.40s-%d", parent, name, (int)pid);
    if (len < 0 || (size_t)len >= sizeof(out->dirs[0]) || mkdir(dir, 0755) < 0)
        return -1;
    out->count++;
    return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool is_file_system(const char *path, long magic)
{
    struct statfs fs;
    return statfs(path, &fs) == 0 && fs.f_type == magic;
}

static int set_memory(int dir, bool v2, uint64_t bytes)
{
    if (!v2) {
        write_number(dir, "memory.swappiness", 0);
        return write_number(dir, "memory.limit_in_bytes", bytes);
    }
    write_text(dir, "memory.swap.max", "0");
    write_text(dir, "memory.oom.group", "1");
    return write_number(dir, "memory.max", bytes);
}

static int set_cpu(int dir, bool v2, uint64_t percent)
{
    uint64_t quota = percent * CPU_PERIOD_US / 100;
    if (!v2)
        return write_number(dir, "cpu.cfs_period_us", CPU_PERIOD_US) < 0 ? -1
                                                                         : write_number(dir, "cpu.cfs_quota_us", quota);
    char text[64];
    snprintf(text, sizeof(text), "%llu %llu", (unsigned long long)quota, (unsigned long long)CPU_PERIOD_US);
    return write_text(dir, "cpu.max", text);
}

static uint32_t set_all(int dir, bool v2, uint32_t which, const struct box_spec *s)
{
    uint32_t done = 0;
    if ((which & BOX_FLAG_MEMORY) && s->memory_bytes && set_memory(dir, v2, s->memory_bytes) == 0)
        done |= BOX_FLAG_MEMORY;
    if ((which & BOX_FLAG_CPU) && s->cpu_percent && set_cpu(dir, v2, s->cpu_percent) == 0)
        done |= BOX_FLAG_CPU;
    if ((which & BOX_FLAG_PROCESSES) && s->processes && write_number(dir, "pids.max", s->processes) == 0)
        done |= BOX_FLAG_PROCESSES;
    return done;
}

static void make_v1(const struct box_spec *s, pid_t pid, struct box_cgroups *out)
{
    static const struct {
        const char *controller;
        uint32_t flag;
    } kinds[] = {{"memory", BOX_FLAG_MEMORY}, {"cpu", BOX_FLAG_CPU}, {"pids", BOX_FLAG_PROCESSES}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char own[256], parent[384];
        snprintf(parent, sizeof(parent), CGROUP_MOUNT "/%s", kinds[i].controller);
        if (!is_file_system(parent, CGROUP_SUPER_MAGIC))
            continue;
        own_cgroup(kinds[i].controller, own, sizeof(own));
        snprintf(parent, sizeof(parent), CGROUP_MOUNT "/%s%s", kinds[i].controller, own);
        auto_fd dir = make_group(parent, s->name, pid, out);
        if (dir < 0)
            continue;
        uint32_t done = set_all(dir, false, kinds[i].flag, s);
        if (done && write_number(dir, "cgroup.procs", (uint64_t)pid) == 0)
            out->flags |= done;
    }
}

/* Version 2 wants leaves: beside our own cgroup, below its parent. Controllers are switched on there if they are not.
 */
static void make_v2(const struct box_spec *s, pid_t pid, struct box_cgroups *out)
{
    char own[256], parent[384];
    own_cgroup("", own, sizeof(own));
    char *slash = strrchr(own, '/');
    if (slash)
        *slash = '\0';
    snprintf(parent, sizeof(parent), CGROUP_MOUNT "%s", own);
    auto_fd above = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above < 0)
        return;
    static const char *const wanted[] = {"+memory", "+cpu", "+pids"};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        write_text(above, "cgroup.subtree_control", wanted[i]);
    auto_fd dir = make_group(parent, s->name, pid, out);
    if (dir < 0)
        return;
    uint32_t done = set_all(dir, true, BOX_FLAG_MEMORY | BOX_FLAG_CPU | BOX_FLAG_PROCESSES, s);
    if (done && write_number(dir, "cgroup.procs", (uint64_t)pid) == 0)
        out->flags |= done;
}

static void tell(struct buf *b, bool asked, bool held, const char *text, const char *instead)
{
    if (!asked)
        return;
    if (b->len)
        buf_add_str(b, ", ");
    buf_add_str(b, text);
    if (!held)
        buf_add_str(b, instead);
}

static void describe(const struct box_spec *s, const char *how, struct box_cgroups *out)
{
    auto_buf b = BUF(sizeof(out->text) - 1);
    char memory[48], cpu[48], processes[48];
    snprintf(memory, sizeof(memory), "memory %.1f GiB", (double)s->memory_bytes / (double)(1ULL << 30));
    snprintf(cpu, sizeof(cpu), "%.1f processors", (double)s->cpu_percent / 100.0);
    snprintf(processes, sizeof(processes), "%llu tasks", (unsigned long long)s->processes);
    tell(&b, s->memory_bytes, out->flags & BOX_FLAG_MEMORY, memory, " (each process, data only)");
    tell(&b, s->cpu_percent, out->flags & BOX_FLAG_CPU, cpu, " (NOT in force)");
    tell(&b, s->processes, out->flags & BOX_FLAG_PROCESSES, processes,
         geteuid() == 0 ? " (NOT in force)" : " (of this user in the box)");
    if (b.len == 0)
        buf_add_str(&b, "none asked for");
    else if (out->flags)
        buf_printf(&b, "; by cgroup %s", how);
    else
        buf_add_str(&b, "; no cgroup could be made");
    snprintf(out->text, sizeof(out->text), "%s", buf_str(&b));
}

void box_cgroups_make(const struct box_spec *spec, pid_t pid, struct box_cgroups *out)
{
    *out = (struct box_cgroups){0};
    bool v2 = is_file_system(CGROUP_MOUNT, CGROUP2_SUPER_MAGIC);
    if (spec->memory_bytes || spec->cpu_percent || spec->processes) {
        if (v2)
            make_v2(spec, pid, out);
        else
            make_v1(spec, pid, out);
    }
    describe(spec, v2 ? "v2" : "v1", out);
}

/* A cgroup is busy until its last task is reaped; it takes some milliseconds. */
void box_cgroups_remove(struct box_cgroups *c)
{
    for (size_t i = 0; i < c->count; i++)
        for (int tries = 0; tries < 100 && rmdir(c->dirs[i]) < 0 && errno == EBUSY; tries++)
            usleep(10000);
    c->count = 0;
}

static int lower(int which, rlim_t wanted, const char *name, struct err *e)
{
    struct rlimit now;
    if (getrlimit(which, &now) < 0)
        return err_set(e, ERR_SYSTEM, errno, "getrlimit %s", name);
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < wanted)
        wanted = now.rlim_max;
    struct rlimit next = {.rlim_cur = wanted, .rlim_max = wanted};
    return setrlimit(which, &next) < 0 ? err_set(e, ERR_SYSTEM, errno, "setrlimit %s", name) : 0;
}

int box_rlimits(const struct box_spec *spec, uint32_t flags, struct err *e)
{
    /* 1, not 0: with a pipe as core_pattern the kernel runs the host's handler for any limit but 1 (core(5)). The
     * filter keeps the program from changing it. */
    if (lower(RLIMIT_CORE, 1, "RLIMIT_CORE", e) < 0 || lower(RLIMIT_NOFILE, NOFILE_MAX, "RLIMIT_NOFILE", e) < 0)
        return -1;
    if (spec->memory_bytes && !(flags & BOX_FLAG_MEMORY) &&
        lower(RLIMIT_DATA, (rlim_t)spec->memory_bytes, "RLIMIT_DATA", e) < 0)
        return -1;
    if (spec->processes && !(flags & BOX_FLAG_PROCESSES))
        return lower(RLIMIT_NPROC, (rlim_t)spec->processes, "RLIMIT_NPROC", e);
    return 0;
}
