#include "parse/pep440.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "util/buf.h"

static bool take_separator(struct span *s)
{
    return s->len && (s->ptr[0] == '.' || s->ptr[0] == '-' || s->ptr[0] == '_') && span_skip(s, 1);
}

/* A number without its leading zeros; "0" when `optional` and none is there. */
static bool take_number(struct span *s, bool optional, struct buf *out)
{
    size_t len = 0, zeros = 0;
    while (len < s->len && isdigit(s->ptr[len]))
        len++;
    if (len == 0 && !optional)
        return false;
    while (zeros + 1 < len && s->ptr[zeros] == '0')
        zeros++;
    if (len == 0)
        buf_add_byte(out, '0');
    buf_add(out, s->ptr + zeros, len - zeros);
    return span_skip(s, len);
}

/* One of "alpha", "a", "beta", … with its number. The longer words stand first. */
static bool take_stage(struct span *s, const char *const words[][2], size_t count, struct buf *out)
{
    struct span rest = *s;
    take_separator(&rest);
    for (size_t i = 0; i < count; i++) {
        if (!span_take_prefix(&rest, span_str(words[i][0])))
            continue;
        struct span behind = rest;
        if (take_separator(&behind) && behind.len && isdigit(behind.ptr[0]))
            rest = behind;
        buf_add_str(out, words[i][1]);
        take_number(&rest, true, out);
        *s = rest;
        return true;
    }
    return false;
}

static bool take_local(struct span *s, struct buf *out)
{
    if (!span_take_prefix(s, SPAN_LIT("+")))
        return true;
    buf_add_byte(out, '+');
    do {
        size_t len = 0;
        while (len < s->len && isalnum(s->ptr[len]))
            len++;
        bool number = len > 0;
        for (size_t i = 0; i < len; i++)
            number &= isdigit(s->ptr[i]) != 0;
        if (len == 0)
            return false;
        if (number)
            take_number(s, false, out);
        else {
            buf_add(out, s->ptr, len);
            span_skip(s, len);
        }
        if (s->len)
            buf_add_byte(out, '.');
    } while (take_separator(s));
    return true;
}

/* An epoch of 0 is none. */
static bool take_epoch(struct span *s, struct buf *out)
{
    auto_buf epoch = BUF(PEP440_SIZE);
    struct span rest = *s;
    if (!take_number(&rest, false, &epoch) || !span_take_prefix(&rest, SPAN_LIT("!")))
        return false;
    if (strcmp(buf_str(&epoch), "0") != 0)
        buf_printf(out, "%s!", buf_str(&epoch));
    *s = rest;
    return true;
}

static bool take_release(struct span *s, struct buf *out)
{
    if (!take_number(s, false, out))
        return false;
    while (s->len > 1 && s->ptr[0] == '.' && isdigit(s->ptr[1])) {
        span_skip(s, 1);
        buf_add_byte(out, '.');
        take_number(s, false, out);
    }
    return true;
}

/* Takes ".0" away from the end of a release that begins at `from`. */
static void drop_zeros(struct buf *out, size_t from)
{
    while (out->len >= from + 3 && out->ptr[out->len - 1] == '0' && out->ptr[out->len - 2] == '.')
        out->ptr[out->len -= 2] = '\0';
}

static bool normalise(struct span text, bool key, char out[PEP440_SIZE])
{
    static const char *const before[][2] = {{"alpha", "a"},    {"a", "a"},    {"beta", "b"}, {"b", "b"},
                                            {"preview", "rc"}, {"pre", "rc"}, {"rc", "rc"},  {"c", "rc"}};
    static const char *const after[][2] = {{"post", ".post"}, {"rev", ".post"}, {"r", ".post"}};
    static const char *const dev[][2] = {{"dev", ".dev"}};
    char lower[PEP440_SIZE];
    auto_buf normal = BUF(PEP440_SIZE - 1);
    if (text.len == 0 || text.len >= sizeof lower)
        return false;
    for (size_t i = 0; i < text.len; i++)
        lower[i] = (char)tolower(text.ptr[i]);
    struct span rest = span_of(lower, text.len);
    span_take_prefix(&rest, SPAN_LIT("v"));
    take_epoch(&rest, &normal);
    size_t from = normal.len;
    if (!take_release(&rest, &normal))
        return false;
    if (key)
        drop_zeros(&normal, from);
    take_stage(&rest, before, ARRAY_LEN(before), &normal);
    if (rest.len > 1 && rest.ptr[0] == '-' && isdigit(rest.ptr[1])) { /* 1.0-1: a post release by a number alone */
        span_skip(&rest, 1);
        buf_add_str(&normal, ".post");
        take_number(&rest, false, &normal);
    } else {
        take_stage(&rest, after, ARRAY_LEN(after), &normal);
    }
    take_stage(&rest, dev, ARRAY_LEN(dev), &normal);
    if (!take_local(&rest, &normal) || rest.len || !buf_ok(&normal))
        return false;
    snprintf(out, PEP440_SIZE, "%s", buf_str(&normal));
    return true;
}

bool pep440_normal(struct span text, char out[PEP440_SIZE])
{
    return normalise(text, false, out);
}

bool pep440_key(struct span text, char out[PEP440_SIZE])
{
    return normalise(text, true, out);
}
