#include "parse/jinja_lex.h"

#include <string.h>

void jinja_lex_begin(struct jinja_lexer *l, struct span text)
{
    *l = (struct jinja_lexer){.text = text};
}

void jinja_place(struct span text, size_t at, size_t *line, size_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < at && i < text.len; i++) {
        ++*column;
        if (text.ptr[i] == '\n') {
            ++*line;
            *column = 1;
        }
    }
}

static uint8_t peek(const struct jinja_lexer *l, size_t ahead)
{
    return ahead < l->text.len - l->at ? l->text.ptr[l->at + ahead] : 0;
}

static struct jinja_token token(struct jinja_lexer *l, enum jinja_token_kind kind, size_t len)
{
    struct jinja_token t = {.kind = kind, .at = l->at, .text = span_of(l->text.ptr + l->at, len)};
    l->at += len;
    return t;
}

static struct jinja_token broken(struct jinja_lexer *l, const char *problem)
{
    l->problem = problem;
    return (struct jinja_token){.kind = JINJA_BROKEN, .at = l->at};
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ── text, comments, raw blocks ── */

static size_t skip_spaces(const struct jinja_lexer *l, size_t ahead)
{
    while (is_space(peek(l, ahead)))
        ahead++;
    return ahead;
}

/* How long `{%- WORD -%}` is when it stands at the cursor; 0: it does not. */
static size_t bare_tag(const struct jinja_lexer *l, const char *word, bool may_end_plus)
{
    size_t len = strlen(word), i = 2;
    if (peek(l, 0) != '{' || peek(l, 1) != '%')
        return 0;
    i += peek(l, i) == '-' || peek(l, i) == '+';
    i = skip_spaces(l, i);
    if (l->text.len - l->at < i + len || memcmp(l->text.ptr + l->at + i, word, len) != 0)
        return 0;
    i = skip_spaces(l, i + len);
    i += peek(l, i) == '-' || (may_end_plus && peek(l, i) == '+');
    return peek(l, i) == '%' && peek(l, i + 1) == '}' ? i + 2 : 0;
}

static struct jinja_token lex_raw(struct jinja_lexer *l, size_t opening)
{
    size_t begin = l->at, from = begin + opening;
    for (l->at = from; l->at < l->text.len; l->at++) {
        const uint8_t *brace = memchr(l->text.ptr + l->at, '{', l->text.len - l->at);
        if (!brace)
            break;
        l->at = (size_t)(brace - l->text.ptr);
        size_t closing = bare_tag(l, "endraw", true);
        if (closing) {
            struct span inside = span_of(l->text.ptr + from, l->at - from);
            l->at += closing;
            return (struct jinja_token){.kind = JINJA_DATA, .at = from, .text = inside};
        }
    }
    l->at = begin;
    return broken(l, "a raw block that is never closed");
}

static bool skip_comment(struct jinja_lexer *l)
{
    const uint8_t *end = memmem(l->text.ptr + l->at + 2, l->text.len - l->at - 2, "#}", 2);
    if (!end)
        return false;
    l->at = (size_t)(end - l->text.ptr) + 2;
    return true;
}

/* How many bytes of text stand before the next tag. */
static size_t data_length(const struct jinja_lexer *l)
{
    for (size_t i = l->at; i < l->text.len; i++) {
        const uint8_t *brace = memchr(l->text.ptr + i, '{', l->text.len - i);
        if (!brace)
            break;
        i = (size_t)(brace - l->text.ptr);
        uint8_t next = i + 1 < l->text.len ? l->text.ptr[i + 1] : 0;
        if (next == '{' || next == '%' || next == '#')
            return i - l->at;
    }
    return l->text.len - l->at;
}

static struct jinja_token lex_data(struct jinja_lexer *l)
{
    while (l->at < l->text.len) {
        size_t len = data_length(l), raw;
        if (len > 0)
            return token(l, JINJA_DATA, len);
        if (peek(l, 1) == '#') {
            if (!skip_comment(l))
                return broken(l, "a comment that is never closed");
            continue;
        }
        raw = bare_tag(l, "raw", false);
        if (raw)
            return lex_raw(l, raw);
        bool variable = peek(l, 1) == '{';
        l->mode = variable ? JINJA_IN_VARIABLE : JINJA_IN_BLOCK;
        return token(l, variable ? JINJA_VARIABLE_BEGIN : JINJA_BLOCK_BEGIN,
                     peek(l, 2) == '-' || peek(l, 2) == '+' ? 3 : 2);
    }
    return token(l, JINJA_END, 0);
}

/* ── inside of a tag ── */

/* `}}`, `-}}`, `%}`, `-%}` or `+%}` at the cursor ends the tag, outside of brackets. */
static size_t tag_end(const struct jinja_lexer *l)
{
    char first = l->mode == JINJA_IN_VARIABLE ? '}' : '%';
    size_t sign = peek(l, 0) == '-' || (l->mode == JINJA_IN_BLOCK && peek(l, 0) == '+');
    return l->brackets == 0 && peek(l, sign) == first && peek(l, sign + 1) == '}' ? sign + 2 : 0;
}

static size_t digits_of_base(const struct jinja_lexer *l, const char *digits)
{
    size_t i = 2;
    for (;;) {
        size_t after = i + (peek(l, i) == '_');
        uint8_t c = peek(l, after);
        if (!c || !strchr(digits, c))
            return i == 2 ? 0 : i;
        i = after + 1;
    }
}

/* Digits with single underscores between them. */
static size_t digits(const struct jinja_lexer *l, size_t from)
{
    size_t i = from;
    while (is_digit(peek(l, i)) || (i > from && peek(l, i) == '_' && is_digit(peek(l, i + 1))))
        i++;
    return i - from;
}

static size_t exponent(const struct jinja_lexer *l, size_t from)
{
    size_t sign = from + 1;
    if (peek(l, from) != 'e' && peek(l, from) != 'E')
        return 0;
    sign += peek(l, sign) == '+' || peek(l, sign) == '-';
    size_t count = digits(l, sign);
    return count ? sign + count - from : 0;
}

static struct jinja_token lex_number(struct jinja_lexer *l)
{
    bool after_dot = l->at > 0 && l->text.ptr[l->at - 1] == '.';
    size_t whole = digits(l, 0), len = whole, fraction;
    if (!after_dot) {
        fraction = peek(l, len) == '.' ? digits(l, len + 1) : 0;
        len += fraction ? fraction + 1 : 0;
        len += exponent(l, len);
        if (len > whole)
            return token(l, JINJA_FLOAT, len);
    }
    if (peek(l, 0) == '0') {
        uint8_t base = (uint8_t)(peek(l, 1) | 0x20);
        len = digits_of_base(l, base == 'x'   ? "0123456789abcdefABCDEF"
                                : base == 'o' ? "01234567"
                                : base == 'b' ? "01"
                                              : "");
        for (whole = len ? len : 1;
             !len && (peek(l, whole) == '0' || (peek(l, whole) == '_' && peek(l, whole + 1) == '0'));)
            whole++; /* 0, 00, 0_0: nothing but zeros begins with one */
    }
    return token(l, JINJA_INTEGER, whole);
}

static struct jinja_token lex_string(struct jinja_lexer *l)
{
    uint8_t quote = peek(l, 0);
    for (size_t i = l->at + 1; i < l->text.len; i++) {
        if (l->text.ptr[i] == '\\') {
            i++;
        } else if (l->text.ptr[i] == quote) {
            struct jinja_token t = {.kind = JINJA_STRING, .at = l->at};
            t.text = span_of(l->text.ptr + l->at + 1, i - l->at - 1);
            l->at = i + 1;
            return t;
        }
    }
    return broken(l, "a text without its closing quote");
}

static struct jinja_token lex_name(struct jinja_lexer *l)
{
    size_t len = 0;
    while (is_letter(peek(l, len)) || is_digit(peek(l, len)))
        len++;
    if (peek(l, len) >= 0x80) {
        l->at += len;
        return broken(l, "a name with a character outside of ASCII");
    }
    return token(l, JINJA_NAME, len);
}

static bool balance(struct jinja_lexer *l, uint8_t c)
{
    static const char pairs[] = "(){}[]";
    const char *found = strchr(pairs, c);
    if (!found)
        return true;
    if ((found - pairs) % 2 == 0) {
        if (l->brackets == LIMIT_JINJA_BRACKETS)
            return false;
        l->open[l->brackets++] = (uint8_t)found[1];
        return true;
    }
    return l->brackets > 0 && l->open[--l->brackets] == c;
}

static struct jinja_token lex_operator(struct jinja_lexer *l)
{
    static const char pairs[][3] = {"//", "**", "==", "!=", ">=", "<="};
    uint8_t c = peek(l, 0);
    struct jinja_token t;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (c != (uint8_t)pairs[i][0] || peek(l, 1) != (uint8_t)pairs[i][1])
            continue;
        t = token(l, JINJA_OPERATOR, 2);
        t.op = JINJA_OP(pairs[i][0], pairs[i][1]);
        return t;
    }
    if (c == 0 || !strchr("+-/*%~[](){}><=.:|,;", c))
        return broken(l, "a character that has no meaning in a tag");
    if (!balance(l, c))
        return broken(l, "a bracket that closes none, or more than 128 inside of each other");
    t = token(l, JINJA_OPERATOR, 1);
    t.op = c;
    return t;
}

static struct jinja_token lex_tag(struct jinja_lexer *l)
{
    l->at += skip_spaces(l, 0);
    size_t end = tag_end(l);
    uint8_t c = peek(l, 0);
    if (end) {
        bool variable = l->mode == JINJA_IN_VARIABLE;
        l->mode = JINJA_IN_DATA;
        return token(l, variable ? JINJA_VARIABLE_END : JINJA_BLOCK_END, end);
    }
    if (l->at == l->text.len)
        return broken(l, "a tag that is never closed");
    if (is_digit(c))
        return lex_number(l);
    if (is_letter(c))
        return lex_name(l);
    return c == '\'' || c == '"' ? lex_string(l) : lex_operator(l);
}

struct jinja_token jinja_lex_next(struct jinja_lexer *l)
{
    if (l->problem)
        return broken(l, l->problem);
    return l->mode == JINJA_IN_DATA ? lex_data(l) : lex_tag(l);
}
