#include "parse/layer_rules.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

static bool starts(const char *path, const char *prefix)
{
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_one_of(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, list[i]) == 0)
            return true;
    return false;
}

/* ── rights of their own ── */

/* Programs that packages of Debian and its kin install with setuid or setgid, or with a capability. */
static bool is_known_helper(const char *path)
{
    static const char *const names[] = {
        "at",
        "bsd-write",
        "chage",
        "chfn",
        "chkpwd",
        "chrome-sandbox",
        "chsh",
        "crontab",
        "dbus-daemon-launch-helper",
        "dotlockfile",
        "exim4",
        "expiry",
        "fusermount",
        "fusermount3",
        "gpasswd",
        "gst-ptp-helper",
        "locate",
        "mlocate",
        "mount",
        "mount.cifs",
        "mount.nfs",
        "mtr-packet",
        "newgidmap",
        "newgrp",
        "newuidmap",
        "ntfs-3g",
        "pam_extrausers_chkpwd",
        "passwd",
        "ping",
        "ping4",
        "ping6",
        "pkexec",
        "plocate",
        "polkit-agent-helper-1",
        "postdrop",
        "postqueue",
        "pppd",
        "screen",
        "sg",
        "ssh-agent",
        "ssh-keysign",
        "su",
        "sudo",
        "traceroute6.iputils",
        "umount",
        "unix_chkpwd",
        "utempter",
        "wall",
        "write",
        "write.ul",
        "Xorg.wrap",
    };
    static const char *const folders[] = {"bin/", "sbin/", "usr/bin/", "usr/sbin/", "usr/lib/", "usr/libexec/", "lib/"};
    if (!is_one_of(base_of(path), names, ARRAY_LEN(names)))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        if (starts(path, folders[i]))
            return true;
    return false;
}

static void check_setuid(const struct layer_member *m, struct report *r)
{
    bool ordinary = m->vouched && is_known_helper(m->path);
    if (!S_ISREG(m->type) || !(m->mode & (S_ISUID | S_ISGID)))
        return;
    report_finding(r, ordinary ? SEVERITY_INFO : SEVERITY_MEDIUM, "tar-setuid", m->path,
                   "runs with the rights of its owner or group (mode %04o, user %" PRId64 ", group %" PRId64 ")%s",
                   (unsigned)m->mode, m->user, m->group,
                   ordinary     ? ", as its package has it"
                   : m->vouched ? "; its package's record has these bytes, but programs of this name have no such mode"
                                : "");
}

static const char *capability_name(unsigned bit)
{
    static const char *const names[] = {"chown",
                                        "dac_override",
                                        "dac_read_search",
                                        "fowner",
                                        "fsetid",
                                        "kill",
                                        "setgid",
                                        "setuid",
                                        "setpcap",
                                        "linux_immutable",
                                        "net_bind_service",
                                        "net_broadcast",
                                        "net_admin",
                                        "net_raw",
                                        "ipc_lock",
                                        "ipc_owner",
                                        "sys_module",
                                        "sys_rawio",
                                        "sys_chroot",
                                        "sys_ptrace",
                                        "sys_pacct",
                                        "sys_admin",
                                        "sys_boot",
                                        "sys_nice",
                                        "sys_resource",
                                        "sys_time",
                                        "sys_tty_config",
                                        "mknod",
                                        "lease",
                                        "audit_write",
                                        "audit_control",
                                        "setfcap",
                                        "mac_override",
                                        "mac_admin",
                                        "syslog",
                                        "wake_alarm",
                                        "block_suspend",
                                        "audit_read",
                                        "perfmon",
                                        "bpf",
                                        "checkpoint_restore"};
    return bit < ARRAY_LEN(names) ? names[bit] : "unknown";
}

/* The permitted set, and the inheritable one, which becomes one too: word for word (magic, then two words a set). */
static uint64_t capabilities_of(const struct layer_member *m)
{
    struct span rest = span_of(m->capability, m->capability_len);
    uint32_t magic, permitted, inheritable, high = 0, high_inheritable = 0;
    if (!span_take_le32(&rest, &magic) || !span_take_le32(&rest, &permitted) || !span_take_le32(&rest, &inheritable))
        return 0;
    if (span_take_le32(&rest, &high))
        span_take_le32(&rest, &high_inheritable);
    return permitted | inheritable | (uint64_t)(high | high_inheritable) << 32;
}

static void check_capability(const struct layer_member *m, struct report *r)
{
    auto_buf list = BUF(2048);
    uint64_t set = capabilities_of(m);
    if (m->capability_len == 0)
        return;
    for (unsigned bit = 0; bit < 64; bit++)
        if (set >> bit & 1)
            buf_printf(&list, "%scap_%s", list.len ? ", " : "", capability_name(bit));
    bool ordinary = m->vouched && is_known_helper(m->path);
    report_finding(r, ordinary ? SEVERITY_INFO : SEVERITY_MEDIUM, "tar-capability", m->path,
                   "runs with capabilities of its own: %s", set ? buf_str(&list) : "a set that cannot be read");
}

/* ── devices, and what everybody may write ── */

/* What every root file system may hold, and the kernel gives to everybody (Documentation/admin-guide/devices.txt). */
static bool is_ordinary_device(const struct layer_member *m)
{
    static const struct {
        const char *path;
        unsigned major, minor;
    } known[] = {{"dev/null", 1, 3},    {"dev/zero", 1, 5}, {"dev/full", 1, 7},    {"dev/random", 1, 8},
                 {"dev/urandom", 1, 9}, {"dev/tty", 5, 0},  {"dev/console", 5, 1}, {"dev/ptmx", 5, 2}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (m->layer && S_ISCHR(m->type) && strcmp(m->path, known[i].path) == 0 && m->major == known[i].major &&
            m->minor == known[i].minor)
            return true;
    return false;
}

static void check_kind(const struct layer_member *m, struct report *r)
{
    if (S_ISCHR(m->type) || S_ISBLK(m->type))
        report_finding(r, is_ordinary_device(m) ? SEVERITY_LOW : SEVERITY_HIGH, "tar-device", m->path,
                       "a device node (%s %u:%u)", S_ISCHR(m->type) ? "character" : "block", m->major, m->minor);
    else if (S_ISFIFO(m->type) || S_ISSOCK(m->type))
        report_finding(r, SEVERITY_MEDIUM, "tar-special", m->path, "a named pipe or socket");
}

/* Where programs look for what they run or obey. What was built on the spot (usr/local) is often open to all. */
static bool is_of_system(const char *path)
{
    static const char *const folders[] = {"etc/", "usr/", "bin/", "sbin/", "lib/", "lib64/", "boot/", "root/"};
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        if (starts(path, folders[i]) || (starts(folders[i], path) && strlen(folders[i]) == strlen(path) + 1))
            return !starts(path, "usr/local/");
    return false;
}

static void check_writable(const struct layer_member *m, struct report *r)
{
    bool folder = S_ISDIR(m->type), sticky = m->mode & S_ISVTX;
    enum severity severity = m->layer && is_of_system(m->path) ? SEVERITY_MEDIUM : SEVERITY_LOW;
    if (!(m->mode & S_IWOTH) || (folder && (sticky || !m->layer)) || !(folder || S_ISREG(m->type)))
        return;
    report_finding(r, severity, "tar-writable", m->path,
                   folder ? "a folder in which everybody may put and remove files (mode %04o)"
                          : "a file that everybody may write (mode %04o)",
                   (unsigned)m->mode);
}

/* ── files that let somebody in ── */

static bool take_line(struct span *rest, struct span *line)
{
    if (rest->len == 0)
        return false;
    if (!span_take_until(rest, '\n', line)) {
        *line = *rest;
        rest->len = 0;
    }
    return true;
}

static bool is_comment(struct span line)
{
    while (line.len && (line.ptr[0] == ' ' || line.ptr[0] == '\t'))
        span_skip(&line, 1);
    return line.len == 0 || line.ptr[0] == '#';
}

static void check_sudoers(const struct layer_member *m, struct span bytes, struct report *r)
{
    struct span line;
    while (take_line(&bytes, &line)) {
        if (is_comment(line) || !memmem(line.ptr, line.len, "NOPASSWD", 8))
            continue;
        report_finding(r, SEVERITY_MEDIUM, "image-sudo", m->path,
                       "lets somebody become another user without a password");
        return;
    }
}

static void check_authorized_keys(const struct layer_member *m, struct span bytes, struct report *r)
{
    struct span line;
    size_t keys = 0;
    while (take_line(&bytes, &line))
        keys += !is_comment(line);
    if (keys)
        report_finding(r, SEVERITY_MEDIUM, "image-authorized-key", m->path,
                       "%zu keys may log in over SSH; they come with the image", keys);
}

/* name:password:…; of passwd the third field is the number. */
static void check_accounts(const struct layer_member *m, struct span bytes, bool passwd, struct report *r)
{
    struct span line, name, password, number;
    while (take_line(&bytes, &line)) {
        if (is_comment(line) || !span_take_until(&line, ':', &name) || !span_take_until(&line, ':', &password))
            continue;
        if (password.len == 0)
            report_finding(r, SEVERITY_HIGH, "image-no-password", m->path, "the account \"%.*s\" has an empty password",
                           (int)(name.len < 64 ? name.len : 64), (const char *)name.ptr);
        if (passwd && span_take_until(&line, ':', &number) && span_equal_str(number, "0") &&
            !span_equal_str(name, "root"))
            report_finding(r, SEVERITY_MEDIUM, "image-second-root", m->path,
                           "an account beside root has its number, 0");
    }
}

static void check_file(const struct layer_member *m, struct span bytes, struct report *r)
{
    const char *base = base_of(m->path);
    if (strcmp(m->path, "etc/sudoers") == 0 || starts(m->path, "etc/sudoers.d/"))
        check_sudoers(m, bytes, r);
    else if (starts(base, "authorized_keys") && strstr(m->path, ".ssh/"))
        check_authorized_keys(m, bytes, r);
    else if (starts(m->path, "etc/ssh/ssh_host_") && memmem(bytes.ptr, bytes.len, "PRIVATE KEY", 11))
        report_finding(r, SEVERITY_MEDIUM, "image-host-key", m->path,
                       "the key by which a host is known; everybody who has the image has it");
    else if (strcmp(m->path, "etc/shadow") == 0 || strcmp(m->path, "etc/passwd") == 0)
        check_accounts(m, bytes, strcmp(m->path, "etc/passwd") == 0, r);
}

void layer_member_check(const struct layer_member *m, struct span bytes, struct report *r)
{
    check_kind(m, r);
    check_setuid(m, r);
    check_capability(m, r);
    check_writable(m, r);
    if (m->layer && S_ISREG(m->type) && bytes.len)
        check_file(m, bytes, r);
}
