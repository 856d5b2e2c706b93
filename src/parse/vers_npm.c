/* npm's ranges (node-semver, "Ranges" and "Advanced Range Syntax"). */
#include <string.h>

#include "parse/vers_native.h"
#include "parse/version_rules.h"
#include "util/auto.h"

/* "1.2.x-pre": numbers that are there, at most three; the others are any. */
struct partial {
    struct span numbers[3];
    size_t count;
    struct span prerelease;
};

static bool take_wild(struct span *s)
{
    return span_take_prefix(s, SPAN_LIT("x")) || span_take_prefix(s, SPAN_LIT("X")) ||
           span_take_prefix(s, SPAN_LIT("*"));
}

static bool read_partial(struct span s, struct partial *p)
{
    struct span before, build = s;
    *p = (struct partial){0};
    while (s.len && (s.ptr[0] == 'v' || s.ptr[0] == '=' || s.ptr[0] == ' '))
        span_skip(&s, 1);
    build = s;
    if (span_take_until(&build, '+', &before)) {
        if (!version_identifiers_valid(build, true))
            return false;
        s = before;
    }
    bool wild = s.len == 0;
    for (size_t i = 0; i < 3 && s.len && (i == 0 || span_take_prefix(&s, SPAN_LIT("."))); i++) {
        struct span number = version_take_digits(&s);
        if (number.len == 0 && !take_wild(&s))
            return false;
        wild |= number.len == 0; /* what stands behind an "x" says nothing */
        if (!wild)
            p->numbers[p->count++] = number;
    }
    if (s.len == 0)
        return true;
    if (!span_take_prefix(&s, SPAN_LIT("-")) || !version_identifiers_valid(s, false))
        return false;
    p->prerelease = p->count == 3 ? s : (struct span){0};
    return true;
}

static struct span or_zero(struct span number)
{
    return number.len ? number : SPAN_LIT("0");
}

/* The version that a partial begins with: zeros for what is missing. */
static void write_low(const struct partial *p, struct buf *out)
{
    for (size_t i = 0; i < 3; i++) {
        buf_add_str(out, i ? "." : "");
        buf_add_span(out, or_zero(p->numbers[i]));
    }
    if (p->prerelease.len) {
        buf_add_byte(out, '-');
        buf_add_span(out, p->prerelease);
    }
}

/* The version where number `at` is one more: the first that a range over that number does not hold. */
static void write_next(const struct partial *p, size_t at, struct buf *out)
{
    for (size_t i = 0; i < 3; i++) {
        buf_add_str(out, i ? "." : "");
        if (i == at)
            vers_add_one(or_zero(p->numbers[i]), out);
        else
            buf_add_span(out, i < at ? or_zero(p->numbers[i]) : SPAN_LIT("0"));
    }
}

static int add_low(struct vers *v, enum vers_op op, const struct partial *p, unsigned alternative, struct err *e)
{
    auto_buf version = BUF(VERS_LENGTH_MAX);
    write_low(p, &version);
    return vers_add(v, op, buf_span(&version), alternative, e);
}

static int add_next(struct vers *v, enum vers_op op, const struct partial *p, size_t at, unsigned alternative,
                    struct err *e)
{
    auto_buf version = BUF(VERS_LENGTH_MAX);
    write_next(p, at, &version);
    return vers_add(v, op, buf_span(&version), alternative, e);
}

static int add_any(struct vers *v, unsigned alternative, struct err *e)
{
    return vers_add(v, VERS_ANY, SPAN_LIT("*"), alternative, e);
}

static int add_nothing(struct vers *v, unsigned alternative, struct err *e)
{
    return vers_add(v, VERS_BELOW, SPAN_LIT("0.0.0-0"), alternative, e);
}

/* From the partial up to the next of number `at`. */
static int add_over(struct vers *v, const struct partial *p, size_t at, unsigned alternative, struct err *e)
{
    if (add_low(v, VERS_FROM, p, alternative, e) < 0)
        return -1;
    return add_next(v, VERS_BELOW, p, at, alternative, e);
}

/* "^": up to the next of the first number that is not 0. */
static int add_caret(struct vers *v, const struct partial *p, unsigned alternative, struct err *e)
{
    size_t at = 0;
    while (at + 1 < p->count && span_equal_str(p->numbers[at], "0"))
        at++;
    return add_over(v, p, at, alternative, e);
}

static int add_compared(struct vers *v, enum vers_op op, const struct partial *p, unsigned alternative, struct err *e)
{
    bool whole = p->count == 3;
    if (p->count == 0)
        return op == VERS_BELOW || op == VERS_ABOVE ? add_nothing(v, alternative, e) : add_any(v, alternative, e);
    if (!whole && op == VERS_ABOVE)
        return add_next(v, VERS_FROM, p, p->count - 1, alternative, e);
    if (!whole && op == VERS_UP_TO)
        return add_next(v, VERS_BELOW, p, p->count - 1, alternative, e);
    if (!whole && op == VERS_EQUAL)
        return add_over(v, p, p->count - 1, alternative, e);
    return add_low(v, op, p, alternative, e);
}

static bool is_mark(uint8_t c)
{
    return c == '<' || c == '>' || c == '=' || c == '~' || c == '^' || c == 'v';
}

static int read_simple(struct span text, struct vers *v, unsigned alternative, struct err *e)
{
    static const struct {
        const char *text;
        enum vers_op op;
    } marks[] = {{">=", VERS_FROM}, {"<=", VERS_UP_TO}, {">", VERS_ABOVE}, {"<", VERS_BELOW}, {"=", VERS_EQUAL}};
    struct span s = text;
    struct partial p;
    enum vers_op op = VERS_EQUAL;
    bool tilde = span_take_prefix(&s, SPAN_LIT("~>")) || span_take_prefix(&s, SPAN_LIT("~"));
    bool caret = !tilde && span_take_prefix(&s, SPAN_LIT("^"));
    for (size_t i = 0; !tilde && !caret && i < ARRAY_LEN(marks); i++) {
        if (!span_take_prefix(&s, span_str(marks[i].text)))
            continue;
        op = marks[i].op;
        break;
    }
    bool alone = true; /* a mark without a version */
    for (size_t i = 0; i < s.len; i++)
        alone &= is_mark(s.ptr[i]) || s.ptr[i] == ' ' || s.ptr[i] == '\t';
    if (alone || !read_partial(vers_trim(s), &p))
        return vers_refuse(e, v, text);
    if ((tilde || caret) && p.count == 0)
        return add_any(v, alternative, e);
    if (tilde)
        return add_over(v, &p, p.count > 1, alternative, e);
    return caret ? add_caret(v, &p, alternative, e) : add_compared(v, op, &p, alternative, e);
}

/* "A - B" */
static int read_hyphen(struct span low, struct span high, struct vers *v, unsigned alternative, struct err *e)
{
    struct partial a, b;
    if (!read_partial(vers_trim(low), &a) || !read_partial(vers_trim(high), &b))
        return vers_refuse(e, v, low);
    if (a.count == 0 && b.count == 0)
        return add_any(v, alternative, e);
    if (a.count && add_compared(v, VERS_FROM, &a, alternative, e) < 0)
        return -1;
    return b.count ? add_compared(v, VERS_UP_TO, &b, alternative, e) : 0;
}

/* A term: marks, blanks, and what stands before the next blank. */
static struct span take_term(struct span *s)
{
    struct span term = {s->ptr, 0};
    while (term.len < s->len && (is_mark(s->ptr[term.len]) || s->ptr[term.len] == ' ' || s->ptr[term.len] == '\t'))
        term.len++;
    while (term.len < s->len && s->ptr[term.len] != ' ' && s->ptr[term.len] != '\t')
        term.len++;
    span_skip(s, term.len);
    *s = vers_trim(*s);
    return term;
}

static int read_alternative(struct span s, struct vers *v, unsigned alternative, struct err *e)
{
    struct span rest = s, low;
    s = vers_trim(s);
    if (s.len == 0)
        return add_any(v, alternative, e);
    rest = s;
    if (vers_take_piece(&rest, " - ", &low) && rest.ptr)
        return read_hyphen(low, rest, v, alternative, e);
    while (s.len)
        if (read_simple(take_term(&s), v, alternative, e) < 0)
            return -1;
    return 0;
}

int vers_npm_read(struct span range, struct vers *v, struct err *e)
{
    struct span piece;
    if (range.len == 0)
        return add_any(v, 0, e);
    for (unsigned n = 0; vers_take_piece(&range, "||", &piece); n++)
        if (read_alternative(piece, v, n, e) < 0)
            return -1;
    return 0;
}

/* The numbers of a version, without prerelease and build. */
static struct span numbers_of(struct span version, bool *prerelease)
{
    struct span before;
    span_take_prefix(&version, SPAN_LIT("v"));
    struct span rest = version;
    if (span_take_until(&rest, '+', &before))
        version = before;
    rest = version;
    *prerelease = span_take_until(&rest, '-', &before);
    return *prerelease ? before : version;
}

static bool holds(const struct vers_constraint *c, struct span version)
{
    int order = 0;
    if (c->op == VERS_ANY)
        return true;
    if (!version_compare(VERSION_NPM, version, span_str(c->version), &order))
        return false;
    switch (c->op) {
    case VERS_BELOW:
        return order < 0;
    case VERS_UP_TO:
        return order <= 0;
    case VERS_FROM:
        return order >= 0;
    case VERS_ABOVE:
        return order > 0;
    default:
        return order == 0;
    }
}

/* All constraints of the alternative hold; and a prerelease must be asked for: one of them names a prerelease of the
 * same numbers. */
static bool satisfies(const struct vers *v, unsigned alternative, struct span version)
{
    bool prerelease, named = false, other;
    struct span numbers = numbers_of(version, &prerelease);
    for (size_t i = 0; i < v->count; i++) {
        const struct vers_constraint *c = &v->constraints[i];
        if (c->alternative != alternative)
            continue;
        if (!holds(c, version))
            return false;
        named |= c->version && span_equal(numbers_of(span_str(c->version), &other), numbers) && other;
    }
    return !prerelease || named;
}

bool vers_npm_contains(struct span range, struct span version, bool *in)
{
    struct err e = {0};
    auto_vers v = {0};
    if (!version_valid(VERSION_NPM, version) || vers_from_native(SPAN_LIT("npm"), range, &v, &e) < 0)
        return false;
    *in = false;
    for (size_t i = 0; i < v.count && !*in; i++)
        *in = satisfies(&v, v.constraints[i].alternative, version);
    return true;
}

int vers_npm_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    (void)arg;
    while (input.len) {
        struct span line = input, version;
        bool in;
        if (!span_take_until(&input, '\n', &line))
            input.len = 0;
        if (!span_take_until(&line, '\t', &version) || !vers_npm_contains(line, version, &in))
            buf_add_byte(reply, '?');
        else
            buf_add_byte(reply, in ? 'y' : 'n');
    }
    return buf_check(reply, "npm-ranges", e);
}
