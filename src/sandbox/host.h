/* What this host lets a sandbox do. Hard rule: each answer comes from trying, in a child process that ends at once; the
 * sysctls are read only to say why. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

/* Can this user make the namespaces of a box? 0, or ERR_SYSTEM that names what forbids it and what to do. */
int host_namespaces(struct err *e);

/* Does the kernel take a seccomp filter of ours? 0 or ERR_SYSTEM. */
int host_seccomp(struct err *e);

/* Does it report calls to a listener, and let them go on (Linux 5.5)? 0 or ERR_SYSTEM. */
int host_notify(struct err *e);

/* Version of Landlock; 0: none. */
int host_landlock(void);

/* Why making namespaces failed with `error`, in words, with the sysctl to set. */
void host_why_no_namespaces(int error, char *out, size_t size);
