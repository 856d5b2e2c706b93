#include "parse/schema_text.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* ── patterns ── */

void patterns_fini(struct patterns *p)
{
    for (size_t i = 0; p->compiled && i < SCHEMA_PATTERN_COUNT; i++) {
        if (p->compiled[i])
            regfree(p->compiled[i]);
        free(p->compiled[i]);
    }
    free(p->compiled);
    p->compiled = NULL;
}

static regex_t *compiled(struct patterns *p, uint32_t pattern)
{
    if (!p->compiled && !(p->compiled = calloc(SCHEMA_PATTERN_COUNT, sizeof *p->compiled)))
        abort();
    if (p->compiled[pattern])
        return p->compiled[pattern];
    regex_t *made = malloc(sizeof *made);
    if (!made || regcomp(made, SCHEMA_PATTERNS[pattern], REG_EXTENDED | REG_NOSUB) != 0)
        abort(); /* they are our own, and a test compiles each */
    return p->compiled[pattern] = made;
}

bool pattern_matches(struct patterns *p, uint32_t pattern, struct span text)
{
    return text.len <= PATTERN_TEXT_MAX && regexec(compiled(p, pattern), (const char *)text.ptr, 0, NULL, 0) == 0;
}

/* ── dates ── */

static bool digits(struct span *s, size_t count, unsigned *out)
{
    *out = 0;
    if (s->len < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9')
            return false;
        *out = *out * 10 + (unsigned)(s->ptr[i] - '0');
    }
    return span_skip(s, count);
}

static bool one_of(struct span *s, const char *characters)
{
    return s->len > 0 && *s->ptr && strchr(characters, *s->ptr) && span_skip(s, 1);
}

static unsigned days_of(unsigned year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month < 1 || month > 12 ? 0 : days[month - 1] + (month == 2 && leap);
}

static bool is_zone(struct span *s)
{
    unsigned hour, minute;
    if (one_of(s, "Zz"))
        return true;
    return one_of(s, "+-") && digits(s, 2, &hour) && one_of(s, ":") && digits(s, 2, &minute) && hour < 24 &&
           minute < 60;
}

static bool is_date_time(struct span s)
{
    unsigned year, month, day, hour, minute, second, fraction;
    if (!digits(&s, 4, &year) || !one_of(&s, "-") || !digits(&s, 2, &month) || !one_of(&s, "-") ||
        !digits(&s, 2, &day) || !one_of(&s, "Tt") || !digits(&s, 2, &hour) || !one_of(&s, ":") ||
        !digits(&s, 2, &minute) || !one_of(&s, ":") || !digits(&s, 2, &second))
        return false;
    if (day < 1 || day > days_of(year, month) || hour > 23 || minute > 59 || second > 60)
        return false;
    if (one_of(&s, ".")) {
        if (!digits(&s, 1, &fraction))
            return false;
        while (digits(&s, 1, &fraction))
            ;
    }
    return is_zone(&s) && s.len == 0;
}

/* ── characters of addresses ── */

static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* ucschar and iprivate of RFC 3987: no controls, no surrogates, no noncharacters. */
static bool is_beyond_ascii(uint32_t c)
{
    return c >= 0xa0 && (c & 0xfffe) != 0xfffe && !(c >= 0xfdd0 && c <= 0xfdef) && !(c >= 0xfff0 && c <= 0xfffd);
}

/* Takes characters that may stand in a part of a URI: unreserved, sub-delims, %XX, those of `extra`. */
static bool take_characters(struct span *s, const char *extra, bool international)
{
    while (s->len > 0) {
        uint8_t c = *s->ptr;
        uint32_t value;
        size_t len = 1;
        if (c == '%') {
            if (s->len < 3 || !is_hex(s->ptr[1]) || !is_hex(s->ptr[2]))
                return false;
            len = 3;
        } else if (c >= 0x80) {
            len = international ? span_utf8_first(*s, &value) : 0;
            if (len == 0 || !is_beyond_ascii(value))
                return false;
        } else if (!is_alnum(c) && (c == '\0' || !strchr("-._~!$&'()*+,;=", c)) && (c == '\0' || !strchr(extra, c))) {
            return true;
        }
        span_skip(s, len);
    }
    return true;
}

/* [ userinfo "@" ] host [ ":" port ]; an IP literal stands in brackets. */
static bool is_authority(struct span s, bool international)
{
    struct span user;
    if (memchr(s.ptr, '@', s.len) && span_take_until(&s, '@', &user) &&
        (!take_characters(&user, ":", international) || user.len > 0))
        return false;
    if (one_of(&s, "[")) {
        if (!take_characters(&s, ":", false) || !one_of(&s, "]"))
            return false;
    } else if (!take_characters(&s, "", international)) {
        return false;
    }
    if (one_of(&s, ":"))
        while (s.len > 0 && *s.ptr >= '0' && *s.ptr <= '9')
            span_skip(&s, 1);
    return s.len == 0;
}

/* Takes "scheme:". */
static bool take_scheme(struct span *s)
{
    size_t len = 0;
    while (len < s->len && (is_alnum(s->ptr[len]) || (s->ptr[len] && strchr("+-.", s->ptr[len]))))
        len++;
    if (len == 0 || len == s->len || s->ptr[len] != ':' || (*s->ptr | 0x20) < 'a' || (*s->ptr | 0x20) > 'z')
        return false;
    return span_skip(s, len + 1);
}

static bool has_colon_in_first_segment(struct span s)
{
    for (size_t i = 0; i < s.len && s.ptr[i] != '/' && s.ptr[i] != '?' && s.ptr[i] != '#'; i++)
        if (s.ptr[i] == ':')
            return true;
    return false;
}

static bool is_reference(struct span s, bool needs_scheme, bool international)
{
    size_t len = 0;
    struct span authority;
    if (!take_scheme(&s) && (needs_scheme || has_colon_in_first_segment(s)))
        return false;
    if (span_take_prefix(&s, SPAN_LIT("//"))) {
        while (len < s.len && s.ptr[len] != '/' && s.ptr[len] != '?' && s.ptr[len] != '#')
            len++;
        span_take(&s, len, &authority);
        if (!is_authority(authority, international))
            return false;
    }
    if (!take_characters(&s, ":@/", international))
        return false;
    if (one_of(&s, "?") && !take_characters(&s, ":@/?", international))
        return false;
    if (one_of(&s, "#") && !take_characters(&s, ":@/?", international))
        return false;
    return s.len == 0;
}

/* ── mail ── */

/* Dot-atom of RFC 5322 with the characters of RFC 6531. */
static bool is_dot_atom(struct span s, const char *marks)
{
    bool atom = false;
    while (s.len > 0) {
        uint32_t value;
        size_t len = span_utf8_first(s, &value);
        if (len == 1 && *s.ptr == '.') {
            if (!atom)
                return false;
            atom = false;
        } else if (len == 0 || !(len > 1 ? value >= 0xa0 : is_alnum(*s.ptr) || (*s.ptr && strchr(marks, *s.ptr)))) {
            return false;
        } else {
            atom = true;
        }
        span_skip(&s, len);
    }
    return atom;
}

static bool is_quoted(struct span s)
{
    if (s.len < 3 || s.ptr[0] != '"' || s.ptr[s.len - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < s.len; i++) {
        if (s.ptr[i] < 0x20 || s.ptr[i] == 0x7f || s.ptr[i] == '"')
            return false;
        if (s.ptr[i] == '\\' && ++i + 1 == s.len)
            return false; /* the last quotation mark would be a quoted one */
    }
    return true;
}

static bool is_mailbox(struct span s)
{
    struct span local = s, domain = s;
    size_t at = s.len;
    while (at > 0 && s.ptr[at - 1] != '@')
        at--;
    if (at == 0)
        return false;
    local.len = at - 1;
    span_skip(&domain, at);
    if (!is_dot_atom(local, "!#$%&'*+-/=?^_`{|}~") && !is_quoted(local))
        return false;
    return is_dot_atom(domain, "-") ||
           (one_of(&domain, "[") && take_characters(&domain, ":", false) && span_equal_str(domain, "]"));
}

bool format_holds(enum schema_format format, struct span text)
{
    switch (format) {
    case SCHEMA_FORMAT_DATE_TIME:
        return is_date_time(text);
    case SCHEMA_FORMAT_IDN_EMAIL:
        return is_mailbox(text);
    case SCHEMA_FORMAT_IRI_REFERENCE:
        return is_reference(text, false, true);
    case SCHEMA_FORMAT_URI:
        return is_reference(text, true, false);
    }
    return false;
}

const char *format_name(enum schema_format format)
{
    static const char *const names[] = {"date-time", "idn-email", "iri-reference", "uri"};
    return names[format];
}
