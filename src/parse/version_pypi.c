/* PEP 440, "Summary of permitted suffixes and relative ordering". */
#include <string.h>

#include "parse/pep440.h"
#include "parse/version_rules.h"

/* Installers strip what Python calls white space. */
static size_t blank_at_start(struct span s)
{
    uint32_t c = 0;
    size_t len = span_utf8_first(s, &c);
    bool blank = (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
                 (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
                 c == 0x3000;
    return blank ? len : 0;
}

static struct span pypi_trim(struct span s)
{
    for (size_t len; (len = blank_at_start(s)) > 0;)
        span_skip(&s, len);
    for (size_t back = 1; back <= 3 && back <= s.len;) {
        struct span last = span_of(s.ptr + s.len - back, back);
        bool blank = blank_at_start(last) == back;
        s.len -= blank ? back : 0;
        back = blank ? 1 : back + 1;
    }
    return s;
}

bool pypi_valid(struct span v)
{
    struct pep440 p;
    return pep440_parse(pypi_trim(v), &p);
}

/* Missing numbers are 0. */
static int order_releases(struct span a, struct span b)
{
    for (;;) {
        struct span x = {0}, y = {0};
        bool more_x = pep440_take_number(&a, &x), more_y = pep440_take_number(&b, &y);
        if (!more_x && !more_y)
            return 0;
        int order = version_order_numbers(x, y);
        if (order != 0)
            return order;
    }
}

/* 1.0.dev1 < 1.0a1 < 1.0b1 < 1.0rc1 < 1.0 */
static int pre_rank(const struct pep440 *v)
{
    if (v->pre.word)
        return v->pre.word[0];
    return v->dev.word && !v->post.word ? 0 : 256;
}

static int order_locals(struct span a, struct span b)
{
    for (;;) {
        struct span x, y;
        bool x_number = false, y_number = false;
        bool more_x = pep440_take_local(&a, &x, &x_number), more_y = pep440_take_local(&b, &y, &y_number);
        if (!more_x || !more_y)
            return version_order_ints(more_x, more_y);
        int order = x_number != y_number ? version_order_ints(x_number, y_number)
                    : x_number           ? version_order_numbers(x, y)
                                         : version_order_nocase(x, y);
        if (order != 0)
            return order;
    }
}

int pypi_order(struct span a, struct span b)
{
    struct pep440 x, y;
    pep440_parse(pypi_trim(a), &x);
    pep440_parse(pypi_trim(b), &y);
    int order = version_order_numbers(x.epoch, y.epoch);
    order = order ? order : order_releases(x.release, y.release);
    order = order ? order : version_order_ints(pre_rank(&x), pre_rank(&y));
    order = order ? order : version_order_numbers(x.pre.number, y.pre.number);
    order = order ? order : version_order_ints(x.post.word != NULL, y.post.word != NULL);
    order = order ? order : version_order_numbers(x.post.number, y.post.number);
    order = order ? order : version_order_ints(x.dev.word == NULL, y.dev.word == NULL);
    order = order ? order : version_order_numbers(x.dev.number, y.dev.number);
    return order ? order : order_locals(x.local, y.local);
}
