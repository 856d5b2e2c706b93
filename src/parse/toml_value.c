#include "parse/toml_value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int toml_refuse(const struct toml_reader *r, const char *what)
{
    return err_set(r->e, ERR_INPUT, 0, "%s:%u: %s", r->name, r->line, what);
}

/* ── blanks and lines ── */

void toml_skip_blank(struct toml_reader *r)
{
    while (r->rest.len && (r->rest.ptr[0] == ' ' || r->rest.ptr[0] == '\t'))
        (void)span_skip(&r->rest, 1);
}

static bool take_line_end(struct toml_reader *r)
{
    if (!span_take_prefix(&r->rest, SPAN_LIT("\n")) && !span_take_prefix(&r->rest, SPAN_LIT("\r\n")))
        return false;
    r->line++;
    return true;
}

static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

static int skip_comment(struct toml_reader *r)
{
    toml_skip_blank(r);
    if (!span_take_prefix(&r->rest, SPAN_LIT("#")))
        return 0;
    while (r->rest.len && r->rest.ptr[0] != '\n' && !span_starts(r->rest, SPAN_LIT("\r\n"))) {
        if (is_control(r->rest.ptr[0]))
            return toml_refuse(r, "a control character in a comment");
        (void)span_skip(&r->rest, 1);
    }
    return 0;
}

int toml_skip_lines(struct toml_reader *r)
{
    do {
        if (skip_comment(r) < 0)
            return -1;
    } while (take_line_end(r));
    return 0;
}

int toml_end_line(struct toml_reader *r)
{
    if (skip_comment(r) < 0)
        return -1;
    return r->rest.len == 0 || take_line_end(r) ? 0 : toml_refuse(r, "something more behind the value");
}

/* ── strings ── */

static void put_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_add_byte(out, (uint8_t)c);
    } else if (c < 0x800) {
        buf_add_byte(out, (uint8_t)(0xc0 | c >> 6));
        buf_add_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
    } else {
        if (c < 0x10000) {
            buf_add_byte(out, (uint8_t)(0xe0 | c >> 12));
        } else {
            buf_add_byte(out, (uint8_t)(0xf0 | c >> 18));
            buf_add_byte(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
        }
        buf_add_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
        buf_add_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
    }
}

static int take_unicode(struct toml_reader *r, size_t digits, struct buf *out)
{
    struct span hex;
    uint32_t value = 0;
    if (!span_take(&r->rest, digits, &hex))
        return toml_refuse(r, "an escape that breaks off");
    for (size_t i = 0; i < digits; i++) {
        int c = tolower(hex.ptr[i]);
        if (!isxdigit(c))
            return toml_refuse(r, "an escape whose digits are no hex");
        value = value << 4 | (uint32_t)(isdigit(c) ? c - '0' : c - 'a' + 10);
    }
    if (value == 0 || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return toml_refuse(r, "an escape that stands for no character");
    put_utf8(out, value);
    return 0;
}

static int take_escape(struct toml_reader *r, struct buf *out)
{
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
    uint8_t c;
    if (!span_take_u8(&r->rest, &c))
        return toml_refuse(r, "an escape that breaks off");
    if (c == 'u' || c == 'U')
        return take_unicode(r, c == 'u' ? 4 : 8, out);
    const char *found = c ? strchr(from, c) : NULL;
    if (!found)
        return toml_refuse(r, "an escape that TOML does not know");
    buf_add_byte(out, (uint8_t)to[found - from]);
    return 0;
}

/* A backslash at the end of a line: blanks and line ends up to the next character are left out. */
static bool join_lines(struct toml_reader *r)
{
    struct span before = r->rest;
    unsigned line = r->line;
    toml_skip_blank(r);
    if (!take_line_end(r)) {
        r->rest = before;
        r->line = line;
        return false;
    }
    do
        toml_skip_blank(r);
    while (take_line_end(r));
    return true;
}

static int take_one_line(struct toml_reader *r, uint8_t quote, struct buf *out)
{
    for (uint8_t c; span_take_u8(&r->rest, &c);) {
        if (c == quote)
            return 0;
        if (is_control(c))
            return toml_refuse(r, "a control character or a line end in a string");
        if (c == '\\' && quote == '"') {
            if (take_escape(r, out) < 0)
                return -1;
        } else {
            buf_add_byte(out, c);
        }
    }
    return toml_refuse(r, "a string without its end");
}

static int take_many_lines(struct toml_reader *r, uint8_t quote, struct buf *out)
{
    const struct span end = quote == '"' ? SPAN_LIT("\"\"\"") : SPAN_LIT("'''");
    (void)take_line_end(r);
    while (r->rest.len) {
        if (span_take_prefix(&r->rest, end)) {
            for (int i = 0; i < 2 && r->rest.len && r->rest.ptr[0] == quote; i++) { /* up to two may end the text */
                buf_add_byte(out, quote);
                (void)span_skip(&r->rest, 1);
            }
            return 0;
        }
        if (take_line_end(r)) {
            buf_add_byte(out, '\n');
            continue;
        }
        uint8_t c = 0;
        (void)span_take_u8(&r->rest, &c);
        if (is_control(c))
            return toml_refuse(r, "a control character in a string");
        if (c != '\\' || quote != '"')
            buf_add_byte(out, c);
        else if (!join_lines(r) && take_escape(r, out) < 0)
            return -1;
    }
    return toml_refuse(r, "a string without its end");
}

int toml_take_string(struct toml_reader *r, char **out)
{
    auto_buf text = BUF(r->rest.len + 1);
    uint8_t quote = 0;
    struct span two;
    (void)span_take_u8(&r->rest, &quote);
    bool many = span_slice(r->rest, 0, 2, &two) && two.ptr[0] == quote && two.ptr[1] == quote;
    if (many)
        (void)span_skip(&r->rest, 2);
    if ((many ? take_many_lines : take_one_line)(r, quote, &text) < 0)
        return -1;
    buf_add_byte(&text, 0);
    *out = buf_steal_str(&text);
    return *out ? 0 : toml_refuse(r, "a string that is too long");
}

/* ── keys ── */

static struct span take_word(struct toml_reader *r, const char *also)
{
    struct span word = {r->rest.ptr, 0};
    while (r->rest.len && (isalnum(r->rest.ptr[0]) || (r->rest.ptr[0] && strchr(also, r->rest.ptr[0])))) {
        (void)span_skip(&r->rest, 1);
        word.len++;
    }
    return word;
}

int toml_take_key(struct toml_reader *r, char **out)
{
    if (r->rest.len && (r->rest.ptr[0] == '"' || r->rest.ptr[0] == '\'')) {
        if (span_starts(r->rest, SPAN_LIT("\"\"\"")) || span_starts(r->rest, SPAN_LIT("'''")))
            return toml_refuse(r, "a key of many lines");
        return toml_take_string(r, out);
    }
    struct span word = take_word(r, "-_");
    if (word.len == 0)
        return toml_refuse(r, "wanted a key");
    *out = span_dup(word);
    return 0;
}

/* ── numbers, times, true and false ── */

/* Digits with single underscores between them. */
static bool take_digits(struct span *s, const char *digits)
{
    bool any = false, open = false;
    while (s->len && s->ptr[0] && (strchr(digits, s->ptr[0]) || (any && !open && s->ptr[0] == '_'))) {
        open = s->ptr[0] == '_';
        any = true;
        (void)span_skip(s, 1);
    }
    return any && !open;
}

#define DECIMAL "0123456789"

static bool is_number(struct span s)
{
    if (span_take_prefix(&s, SPAN_LIT("0x")))
        return take_digits(&s, DECIMAL "abcdefABCDEF") && s.len == 0;
    if (span_take_prefix(&s, SPAN_LIT("0o")))
        return take_digits(&s, "01234567") && s.len == 0;
    if (span_take_prefix(&s, SPAN_LIT("0b")))
        return take_digits(&s, "01") && s.len == 0;
    if (!span_take_prefix(&s, SPAN_LIT("+")))
        (void)span_take_prefix(&s, SPAN_LIT("-"));
    if (span_equal_str(s, "inf") || span_equal_str(s, "nan"))
        return true;
    if (s.len > 1 && s.ptr[0] == '0' && (isdigit(s.ptr[1]) || s.ptr[1] == '_'))
        return false;
    if (!take_digits(&s, DECIMAL))
        return false;
    if (span_take_prefix(&s, SPAN_LIT(".")) && !take_digits(&s, DECIMAL))
        return false;
    if (span_take_prefix(&s, SPAN_LIT("e")) || span_take_prefix(&s, SPAN_LIT("E"))) {
        if (!span_take_prefix(&s, SPAN_LIT("+")))
            (void)span_take_prefix(&s, SPAN_LIT("-"));
        if (!take_digits(&s, DECIMAL))
            return false;
    }
    return s.len == 0;
}

/* `form`: d for a digit, anything else for itself. */
static bool take_form(struct span *s, const char *form)
{
    struct span text;
    if (!span_take(s, strlen(form), &text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (form[i] == 'd' ? !isdigit(text.ptr[i]) : text.ptr[i] != (uint8_t)form[i])
            return false;
    return true;
}

static bool take_clock(struct span *s)
{
    if (!take_form(s, "dd:dd:dd"))
        return false;
    if (span_take_prefix(s, SPAN_LIT("."))) {
        size_t digits = 0;
        for (; s->len && isdigit(s->ptr[0]); digits++)
            (void)span_skip(s, 1);
        return digits > 0;
    }
    return true;
}

static bool is_time(struct span s)
{
    struct span day = s;
    if (!take_form(&day, "dddd-dd-dd"))
        return take_clock(&s) && s.len == 0;
    s = day;
    if (s.len == 0)
        return true;
    if (!strchr("Tt ", s.ptr[0]) || !span_skip(&s, 1) || !take_clock(&s))
        return false;
    if (s.len == 0 || span_equal_str(s, "Z") || span_equal_str(s, "z"))
        return true;
    return (s.ptr[0] == '+' || s.ptr[0] == '-') && span_skip(&s, 1) && take_form(&s, "dd:dd") && s.len == 0;
}

int toml_take_plain(struct toml_reader *r, enum toml_kind *kind, char **out)
{
    struct span word = take_word(r, "+-_.:"), more = r->rest;
    /* a time may have a blank between its day and its clock */
    if (is_time(word) && word.len == strlen("2026-11-24") && more.len > 1 && more.ptr[0] == ' ' &&
        isdigit(more.ptr[1])) {
        (void)span_skip(&r->rest, 1);
        word.len += 1 + take_word(r, "+-_.:").len;
    }
    if (span_equal_str(word, "true") || span_equal_str(word, "false"))
        *kind = TOML_BOOL;
    else if (is_number(word))
        *kind = TOML_NUMBER;
    else if (is_time(word))
        *kind = TOML_TIME;
    else
        return toml_refuse(r, "wanted a value: a text in quotes, a number, a time, true or false, [ or {");
    *out = span_dup(word);
    return 0;
}
