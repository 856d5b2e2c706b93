/* What a member of a tar may do to the system that it is unpacked into, by its kind, mode and place: programs with
 * rights of their own, devices, what everybody may write, and files of a layer that let somebody in. Hard rule: a
 * program with rights of its own passes only where a package's record has its hash and Debian's packages put one of
 * this name there; a record says nothing of modes, so a hash alone is no reason. */
#pragma once

#include <sys/types.h>

#include "parse/report.h"

struct layer_member {
    const char *path;       /* normal form, without a leading slash */
    mode_t type, mode;      /* AE_IFREG …; permissions with setuid, setgid and sticky */
    int64_t user, group;    /* who owns it */
    unsigned major, minor;  /* of a device */
    bool layer;             /* of a container image, not any tar */
    bool vouched;           /* a package's record has the hash of these bytes */
    uint8_t capability[24]; /* security.capability as it stands (linux/capability.h, struct vfs_ns_cap_data) */
    size_t capability_len;
};

/* Rules: tar-device, tar-special, tar-setuid, tar-writable, tar-capability. `bytes` are a regular file's,
 * empty of others; of a layer's also: image-sudo, image-authorized-key, image-host-key, image-no-password,
 * image-second-root. */
void layer_member_check(const struct layer_member *m, struct span bytes, struct report *r);
