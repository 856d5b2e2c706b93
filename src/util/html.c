#include "util/html.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Controls (C0 but white space, DEL, C1), marks and overrides of direction (Unicode, UAX 9), and non-characters. */
static bool is_shown_as_it_is(uint32_t c)
{
    if (c < 0x20)
        return c == '\t' || c == '\n' || c == '\r';
    if ((c >= 0x7f && c < 0xa0) || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef))
        return false;
    return c != 0x200e && c != 0x200f && c != 0x061c && !(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069);
}

static const char *entity(uint32_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void html_add(struct buf *out, struct span text)
{
    while (text.len) {
        uint32_t c = 0;
        size_t n = span_utf8_first(text, &c);
        const char *instead = n && is_shown_as_it_is(c) ? entity(c) : REPLACEMENT;
        if (instead)
            buf_add_str(out, instead);
        else
            buf_add(out, text.ptr, n);
        span_skip(&text, n ? n : 1);
    }
}

void html_vprintf(struct buf *out, const char *format, va_list args)
{
    auto_buf text = BUF(out->max);
    buf_vprintf(&text, format, args);
    out->failed = out->failed || !buf_ok(&text);
    html_add(out, buf_span(&text));
}

void html_printf(struct buf *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    html_vprintf(out, format, args);
    va_end(args);
}
