/* Opcodes that push numbers and strings, and those that make containers and fill them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/pickle.h"
#include "parse/pickle_ops.h"
#include "util/auto.h"

/* ── plain values ── */

int op_none(struct machine *m)
{
    return machine_push(m, value_of(KIND_NONE, 0));
}

int op_true(struct machine *m)
{
    return machine_push(m, value_of(KIND_BOOL, 1));
}

int op_false(struct machine *m)
{
    return machine_push(m, value_of(KIND_BOOL, 0));
}

static int push_int(struct machine *m, int64_t value)
{
    bool small = value >= -(1LL << 55) && value < 1LL << 55;
    return machine_push(m, small ? value_of(KIND_INT, (uint64_t)value) : value_of(KIND_BIG_INT, 0));
}

int op_binint(struct machine *m)
{
    uint64_t n;
    return machine_take_number(m, 4, &n) ? push_int(m, (int32_t)(uint32_t)n) : RUN_SHORT;
}

int op_binint1(struct machine *m)
{
    uint64_t n;
    return machine_take_number(m, 1, &n) ? machine_push(m, value_of(KIND_INT, n)) : RUN_SHORT;
}

int op_binint2(struct machine *m)
{
    uint64_t n;
    return machine_take_number(m, 2, &n) ? machine_push(m, value_of(KIND_INT, n)) : RUN_SHORT;
}

int op_binfloat(struct machine *m)
{
    const uint8_t *p;
    return machine_take(m, 8, &p) ? machine_push(m, value_of(KIND_FLOAT, 0)) : RUN_SHORT;
}

/* A decimal number with a sign. *big: it has more digits than an int64_t can be sure to hold. */
static bool read_decimal(struct span s, int64_t *out, size_t *digits)
{
    bool minus = s.len > 0 && s.ptr[0] == '-';
    *out = 0;
    if (minus || (s.len > 0 && s.ptr[0] == '+'))
        span_skip(&s, 1);
    *digits = s.len;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (i < 17)
            *out = *out * 10 + (s.ptr[i] - '0');
    }
    if (minus)
        *out = -*out;
    return s.len > 0;
}

static int push_decimal(struct machine *m, struct span line)
{
    int64_t value;
    size_t digits;
    if (!read_decimal(line, &value, &digits))
        return machine_broken(m, "a number that is none");
    if (digits > LIMIT_PICKLE_DIGITS)
        machine_odd(m, SEVERITY_HIGH, "pickle-bomb", m->op_at, "a number of %zu digits", digits);
    return digits < 17 ? push_int(m, value) : machine_push(m, value_of(KIND_BIG_INT, 0));
}

int op_int(struct machine *m)
{
    struct span line;
    if (!machine_take_line(m, &line))
        return RUN_SHORT;
    if (span_equal_str(line, "00") || span_equal_str(line, "01"))
        return machine_push(m, value_of(KIND_BOOL, line.ptr[1] == '1'));
    return push_decimal(m, line);
}

int op_long(struct machine *m)
{
    struct span line;
    if (!machine_take_line(m, &line))
        return RUN_SHORT;
    if (span_ends(line, SPAN_LIT("L")))
        line.len--;
    return push_decimal(m, line);
}

/* Two's complement, little-endian. */
static int push_long(struct machine *m, const uint8_t *p, size_t len)
{
    uint64_t bits = len > 0 && len <= 8 && p[len - 1] & 0x80 ? UINT64_MAX : 0;
    if (len > 8)
        return machine_push(m, value_of(KIND_BIG_INT, 0));
    for (size_t i = len; i-- > 0;)
        bits = bits << 8 | p[i];
    return push_int(m, (int64_t)bits);
}

int op_long1(struct machine *m)
{
    uint64_t len;
    const uint8_t *p;
    return machine_take_number(m, 1, &len) && machine_take(m, (size_t)len, &p) ? push_long(m, p, (size_t)len)
                                                                               : RUN_SHORT;
}

int op_long4(struct machine *m)
{
    uint64_t len;
    const uint8_t *p;
    if (!machine_take_number(m, 4, &len))
        return RUN_SHORT;
    if (len > INT32_MAX)
        return machine_broken(m, "a number of a negative length");
    if (!machine_take(m, (size_t)len, &p))
        return RUN_SHORT;
    if (len > LIMIT_PICKLE_DIGITS)
        machine_odd(m, SEVERITY_HIGH, "pickle-bomb", m->op_at, "a number of %zu bytes", (size_t)len);
    return push_long(m, p, (size_t)len);
}

int op_float(struct machine *m)
{
    static const char allowed[] = "0123456789+-.eEinfatyINFATY";
    struct span line;
    char text[128], *end;
    if (!machine_take_line(m, &line))
        return RUN_SHORT;
    snprintf(text, sizeof text, "%.*s", (int)(line.len < 127 ? line.len : 127), (const char *)line.ptr);
    strtod(text, &end);
    if (line.len == 0 || line.len > 127 || strspn(text, allowed) != line.len || *end)
        return machine_broken(m, "a number that is none");
    return machine_push(m, value_of(KIND_FLOAT, 0));
}

/* ── strings ── */

/* UTF-8 as Python's "surrogatepass" reads it: halves of surrogate pairs are let through. */
static bool is_text(struct span s)
{
    const uint8_t *p = s.ptr, *end = s.ptr + s.len;
    uint64_t eight;
    for (; end - p >= 8; p += 8) {
        memcpy(&eight, p, 8);
        if (eight & 0x8080808080808080ULL)
            break;
    }
    while (p < end) {
        uint32_t c;
        size_t len = *p < 0x80 ? 1 : span_utf8_first(span_of(p, (size_t)(end - p)), &c);
        bool half =
            len == 0 && end - p >= 3 && p[0] == 0xed && p[1] >= 0xa0 && p[1] <= 0xbf && p[2] >= 0x80 && p[2] <= 0xbf;
        if (len == 0 && !half)
            return false;
        p += half ? 3 : len;
    }
    return true;
}

static inline int push_string(struct machine *m, enum kind kind, struct span s)
{
    if (!m->shadow && pickle_may_nest(s))
        pickle_look_nested(s, m->op_at, m->depth + 1, m->look_budget, m->r);
    return machine_push(m, value_of(kind, m->op_at));
}

/* A length of so many bytes, and then so much. */
static inline int counted(struct machine *m, size_t bytes, enum kind kind)
{
    uint64_t len;
    const uint8_t *p;
    if (!machine_take_number(m, bytes, &len) || len > m->rest.len || !machine_take(m, (size_t)len, &p))
        return RUN_SHORT;
    struct span s = span_of(p, (size_t)len);
    if (kind == KIND_TEXT && !is_text(s))
        return machine_broken(m, "a text that is no UTF-8");
    return push_string(m, kind, s);
}

int op_short_binunicode(struct machine *m)
{
    return counted(m, 1, KIND_TEXT);
}

int op_binunicode(struct machine *m)
{
    return counted(m, 4, KIND_TEXT);
}

int op_binunicode8(struct machine *m)
{
    return counted(m, 8, KIND_TEXT);
}

int op_short_binbytes(struct machine *m)
{
    return counted(m, 1, KIND_BYTES);
}

int op_binbytes(struct machine *m)
{
    return counted(m, 4, KIND_BYTES);
}

int op_binbytes8(struct machine *m)
{
    return counted(m, 8, KIND_BYTES);
}

int op_bytearray8(struct machine *m)
{
    return counted(m, 8, KIND_BYTEARRAY);
}

int op_short_binstring(struct machine *m)
{
    return counted(m, 1, KIND_NATIVE);
}

/* Its length has a sign; a negative one is more than any file has. */
int op_binstring(struct machine *m)
{
    return counted(m, 4, KIND_NATIVE);
}

int op_string(struct machine *m)
{
    struct span line;
    if (!machine_take_line(m, &line))
        return RUN_SHORT;
    if (line.len < 2 || line.ptr[0] != line.ptr[line.len - 1] || (line.ptr[0] != '\'' && line.ptr[0] != '"'))
        return machine_broken(m, "a string without its quotes");
    return push_string(m, KIND_NATIVE, span_of(line.ptr + 1, line.len - 2));
}

/* Each \u has four digits of hex behind it, each \U eight. */
static bool escapes_are_whole(struct span s)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    for (size_t i = 0; i + 1 < s.len; i++) {
        if (s.ptr[i] != '\\')
            continue;
        size_t digits = s.ptr[++i] == 'u' ? 4 : s.ptr[i] == 'U' ? 8 : 0;
        for (size_t k = 1; k <= digits; k++)
            if (i + k >= s.len || s.ptr[i + k] == 0 || !strchr(hex, s.ptr[i + k]))
                return false;
    }
    return true;
}

int op_unicode(struct machine *m)
{
    struct span line;
    if (!machine_take_line(m, &line))
        return RUN_SHORT;
    return escapes_are_whole(line) ? push_string(m, KIND_TEXT, line) : machine_broken(m, "a text with a broken escape");
}

/* ── containers ── */

static int collect(struct machine *m, enum kind kind)
{
    const struct value *items;
    size_t count;
    struct value out;
    if (machine_pop_mark(m, &items, &count) < 0)
        return RUN_STOPPED;
    if (kind == KIND_DICT && count % 2)
        return machine_broken(m, "a dict with a key and no value");
    return machine_new(m, kind, 0, items, count, &out) < 0 ? RUN_STOPPED : machine_push(m, out);
}

int op_tuple(struct machine *m)
{
    return collect(m, KIND_TUPLE);
}

int op_list(struct machine *m)
{
    return collect(m, KIND_LIST);
}

int op_dict(struct machine *m)
{
    return collect(m, KIND_DICT);
}

int op_frozenset(struct machine *m)
{
    return collect(m, KIND_FROZENSET);
}

static int empty(struct machine *m, enum kind kind)
{
    struct value out;
    return machine_new(m, kind, 0, NULL, 0, &out) < 0 ? RUN_STOPPED : machine_push(m, out);
}

int op_empty_tuple(struct machine *m)
{
    return empty(m, KIND_TUPLE);
}

int op_empty_list(struct machine *m)
{
    return empty(m, KIND_LIST);
}

int op_empty_dict(struct machine *m)
{
    return empty(m, KIND_DICT);
}

int op_empty_set(struct machine *m)
{
    return empty(m, KIND_SET);
}

static int tuple_of(struct machine *m, size_t count)
{
    struct value out;
    if (machine_need(m, count) < 0)
        return RUN_STOPPED;
    m->depth_now -= count;
    return machine_new(m, KIND_TUPLE, 0, m->stack + m->depth_now, count, &out) < 0 ? RUN_STOPPED : machine_push(m, out);
}

int op_tuple1(struct machine *m)
{
    return tuple_of(m, 1);
}

int op_tuple2(struct machine *m)
{
    return tuple_of(m, 2);
}

int op_tuple3(struct machine *m)
{
    return tuple_of(m, 3);
}

/* Items are added to what stands on top. It was made here and not fetched from the memo: no pickler adds to what it has
 * put somewhere already, and a bomb that is built from its outside would need that. */
static int add(struct machine *m, enum kind wanted, const struct value *items, size_t count)
{
    struct value container = *machine_top(m);
    const struct pickle_name *made = value_made_by(m, container);
    bool fits = value_kind(container) == wanted || value_kind(container) == KIND_UNKNOWN ||
                (wanted == KIND_DICT && made && made->meaning == PICKLE_MAPPING);
    if (!fits)
        machine_odd(m, SEVERITY_HIGH, "pickle-type", m->op_at,
                    "items are added to something that is no %s: what it does with them is its own code",
                    wanted == KIND_LIST   ? "list"
                    : wanted == KIND_DICT ? "dict"
                                          : "set");
    else if (container.bits & VALUE_FETCHED)
        machine_odd(m, SEVERITY_HIGH, "pickle-memo", m->op_at, "something that was finished before gets more items");
    if (!fits || !value_has_object(container))
        return RUN_OK;
    return machine_extend(m, container, items, count);
}

/* As keys, lists and the like stop the loader. */
static void check_keys(struct machine *m, const struct value *items, size_t count, size_t step)
{
    for (size_t i = 0; i < count; i += step) {
        enum kind k = value_kind(items[i]);
        if (k != KIND_LIST && k != KIND_DICT && k != KIND_SET && k != KIND_BYTEARRAY)
            continue;
        machine_odd(m, SEVERITY_HIGH, "pickle-type", m->op_at, "a key that cannot be one (list, dict, set, bytearray)");
        return;
    }
}

int op_append(struct machine *m)
{
    if (machine_need(m, 2) < 0)
        return RUN_STOPPED;
    struct value item = *machine_top(m);
    m->depth_now--;
    return add(m, KIND_LIST, &item, 1);
}

int op_setitem(struct machine *m)
{
    if (machine_need(m, 3) < 0)
        return RUN_STOPPED;
    struct value pair[2] = {m->stack[m->depth_now - 2], m->stack[m->depth_now - 1]};
    m->depth_now -= 2;
    check_keys(m, pair, 2, 2);
    return add(m, KIND_DICT, pair, 2);
}

static int add_many(struct machine *m, enum kind kind, size_t step)
{
    const struct value *items;
    size_t count;
    if (machine_pop_mark(m, &items, &count) < 0 || machine_need(m, 1) < 0)
        return RUN_STOPPED;
    if (count % step)
        return machine_broken(m, "a key and no value");
    if (kind != KIND_LIST)
        check_keys(m, items, count, step);
    return add(m, kind, items, count);
}

int op_appends(struct machine *m)
{
    return add_many(m, KIND_LIST, 1);
}

int op_setitems(struct machine *m)
{
    return add_many(m, KIND_DICT, 2);
}

int op_additems(struct machine *m)
{
    return add_many(m, KIND_SET, 1);
}
