/* Expressions of Jinja, in the order in which its operators bind: a if b, or, and, not, comparisons, + and -, ~, * and
 * its like, **, signs, then what stands behind a value: members, calls, filters, tests. */
#include <string.h>

#include "parse/jinja_internal.h"

static uint32_t above(struct jinja *j, enum jinja_kind kind, size_t at, struct span text, uint32_t child)
{
    uint32_t node = child ? jinja_node(j, kind, at, text) : 0;
    jinja_add(j, node, child);
    return node;
}

/* ── texts ── */

static size_t hex_digits(struct span s, size_t from, size_t count, uint32_t *value)
{
    *value = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t c = from + i < s.len ? s.ptr[from + i] : 0, lower = c | 0x20;
        if (!((c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f')))
            return 0;
        *value = *value << 4 | (uint32_t)(c <= '9' ? c - '0' : lower - 'a' + 10);
    }
    return count;
}

static void put_character(struct jinja *j, uint32_t c)
{
    uint8_t *out = j->strings + j->strings_len;
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = '?';
    if (c < 0x80) {
        *out++ = (uint8_t)c;
    } else if (c < 0x800) {
        *out++ = (uint8_t)(0xc0 | c >> 6);
        *out++ = (uint8_t)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (uint8_t)(0xe0 | c >> 12);
        *out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (c & 0x3f));
    } else {
        *out++ = (uint8_t)(0xf0 | c >> 18);
        *out++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        *out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (c & 0x3f));
    }
    j->strings_len = (size_t)(out - j->strings);
}

/* A character by its number: \ooo, \xhh, \uhhhh, \Uhhhhhhhh; how long it is behind the backslash, 0: none. What it
 * stands for is never longer than it is. */
static size_t numbered(struct span s, size_t at, uint32_t *value)
{
    uint8_t c = s.ptr[at];
    size_t len = 0;
    *value = 0;
    if (c == 'x' || c == 'u' || c == 'U') {
        len = hex_digits(s, at + 1, c == 'x' ? 2 : c == 'u' ? 4 : 8, value);
        return len ? len + 1 : 0;
    }
    for (; len < 3 && at + len < s.len && s.ptr[at + len] >= '0' && s.ptr[at + len] <= '7'; len++)
        *value = *value * 8 + s.ptr[at + len] - '0';
    return len;
}

/* One escape, whose backslash is taken. How many bytes it has, 0: it is none that Python knows. */
static size_t escape(struct jinja *j, struct span s, size_t at, uint32_t node)
{
    static const char names[] = "\\'\"abfnrtv", values[] = "\\'\"\a\b\f\n\r\t\v";
    const char *name = strchr(names, s.ptr[at]);
    uint32_t value;
    size_t len;
    if (s.ptr[at] == '\n')
        return 1;
    if (name && *name) {
        put_character(j, (uint8_t)values[name - names]);
        return 1;
    }
    len = numbered(s, at, &value);
    if (len > 0) {
        j->nodes[node].flag |= value > ' ' && value < 0x7f;
        put_character(j, value);
        return len;
    }
    if (s.ptr[at] == 'N') { /* by its Unicode name, which we do not know: what it stands for is hidden */
        const uint8_t *end = at + 1 < s.len && s.ptr[at + 1] == '{' ? memchr(s.ptr + at, '}', s.len - at) : NULL;
        j->nodes[node].flag = true;
        return end ? (size_t)(end - s.ptr) - at + 1 : 0;
    }
    if (strchr("xuU", s.ptr[at]))
        return 0;
    put_character(j, '\\'); /* any other backslash is one */
    j->strings[j->strings_len++] = s.ptr[at];
    return 1;
}

static void unescape(struct jinja *j, struct jinja_token t, uint32_t node)
{
    for (size_t i = 0; i < t.text.len; i++) {
        if (t.text.ptr[i] != '\\' || i + 1 == t.text.len) {
            j->strings[j->strings_len++] = t.text.ptr[i];
            continue;
        }
        size_t len = escape(j, t.text, i + 1, node);
        if (len == 0) {
            jinja_fail(j, t.at + 1 + i, "a broken escape in a text");
            return;
        }
        i += len;
    }
}

/* Texts beside each other are one. */
static uint32_t string(struct jinja *j)
{
    struct span text = j->now.text;
    uint32_t node = jinja_node(j, JINJA_NODE_STRING, j->now.at, text);
    bool plain = !text.len || !memchr(text.ptr, '\\', text.len);
    if (!node)
        return 0;
    if (plain && j->ahead.kind != JINJA_STRING) {
        jinja_advance(j);
        return node;
    }
    size_t from = j->strings_len;
    for (; !j->failed && j->now.kind == JINJA_STRING; jinja_advance(j))
        unescape(j, j->now, node);
    j->nodes[node].text = span_of(j->strings + from, j->strings_len - from);
    return node;
}

/* ── values ── */

static uint32_t name(struct jinja *j)
{
    static const char *const constants[] = {"true", "false", "none", "True", "False", "None"};
    enum jinja_kind kind = JINJA_NODE_NAME;
    for (size_t i = 0; i < ARRAY_LEN(constants); i++)
        if (jinja_is_name(j, constants[i]))
            kind = JINJA_NODE_CONSTANT;
    uint32_t node = jinja_node(j, kind, j->now.at, j->now.text);
    jinja_advance(j);
    return node;
}

static uint32_t list(struct jinja *j)
{
    uint32_t node = jinja_node(j, JINJA_NODE_LIST, j->now.at, span_of("", 0));
    jinja_advance(j);
    while (!j->failed && !jinja_is_op(j, ']')) {
        jinja_add(j, node, jinja_expr(j, true));
        if (!jinja_is_op(j, ']'))
            jinja_need_op(j, ',');
    }
    jinja_need_op(j, ']');
    return node;
}

static uint32_t dict(struct jinja *j)
{
    uint32_t node = jinja_node(j, JINJA_NODE_DICT, j->now.at, span_of("", 0));
    jinja_advance(j);
    while (!j->failed && !jinja_is_op(j, '}')) {
        uint32_t pair = jinja_node(j, JINJA_NODE_PAIR, j->now.at, span_of("", 0));
        jinja_add(j, pair, jinja_expr(j, true));
        jinja_need_op(j, ':');
        jinja_add(j, pair, jinja_expr(j, true));
        jinja_add(j, node, pair);
        if (!jinja_is_op(j, '}'))
            jinja_need_op(j, ',');
    }
    jinja_need_op(j, '}');
    return node;
}

static uint32_t in_parentheses(struct jinja *j)
{
    jinja_advance(j);
    uint32_t node = jinja_expr_tuple(j, JINJA_TUPLE_BRACKETS);
    jinja_need_op(j, ')');
    return node;
}

uint32_t jinja_expr_primary(struct jinja *j)
{
    uint32_t node = 0;
    if (!jinja_enter(j)) {
        jinja_leave(j);
        return 0;
    }
    if (j->now.kind == JINJA_NAME)
        node = name(j);
    else if (j->now.kind == JINJA_STRING)
        node = string(j);
    else if (j->now.kind == JINJA_INTEGER || j->now.kind == JINJA_FLOAT) {
        node =
            jinja_node(j, j->now.kind == JINJA_FLOAT ? JINJA_NODE_FLOAT : JINJA_NODE_INTEGER, j->now.at, j->now.text);
        jinja_advance(j);
    } else if (jinja_is_op(j, '('))
        node = in_parentheses(j);
    else if (jinja_is_op(j, '['))
        node = list(j);
    else if (jinja_is_op(j, '{'))
        node = dict(j);
    else
        jinja_fail(j, j->now.at, "a value is wanted where '%.*s' stands",
                   (int)(j->now.text.len > 40 ? 40 : j->now.text.len), (const char *)j->now.text.ptr);
    jinja_leave(j);
    return node;
}

static bool ends_tuple(const struct jinja *j)
{
    return j->now.kind == JINJA_VARIABLE_END || j->now.kind == JINJA_BLOCK_END || jinja_is_op(j, ')');
}

uint32_t jinja_expr_tuple(struct jinja *j, enum jinja_tuple form)
{
    size_t at = j->now.at;
    uint32_t first = 0, tuple = 0;
    while (!j->failed && !ends_tuple(j)) {
        uint32_t item = form == JINJA_TUPLE_TARGET ? jinja_expr_primary(j) : jinja_expr(j, form != JINJA_TUPLE_PLAIN);
        if (!first)
            first = item;
        else
            jinja_add(j, tuple, item);
        if (!jinja_is_op(j, ','))
            break;
        if (!tuple)
            tuple = above(j, JINJA_NODE_TUPLE, at, span_of("", 0), first);
        jinja_advance(j);
    }
    if (first || j->failed)
        return tuple ? tuple : first;
    if (form == JINJA_TUPLE_BRACKETS)
        return jinja_node(j, JINJA_NODE_TUPLE, at, span_of("", 0));
    return jinja_fail(j, at, "a value is wanted");
}

/* ── what stands behind a value ── */

static uint32_t slice_end(struct jinja *j)
{
    if (jinja_is_op(j, ']') || jinja_is_op(j, ',') || jinja_is_op(j, ':'))
        return jinja_node(j, JINJA_NODE_NOTHING, j->now.at, span_of("", 0));
    return jinja_expr(j, true);
}

static uint32_t subscript(struct jinja *j)
{
    size_t at = j->now.at;
    uint32_t from = jinja_is_op(j, ':') ? jinja_node(j, JINJA_NODE_NOTHING, at, span_of("", 0)) : jinja_expr(j, true);
    if (!jinja_take_op(j, ':'))
        return from;
    uint32_t slice = above(j, JINJA_NODE_SLICE, at, span_of("", 0), from);
    jinja_add(j, slice, slice_end(j));
    jinja_add(j, slice,
              jinja_take_op(j, ':') ? slice_end(j) : jinja_node(j, JINJA_NODE_NOTHING, j->now.at, span_of("", 0)));
    return slice;
}

static uint32_t item(struct jinja *j, uint32_t object)
{
    uint32_t node = above(j, JINJA_NODE_ITEM, j->now.at, span_of("", 0), object), key = 0, tuple = 0;
    jinja_advance(j);
    while (!j->failed && !jinja_is_op(j, ']')) {
        if (key)
            jinja_need_op(j, ',');
        uint32_t more = subscript(j);
        if (!key)
            key = more;
        else if (!tuple)
            tuple = above(j, JINJA_NODE_TUPLE, j->now.at, span_of("", 0), key);
        if (tuple)
            jinja_add(j, tuple, more);
    }
    jinja_need_op(j, ']');
    if (!key)
        key = jinja_node(j, JINJA_NODE_TUPLE, j->now.at, span_of("", 0));
    jinja_add(j, node, tuple ? tuple : key);
    return node;
}

static uint32_t member(struct jinja *j, uint32_t object)
{
    jinja_advance(j);
    size_t at = j->now.at;
    struct span text;
    if (j->now.kind == JINJA_INTEGER) {
        uint32_t node = above(j, JINJA_NODE_ITEM, at, span_of("", 0), object);
        jinja_add(j, node, jinja_node(j, JINJA_NODE_INTEGER, at, j->now.text));
        jinja_advance(j);
        return node;
    }
    return jinja_need_any_name(j, &text) ? above(j, JINJA_NODE_ATTRIBUTE, at, text, object) : 0;
}

/* What has been spread or named already decides what may follow. */
static uint32_t argument(struct jinja *j, bool *named, bool *spread, bool *spread_named)
{
    size_t at = j->now.at;
    struct span text = j->now.text;
    if (jinja_is_op(j, '*') || jinja_is_op(j, JINJA_OP('*', '*'))) {
        bool two = !jinja_is_op(j, '*');
        if (*spread_named || (*spread && !two))
            return jinja_fail(j, at, "an argument that cannot stand here");
        *(two ? spread_named : spread) = true;
        jinja_advance(j);
        return above(j, JINJA_NODE_SPREAD, at, text, jinja_expr(j, true));
    }
    if (j->now.kind == JINJA_NAME && j->ahead.kind == JINJA_OPERATOR && j->ahead.op == '=') {
        if (*spread_named)
            return jinja_fail(j, at, "an argument that cannot stand here");
        *named = true;
        jinja_advance(j);
        jinja_advance(j);
        return above(j, JINJA_NODE_KEYWORD, at, text, jinja_expr(j, true));
    }
    if (*named || *spread || *spread_named)
        return jinja_fail(j, at, "an argument that cannot stand here");
    return jinja_expr(j, true);
}

static void arguments(struct jinja *j, uint32_t node)
{
    bool named = false, spread = false, spread_named = false;
    jinja_need_op(j, '(');
    while (!j->failed && !jinja_is_op(j, ')')) {
        jinja_add(j, node, argument(j, &named, &spread, &spread_named));
        if (!jinja_is_op(j, ')'))
            jinja_need_op(j, ',');
    }
    jinja_need_op(j, ')');
}

static uint32_t call(struct jinja *j, uint32_t called)
{
    uint32_t node = above(j, JINJA_NODE_CALL, j->now.at, span_of("", 0), called);
    arguments(j, node);
    return node;
}

static uint32_t behind(struct jinja *j, uint32_t node)
{
    while (!j->failed) {
        if (jinja_is_op(j, '.'))
            node = member(j, node);
        else if (jinja_is_op(j, '['))
            node = item(j, node);
        else if (jinja_is_op(j, '('))
            node = call(j, node);
        else
            break;
    }
    return node;
}

/* A name of a filter or a test may have dots. */
static bool dotted(struct jinja *j, struct span *text)
{
    struct span part;
    if (!jinja_need_any_name(j, text))
        return false;
    while (jinja_take_op(j, '.')) {
        if (!jinja_need_any_name(j, &part))
            return false;
        text->len = (size_t)(part.ptr + part.len - text->ptr);
    }
    return true;
}

uint32_t jinja_expr_filters(struct jinja *j, uint32_t filtered, bool begins_bare)
{
    struct span text;
    while (!j->failed && (begins_bare || jinja_is_op(j, '|'))) {
        if (!begins_bare)
            jinja_advance(j);
        begins_bare = false;
        size_t at = j->now.at;
        if (!dotted(j, &text))
            return 0;
        if (!filtered)
            filtered = jinja_node(j, JINJA_NODE_NOTHING, at, span_of("", 0));
        filtered = above(j, JINJA_NODE_FILTER, at, text, filtered);
        if (jinja_is_op(j, '('))
            arguments(j, filtered);
    }
    return filtered;
}

static bool begins_argument(const struct jinja *j)
{
    if (j->now.kind == JINJA_NAME)
        return !jinja_is_name(j, "else") && !jinja_is_name(j, "or") && !jinja_is_name(j, "and");
    return j->now.kind == JINJA_STRING || j->now.kind == JINJA_INTEGER || j->now.kind == JINJA_FLOAT ||
           jinja_is_op(j, '(') || jinja_is_op(j, '[') || jinja_is_op(j, '{');
}

static uint32_t test(struct jinja *j, uint32_t tested)
{
    size_t at = j->now.at;
    struct span text, is = j->now.text;
    jinja_advance(j);
    is = j->now.text;
    bool negated = jinja_take_name(j, "not");
    if (!dotted(j, &text))
        return 0;
    uint32_t node = above(j, JINJA_NODE_TEST, at, text, tested);
    if (jinja_is_op(j, '('))
        arguments(j, node);
    else if (jinja_is_name(j, "is"))
        return jinja_fail(j, j->now.at, "a test of a test");
    else if (begins_argument(j))
        jinja_add(j, node, behind(j, jinja_expr_primary(j)));
    return negated ? above(j, JINJA_NODE_LOGIC, at, is, node) : node;
}

static uint32_t filters_and_tests(struct jinja *j, uint32_t node)
{
    while (!j->failed) {
        if (jinja_is_op(j, '|'))
            node = jinja_expr_filters(j, node, false);
        else if (jinja_is_name(j, "is"))
            node = test(j, node);
        else if (jinja_is_op(j, '('))
            node = call(j, node);
        else
            break;
    }
    return node;
}

/* ── operators ── */

static uint32_t sign(struct jinja *j, bool with_filters)
{
    size_t at = j->now.at;
    struct span text = j->now.text;
    uint32_t node;
    if (!jinja_enter(j)) {
        jinja_leave(j);
        return 0;
    }
    if (jinja_is_op(j, '-') || jinja_is_op(j, '+')) {
        jinja_advance(j);
        node = above(j, JINJA_NODE_MATH, at, text, sign(j, false));
    } else {
        node = jinja_expr_primary(j);
    }
    jinja_leave(j);
    node = behind(j, node);
    return with_filters ? filters_and_tests(j, node) : node;
}

static bool is_one_of(const struct jinja *j, const unsigned *ops)
{
    for (; *ops; ops++)
        if (jinja_is_op(j, *ops))
            return true;
    return false;
}

static uint32_t power(struct jinja *j)
{
    uint32_t node = sign(j, true);
    while (!j->failed && jinja_is_op(j, JINJA_OP('*', '*'))) {
        node = above(j, JINJA_NODE_MATH, j->now.at, j->now.text, node);
        jinja_advance(j);
        jinja_add(j, node, sign(j, true));
    }
    return node;
}

static uint32_t product(struct jinja *j)
{
    static const unsigned ops[] = {'*', '/', JINJA_OP('/', '/'), '%', 0};
    uint32_t node = power(j);
    while (!j->failed && is_one_of(j, ops)) {
        node = above(j, JINJA_NODE_MATH, j->now.at, j->now.text, node);
        jinja_advance(j);
        jinja_add(j, node, power(j));
    }
    return node;
}

static uint32_t concat(struct jinja *j)
{
    uint32_t node = product(j);
    if (jinja_is_op(j, '~'))
        node = above(j, JINJA_NODE_CONCAT, j->now.at, j->now.text, node);
    while (!j->failed && jinja_take_op(j, '~'))
        jinja_add(j, node, product(j));
    return node;
}

static uint32_t sum(struct jinja *j)
{
    static const unsigned ops[] = {'+', '-', 0};
    uint32_t node = concat(j);
    while (!j->failed && is_one_of(j, ops)) {
        node = above(j, JINJA_NODE_MATH, j->now.at, j->now.text, node);
        jinja_advance(j);
        jinja_add(j, node, concat(j));
    }
    return node;
}

static bool take_comparison(struct jinja *j, struct span *text)
{
    static const unsigned ops[] = {JINJA_OP('=', '='), JINJA_OP('!', '='), '<', '>',
                                   JINJA_OP('<', '='), JINJA_OP('>', '='), 0};
    *text = j->now.text;
    if (is_one_of(j, ops)) {
        jinja_advance(j);
        return true;
    }
    if (jinja_is_name(j, "not") && j->ahead.kind == JINJA_NAME && span_equal_str(j->ahead.text, "in")) {
        jinja_advance(j);
        *text = SPAN_LIT("not in");
        jinja_advance(j);
        return true;
    }
    return jinja_take_name(j, "in");
}

static uint32_t comparison(struct jinja *j)
{
    size_t at = j->now.at;
    struct span text;
    uint32_t node = sum(j), all = 0;
    while (!j->failed && take_comparison(j, &text)) {
        if (!all)
            all = above(j, JINJA_NODE_COMPARE, at, span_of("", 0), node);
        jinja_add(j, all, above(j, JINJA_NODE_OPERAND, at, text, sum(j)));
    }
    return all ? all : node;
}

static uint32_t negation(struct jinja *j)
{
    size_t at = j->now.at;
    struct span text = j->now.text;
    uint32_t node = 0;
    if (!jinja_is_name(j, "not"))
        return comparison(j);
    if (jinja_enter(j)) {
        jinja_advance(j);
        node = above(j, JINJA_NODE_LOGIC, at, text, negation(j));
    }
    jinja_leave(j);
    return node;
}

static uint32_t joined(struct jinja *j, const char *word, uint32_t (*operand)(struct jinja *j))
{
    uint32_t node = operand(j);
    while (!j->failed && jinja_is_name(j, word)) {
        node = above(j, JINJA_NODE_LOGIC, j->now.at, j->now.text, node);
        jinja_advance(j);
        jinja_add(j, node, operand(j));
    }
    return node;
}

static uint32_t conjunction(struct jinja *j)
{
    return joined(j, "and", negation);
}

static uint32_t disjunction(struct jinja *j)
{
    return joined(j, "or", conjunction);
}

uint32_t jinja_expr(struct jinja *j, bool with_condition)
{
    if (!jinja_enter(j)) {
        jinja_leave(j);
        return 0;
    }
    uint32_t node = disjunction(j);
    while (with_condition && !j->failed && jinja_is_name(j, "if")) {
        node = above(j, JINJA_NODE_CONDITION, j->now.at, j->now.text, node);
        jinja_advance(j);
        jinja_add(j, node, disjunction(j));
        if (jinja_take_name(j, "else"))
            jinja_add(j, node, jinja_expr(j, true));
    }
    jinja_leave(j);
    return node;
}
