#include "parse/html_token.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "util/auto.h"

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool html_is(struct span name, const char *wanted)
{
    const uint8_t *colon = name.len ? memchr(name.ptr, ':', name.len) : NULL;
    if (colon)
        name = span_of(colon + 1, name.len - (size_t)(colon - name.ptr) - 1);
    return name.len == strlen(wanted) && strncasecmp((const char *)name.ptr, wanted, name.len) == 0;
}

/* ── tags ── */

/* 13.2.5.32 to .40. A first "=" belongs to the name. */
bool html_attribute(struct span *content, struct span *name, struct span *value)
{
    struct span s = *content;
    size_t n = 0;
    *value = (struct span){0};
    while (s.len && (is_space(s.ptr[0]) || s.ptr[0] == '/'))
        span_skip(&s, 1);
    while (n < s.len && s.ptr[n] != '>' && s.ptr[n] != '/' && !is_space(s.ptr[n]) && (n == 0 || s.ptr[n] != '='))
        n++;
    if (n == 0) {
        *content = s;
        return false;
    }
    span_take(&s, n, name);
    struct span ahead = s;
    while (ahead.len && is_space(ahead.ptr[0]))
        span_skip(&ahead, 1);
    *content = s;
    if (!span_take_prefix(&ahead, SPAN_LIT("=")))
        return true;
    while (ahead.len && is_space(ahead.ptr[0]))
        span_skip(&ahead, 1);
    if (ahead.len && (ahead.ptr[0] == '"' || ahead.ptr[0] == '\'')) {
        uint8_t quote = ahead.ptr[0];
        span_skip(&ahead, 1);
        if (!span_take_until(&ahead, quote, value))
            span_take(&ahead, ahead.len, value);
    } else {
        for (n = 0; n < ahead.len && ahead.ptr[n] != '>' && !is_space(ahead.ptr[n]);)
            n++;
        span_take(&ahead, n, value);
    }
    *content = ahead;
    return true;
}

static bool is_raw(struct span name)
{
    static const char *const names[] = {"script", "style",   "title",    "textarea", "xmp",
                                        "iframe", "noembed", "noframes", "noscript", "plaintext"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (html_is(name, names[i]))
            return true;
    return false;
}

/* h->rest stands behind "<" or "</". */
static void take_tag(struct html_reader *h, struct html_token *t)
{
    struct span name, value, begin;
    size_t n = 0;
    while (n < h->rest.len && h->rest.ptr[n] != '>' && h->rest.ptr[n] != '/' && !is_space(h->rest.ptr[n]))
        n++;
    span_take(&h->rest, n, &t->name);
    begin = h->rest;
    while (html_attribute(&h->rest, &name, &value)) {
    }
    t->content = span_of(begin.ptr, begin.len - h->rest.len);
    t->cut = h->rest.len == 0;
    span_skip(&h->rest, h->rest.len ? 1 : 0);
    if (t->kind == HTML_TAG && !h->flat && is_raw(t->name))
        h->raw = t->name;
}

/* ── what is no tag ── */

static void take_until(struct html_reader *h, const char *end, struct html_token *t)
{
    size_t len = strlen(end);
    const uint8_t *at = h->rest.len ? memmem(h->rest.ptr, h->rest.len, end, len) : NULL;
    t->cut = !at;
    span_take(&h->rest, at ? (size_t)(at - h->rest.ptr) : h->rest.len, &t->content);
    span_skip(&h->rest, at ? len : 0);
}

/* Behind "<!--". "<!-->" and "<!--->" are whole; "--!>" ends one as "-->" does (13.2.5.43 to .51). */
static void take_comment(struct html_reader *h, struct html_token *t)
{
    struct span all = h->rest;
    t->kind = HTML_COMMENT;
    if (span_take_prefix(&h->rest, SPAN_LIT(">")) || span_take_prefix(&h->rest, SPAN_LIT("->")))
        return;
    for (size_t from = 0; from < all.len; from++) {
        const uint8_t *at = memmem(all.ptr + from, all.len - from, "--", 2);
        if (!at)
            break;
        from = (size_t)(at - all.ptr);
        size_t behind = from + 2 < all.len && all.ptr[from + 2] == '!' ? from + 3 : from + 2;
        if (behind >= all.len || all.ptr[behind] != '>')
            continue;
        t->content = span_of(all.ptr, from);
        span_skip(&h->rest, behind + 1);
        return;
    }
    span_take(&h->rest, h->rest.len, &t->content);
    t->cut = true;
}

static bool begins_declaration(struct span s)
{
    return s.len >= 7 && strncasecmp((const char *)s.ptr, "doctype", 7) == 0;
}

/* h->rest begins with '<'. False: a '<' that begins nothing. */
static bool take_markup(struct html_reader *h, struct html_token *t)
{
    struct span s = h->rest;
    span_skip(&s, 1);
    uint8_t c = s.len ? s.ptr[0] : 0;
    if (c == '!' || c == '?' || c == '/')
        span_skip(&s, 1);
    bool tag = c == '/' ? s.len && is_letter(s.ptr[0]) : is_letter(c);
    if (!tag && c != '!' && c != '?' && c != '/')
        return false;
    h->rest = s;
    if (tag) {
        t->kind = c == '/' ? HTML_END_TAG : HTML_TAG;
        take_tag(h, t);
    } else if (c == '!' && span_take_prefix(&h->rest, SPAN_LIT("--"))) {
        take_comment(h, t);
    } else if (c == '!' && span_take_prefix(&h->rest, SPAN_LIT("[CDATA["))) {
        t->kind = HTML_TEXT; /* its content is text in SVG, and markup behind a bogus comment in HTML: read as markup */
    } else {
        t->kind = c == '?' ? HTML_INSTRUCTION : c == '!' && begins_declaration(s) ? HTML_DECLARATION : HTML_COMMENT;
        take_until(h, ">", t);
    }
    return true;
}

/* Up to "</name" and something that ends a name (13.2.5.14). */
static void take_raw(struct html_reader *h, struct html_token *t)
{
    struct span name = h->raw, all = h->rest;
    size_t at = 0;
    t->kind = HTML_RAW;
    t->name = name;
    h->raw = (struct span){0};
    for (; at < all.len; at++) {
        const uint8_t *open = memmem(all.ptr + at, all.len - at, "</", 2);
        if (!open || html_is(name, "plaintext")) {
            at = all.len;
            break;
        }
        at = (size_t)(open - all.ptr);
        size_t end = at + 2 + name.len;
        if (end < all.len && strncasecmp((const char *)all.ptr + at + 2, (const char *)name.ptr, name.len) == 0 &&
            (is_space(all.ptr[end]) || all.ptr[end] == '/' || all.ptr[end] == '>'))
            break;
    }
    t->cut = at >= all.len;
    span_take(&h->rest, at < all.len ? at : all.len, &t->content);
}

bool html_next(struct html_reader *h, struct html_token *out)
{
    size_t n = 0;
    *out = (struct html_token){.kind = HTML_TEXT};
    if (h->raw.len) {
        take_raw(h, out);
        return true;
    }
    if (h->rest.len == 0)
        return false;
    if (h->rest.ptr[0] == '<' && take_markup(h, out))
        return true;
    do
        n++;
    while (n < h->rest.len && h->rest.ptr[n] != '<');
    return span_take(&h->rest, n, &out->content);
}

/* ── URLs ── */

/* The character that "&…;" stands for, of those that matter before a colon; 0: it stands for itself. *len: its bytes.
 */
static uint32_t reference(struct span s, size_t *len)
{
    static const struct {
        const char *name;
        uint32_t character;
    } names[] = {{"&colon;", ':'}, {"&tab;", '\t'},   {"&newline;", '\n'}, {"&amp;", '&'},  {"&sol;", '/'},
                 {"&bsol;", '\\'}, {"&period;", '.'}, {"&semi;", ';'},     {"&comma;", ','}};
    uint32_t value = 0;
    size_t i = 2;
    for (size_t k = 0; k < ARRAY_LEN(names); k++) {
        *len = strlen(names[k].name);
        if (s.len >= *len && strncasecmp((const char *)s.ptr, names[k].name, *len) == 0)
            return names[k].character;
    }
    if (s.len < 3 || s.ptr[1] != '#')
        return 0;
    bool hex = s.ptr[2] == 'x' || s.ptr[2] == 'X';
    for (i += hex; i < s.len && i < 32; i++) {
        uint8_t c = s.ptr[i] | 0x20;
        uint32_t digit = c >= '0' && c <= '9'          ? (uint32_t)c - '0'
                         : hex && c >= 'a' && c <= 'f' ? (uint32_t)c - 'a' + 10
                                                       : 16;
        if (digit == 16 || s.ptr[i] < '0')
            break;
        value = value > 0x110000 ? value : value * (hex ? 16 : 10) + digit;
    }
    *len = i < s.len && s.ptr[i] == ';' ? i + 1 : i;
    return value;
}

size_t html_url(struct span value, char *out, size_t size)
{
    size_t len = 0, step;
    while (value.len && len + 1 < size) {
        uint32_t c = value.ptr[0];
        step = 1;
        if (c == '&') {
            uint32_t other = reference(value, &step);
            step = other ? step : 1;
            c = other ? other : c;
        }
        span_skip(&value, step);
        if (c <= ' ' || c == 0x7f)
            continue;
        c = c == '\\' ? '/' : c >= 'A' && c <= 'Z' ? c | 0x20 : c > 0x7f ? '?' : c;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return len;
}
