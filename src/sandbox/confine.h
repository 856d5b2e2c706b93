/* The two walls of a role, for role.c alone: the Landlock ruleset and the seccomp filter. */
#pragma once

#include <stdbool.h>

#include "sandbox/role.h"

/* Denies every path, and with newer kernels TCP and abstract sockets too; below `dir` (-1: nowhere) reading and writing
 * stay allowed. 1: done; 0: this kernel has no Landlock; -1: ERR_SYSTEM. */
int landlock_confine(int dir, struct err *e);

/* Installs the role's list of allowed system calls. A call that a library tries and can do without fails with EPERM;
 * any other that is not on the list kills the process (SIGSYS). ERR_SYSTEM. */
int filter_install(enum sandbox_role role, struct err *e);
