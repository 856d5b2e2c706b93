/* What another policy would decide about everything that is in store: each release, for each environment, under the
 * policy in force and under the other one. Nothing is signed, stored or moved. */
#pragma once

#include "gate/verdict.h"

struct policy_difference {
    const char *release; /* "assistant:v1.0.0" */
    struct digest digest;
    const char *environment;
    bool stands;                          /* a pointer of that environment names it now */
    const struct verdict *before, *after; /* by the rules of the table; before->passed != after->passed */
};

/* Calls `each` for what would be decided otherwise; a negative return stops. *releases: how many were looked at. */
int policy_diff(struct site *s, const struct policy *other, int (*each)(void *arg, const struct policy_difference *d),
                void *arg, size_t *releases, struct err *e);
