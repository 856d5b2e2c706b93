/* Between policy.c and policy_set.c. */
#pragma once

#include "gate/policy.h"

#define META_POLICY        "policy"        /* sha256:… of the text that was signed last */
#define META_POLICY_BEFORE "policy_before" /* sha256:… of the one before, when `policy set` has set one */
#define META_POLICY_SIGNED "policy_signed" /* the newest text, in the contour's envelope; likewise */

/* Writes policy.yaml and its signature from META_POLICY_SIGNED. */
int policy_write(struct site *s, struct err *e);
