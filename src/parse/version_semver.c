/* Semantic Versioning 2.0.0, sections 2, 9, 10, 11; and what Go makes of it (Go modules reference, "Versions":
 * shortened forms, pseudo-versions and "+incompatible" need no rule of their own). */
#include "parse/version_rules.h"

struct semver {
    struct span numbers, prerelease, build;
};

static struct semver split(struct span v)
{
    struct semver out = {.numbers = v};
    struct span before;
    span_take_prefix(&out.numbers, SPAN_LIT("v"));
    struct span rest = out.numbers;
    if (span_take_until(&rest, '+', &before)) {
        out.numbers = before;
        out.build = rest;
    }
    rest = out.numbers;
    if (span_take_until(&rest, '-', &before)) {
        out.numbers = before;
        out.prerelease = rest;
    }
    return out;
}

/* How many numbers there are; 0: something else is among them. */
static size_t count_numbers(struct span s, bool leading_zeros)
{
    size_t count = 0;
    for (bool more = true; more; count++) {
        struct span part = version_take_part(&s, &more);
        if (!version_is_digits(part) || (!leading_zeros && (part.len > 1 && part.ptr[0] == '0')))
            return 0;
    }
    return count;
}

static bool valid(struct span v, bool leading_zeros)
{
    struct semver s = split(v);
    if (count_numbers(s.numbers, leading_zeros) == 0)
        return false;
    if (s.prerelease.ptr && !version_identifiers_valid(s.prerelease, leading_zeros))
        return false;
    return !s.build.ptr || version_identifiers_valid(s.build, true);
}

bool semver_valid(struct span v)
{
    return valid(v, false);
}

bool bitnami_valid(struct span v)
{
    return valid(v, true);
}

/* Only the whole form takes more than numbers: "v1-pre" is refused. */
bool golang_valid(struct span v)
{
    struct semver s = split(v);
    size_t count = count_numbers(s.numbers, false);
    return count <= 3 && (count == 3 || (!s.prerelease.ptr && !s.build.ptr)) && valid(v, false);
}

static int order_numbers_and_prerelease(struct semver x, struct semver y)
{
    for (bool more_x = true, more_y = true; more_x || more_y;) {
        struct span m = version_take_part(&x.numbers, &more_x), n = version_take_part(&y.numbers, &more_y);
        int order = version_order_numbers(m, n);
        if (order != 0)
            return order;
    }
    return version_order_prerelease(x.prerelease, y.prerelease, false);
}

int semver_order(struct span a, struct span b)
{
    return order_numbers_and_prerelease(split(a), split(b));
}

/* Dart counts what stands behind "+": a version with it is newer than one without (pub, "Versioning"). */
int pub_order(struct span a, struct span b)
{
    struct semver x = split(a), y = split(b);
    int order = order_numbers_and_prerelease(x, y);
    if (order != 0)
        return order;
    if (x.build.len == 0 || y.build.len == 0)
        return version_order_ints(x.build.len > 0, y.build.len > 0);
    return version_order_prerelease(x.build, y.build, false);
}
