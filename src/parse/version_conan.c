/* Conan 2 ("Version", semantic versions made loose): items between dots, a prerelease behind the first "-" and a build
 * behind the last "+", which are versions themselves. Zeros at the end do not count. Numbers and texts are compared as
 * texts, so not every three versions stand in a row. */
#include <string.h>

#include "parse/version_rules.h"

struct conan_version {
    struct span items, pre, build;
    bool has_pre, has_build;
};

static struct conan_version split(struct span v)
{
    struct conan_version out = {.items = v};
    for (size_t i = v.len; i-- > 0;) {
        if (v.ptr[i] != '+')
            continue;
        out.build = span_of(v.ptr + i + 1, v.len - i - 1);
        out.items.len = i;
        out.has_build = true;
        break;
    }
    struct span rest = out.items, before;
    out.has_pre = span_take_until(&rest, '-', &before);
    if (out.has_pre) {
        out.items = before;
        out.pre = rest;
    }
    return out;
}

bool conan_valid(struct span v)
{
    for (size_t i = 0; i < v.len; i++)
        if (!version_is_digit(v.ptr[i]) && !version_is_letter(v.ptr[i]) && (!v.ptr[i] || !strchr(".+-_*~", v.ptr[i])))
            return false;
    return true;
}

static bool is_zero(struct span item)
{
    return version_is_digits(item) && version_order_numbers(item, (struct span){0}) == 0;
}

static struct span without_zeros_at_end(struct span items)
{
    for (size_t from = items.len;;) {
        while (from > 0 && items.ptr[from - 1] != '.')
            from--;
        if (!is_zero(span_of(items.ptr + from, items.len - from)))
            return items;
        items.len = from ? --from : 0;
    }
}

static int order_item(struct span a, struct span b)
{
    if (version_is_digits(a) && version_is_digits(b))
        return version_order_numbers(a, b);
    return span_compare(a, b);
}

static int order_items(struct span a, struct span b)
{
    a = without_zeros_at_end(a);
    b = without_zeros_at_end(b);
    bool more_a = a.ptr && a.len, more_b = b.ptr && b.len;
    while (more_a && more_b) {
        struct span x = version_take_part(&a, &more_a), y = version_take_part(&b, &more_b);
        int order = order_item(x, y);
        if (order != 0)
            return order;
    }
    return version_order_ints(more_a, more_b);
}

/* As deep as there are marks in the text. */
int conan_order(struct span a, struct span b)
{
    struct conan_version x = split(a), y = split(b);
    int order = order_items(x.items, y.items);
    if (order == 0)
        order = version_order_ints(y.has_pre, x.has_pre);
    if (order == 0 && x.has_pre)
        order = conan_order(x.pre, y.pre);
    if (order == 0)
        order = version_order_ints(x.has_build, y.has_build);
    return order != 0 || !x.has_build ? order : conan_order(x.build, y.build);
}
