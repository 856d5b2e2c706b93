/* pacman (vercmp(8)): [epoch:]version[-release]. Like RPM's older rules, but separators count, and what ends in letters
 * is older than what ends before them. */
#include "parse/version_rules.h"

/* PKGBUILD(5): no colon, slash, hyphen or blank in a version, and ASCII alone. */
bool alpm_valid(struct span v)
{
    struct evr e = version_evr(v);
    for (size_t i = 0; i < e.version.len; i++)
        if (e.version.ptr[i] <= ' ' || e.version.ptr[i] >= 0x7F || e.version.ptr[i] == ':' || e.version.ptr[i] == '/' ||
            e.version.ptr[i] == '-')
            return false;
    for (size_t i = 0; i < e.release.len; i++)
        if (e.release.ptr[i] != '.' && !version_is_digit(e.release.ptr[i]))
            return false;
    return e.epoch.len > 0 && e.version.len > 0 && e.has_release == (e.release.len > 0);
}

static bool is_word(struct span s)
{
    return s.len && (version_is_digit(s.ptr[0]) || version_is_letter(s.ptr[0]));
}

static size_t skip_separators(struct span *s)
{
    size_t count = 0;
    for (; s->len && !is_word(*s); count++)
        span_skip(s, 1);
    return count;
}

/* Where one ends: what is left of the other makes it newer, unless letters begin there. */
static int order_ends(struct span a, struct span b)
{
    if (a.len == 0 && b.len == 0)
        return 0;
    if (a.len == 0)
        return version_is_letter(b.ptr[0]) ? 1 : -1;
    return version_is_letter(a.ptr[0]) ? -1 : 1;
}

static int order_part(struct span a, struct span b)
{
    while (a.len && b.len) {
        size_t skipped_a = skip_separators(&a), skipped_b = skip_separators(&b);
        if (a.len == 0 || b.len == 0)
            break;
        if (skipped_a != skipped_b)
            return skipped_a < skipped_b ? -1 : 1;
        bool numeric = version_is_digit(a.ptr[0]);
        struct span x = numeric ? version_take_digits(&a) : version_take_letters(&a);
        struct span y = numeric ? version_take_digits(&b) : version_take_letters(&b);
        if (y.len == 0)
            return numeric ? 1 : -1;
        int order = numeric ? version_order_numbers(x, y) : span_compare(x, y);
        if (order != 0)
            return order;
    }
    return order_ends(a, b);
}

/* A release counts only where both have one. */
int alpm_order(struct span a, struct span b)
{
    struct evr x = version_evr(a), y = version_evr(b);
    int order = version_order_numbers(x.epoch, y.epoch);
    if (order == 0)
        order = order_part(x.version, y.version);
    if (order == 0 && x.has_release && y.has_release)
        order = order_part(x.release, y.release);
    return order;
}
