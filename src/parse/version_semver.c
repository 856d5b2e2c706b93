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

/* What stands before the next dot, or all. `more` tells of a dot: behind it something must follow. */
static struct span take_part(struct span *s, bool *more)
{
    struct span part = *s;
    *more = span_take_until(s, '.', &part);
    if (!*more)
        s->len = 0;
    return part;
}

static bool has_leading_zero(struct span number)
{
    return number.len > 1 && number.ptr[0] == '0';
}

static bool identifiers_valid(struct span s, bool leading_zeros)
{
    for (bool more = true; more;) {
        struct span part = take_part(&s, &more);
        if (part.len == 0 || (!leading_zeros && version_is_digits(part) && has_leading_zero(part)))
            return false;
        for (size_t i = 0; i < part.len; i++)
            if (!version_is_digit(part.ptr[i]) && !version_is_letter(part.ptr[i]) && part.ptr[i] != '-')
                return false;
    }
    return true;
}

/* How many numbers there are; 0: something else is among them. */
static size_t count_numbers(struct span s, bool leading_zeros)
{
    size_t count = 0;
    for (bool more = true; more; count++) {
        struct span part = take_part(&s, &more);
        if (!version_is_digits(part) || (!leading_zeros && has_leading_zero(part)))
            return 0;
    }
    return count;
}

static bool valid(struct span v, bool leading_zeros)
{
    struct semver s = split(v);
    if (count_numbers(s.numbers, leading_zeros) == 0)
        return false;
    if (s.prerelease.ptr && !identifiers_valid(s.prerelease, leading_zeros))
        return false;
    return !s.build.ptr || identifiers_valid(s.build, true);
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

int semver_order(struct span a, struct span b)
{
    struct semver x = split(a), y = split(b);
    for (bool more_x = true, more_y = true; more_x || more_y;) {
        struct span m = take_part(&x.numbers, &more_x), n = take_part(&y.numbers, &more_y);
        int order = version_order_numbers(m, n);
        if (order != 0)
            return order;
    }
    return version_order_prerelease(x.prerelease, y.prerelease, false);
}
