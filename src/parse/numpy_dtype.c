#include "parse/numpy_dtype.h"

/* Kinds (numpy.dtype.kind) and the sizes that they come in; a NULL list: any. U counts characters of 4 bytes. */
static bool size_is_known(uint8_t kind, uint64_t n)
{
    switch (kind) {
    case 'b':
        return n == 1;
    case 'i':
    case 'u':
        return n == 1 || n == 2 || n == 4 || n == 8;
    case 'f':
        return n == 2 || n == 4 || n == 8 || n == 12 || n == 16;
    case 'c':
        return n == 8 || n == 16 || n == 24 || n == 32;
    case 'm':
    case 'M':
        return n == 8;
    case 'O':
        return n == 4 || n == 8;
    default:
        return kind == 'S' || kind == 'a' || kind == 'U' || kind == 'V';
    }
}

/* "[ns]", "[25s]": a unit behind dates and spans of time. */
static bool is_unit(struct span s)
{
    if (!span_take_prefix(&s, SPAN_LIT("[")) || !span_ends(s, SPAN_LIT("]")) || s.len > 16)
        return false;
    for (size_t i = 0; i + 1 < s.len; i++) {
        uint8_t c = s.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'Y' || c == 'M' || c == 'W' || c == 'D'))
            return false;
    }
    return s.len > 1;
}

bool numpy_dtype_parse(struct span text, struct numpy_dtype *out)
{
    uint8_t kind;
    uint64_t n = 0;
    if (text.len > 0 && (text.ptr[0] == '<' || text.ptr[0] == '>' || text.ptr[0] == '|' || text.ptr[0] == '='))
        span_skip(&text, 1);
    if (!span_take_u8(&text, &kind))
        return false;
    struct span digits = span_of(text.ptr, 0);
    while (text.len > 0 && text.ptr[0] >= '0' && text.ptr[0] <= '9' && digits.len < 11) {
        digits.len++;
        span_skip(&text, 1);
    }
    bool date = kind == 'm' || kind == 'M', bare = digits.len == 0 && (kind == 'O' || kind == '?');
    if (kind == '?')
        kind = 'b';
    if (bare)
        n = kind == 'O' ? 8 : 1;
    else if (!span_decimal(digits, &n))
        return false;
    if (!size_is_known(kind, n) || (text.len > 0 && !(date && is_unit(text))))
        return false;
    out->size = kind == 'U' ? n * 4 : n;
    out->objects = kind == 'O';
    return out->size <= LIMIT_NUMPY_ITEM_BYTES;
}
