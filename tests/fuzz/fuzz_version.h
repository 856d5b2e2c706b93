/* What the targets of the orders of versions share: three lines are three versions, and whatever they are, the order
 * holds what an order promises. */
#pragma once

#include <stdlib.h>

#include "parse/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline int fuzz_sign(int order)
{
    return (order > 0) - (order < 0);
}

/* Turned around it is the opposite; a version equals itself, and what is no version equals nothing. */
static inline bool fuzz_compare(enum version_type type, struct span a, struct span b, int *order)
{
    int back = 0, self = 0;
    bool ordered = version_compare(type, a, b, order), reverse = version_compare(type, b, a, &back);
    bool both = version_valid(type, a) && version_valid(type, b);
    if (ordered != reverse || (ordered && fuzz_sign(*order) != -fuzz_sign(back)))
        abort();
    if ((both && !ordered) || (ordered && *order == 0 && !both))
        abort();
    if (version_compare(type, a, a, &self) != version_valid(type, a) || (version_valid(type, a) && self != 0))
        abort();
    return both && ordered;
}

/* Versions in order stay in order: a <= b and b <= c make a <= c. */
static inline int fuzz_version(enum version_type type, const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size), a, b;
    int ab = 0, bc = 0, ac = 0;
    if (!span_take_until(&rest, '\n', &a) || !span_take_until(&rest, '\n', &b))
        return 0;
    if (!fuzz_compare(type, a, b, &ab) || !fuzz_compare(type, b, rest, &bc) || !fuzz_compare(type, a, rest, &ac))
        return 0;
    if ((ab <= 0 && bc <= 0 && ac > 0) || (ab >= 0 && bc >= 0 && ac < 0) || (ab == 0 && fuzz_sign(ac) != fuzz_sign(bc)))
        abort();
    return 0;
}

/* Two lines, two versions: for rules under which three of them can stand in a circle. */
static inline int fuzz_version_pair(enum version_type type, const uint8_t *data, size_t size)
{
    struct span b = span_of(data, size), a;
    int order = 0;
    if (span_take_until(&b, '\n', &a))
        fuzz_compare(type, a, b, &order);
    return 0;
}

#define FUZZ_VERSION(type)                                       \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) \
    {                                                            \
        return fuzz_version(type, data, size);                   \
    }

#define FUZZ_VERSION_PAIR(type)                                  \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) \
    {                                                            \
        return fuzz_version_pair(type, data, size);              \
    }
