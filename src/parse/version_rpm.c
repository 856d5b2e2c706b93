/* rpm-version(7): [epoch:]version[-release], each part compared in segments. */
#include "parse/version_rules.h"

struct evr version_evr(struct span v)
{
    struct evr out = {.epoch = SPAN_LIT("0"), .version = v};
    struct span rest = v, digits = version_take_digits(&rest);
    if (span_take_prefix(&rest, SPAN_LIT(":"))) {
        out.epoch = digits;
        out.version = rest;
    }
    for (size_t i = out.version.len; i-- > 0;) {
        if (out.version.ptr[i] != '-')
            continue;
        out.release = span_of(out.version.ptr + i + 1, out.version.len - i - 1);
        out.version.len = i;
        out.has_release = true;
        break;
    }
    return out;
}

/* RPM separates versions by blanks, and orders all the rest somehow. */
bool rpm_valid(struct span v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.ptr[i] <= ' ' || v.ptr[i] == 0x7F)
            return false;
    return version_evr(v).version.len > 0;
}

static void skip_separators(struct span *s)
{
    while (s->len && !version_is_digit(s->ptr[0]) && !version_is_letter(s->ptr[0]) && s->ptr[0] != '~' &&
           s->ptr[0] != '^')
        span_skip(s, 1);
}

static bool begins(struct span s, uint8_t c)
{
    return s.len && s.ptr[0] == c;
}

/* "~" stands before the end and all else, "^" behind the end and before all else. True when decided, or when both had
 * the mark and were moved behind it (*order is then 0). */
static bool order_marks(struct span *a, struct span *b, int *order)
{
    for (const char *mark = "~^"; *mark; mark++) {
        bool x = begins(*a, (uint8_t)*mark), y = begins(*b, (uint8_t)*mark);
        if (!x && !y)
            continue;
        if (x && y) {
            span_skip(a, 1);
            span_skip(b, 1);
            *order = 0;
        } else if (*mark == '~') {
            *order = x ? -1 : 1;
        } else {
            *order = x ? (b->len == 0 ? 1 : -1) : (a->len == 0 ? -1 : 1);
        }
        return true;
    }
    return false;
}

/* One segment of digits or letters of each; both have something left. */
static int order_segment(struct span *a, struct span *b)
{
    bool numeric = version_is_digit(a->ptr[0]);
    struct span x = numeric ? version_take_digits(a) : version_take_letters(a);
    struct span y = numeric ? version_take_digits(b) : version_take_letters(b);
    if (y.len == 0) /* of different kinds: the number is newer */
        return numeric ? 1 : -1;
    return numeric ? version_order_numbers(x, y) : span_compare(x, y);
}

static int order_part(struct span a, struct span b)
{
    while (a.len || b.len) {
        int order = 0;
        skip_separators(&a);
        skip_separators(&b);
        if (order_marks(&a, &b, &order)) {
            if (order != 0)
                return order;
            continue;
        }
        if (a.len == 0 || b.len == 0)
            break;
        order = order_segment(&a, &b);
        if (order != 0)
            return order;
    }
    return version_order_ints(a.len > 0, b.len > 0);
}

/* Without an epoch it is 0; without a release before every release. */
int rpm_order(struct span a, struct span b)
{
    struct evr x = version_evr(a), y = version_evr(b);
    int order = version_order_numbers(x.epoch, y.epoch);
    if (order == 0)
        order = order_part(x.version, y.version);
    if (order == 0)
        order = version_order_ints(x.has_release, y.has_release);
    return order != 0 ? order : order_part(x.release, y.release);
}
