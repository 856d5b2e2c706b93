#include "registry/npm_version.h"

#include <string.h>

#include "util/span.h"

struct semver {
    struct span number[3];
    struct span prerelease; /* without the hyphen; len 0: none */
};

static bool is_digits(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len > 0;
}

/* Digits without leading zeros, however many. */
static bool is_number(struct span s)
{
    return is_digits(s) && (s.len == 1 || s.ptr[0] != '0');
}

static struct span take_part(struct span *s, uint8_t stop)
{
    struct span part = *s;
    if (!span_take_until(s, stop, &part))
        *s = (struct span){0};
    return part;
}

/* Items 9 and 10: identifiers of letters, digits and hyphens between dots. */
static bool identifiers_ok(struct span s, bool numbers_are_strict)
{
    if (s.len == 0 || s.ptr[s.len - 1] == '.')
        return false;
    while (s.len > 0) {
        struct span one = take_part(&s, '.');
        for (size_t i = 0; i < one.len; i++) {
            uint8_t c = one.ptr[i];
            if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-'))
                return false;
        }
        if (one.len == 0 || (numbers_are_strict && is_digits(one) && !is_number(one)))
            return false;
    }
    return true;
}

static bool parse(const char *text, struct semver *out)
{
    struct span rest = span_str(text), core;
    size_t plus = strcspn(text, "+"), hyphen = strcspn(text, "-+");
    *out = (struct semver){0};
    if (text[plus] == '+' && !identifiers_ok(span_str(text + plus + 1), false))
        return false;
    if (text[hyphen] == '-') {
        out->prerelease = span_of(text + hyphen + 1, plus - hyphen - 1);
        if (!identifiers_ok(out->prerelease, true))
            return false;
    }
    core = span_of(rest.ptr, hyphen);
    if (core.len == 0 || core.ptr[core.len - 1] == '.')
        return false;
    for (size_t i = 0; i < 3; i++) {
        out->number[i] = take_part(&core, '.');
        if (!is_number(out->number[i]))
            return false;
    }
    return core.len == 0;
}

static int compare_numbers(struct span a, struct span b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return span_compare(a, b);
}

static int compare_identifiers(struct span a, struct span b)
{
    bool number_a = is_digits(a), number_b = is_digits(b);
    if (number_a && number_b)
        return compare_numbers(a, b);
    return number_a != number_b ? (number_a ? -1 : 1) : span_compare(a, b);
}

static int compare_prereleases(struct span a, struct span b)
{
    if (a.len == 0 || b.len == 0)
        return a.len == b.len ? 0 : a.len == 0 ? 1 : -1;
    while (a.len > 0 && b.len > 0) {
        int order = compare_identifiers(take_part(&a, '.'), take_part(&b, '.'));
        if (order)
            return order;
    }
    return a.len == b.len ? 0 : a.len == 0 ? -1 : 1;
}

int npm_version_compare(const char *a, const char *b)
{
    struct semver x, y;
    bool ok_a = parse(a, &x), ok_b = parse(b, &y);
    int order = 0;
    if (ok_a != ok_b)
        return ok_a ? 1 : -1;
    for (size_t i = 0; ok_a && order == 0 && i < 3; i++)
        order = compare_numbers(x.number[i], y.number[i]);
    if (ok_a && order == 0)
        order = compare_prereleases(x.prerelease, y.prerelease);
    return order ? order : strcmp(a, b);
}

bool npm_version_is_prerelease(const char *version)
{
    struct semver v;
    return parse(version, &v) && v.prerelease.len > 0;
}
