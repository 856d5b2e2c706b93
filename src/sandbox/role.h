/* What a process of ours may do. A role's first act is sandbox_enter: no_new_privs, Landlock, seccomp, limits. After it
 * returns there is no way back. Hard rule: what a role does not need is not there; a test for each role proves that a
 * forbidden call fails. */
#pragma once

#include "util/err.h"

enum sandbox_role {
    ROLE_PARSE,  /* reads hostile bytes: no paths, no network, no new descriptors; memory and CPU time limited */
    ROLE_UNPACK, /* writes a tree below the one directory that it is given; no network */
    ROLE_STUB,   /* answers DNS inside a silence test's network namespace; no paths */
    ROLE_COUNT
};

/* The name that stands after `--role` on the command line of the re-executed program. */
const char *sandbox_role_name(enum sandbox_role role);

/* Confines this process for good. `dir` is the one directory that ROLE_UNPACK may write below, else -1. ERR_SYSTEM
 * names what the host lacks; nothing may then be read. */
int sandbox_enter(enum sandbox_role role, int dir, struct err *e);
