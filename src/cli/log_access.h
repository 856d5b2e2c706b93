/* `airlock log --access`: who asked and pulled, newest last. */
#pragma once

#include "cli/command.h"

/* Prints at most `last` access records, or those of them that stand in the contour. */
int log_access(struct invocation *in, struct site *s, uint64_t last, struct err *e);
