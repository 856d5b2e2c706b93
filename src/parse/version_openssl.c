/* OpenSSL: until 1.1.1 three numbers and letters for patches ("1.0.2zh"), since 3.0 three numbers; "-alpha1", "-beta1"
 * and "-pre1" before a release (OpenSSL's release strategy). */
#include "parse/version_rules.h"

static struct span take_patch(struct span *s)
{
    struct span letters = {s->ptr, 0};
    while (letters.len < s->len && s->ptr[letters.len] >= 'a' && s->ptr[letters.len] <= 'z')
        letters.len++;
    span_skip(s, letters.len);
    return letters;
}

bool openssl_valid(struct span v)
{
    for (int i = 0; i < 3; i++)
        if ((i > 0 && !span_take_prefix(&v, SPAN_LIT("."))) || version_take_digits(&v).len == 0)
            return false;
    take_patch(&v);
    return v.len == 0 || (span_take_prefix(&v, SPAN_LIT("-")) && version_identifiers_valid(v, true));
}

/* Word and number: "pre9" is older than "pre10"; a release is newest. */
static int order_prerelease(struct span a, struct span b)
{
    int order = version_order_ints(a.len == 0, b.len == 0);
    if (order == 0)
        order = span_compare(version_take_letters(&a), version_take_letters(&b));
    if (order == 0)
        order = version_order_numbers(version_take_digits(&a), version_take_digits(&b));
    return order != 0 ? order : span_compare(a, b);
}

int openssl_order(struct span a, struct span b)
{
    int order = 0;
    for (int i = 0; i < 3 && order == 0; i++) {
        order = version_order_numbers(version_take_digits(&a), version_take_digits(&b));
        span_skip(&a, i < 2);
        span_skip(&b, i < 2);
    }
    if (order == 0)
        order = span_compare(take_patch(&a), take_patch(&b));
    span_take_prefix(&a, SPAN_LIT("-"));
    span_take_prefix(&b, SPAN_LIT("-"));
    return order != 0 ? order : order_prerelease(a, b);
}
