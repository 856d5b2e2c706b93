#include "parse/jinja_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/jinja.h"
#include "parse/jinja_facts.h"

/* A count that a template writes out: rounds of a loop, columns, copies of a text. */
#define LIMIT_COUNT 100000U

/* Rounds of loops inside each other. */
#define LIMIT_ROUNDS 1000000ULL

#define LIMIT_DIGITS 18U

struct rules {
    const struct jinja *j;
    struct jinja_facts facts;
    const char *place;
    bool certain;
    unsigned findings;
    struct report *r;
};

/* Findings that get a line and a column: more than a report lists, and few enough to count lines for. */
#define FINDINGS_PLACED 500U

/* ── the tables ── */

static const char *const FUNCTIONS[] = {"raise_exception", "strftime_now", "range", "namespace", "dict", "caller"};

static const char *const METHODS[] = {
    "strip",   "lstrip",  "rstrip",  "split",        "rsplit",       "splitlines", "startswith", "endswith",
    "replace", "upper",   "lower",   "title",        "capitalize",   "find",       "rfind",      "index",
    "rindex",  "count",   "join",    "removeprefix", "removesuffix", "partition",  "rpartition", "isdigit",
    "isalpha", "isalnum", "isspace", "isupper",      "islower",      "isnumeric",  "isdecimal",  "zfill",
    "items",   "keys",    "values",  "get",          "append",       "extend",     "update",     "pop",
};

static const char *const LOOP_METHODS[] = {"cycle", "changed"};

static const char *const FILTERS[] = {
    "trim",    "tojson",     "upper",      "lower",  "capitalize", "title",     "length",    "count",     "join",
    "default", "d",          "replace",    "list",   "items",      "string",    "int",       "float",     "first",
    "last",    "selectattr", "rejectattr", "select", "reject",     "map",       "dictsort",  "indent",    "sort",
    "unique",  "reverse",    "abs",        "round",  "min",        "max",       "sum",       "safe",      "e",
    "escape",  "groupby",    "batch",      "slice",  "truncate",   "wordcount", "striptags", "urlencode",
};

static const char *const TESTS[] = {
    "defined", "undefined", "none",    "string",   "mapping",  "iterable",    "sequence",    "number",
    "integer", "float",     "boolean", "true",     "false",    "odd",         "even",        "eq",
    "equalto", "ne",        "lt",      "lessthan", "le",       "gt",          "greaterthan", "ge",
    "in",      "lower",     "upper",   "sameas",   "callable", "divisibleby", "escaped",     "==",
    "!=",      "<",         "<=",      ">",        ">=",
};

/* Things that a host may have put beside the data: never the data itself. A template that sets such a name means its
 * own. */
static const char *const FOREIGN[] = {
    "lipsum",
    "cycler",
    "joiner",
    "self",
    "super",
    "config",
    "request",
    "session",
    "g",
    "url_for",
    "os",
    "sys",
    "environ",
    "builtins",
    "getattr",
    "setattr",
    "get_flashed_messages",
    "current_app",
    "subprocess",
    "globals",
    "locals",
    "vars",
    "eval",
    "exec",
    "open",
    "compile",
    "importlib",
    "input",
    "dir",
};

/* Members without underscores that lead from a value to Python's machinery. */
static const char *const MACHINERY[] = {
    "func_globals", "func_code", "func_closure", "func_defaults", "gi_frame", "gi_code",    "gi_yieldfrom", "cr_frame",
    "cr_code",      "ag_frame",  "ag_code",      "f_globals",     "f_locals", "f_builtins", "f_back",       "f_code",
    "tb_frame",     "tb_next",   "im_func",      "im_self",       "im_class", "co_consts",  "mro",
};

static const char *const PROGRAMS[] = {"popen",        "system",        "eval",        "exec",      "spawn",
                                       "check_output", "import_module", "load_module", "subclasses"};

static bool is_one_of(struct span text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal_str(text, names[i]))
            return true;
    return false;
}
#define IS_ONE_OF(text, names) is_one_of((text), (names), ARRAY_LEN(names))

static bool contains(struct span text, const char *needle)
{
    return text.len > 0 && memmem(text.ptr, text.len, needle, strlen(needle)) != NULL;
}

/* ── findings ── */

static void finding(struct rules *x, enum severity severity, const char *rule, size_t offset, const char *what,
                    struct span shown)
{
    char at[224];
    size_t line, column;
    if (!x->certain && severity < SEVERITY_CRITICAL)
        severity = SEVERITY_LOW;
    if (x->findings++ < FINDINGS_PLACED) {
        jinja_place(x->j->text, offset, &line, &column);
        snprintf(at, sizeof(at), "%.150s%sline %zu, column %zu", x->place, x->place[0] ? ", " : "", line, column);
    } else {
        snprintf(at, sizeof(at), "%.150s%sbyte %zu", x->place, x->place[0] ? ", " : "", offset);
    }
    report_finding(x->r, severity, rule, at, "%s%s%.*s", what, shown.len ? ": " : "",
                   (int)(shown.len > 80 ? 80 : shown.len), (const char *)shown.ptr);
}

static const struct jinja_node *child(const struct rules *x, const struct jinja_node *n, unsigned number)
{
    return jinja_child(x->j, n, number);
}

static const struct jinja_node *next(const struct rules *x, const struct jinja_node *n)
{
    return jinja_next(x->j, n);
}

/* ── names and members ── */

/* The name of a member, in whatever way it is written: .name, ['name'], attribute='name'. */
static void check_member(struct rules *x, struct span name, size_t at)
{
    if (contains(name, "__") || IS_ONE_OF(name, MACHINERY))
        finding(x, SEVERITY_CRITICAL, "template-python", at,
                "a name of Python's machinery, which no chat template needs", name);
    else if (name.len > 0 && name.ptr[0] == '_')
        finding(x, SEVERITY_HIGH, "template-private", at, "a private member", name);
}

/* "a.b.0" */
static void check_path(struct rules *x, const struct jinja_node *n)
{
    struct span rest = n->text, part;
    if (n->kind == JINJA_NODE_INTEGER)
        return;
    if (n->kind != JINJA_NODE_STRING) {
        finding(x, SEVERITY_HIGH, "template-key", n->at, "the name of a member that is not written out",
                span_of("", 0));
        return;
    }
    while (span_take_until(&rest, '.', &part))
        check_member(x, part, n->at);
    check_member(x, rest, n->at);
}

static void check_name(struct rules *x, const struct jinja_node *n)
{
    if (contains(n->text, "__"))
        finding(x, SEVERITY_CRITICAL, "template-python", n->at, "a name with two underscores", n->text);
    else if (jinja_is_set(&x->facts, n->text) || jinja_macro(&x->facts, n->text))
        return;
    else if (IS_ONE_OF(n->text, FOREIGN))
        finding(x, SEVERITY_HIGH, "template-construct", n->at, "a name that is no data of a conversation", n->text);
}

static void check_key(struct rules *x, const struct jinja_node *n)
{
    const struct jinja_node *object = child(x, n, 0), *key = next(x, object);
    if (key->kind == JINJA_NODE_STRING)
        check_member(x, key->text, key->at);
    if (key->kind == JINJA_NODE_STRING || key->kind == JINJA_NODE_SLICE || jinja_is(&x->facts, JINJA_IS_NUMBER, key))
        return;
    if (jinja_is(&x->facts, JINJA_IS_BUILT, key))
        finding(x, SEVERITY_HIGH, "template-key", key->at, "a key that is put together from pieces", span_of("", 0));
    else if (jinja_steps_again(&x->facts, n))
        finding(x, SEVERITY_HIGH, "template-key", key->at,
                "a key that is not written out, on a value that such a key has led to", span_of("", 0));
}

/* ── texts ── */

static void check_url(struct rules *x, const struct jinja_node *n)
{
    if (contains(n->text, "http://") || contains(n->text, "https://"))
        finding(x, SEVERITY_HIGH, "template-url", n->at,
                "a text with a URL, which would reach users as the model's answer", n->text);
}

static void check_string(struct rules *x, const struct jinja_node *n)
{
    if (contains(n->text, "__"))
        finding(x, SEVERITY_HIGH, "template-underscores", n->at,
                "a text with two underscores, as names of Python's machinery have", n->text);
    if (n->flag)
        finding(x, SEVERITY_HIGH, "template-escape", n->at, "a text that hides plain characters behind escapes",
                n->text);
    if (jinja_has_hidden(n->text))
        finding(x, SEVERITY_HIGH, "template-hidden", n->at,
                "an invisible character, or one that changes the direction of reading", span_of("", 0));
    check_url(x, n);
}

/* ── counts ── */

static bool value_of(const struct jinja_node *n, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; n->kind == JINJA_NODE_INTEGER && i < n->text.len && *out <= LIMIT_ROUNDS * 1000; i++)
        if (n->text.ptr[i] >= '0' && n->text.ptr[i] <= '9')
            *out = *out * 10 + n->text.ptr[i] - '0';
        else if (n->text.ptr[i] != '_')
            *out = *out * 16 + 15; /* another base: at least as much */
    return n->kind == JINJA_NODE_INTEGER;
}

static void check_counts(struct rules *x, const struct jinja_node *n)
{
    uint64_t value;
    for (const struct jinja_node *c = child(x, n, 0); c; c = next(x, c)) {
        const struct jinja_node *a = c->kind == JINJA_NODE_KEYWORD ? child(x, c, 0) : c;
        if (a->kind == JINJA_NODE_MATH && !child(x, a, 1))
            a = child(x, a, 0);
        if (value_of(a, &value) && value > LIMIT_COUNT)
            finding(x, SEVERITY_HIGH, "template-bomb", a->at, "a count that no conversation needs", a->text);
    }
}

static void check_math(struct rules *x, const struct jinja_node *n)
{
    if (span_equal_str(n->text, "**"))
        finding(x, SEVERITY_HIGH, "template-bomb", n->at, "a power, which no chat template needs", span_of("", 0));
    if (span_equal_str(n->text, "*"))
        check_counts(x, n);
    if (span_equal_str(n->text, "%") && child(x, n, 0)->kind == JINJA_NODE_STRING)
        finding(x, SEVERITY_HIGH, "template-construct", n->at, "a text made by the operator %", child(x, n, 0)->text);
}

/* How often a loop runs, when it says so itself; otherwise once, as the data say. */
static uint64_t rounds(struct rules *x, const struct jinja_node *loop)
{
    const struct jinja_node *iterated = child(x, loop, 1), *called = child(x, iterated, 0);
    uint64_t most = 1, value;
    if (iterated->kind != JINJA_NODE_CALL || !span_equal_str(called->text, "range"))
        return 1;
    for (const struct jinja_node *a = next(x, called); a; a = next(x, a))
        if (value_of(a, &value) && value > most)
            most = value;
    return most;
}

static bool puts_together(struct rules *x, const struct jinja_node *n)
{
    return n->kind == JINJA_NODE_CONCAT || n->kind == JINJA_NODE_LIST || n->kind == JINJA_NODE_TUPLE ||
           (n->kind == JINJA_NODE_MATH && !jinja_is(&x->facts, JINJA_IS_NUMBER, n));
}

/* How often a name is written in a text or list that is put together: twice in x ~ x, and in x * 3. */
static unsigned copies(struct rules *x, const struct jinja_node *n, const struct jinja_node *target)
{
    unsigned count = 0, value, other;
    if (n->kind == target->kind || (target->kind == JINJA_NODE_MEMBER && n->kind == JINJA_NODE_ATTRIBUTE))
        return span_equal(n->text, target->text);
    if (n->kind == JINJA_NODE_CONDITION) {
        value = copies(x, child(x, n, 0), target);
        other = child(x, n, 2) ? copies(x, child(x, n, 2), target) : 0;
        return value > other ? value : other;
    }
    if (!puts_together(x, n))
        return 0;
    for (const struct jinja_node *c = child(x, n, 0); c; c = next(x, c))
        count += copies(x, c, target);
    return n->kind == JINJA_NODE_MATH && n->text.ptr[0] == '*' ? 2 * count : count;
}

static void check_growth(struct rules *x, const struct jinja_node *n)
{
    const struct jinja_node *target = child(x, n, 0), *value = next(x, target);
    if (target->kind != JINJA_NODE_TUPLE && copies(x, value, target) > 1)
        finding(x, SEVERITY_HIGH, "template-bomb", n->at, "a value that is set to several copies of itself",
                target->text);
}

/* ── calls ── */

static void check_called_member(struct rules *x, const struct jinja_node *called)
{
    const struct jinja_node *object = child(x, called, 0);
    bool loop = object->kind == JINJA_NODE_NAME && span_equal_str(object->text, "loop");
    if (IS_ONE_OF(called->text, PROGRAMS))
        finding(x, SEVERITY_CRITICAL, "template-python", called->at, "a call that starts programs or runs code",
                called->text);
    else if (jinja_is_member_set(&x->facts, called->text))
        finding(x, SEVERITY_HIGH, "template-call", called->at,
                "a method by a name that the template has given to a value of its own", called->text);
    else if (!IS_ONE_OF(called->text, METHODS) && !(loop && IS_ONE_OF(called->text, LOOP_METHODS)))
        finding(x, SEVERITY_HIGH, "template-call", called->at, "a method that chat templates do not need",
                called->text);
}

static void check_call(struct rules *x, const struct jinja_node *n)
{
    const struct jinja_node *called = child(x, n, 0);
    bool macro = called->kind == JINJA_NODE_NAME && jinja_macro(&x->facts, called->text);
    check_counts(x, n);
    if (called->kind == JINJA_NODE_ATTRIBUTE)
        check_called_member(x, called);
    else if (called->kind == JINJA_NODE_NAME && jinja_is_set(&x->facts, called->text))
        finding(x, SEVERITY_HIGH, "template-call", n->at, "a call of a name that the template sets", called->text);
    else if (called->kind == JINJA_NODE_NAME && span_equal_str(called->text, "loop"))
        ; /* a loop that goes down into its data */
    else if (called->kind != JINJA_NODE_NAME ? !jinja_is_macro_of_list(&x->facts, called)
                                             : !macro && !IS_ONE_OF(called->text, FUNCTIONS))
        finding(x, SEVERITY_HIGH, "template-call", n->at,
                "a call of something that is neither a function of chat templates nor a macro of this one",
                called->text);
    else if (macro || called->kind != JINJA_NODE_NAME || span_equal_str(called->text, "dict"))
        return;
    for (const struct jinja_node *a = next(x, called); a; a = next(x, a))
        if (a->kind == JINJA_NODE_SPREAD)
            finding(x, SEVERITY_HIGH, "template-call", a->at, "arguments that are not written out", span_of("", 0));
}

/* ── filters and tests ── */

/* Which argument of a filter names a member, which a filter or a test. -1: none. */
static const struct {
    const char *filter;
    int member, filters, tests;
} NAMING[] = {
    {"map", -1, 0, -1},       {"select", -1, -1, 0}, {"reject", -1, -1, 0}, {"selectattr", 0, -1, 1},
    {"rejectattr", 0, -1, 1}, {"sort", 2, -1, -1},   {"unique", 1, -1, -1}, {"groupby", 0, -1, -1},
    {"min", 1, -1, -1},       {"max", 1, -1, -1},    {"sum", 0, -1, -1},    {"join", 1, -1, -1},
};

static void check_named(struct rules *x, const struct jinja_node *a, bool filters)
{
    bool known = a->kind == JINJA_NODE_STRING && (filters ? IS_ONE_OF(a->text, FILTERS) : IS_ONE_OF(a->text, TESTS));
    /* a filter that itself is given names could be given any */
    for (size_t i = 0; filters && known && i < ARRAY_LEN(NAMING); i++)
        known = !span_equal_str(a->text, NAMING[i].filter) || NAMING[i].member > 0;
    if (!known)
        finding(x, SEVERITY_HIGH, "template-construct", a->at,
                filters ? "a filter that chat templates do not need" : "a test that chat templates do not need",
                a->kind == JINJA_NODE_STRING ? a->text : span_of("", 0));
}

static void check_argument(struct rules *x, size_t naming, const struct jinja_node *a, int number)
{
    if (a->kind == JINJA_NODE_SPREAD)
        finding(x, SEVERITY_HIGH, "template-call", a->at, "arguments that are not written out", span_of("", 0));
    else if (a->kind == JINJA_NODE_KEYWORD && span_equal_str(a->text, "attribute"))
        check_path(x, child(x, a, 0));
    if (a->kind == JINJA_NODE_SPREAD || a->kind == JINJA_NODE_KEYWORD || naming == ARRAY_LEN(NAMING))
        return;
    if (number == NAMING[naming].member)
        check_path(x, a);
    else if (number == NAMING[naming].filters || number == NAMING[naming].tests)
        check_named(x, a, number == NAMING[naming].filters);
}

static void check_filter(struct rules *x, const struct jinja_node *n)
{
    size_t naming = 0;
    int number = 0;
    if (!IS_ONE_OF(n->text, FILTERS))
        finding(x, SEVERITY_HIGH, "template-construct", n->at, "a filter that chat templates do not need", n->text);
    while (naming < ARRAY_LEN(NAMING) && !span_equal_str(n->text, NAMING[naming].filter))
        naming++;
    for (const struct jinja_node *a = child(x, n, 1); a; a = next(x, a))
        check_argument(x, naming, a, number++);
    check_counts(x, n);
}

static void check_test(struct rules *x, const struct jinja_node *n)
{
    if (!IS_ONE_OF(n->text, TESTS))
        finding(x, SEVERITY_HIGH, "template-construct", n->at, "a test that chat templates do not need", n->text);
}

/* ── conditions on what people write ── */

/* What templates may well look for: nothing, and marks of the prompt's own grammar, as "</think>", "[INST]", "/think".
 */
static bool is_mark(struct span text)
{
    uint8_t first = text.len ? text.ptr[0] : 0, last = text.len ? text.ptr[text.len - 1] : 0;
    return text.len == 0 || first == '<' || last == '>' || first == '/' || (first == '[' && last == ']') ||
           (text.len == 1 && !(first >= '0' && first <= '9') && !((first | 0x20) >= 'a' && (first | 0x20) <= 'z'));
}

static bool is_text(struct rules *x, const struct jinja_node *n)
{
    const struct jinja_node *c = child(x, n, 0);
    if (n->kind == JINJA_NODE_STRING)
        return !is_mark(n->text);
    for (; (n->kind == JINJA_NODE_LIST || n->kind == JINJA_NODE_TUPLE) && c; c = next(x, c))
        if (c->kind == JINJA_NODE_STRING && !is_mark(c->text))
            return true;
    return false;
}

static void listens(struct rules *x, const struct jinja_node *n, const struct jinja_node *text)
{
    finding(x, SEVERITY_MEDIUM, "template-condition", n->at,
            "a condition on what a message says; such a template can answer certain words with a text of its own",
            text->text);
}

static void check_compare(struct rules *x, const struct jinja_node *n)
{
    const struct jinja_node *left = child(x, n, 0);
    for (const struct jinja_node *o = next(x, left); o; o = next(x, o)) {
        const struct jinja_node *right = child(x, o, 0);
        if (is_text(x, right) && jinja_is(&x->facts, JINJA_IS_SPOKEN, left))
            listens(x, o, right);
        else if (is_text(x, left) && jinja_is(&x->facts, JINJA_IS_SPOKEN, right))
            listens(x, o, left);
        left = right;
    }
}

static void check_listening_call(struct rules *x, const struct jinja_node *n)
{
    static const char *const listening[] = {"startswith", "endswith", "find", "rfind", "index", "rindex", "count"};
    const struct jinja_node *called = child(x, n, 0), *a = next(x, called);
    if (called->kind == JINJA_NODE_ATTRIBUTE && IS_ONE_OF(called->text, listening) && a && is_text(x, a) &&
        jinja_is(&x->facts, JINJA_IS_SPOKEN, child(x, called, 0)))
        listens(x, n, a);
}

/* ── the walk ── */

static void check_node(struct rules *x, const struct jinja_node *n)
{
    switch ((enum jinja_kind)n->kind) {
    case JINJA_NODE_OTHER:
        finding(x, SEVERITY_HIGH, "template-construct", n->at, "a tag that chat templates do not need", n->text);
        break;
    case JINJA_NODE_TEXT:
        check_url(x, n);
        break;
    case JINJA_NODE_STRING:
        check_string(x, n);
        break;
    case JINJA_NODE_INTEGER:
        if (n->text.len > LIMIT_DIGITS)
            finding(x, SEVERITY_HIGH, "template-bomb", n->at, "a number that no conversation needs", n->text);
        break;
    case JINJA_NODE_NAME:
        check_name(x, n);
        break;
    case JINJA_NODE_MEMBER:
    case JINJA_NODE_ATTRIBUTE:
        check_member(x, n->text, n->at);
        break;
    case JINJA_NODE_KEYWORD:
        check_member(x, n->text, n->at);
        break;
    case JINJA_NODE_ITEM:
        check_key(x, n);
        break;
    case JINJA_NODE_MATH:
        check_math(x, n);
        break;
    case JINJA_NODE_CALL:
        check_call(x, n);
        check_listening_call(x, n);
        break;
    case JINJA_NODE_FILTER:
        check_filter(x, n);
        break;
    case JINJA_NODE_TEST:
        check_test(x, n);
        break;
    case JINJA_NODE_COMPARE:
        check_compare(x, n);
        break;
    case JINJA_NODE_SET:
        check_growth(x, n);
        break;
    default:
        break;
    }
}

/* Loops inside of each other, as many rounds as they say together. */
static void check_loops(struct rules *x, const struct jinja_node *n, uint64_t around)
{
    if (n->kind == JINJA_NODE_FOR) {
        uint64_t own = rounds(x, n);
        if (own > 1 && around * own > LIMIT_ROUNDS) {
            finding(x, SEVERITY_HIGH, "template-bomb", n->at, "loops inside of each other that run too often",
                    span_of("", 0));
            return;
        }
        around *= own;
    }
    for (const struct jinja_node *c = child(x, n, 0); c; c = next(x, c))
        if (c->first)
            check_loops(x, c, around);
}

void jinja_rules_check(const struct jinja *j, const char *at, bool certain, struct report *r)
{
    struct rules x = {.j = j, .place = at, .certain = certain, .r = r};
    jinja_facts_init(&x.facts, j);
    for (uint32_t i = 1; i < j->count; i++)
        check_node(&x, &j->nodes[i]);
    check_loops(&x, &j->nodes[1], 1);
    jinja_facts_fini(&x.facts);
}
