#include "parse/vers.h"

#include <stdlib.h>
#include <string.h>

#include "util/auto.h"

/* As they are written; the longer stand first. */
static const struct {
    const char *text;
    enum vers_op op;
} OPS[] = {{">=", VERS_FROM}, {"<=", VERS_UP_TO}, {"!=", VERS_NOT}, {">", VERS_ABOVE}, {"<", VERS_BELOW}};

static const char *const SYMBOLS[] = {"<", "<=", "", "!=", ">=", ">", "*"};

void vers_fini(struct vers *v)
{
    for (size_t i = 0; i < v->count; i++)
        free(v->constraints[i].version);
    free(v->constraints);
    *v = (struct vers){0};
}

bool vers_scheme(struct span name, struct vers *out)
{
    *out = (struct vers){0};
    if (span_equal_str(name, "gentoo")) {
        out->type = VERSION_EBUILD;
        out->scheme = "gentoo";
        return true;
    }
    if (!version_type_named(name, &out->type))
        return false;
    out->scheme = version_type_name(out->type);
    return true;
}

int vers_add(struct vers *v, enum vers_op op, struct span version, unsigned alternative, struct err *e)
{
    if (op != VERS_ANY && !version_valid(v->type, version))
        return err_set(e, ERR_INPUT, 0, "version range: \"%.*s\" is no version of %s",
                       (int)(version.len > 200 ? 200 : version.len), (const char *)version.ptr, v->scheme);
    if (v->count == VERS_CONSTRAINTS_MAX)
        return err_set(e, ERR_LIMIT, 0, "version range: more than %u constraints", VERS_CONSTRAINTS_MAX);
    if ((v->count & (v->count - 1)) == 0) { /* room for a power of two */
        size_t room = v->count ? v->count * 2 : 1;
        v->constraints = reallocarray(v->constraints, room, sizeof(*v->constraints));
    }
    char *copy = op == VERS_ANY ? NULL : span_dup(version);
    if (!v->constraints)
        abort();
    v->constraints[v->count++] = (struct vers_constraint){op, copy, alternative};
    return 0;
}

/* *order, or false when there is none. */
static bool compare(const struct vers *v, const struct vers_constraint *a, const struct vers_constraint *b, int *order)
{
    if (a->op == VERS_ANY || b->op == VERS_ANY)
        *order = 0;
    else if (!version_compare(v->type, span_str(a->version), span_str(b->version), order))
        return false;
    if (*order == 0)
        *order = (a->op > b->op) - (a->op < b->op);
    return true;
}

/* By insertion: equal ones keep their order, and some ecosystems' orders have circles, in which qsort may go astray. */
int vers_sort(struct vers *v, struct err *e)
{
    for (size_t i = 1; i < v->count; i++) {
        struct vers_constraint moved = v->constraints[i];
        size_t to = i;
        for (int order; to > 0; to--) {
            if (!compare(v, &v->constraints[to - 1], &moved, &order))
                return err_set(e, ERR_INPUT, 0, "version range: %s and %s have no order", moved.version,
                               v->constraints[to - 1].version);
            if (order <= 0)
                break;
        }
        memmove(&v->constraints[to + 1], &v->constraints[to], (i - to) * sizeof(moved));
        v->constraints[to] = moved;
    }
    return 0;
}

static int bad(struct err *e, const char *why, struct span found)
{
    return err_set(e, ERR_INPUT, 0, "version range: %s: found \"%.*s\"", why, (int)(found.len > 200 ? 200 : found.len),
                   (const char *)found.ptr);
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int decode(struct span s, struct buf *out, struct err *e)
{
    for (size_t i = 0; i < s.len; i++) {
        int high, low;
        if (s.ptr[i] != '%') {
            buf_add_byte(out, s.ptr[i]);
            continue;
        }
        if (i + 2 >= s.len || (high = hex_value(s.ptr[i + 1])) < 0 || (low = hex_value(s.ptr[i + 2])) < 0 ||
            (high == 0 && low == 0))
            return bad(e, "\"%\" must lead two hexadecimal digits, and not 00", s);
        buf_add_byte(out, (uint8_t)(high << 4 | low));
        i += 2;
    }
    return 0;
}

static int parse_constraint(struct span s, struct vers *v, struct err *e)
{
    enum vers_op op = VERS_EQUAL;
    if (span_equal_str(s, "*"))
        return vers_add(v, VERS_ANY, s, 0, e);
    for (size_t i = 0; i < ARRAY_LEN(OPS) && op == VERS_EQUAL; i++)
        if (span_take_prefix(&s, span_str(OPS[i].text)))
            op = OPS[i].op;
    auto_buf version = BUF(VERS_LENGTH_MAX);
    if (s.len == 0)
        return bad(e, "a constraint has a version", s);
    if (decode(s, &version, e) < 0)
        return -1;
    return vers_add(v, op, buf_span(&version), 0, e);
}

static int parse(struct span text, struct vers *out, struct err *e)
{
    struct span rest = text, scheme;
    if (text.len > VERS_LENGTH_MAX)
        return err_set(e, ERR_LIMIT, 0, "version range: %zu bytes, more than %u", text.len, VERS_LENGTH_MAX);
    if (!span_take_prefix(&rest, SPAN_LIT("vers:")) || !span_take_until(&rest, '/', &scheme))
        return bad(e, "wanted \"vers:\", a scheme and a slash", text);
    if (!vers_scheme(scheme, out))
        return bad(e, "versions of this scheme have no order here", scheme);
    for (bool more = true; more;) {
        struct span constraint = rest;
        more = span_take_until(&rest, '|', &constraint);
        if (parse_constraint(constraint, out, e) < 0)
            return -1;
    }
    for (size_t i = 0; i < out->count; i++)
        if (out->constraints[i].op == VERS_ANY && out->count > 1)
            return bad(e, "\"*\" stands alone", text);
    return vers_sort(out, e);
}

int vers_parse(struct span text, struct vers *out, struct err *e)
{
    *out = (struct vers){0};
    if (parse(text, out, e) == 0)
        return 0;
    vers_fini(out);
    return -1;
}

int vers_parse_canonical(struct span text, struct vers *out, struct err *e)
{
    auto_buf written = BUF(4U * VERS_LENGTH_MAX);
    if (vers_parse(text, out, e) < 0)
        return -1;
    vers_write(out, &written);
    if (span_equal(buf_span(&written), text))
        return 0;
    vers_fini(out);
    return bad(e, "not in canonical form (sorted, escaped only where needed)", text);
}

/* What must not be taken for the grammar is escaped, and what is no printable ASCII. */
static void encode(struct buf *out, const char *text)
{
    for (const uint8_t *c = (const uint8_t *)text; *c; c++) {
        if (*c > ' ' && *c < 0x7F && !strchr("%<>=!*|", *c))
            buf_add_byte(out, *c);
        else
            buf_printf(out, "%%%02X", *c);
    }
}

void vers_write(const struct vers *v, struct buf *out)
{
    buf_printf(out, "vers:%s/", v->scheme);
    for (size_t i = 0; i < v->count; i++) {
        buf_printf(out, "%s%s", i ? "|" : "", SYMBOLS[v->constraints[i].op]);
        if (v->constraints[i].version)
            encode(out, v->constraints[i].version);
    }
}

static bool is_bound(enum vers_op op)
{
    return op != VERS_EQUAL && op != VERS_NOT;
}

/* A version between two bounds is in when the one before it opens upwards or the one behind it downwards. Where nothing
 * but "!=" stands, all else is in. */
bool vers_contains(const struct vers *v, struct span version, bool *in)
{
    const struct vers_constraint *before = NULL, *behind = NULL;
    bool equal = false, bounds = false;
    if (!version_valid(v->type, version))
        return false;
    *in = false;
    for (size_t i = 0; i < v->count; i++) {
        const struct vers_constraint *c = &v->constraints[i];
        int order = 0;
        if (c->op == VERS_ANY)
            return *in = true;
        if (!version_compare(v->type, version, span_str(c->version), &order))
            return false;
        bounds |= c->op != VERS_NOT;
        equal |= order == 0;
        *in |= order == 0 && (c->op == VERS_EQUAL || c->op == VERS_UP_TO || c->op == VERS_FROM);
        if (order == 0 && c->op == VERS_NOT) {
            *in = false;
            return true;
        }
        if (order > 0 && is_bound(c->op))
            before = c;
        if (order < 0 && is_bound(c->op) && !behind)
            behind = c;
    }
    if (!equal)
        *in = (!bounds && v->count) || (before && before->op >= VERS_FROM) || (behind && behind->op <= VERS_UP_TO);
    return true;
}
