/* The answer of promote and rollback: what moved, from where, how long it took. */
#pragma once

#include "cli/command.h"
#include "contour/promote.h"

int moved_answer(struct invocation *in, const char *schema, const char *environment, const struct promotion *p,
                 int64_t took_ms);

/* The error, and where a gate refused also every rule with its reason; returns the exit status. */
int moved_fail(struct invocation *in, const struct promotion *p, const struct err *e);
