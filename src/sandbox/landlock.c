/* Landlock, spoken to by number: glibc 2.36 has no wrappers, and the header of the build machine may be older than the
 * kernel that we run on. Rights that a kernel does not know are left out, after asking it for its version
 * (Documentation/userspace-api/landlock.rst, "Compatibility"). */
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/confine.h"
#include "util/auto.h"

#define NR_LANDLOCK_CREATE_RULESET 444
#define NR_LANDLOCK_ADD_RULE       445
#define NR_LANDLOCK_RESTRICT_SELF  446
#define CREATE_RULESET_VERSION     1U
#define RULE_PATH_BENEATH          1

/* File rights by bit; which version brought them. */
#define FS_EXECUTE   (1ULL << 0)
#define FS_ALL_V1    ((1ULL << 13) - 1)
#define FS_REFER     (1ULL << 13) /* 2 */
#define FS_TRUNCATE  (1ULL << 14) /* 3 */
#define FS_IOCTL_DEV (1ULL << 15) /* 5 */

/* Making device nodes is no part of unpacking: MAKE_CHAR and MAKE_BLOCK. */
#define FS_MAKE_DEVICES ((1ULL << 6) | (1ULL << 11))

#define NET_TCP_ALL 3ULL /* bind and connect; 4 */
#define SCOPE_ALL   3ULL /* abstract sockets and signals; 6 */

struct ruleset {
    uint64_t handled_fs;
    uint64_t handled_net;
    uint64_t scoped;
};

struct path_beneath {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

static size_t ruleset_size(long version)
{
    return version >= 6 ? sizeof(struct ruleset) : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

static struct ruleset ruleset_for(long version)
{
    struct ruleset r = {.handled_fs = FS_ALL_V1, .handled_net = NET_TCP_ALL, .scoped = SCOPE_ALL};
    if (version >= 2)
        r.handled_fs |= FS_REFER;
    if (version >= 3)
        r.handled_fs |= FS_TRUNCATE;
    if (version >= 5)
        r.handled_fs |= FS_IOCTL_DEV;
    return r;
}

static int allow_beneath(int ruleset, int dir, uint64_t handled, struct err *e)
{
    struct path_beneath rule = {.allowed = handled & ~(FS_EXECUTE | FS_IOCTL_DEV | FS_MAKE_DEVICES), .parent = dir};
    if (syscall(NR_LANDLOCK_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0)
        return err_set(e, ERR_SYSTEM, errno, "Landlock: allow the directory to unpack into");
    return 0;
}

int landlock_confine(int dir, struct err *e)
{
    long version = syscall(NR_LANDLOCK_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
    if (version < 1)
        return 0;
    struct ruleset rights = ruleset_for(version);
    auto_fd ruleset = (int)syscall(NR_LANDLOCK_CREATE_RULESET, &rights, ruleset_size(version), 0);
    if (ruleset < 0)
        return err_set(e, ERR_SYSTEM, errno, "Landlock version %ld: make a ruleset", version);
    if (dir >= 0 && allow_beneath(ruleset, dir, rights.handled_fs, e) < 0)
        return -1;
    if (syscall(NR_LANDLOCK_RESTRICT_SELF, ruleset, 0) < 0)
        return err_set(e, ERR_SYSTEM, errno, "Landlock version %ld: restrict this process", version);
    return 1;
}
