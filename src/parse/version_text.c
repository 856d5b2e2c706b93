#include <string.h>

#include "parse/version_rules.h"

bool version_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

bool version_is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct span take_while(struct span *s, bool (*is)(uint8_t))
{
    struct span taken = {s->ptr, 0};
    while (taken.len < s->len && is(s->ptr[taken.len]))
        taken.len++;
    span_skip(s, taken.len);
    return taken;
}

struct span version_take_digits(struct span *s)
{
    return take_while(s, version_is_digit);
}

struct span version_take_letters(struct span *s)
{
    return take_while(s, version_is_letter);
}

bool version_is_digits(struct span s)
{
    return version_take_digits(&s).len > 0 && s.len == 0;
}

int version_order_ints(int a, int b)
{
    return (a > b) - (a < b);
}

int version_order_numbers(struct span a, struct span b)
{
    while (a.len && a.ptr[0] == '0')
        span_skip(&a, 1);
    while (b.len && b.ptr[0] == '0')
        span_skip(&b, 1);
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return span_compare(a, b);
}

static int lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int version_order_nocase(struct span a, struct span b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return version_order_ints(lower(a.ptr[i]), lower(b.ptr[i]));
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

struct span version_take_part(struct span *s, bool *more)
{
    struct span part = *s;
    *more = span_take_until(s, '.', &part);
    if (!*more)
        s->len = 0;
    return part;
}

bool version_identifiers_valid(struct span s, bool leading_zeros)
{
    for (bool more = true; more;) {
        struct span part = version_take_part(&s, &more);
        if (part.len == 0 || (!leading_zeros && part.len > 1 && part.ptr[0] == '0' && version_is_digits(part)))
            return false;
        for (size_t i = 0; i < part.len; i++)
            if (!version_is_digit(part.ptr[i]) && !version_is_letter(part.ptr[i]) && part.ptr[i] != '-')
                return false;
    }
    return true;
}

/* Takes what stands before the next dot, or all; false at the end. */
static bool take_identifier(struct span *s, struct span *out)
{
    if (s->len == 0)
        return false;
    if (span_take_until(s, '.', out))
        return true;
    *out = *s;
    s->len = 0;
    return true;
}

static int order_identifiers(struct span a, struct span b, bool nocase)
{
    bool an = version_is_digits(a), bn = version_is_digits(b);
    if (an && bn)
        return version_order_numbers(a, b);
    if (an != bn)
        return an ? -1 : 1;
    return nocase ? version_order_nocase(a, b) : span_compare(a, b);
}

int version_order_prerelease(struct span a, struct span b, bool nocase)
{
    if (a.len == 0 || b.len == 0)
        return a.len == b.len ? 0 : a.len == 0 ? 1 : -1;
    for (;;) {
        struct span x, y;
        bool more_a = take_identifier(&a, &x), more_b = take_identifier(&b, &y);
        if (!more_a || !more_b)
            return version_order_ints(more_a, more_b);
        int order = order_identifiers(x, y, nocase);
        if (order != 0)
            return order;
    }
}

bool text_valid(struct span v)
{
    return span_is_utf8(v);
}
