/* RubyGems, Gem::Version: segments of digits and letters; a version with letters is a prerelease. */
#include "parse/version_rules.h"

static struct span trim(struct span v)
{
    while (v.len && (v.ptr[0] == ' ' || (v.ptr[0] >= '\t' && v.ptr[0] <= '\r')))
        span_skip(&v, 1);
    while (v.len && (v.ptr[v.len - 1] == ' ' || (v.ptr[v.len - 1] >= '\t' && v.ptr[v.len - 1] <= '\r')))
        v.len--;
    return v;
}

/* Segments between dots, of letters and digits; `hyphens`: these too. */
static bool take_segments(struct span *s, bool hyphens)
{
    for (;;) {
        size_t len = 0;
        while (len < s->len &&
               (version_is_digit(s->ptr[len]) || version_is_letter(s->ptr[len]) || (hyphens && s->ptr[len] == '-')))
            len++;
        if (len == 0)
            return false;
        span_skip(s, len);
        if (!span_take_prefix(s, SPAN_LIT(".")))
            return true;
    }
}

/* Laxer than RubyGems in one thing: letters may follow the first number at once ("1beta"), as advisories write. */
bool gem_valid(struct span v)
{
    struct span rest = trim(v), start = rest;
    if (version_take_digits(&rest).len == 0)
        return false;
    rest = start;
    if (!take_segments(&rest, false))
        return false;
    return rest.len == 0 || (span_take_prefix(&rest, SPAN_LIT("-")) && take_segments(&rest, true) && rest.len == 0);
}

struct segment {
    struct span text;
    bool number;
};

/* The next segment; a hyphen reads as "pre". False at the end. */
static bool take_segment(struct span *s, struct segment *out)
{
    span_take_prefix(s, SPAN_LIT("."));
    out->number = s->len && version_is_digit(s->ptr[0]);
    if (span_take_prefix(s, SPAN_LIT("-")))
        out->text = SPAN_LIT("pre");
    else
        out->text = out->number ? version_take_digits(s) : version_take_letters(s);
    return out->text.len > 0;
}

static bool is_zero(const struct segment *s)
{
    return s->number && version_order_numbers(s->text, (struct span){0}) == 0;
}

/* The next segment that counts: zeros before the first letters and at the end do not. */
static bool take_significant(struct span *s, bool *letters, struct segment *out)
{
    if (!take_segment(s, out))
        return false;
    *letters |= !out->number;
    if (!is_zero(out))
        return true;
    struct span rest = *s;
    struct segment next;
    bool more;
    while ((more = take_segment(&rest, &next)) && is_zero(&next))
        ;
    if (more && (next.number || *letters))
        return true; /* a zero between others */
    if (!more)
        return false;
    *s = rest;
    *out = next;
    *letters = true;
    return true;
}

/* Where one has no more segments, it has zeros: so that letters still make the other a prerelease. */
int gem_order(struct span a, struct span b)
{
    const struct segment zero = {SPAN_LIT("0"), true};
    bool letters_a = false, letters_b = false;
    a = trim(a);
    b = trim(b);
    for (;;) {
        struct segment x, y;
        bool more_a = take_significant(&a, &letters_a, &x), more_b = take_significant(&b, &letters_b, &y);
        if (!more_a && !more_b)
            return 0;
        x = more_a ? x : zero;
        y = more_b ? y : zero;
        if (x.number != y.number)
            return x.number ? 1 : -1;
        int order = x.number ? version_order_numbers(x.text, y.text) : span_compare(x.text, y.text);
        if (order != 0)
            return order;
    }
}
