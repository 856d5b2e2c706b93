/* Ecosystems whose versions are little more than numbers: CRAN (R's package_version), Hackage (PVP), NuGet. */
#include "parse/version_rules.h"

/* Takes a number and the mark behind it; false where none is. *last: no mark follows. */
static bool take_number(struct span *s, const char *marks, struct span *out, bool *last)
{
    *out = version_take_digits(s);
    *last = true;
    for (; *marks && *last; marks++)
        *last = !span_take_prefix(s, span_of(marks, 1));
    return out->len > 0;
}

static size_t count_numbers(struct span s, const char *marks)
{
    struct span number;
    size_t count = 0;
    for (bool last = false; !last; count++)
        if (!take_number(&s, marks, &number, &last))
            return 0;
    return s.len == 0 ? count : 0;
}

/* Number by number. Where one version has no more, the missing number is 0, or (`longer`) less than 0. */
static int order_numbers(struct span a, struct span b, const char *marks, bool longer)
{
    for (bool last_a = false, last_b = false; !last_a || !last_b;) {
        struct span x = {0}, y = {0};
        if (longer && last_a != last_b)
            return last_a ? -1 : 1;
        if (!last_a)
            take_number(&a, marks, &x, &last_a);
        if (!last_b)
            take_number(&b, marks, &y, &last_b);
        int order = version_order_numbers(x, y);
        if (order != 0)
            return order;
    }
    return 0;
}

bool cran_valid(struct span v)
{
    return count_numbers(v, ".-") > 0;
}

int cran_order(struct span a, struct span b)
{
    return order_numbers(a, b, ".-", true);
}

bool hackage_valid(struct span v)
{
    return count_numbers(v, ".") > 0;
}

int hackage_order(struct span a, struct span b)
{
    return order_numbers(a, b, ".", true);
}

/* One to four numbers, then labels by Semantic Versioning without regard to case; what stands behind "+" is no part. */
static void split_nuget(struct span v, struct span *numbers, struct span *labels)
{
    struct span before;
    *labels = (struct span){0};
    if (span_take_until(&v, '+', &before))
        v = before;
    *numbers = v;
    if (span_take_until(&v, '-', &before)) {
        *numbers = before;
        *labels = v;
    }
}

bool nuget_valid(struct span v)
{
    struct span numbers, labels, rest = v, before;
    bool has_build = span_take_until(&rest, '+', &before);
    split_nuget(v, &numbers, &labels);
    size_t count = count_numbers(numbers, ".");
    if (count == 0 || count > 4)
        return false;
    return (!labels.ptr || version_identifiers_valid(labels, true)) &&
           (!has_build || version_identifiers_valid(rest, true));
}

int nuget_order(struct span a, struct span b)
{
    struct span numbers_a, labels_a, numbers_b, labels_b;
    split_nuget(a, &numbers_a, &labels_a);
    split_nuget(b, &numbers_b, &labels_b);
    int order = order_numbers(numbers_a, numbers_b, ".", false);
    return order != 0 ? order : version_order_prerelease(labels_a, labels_b, true);
}
