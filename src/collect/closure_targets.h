/* For which platforms a set of wheels is: read from the tags of their file names (PEP 425, PEP 427, PEP 600). */
#pragma once

#include "ship/packages.h"

#define CLOSURE_TARGETS_MAX 16U
#define CLOSURE_TAGS_MAX    24U

struct closure_target {
    char python[8];    /* "3.11"; "" when every wheel is for any: this machine's */
    char platform[48]; /* "manylinux x86_64", for people; "" likewise */
    char tags[CLOSURE_TAGS_MAX][48];
    size_t tag_count;
};

/* Every pair of a CPython version and a platform for which the set has a wheel; one with empty names when every wheel
 * is for any platform. How many; those beyond the maximum are left out, and *more says so. */
size_t closure_targets(const struct packages *chosen, struct closure_target out[CLOSURE_TARGETS_MAX], bool *more);
