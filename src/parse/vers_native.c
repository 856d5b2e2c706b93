/* Ranges as package managers write them, other than npm's (vers_npm.c). */
#include <string.h>

#include "parse/vers_native.h"
#include "parse/version_rules.h"
#include "util/auto.h"

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span vers_trim(struct span s)
{
    while (s.len && is_blank(s.ptr[0]))
        span_skip(&s, 1);
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool vers_take_piece(struct span *s, const char *separator, struct span *out)
{
    size_t len = strlen(separator);
    if (!s->ptr)
        return false;
    *out = *s;
    for (size_t i = 0; i + len <= s->len; i++) {
        if (memcmp(s->ptr + i, separator, len) != 0)
            continue;
        out->len = i;
        span_skip(s, i + len);
        return true;
    }
    *s = (struct span){0};
    return true;
}

int vers_refuse(struct err *e, const struct vers *v, struct span found)
{
    return err_set(e, ERR_INPUT, 0, "version range: no range of %s: found \"%.*s\"", v->scheme,
                   (int)(found.len > 200 ? 200 : found.len), (const char *)found.ptr);
}

/* Operators and what they are; the longer stand first. VERS_ANY: read on by the ecosystem. */
struct mark {
    const char *text;
    enum vers_op op;
};

static const struct mark OPERATORS[] = {{"===", VERS_EQUAL}, {">=", VERS_FROM}, {"<=", VERS_UP_TO}, {"!=", VERS_NOT},
                                        {"==", VERS_EQUAL},  {"~>", VERS_ANY},  {"~=", VERS_ANY},   {">", VERS_ABOVE},
                                        {"<", VERS_BELOW},   {"=", VERS_EQUAL}, {"~", VERS_ANY},    {"^", VERS_ANY}};

/* The operator that *s begins with, and the blanks behind it; "" when there is none. */
static const struct mark *take_mark(struct span *s)
{
    static const struct mark NONE = {"", VERS_EQUAL};
    for (size_t i = 0; i < ARRAY_LEN(OPERATORS); i++) {
        if (!span_take_prefix(s, span_str(OPERATORS[i].text)))
            continue;
        *s = vers_trim(*s);
        return &OPERATORS[i];
    }
    return &NONE;
}

/* The numbers of a release, "1.4.2", raised by one at `at` (from 0), and cut behind it. False: there is none. */
static bool raise_number(struct span version, size_t at, const char *tail, struct buf *out)
{
    struct span number;
    for (size_t i = 0; i <= at; i++) {
        number = version_take_digits(&version);
        if (number.len == 0 || (i < at && !span_take_prefix(&version, SPAN_LIT("."))))
            return false;
        if (i < at)
            buf_printf(out, "%.*s.", (int)number.len, (const char *)number.ptr);
    }
    return vers_add_one(number, out) && (buf_add_str(out, tail), buf_ok(out));
}

bool vers_add_one(struct span digits, struct buf *out)
{
    size_t nines = 0;
    while (nines < digits.len && digits.ptr[digits.len - 1 - nines] == '9')
        nines++;
    if (nines == digits.len)
        buf_add_byte(out, '1');
    else
        buf_add(out, digits.ptr, digits.len - nines - 1);
    if (nines < digits.len)
        buf_add_byte(out, (uint8_t)(digits.ptr[digits.len - nines - 1] + 1));
    for (; nines > 0; nines--)
        buf_add_byte(out, '0');
    return digits.len > 0;
}

static size_t count_numbers(struct span version)
{
    size_t count = 0;
    for (bool more = true; more && version_take_digits(&version).len; count++)
        more = span_take_prefix(&version, SPAN_LIT("."));
    return count;
}

/* From `version` up to the next one at number `at`. */
static int add_between(struct vers *v, struct span version, size_t at, const char *tail, unsigned alternative,
                       struct err *e)
{
    auto_buf next = BUF(VERSION_LENGTH_MAX + 8);
    if (!raise_number(version, at, tail, &next))
        return vers_refuse(e, v, version);
    if (vers_add(v, VERS_FROM, version, alternative, e) < 0)
        return -1;
    return vers_add(v, VERS_BELOW, buf_span(&next), alternative, e);
}

/* pypi and gem: clauses between commas; "~=" and "~>" go up to the next of the number before the last. */
static int read_clauses(struct span range, struct vers *v, struct err *e)
{
    struct span clause;
    while (vers_take_piece(&range, ",", &clause)) {
        struct span version = vers_trim(clause);
        const struct mark *o = take_mark(&version);
        size_t count = count_numbers(version);
        if (version.len == 0 || strcmp(o->text, "~") == 0 || strcmp(o->text, "^") == 0)
            return vers_refuse(e, v, clause);
        if (o->op != VERS_ANY && vers_add(v, o->op, version, 0, e) < 0)
            return -1;
        bool pypi = v->type == VERSION_PYPI;
        if (o->op == VERS_ANY && (count < (pypi ? 2U : 1U) ||
                                  add_between(v, version, count > 1 ? count - 2 : 0, pypi ? ".dev0" : "", 0, e) < 0))
            return e->code ? -1 : vers_refuse(e, v, clause);
    }
    return 0;
}

/* "[1.0, 2.0)", "(,1.0]", "[1.0]", and a version alone, which is the least one. */
static int read_interval(struct span s, struct vers *v, unsigned alternative, struct err *e)
{
    struct span inside = vers_trim(s), low, high;
    bool closed_low = inside.len && inside.ptr[0] == '[', closed_high = inside.len && inside.ptr[inside.len - 1] == ']';
    if (inside.len < 2 || (!closed_low && inside.ptr[0] != '('))
        return inside.len ? vers_add(v, VERS_FROM, inside, alternative, e) : vers_refuse(e, v, s);
    inside = span_of(inside.ptr + 1, inside.len - 2);
    high = inside;
    if (!span_take_until(&high, ',', &low))
        return closed_low && closed_high ? vers_add(v, VERS_EQUAL, vers_trim(inside), alternative, e)
                                         : vers_refuse(e, v, s);
    low = vers_trim(low);
    high = vers_trim(high);
    if (low.len && vers_add(v, closed_low ? VERS_FROM : VERS_ABOVE, low, alternative, e) < 0)
        return -1;
    if (high.len && vers_add(v, closed_high ? VERS_UP_TO : VERS_BELOW, high, alternative, e) < 0)
        return -1;
    return low.len || high.len ? 0 : vers_add(v, VERS_ANY, s, alternative, e);
}

/* nuget: one interval; maven: several, with commas between them. */
static int read_intervals(struct span range, struct vers *v, struct err *e)
{
    for (unsigned alternative = 0; range.len; alternative++) {
        size_t end = 0;
        while (end < range.len && range.ptr[end] != ')' && range.ptr[end] != ']')
            end++;
        end += end < range.len;
        if (read_interval(span_of(range.ptr, end), v, alternative, e) < 0)
            return -1;
        span_skip(&range, end);
        range = vers_trim(range);
        if (range.len && (v->type != VERSION_MAVEN || !span_take_prefix(&range, SPAN_LIT(",")) || range.len == 0))
            return vers_refuse(e, v, range);
    }
    return v->count ? 0 : vers_refuse(e, v, range);
}

/* Conan: "-" at the end of a version asks for prereleases too: that is no part of it. What stands behind a comma are
 * options. */
static int read_conan_term(struct span term, struct vers *v, unsigned alternative, struct err *e)
{
    struct span version = term;
    const struct mark *o = take_mark(&version);
    if (version.len > 1 && version.ptr[version.len - 1] == '-')
        version.len--;
    if (span_equal_str(version, "*"))
        return vers_add(v, VERS_FROM, SPAN_LIT("0.0.0"), alternative, e);
    if (o->op != VERS_ANY)
        return vers_add(v, o->op, version, alternative, e);
    size_t count = count_numbers(version), at = 0;
    if (count == 0 || (o->text[0] != '~' && o->text[0] != '^') || o->text[1])
        return vers_refuse(e, v, term);
    if (o->text[0] == '~')
        at = count > 1;
    struct span rest = version;
    while (o->text[0] == '^' && at + 1 < count && span_take_prefix(&rest, SPAN_LIT("0.")))
        at++;
    return add_between(v, version, at, "-", alternative, e);
}

static int read_conan(struct span range, struct vers *v, struct err *e)
{
    struct span options = range, alternative;
    if (span_take_until(&options, ',', &alternative))
        range = alternative;
    for (unsigned n = 0; vers_take_piece(&range, "||", &alternative); n++) {
        struct span rest = vers_trim(alternative);
        while (rest.len) {
            struct span term = {rest.ptr, 0};
            while (term.len < rest.len && strchr("<>=~^", rest.ptr[term.len]))
                term.len++;
            while (term.len < rest.len && is_blank(rest.ptr[term.len])) /* "> 1.0" */
                term.len++;
            while (term.len < rest.len && !is_blank(rest.ptr[term.len]))
                term.len++;
            span_skip(&rest, term.len);
            rest = vers_trim(rest);
            if (read_conan_term(term, v, n, e) < 0)
                return -1;
        }
    }
    return 0;
}

/* The second number is even. */
static bool is_stable(struct span version)
{
    struct span major;
    if (!span_take_until(&version, '.', &major))
        return false;
    struct span minor = version_take_digits(&version);
    return minor.len && (minor.ptr[minor.len - 1] - '0') % 2 == 0;
}

/* nginx's advisories: "1.5.0+", "0.7.52-0.8.39" and versions, with commas between them. A "+" behind a version of a
 * stable branch stays in the branch. */
static int read_nginx(struct span range, struct vers *v, struct err *e)
{
    struct span piece, low;
    for (unsigned n = 0; vers_take_piece(&range, ",", &piece); n++) {
        struct span version = vers_trim(piece);
        int result;
        if (version.len && version.ptr[version.len - 1] == '+') {
            version.len--;
            result =
                is_stable(version) ? add_between(v, version, 1, ".0", n, e) : vers_add(v, VERS_FROM, version, n, e);
        } else if (span_take_until(&version, '-', &low)) {
            result = vers_add(v, VERS_FROM, vers_trim(low), n, e);
            result = result < 0 ? -1 : vers_add(v, VERS_UP_TO, vers_trim(version), n, e);
        } else {
            result = vers_add(v, VERS_EQUAL, version, n, e);
        }
        if (result < 0)
            return -1;
    }
    return 0;
}

static int read_list(struct span range, struct vers *v, struct err *e)
{
    struct span piece;
    for (unsigned n = 0; vers_take_piece(&range, ",", &piece); n++)
        if (vers_add(v, VERS_EQUAL, vers_trim(piece), n, e) < 0)
            return -1;
    return 0;
}

static int read_native(struct span range, struct vers *v, struct err *e)
{
    switch (v->type) {
    case VERSION_NPM:
        return vers_npm_read(range, v, e);
    case VERSION_PYPI:
    case VERSION_GEM:
        return read_clauses(range, v, e);
    case VERSION_NUGET:
    case VERSION_MAVEN:
        return read_intervals(vers_trim(range), v, e);
    case VERSION_CONAN:
        return read_conan(range, v, e);
    case VERSION_NGINX:
        return read_nginx(range, v, e);
    case VERSION_OPENSSL:
        return read_list(range, v, e);
    default:
        return err_set(e, ERR_INPUT, 0, "version range: native ranges of %s are not read here", v->scheme);
    }
}

int vers_from_native(struct span scheme, struct span range, struct vers *out, struct err *e)
{
    *out = (struct vers){0};
    if (range.len > VERS_LENGTH_MAX)
        return err_set(e, ERR_LIMIT, 0, "version range: %zu bytes, more than %u", range.len, VERS_LENGTH_MAX);
    if (!vers_scheme(scheme, out))
        return err_set(e, ERR_INPUT, 0, "version range: versions of this scheme have no order here");
    if (read_native(range, out, e) == 0)
        return 0;
    vers_fini(out);
    return -1;
}
