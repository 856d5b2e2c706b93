/* Gentoo (Package Manager Specification 8, "Version Specifications" and "Version Comparison"):
 * number{.number}[letter]{_suffix[number]}[-rnumber]. */
#include "parse/version_rules.h"

/* Oldest first; a version without any stands at PLAIN. */
static const char *const SUFFIXES[] = {"alpha", "beta", "pre", "rc", "", "p"};
enum { PLAIN = 4, SUFFIX_COUNT = 6 };

static bool take_suffix(struct span *s, int *rank, struct span *number)
{
    if (!span_take_prefix(s, SPAN_LIT("_")))
        return false;
    struct span word = version_take_letters(s);
    for (*rank = 0; *rank < SUFFIX_COUNT; ++*rank)
        if (*rank != PLAIN && span_equal_str(word, SUFFIXES[*rank]))
            break;
    *number = version_take_digits(s);
    return *rank < SUFFIX_COUNT;
}

static bool take_revision(struct span *s, struct span *number)
{
    *number = (struct span){0};
    if (!span_take_prefix(s, SPAN_LIT("-r")))
        return true;
    *number = version_take_digits(s);
    return number->len > 0;
}

static uint8_t take_letter(struct span *s)
{
    uint8_t letter = s->len && s->ptr[0] >= 'a' && s->ptr[0] <= 'z' ? s->ptr[0] : 0;
    span_skip(s, letter != 0);
    return letter;
}

bool ebuild_valid(struct span v)
{
    struct span number;
    int rank;
    do {
        if (version_take_digits(&v).len == 0)
            return false;
    } while (span_take_prefix(&v, SPAN_LIT(".")));
    take_letter(&v);
    while (v.len && v.ptr[0] == '_')
        if (!take_suffix(&v, &rank, &number))
            return false;
    return take_revision(&v, &number) && v.len == 0;
}

static struct span without_zeros_at_end(struct span number)
{
    while (number.len && number.ptr[number.len - 1] == '0')
        number.len--;
    return number;
}

/* Numbers behind the first are texts, without the zeros at their end, when one of them begins with 0. */
static int order_numbers(struct span *a, struct span *b)
{
    int order = version_order_numbers(version_take_digits(a), version_take_digits(b));
    while (order == 0) {
        bool more_a = span_take_prefix(a, SPAN_LIT(".")), more_b = span_take_prefix(b, SPAN_LIT("."));
        if (!more_a || !more_b)
            return version_order_ints(more_a, more_b);
        struct span x = version_take_digits(a), y = version_take_digits(b);
        bool text = span_starts(x, SPAN_LIT("0")) || span_starts(y, SPAN_LIT("0"));
        order = text ? span_compare(without_zeros_at_end(x), without_zeros_at_end(y)) : version_order_numbers(x, y);
    }
    return order;
}

static int order_suffixes(struct span *a, struct span *b)
{
    for (;;) {
        struct span x = {0}, y = {0};
        int m = PLAIN, n = PLAIN;
        bool more_a = take_suffix(a, &m, &x), more_b = take_suffix(b, &n, &y);
        if (!more_a && !more_b)
            return 0;
        int order = m != n ? version_order_ints(m, n) : version_order_numbers(x, y);
        if (order != 0)
            return order;
    }
}

int ebuild_order(struct span a, struct span b)
{
    int order = order_numbers(&a, &b);
    if (order == 0)
        order = version_order_ints(take_letter(&a), take_letter(&b));
    if (order == 0)
        order = order_suffixes(&a, &b);
    if (order != 0)
        return order;
    struct span x, y;
    take_revision(&a, &x);
    take_revision(&b, &y);
    return version_order_numbers(x, y);
}
