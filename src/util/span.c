#include "util/span.h"

#include <stdlib.h>
#include <string.h>

struct span span_of(const void *ptr, size_t len)
{
    return (struct span){ptr, len};
}

struct span span_str(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

char *span_dup(struct span s)
{
    char *text = malloc(s.len + 1);
    if (!text)
        abort();
    if (s.len)
        memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return text;
}

bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool span_equal_str(struct span a, const char *text)
{
    return span_equal(a, span_str(text));
}

bool span_starts(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_equal(span_of(s.ptr, prefix.len), prefix);
}

bool span_ends(struct span s, struct span suffix)
{
    return s.len >= suffix.len && span_equal(span_of(s.ptr + (s.len - suffix.len), suffix.len), suffix);
}

int span_compare(struct span a, struct span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.ptr, b.ptr, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool span_take(struct span *s, size_t n, struct span *out)
{
    if (n > s->len)
        return false;
    *out = span_of(s->ptr, n);
    s->len -= n;
    if (n)
        s->ptr += n;
    return true;
}

bool span_skip(struct span *s, size_t n)
{
    struct span skipped;
    return span_take(s, n, &skipped);
}

static bool take_number(struct span *s, size_t size, bool big_endian, uint64_t *out)
{
    struct span bytes;
    if (!span_take(s, size, &bytes))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes.ptr[big_endian ? i : size - 1 - i];
    *out = value;
    return true;
}

#define DEFINE_TAKE(name, type, size, big)      \
    bool name(struct span *s, type *out)        \
    {                                           \
        uint64_t value;                         \
        if (!take_number(s, size, big, &value)) \
            return false;                       \
        *out = (type)value;                     \
        return true;                            \
    }

DEFINE_TAKE(span_take_u8, uint8_t, 1, false)
DEFINE_TAKE(span_take_le16, uint16_t, 2, false)
DEFINE_TAKE(span_take_le32, uint32_t, 4, false)
DEFINE_TAKE(span_take_le64, uint64_t, 8, false)
DEFINE_TAKE(span_take_be16, uint16_t, 2, true)
DEFINE_TAKE(span_take_be32, uint32_t, 4, true)
DEFINE_TAKE(span_take_be64, uint64_t, 8, true)

bool span_take_until(struct span *s, uint8_t stop, struct span *out)
{
    const uint8_t *found = s->len ? memchr(s->ptr, stop, s->len) : NULL;
    if (!found)
        return false;
    return span_take(s, (size_t)(found - s->ptr), out) && span_skip(s, 1);
}

bool span_take_prefix(struct span *s, struct span prefix)
{
    return span_starts(*s, prefix) && span_skip(s, prefix.len);
}

bool span_slice(struct span s, uint64_t from, uint64_t len, struct span *out)
{
    if (from > s.len || len > s.len - from)
        return false;
    *out = span_of(s.len ? s.ptr + from : s.ptr, (size_t)len);
    return true;
}

bool span_decimal(struct span s, uint64_t *out)
{
    if (s.len == 0 || (s.len > 1 && s.ptr[0] == '0'))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10U, &value) || __builtin_add_overflow(value, s.ptr[i] - '0', &value))
            return false;
    }
    *out = value;
    return true;
}

bool span_is_printable(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7e)
            return false;
    return true;
}

/* Length of the sequence that `first` begins, its lowest value, or 0 for a byte that begins none. */
static size_t utf8_length(uint8_t first, uint32_t *bits, uint32_t *lowest)
{
    if (first < 0x80)
        return *bits = first, *lowest = 0, 1;
    if (first >= 0xc2 && first < 0xe0)
        return *bits = first & 0x1f, *lowest = 0x80, 2;
    if (first >= 0xe0 && first < 0xf0)
        return *bits = first & 0x0f, *lowest = 0x800, 3;
    if (first >= 0xf0 && first < 0xf5)
        return *bits = first & 0x07, *lowest = 0x10000, 4;
    return 0;
}

size_t span_utf8_first(struct span s, uint32_t *value)
{
    uint32_t lowest;
    size_t n = s.len ? utf8_length(s.ptr[0], value, &lowest) : 0;
    if (n == 0 || n > s.len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((s.ptr[i] & 0xc0) != 0x80)
            return 0;
        *value = *value << 6 | (s.ptr[i] & 0x3f);
    }
    if (*value < lowest || *value > 0x10ffff || (*value >= 0xd800 && *value < 0xe000))
        return 0;
    return n;
}

/* How many bytes of ASCII it begins with, but for less than eight. */
static size_t ascii_begin(struct span s)
{
    uint64_t eight;
    size_t n = 0;
    for (; n + sizeof(eight) <= s.len; n += sizeof(eight)) {
        memcpy(&eight, s.ptr + n, sizeof(eight));
        if (eight & 0x8080808080808080U)
            break;
    }
    return n;
}

bool span_is_utf8(struct span s)
{
    uint32_t value;
    while (s.len) {
        span_skip(&s, ascii_begin(s));
        if (s.len == 0)
            break;
        size_t n = span_utf8_first(s, &value);
        if (n == 0)
            return false;
        span_skip(&s, n);
    }
    return true;
}
