#include "http/range.h"

#include <string.h>
#include <strings.h>

#include "util/span.h"

/* A position: decimal, with leading zeros allowed as the RFC has them; what does not fit is as far away as can be. */
static bool position(struct span s, uint64_t *out)
{
    uint64_t value = 0;
    if (s.len == 0 || s.len > 64)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value))
            value = UINT64_MAX / 10; /* stays beyond every size */
    }
    *out = value;
    return true;
}

static enum http_range last_bytes(struct span digits, uint64_t size, uint64_t *from, uint64_t *len)
{
    uint64_t n;
    if (!position(digits, &n))
        return RANGE_WHOLE;
    if (n == 0 || size == 0)
        return RANGE_UNSATISFIABLE;
    *len = n < size ? n : size;
    *from = size - *len;
    return RANGE_PART;
}

enum http_range range_parse(const char *value, uint64_t size, uint64_t *from, uint64_t *len)
{
    uint64_t first, last = UINT64_MAX;
    if (!value || strncasecmp(value, "bytes=", 6) != 0 || strchr(value, ','))
        return RANGE_WHOLE;
    struct span spec = span_str(value + 6), head;
    if (!span_take_until(&spec, '-', &head))
        return RANGE_WHOLE;
    if (head.len == 0)
        return last_bytes(spec, size, from, len);
    if (!position(head, &first) || (spec.len && !position(spec, &last)))
        return RANGE_WHOLE;
    /* A range that ends before it begins may be ignored or rejected (RFC 9110 section 14.2); a registry is expected to
     * reject it. */
    if (first >= size || last < first)
        return RANGE_UNSATISFIABLE;
    if (last >= size)
        last = size - 1;
    *from = first;
    *len = last - first + 1;
    return RANGE_PART;
}
