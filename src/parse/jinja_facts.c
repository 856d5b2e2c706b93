#include "parse/jinja_facts.h"

#include <stdlib.h>
#include <string.h>

/* ── what is set ── */

static void add(struct jinja_facts *f, struct jinja_symbol s)
{
    if (f->count == f->room) {
        f->room = f->room ? f->room * 2 : 64;
        f->symbols = realloc(f->symbols, f->room * sizeof(*f->symbols));
        if (!f->symbols)
            abort();
    }
    f->symbols[f->count++] = s;
}

static uint32_t number_of(const struct jinja_facts *f, const struct jinja_node *n)
{
    return n ? (uint32_t)(n - f->j->nodes) : 0;
}

static void add_target(struct jinja_facts *f, const struct jinja_node *target, const struct jinja_node *value, int how)
{
    struct jinja_symbol s = {.name = target->text,
                             .space = target->kind == JINJA_NODE_MEMBER ? JINJA_MEMBERS : JINJA_NAMES,
                             .node = number_of(f, value)};
    s.how = how;
    if (target->kind != JINJA_NODE_TUPLE) {
        add(f, s);
        return;
    }
    bool pairs = value && value->kind == JINJA_NODE_TUPLE && how == JINJA_SET;
    const struct jinja_node *part = pairs ? jinja_child(f->j, value, 0) : value;
    for (const struct jinja_node *t = jinja_child(f->j, target, 0); t; t = jinja_next(f->j, t)) {
        add_target(f, t, part ? part : value, how);
        if (pairs && part)
            part = jinja_next(f->j, part);
    }
}

static void add_macro(struct jinja_facts *f, const struct jinja_node *macro)
{
    if (f->macro_count == f->macro_room) {
        f->macro_room = f->macro_room ? f->macro_room * 2 : 16;
        f->macros = reallocarray(f->macros, f->macro_room, sizeof(const struct jinja_node *));
        if (!f->macros)
            abort();
    }
    f->macros[f->macro_count++] = macro;
}

static void collect(struct jinja_facts *f, const struct jinja_node *n)
{
    const struct jinja_node *first = jinja_child(f->j, n, 0);
    if (n->kind == JINJA_NODE_FOR)
        add_target(f, first, jinja_next(f->j, first), JINJA_ITERATED);
    else if (n->kind == JINJA_NODE_SET)
        add_target(f, first, jinja_next(f->j, first), JINJA_SET);
    else if (n->kind == JINJA_NODE_SET_BLOCK)
        add_target(f, first, NULL, JINJA_RENDERED);
    else if (n->kind == JINJA_NODE_PARAMETER) {
        add_target(f, n, NULL, JINJA_GIVEN);
        if (first)
            add_target(f, n, first, JINJA_SET);
    } else if (n->kind == JINJA_NODE_PAIR && first->kind == JINJA_NODE_STRING)
        add(f, (struct jinja_symbol){
                   .name = first->text, .space = JINJA_KEYS, .node = number_of(f, jinja_next(f->j, first))});
    else if (n->kind == JINJA_NODE_MACRO)
        add_macro(f, n);
    else if (n->kind == JINJA_NODE_CALL_BLOCK) /* its parameters get what the macro gives its caller */
        for (; first && first->kind == JINJA_NODE_PARAMETER; first = jinja_next(f->j, first))
            add_target(f, first, NULL, JINJA_RENDERED);
}

/* A macro that is handed about, or one of two of a name, may be called with anything. */
static void give_anything(struct jinja_facts *f, const struct jinja_node *macro)
{
    const struct jinja_node *p = jinja_child(f->j, macro, 0);
    for (; p && p->kind == JINJA_NODE_PARAMETER; p = jinja_next(f->j, p))
        add_target(f, p, NULL, JINJA_RENDERED);
}

static void find_wandering_macros(struct jinja_facts *f)
{
    const struct jinja *j = f->j;
    auto_free bool *called = calloc(j->count, sizeof(*called));
    if (!called)
        abort();
    for (uint32_t i = 1; i < j->count; i++)
        if (j->nodes[i].kind == JINJA_NODE_CALL)
            called[j->nodes[i].first] = true;
    for (uint32_t i = 1; i < j->count; i++) {
        const struct jinja_node *macro =
            j->nodes[i].kind == JINJA_NODE_NAME && !called[i] ? jinja_macro(f, j->nodes[i].text) : NULL;
        if (macro)
            give_anything(f, macro);
    }
    for (size_t i = 1; i < f->macro_count; i++)
        if (span_equal(f->macros[i - 1]->text, f->macros[i]->text)) {
            give_anything(f, f->macros[i - 1]);
            give_anything(f, f->macros[i]);
        }
}

/* What a macro's parameters, or the members of a new namespace or table, are given. */
static void collect_arguments(struct jinja_facts *f, const struct jinja_node *call)
{
    const struct jinja_node *called = jinja_child(f->j, call, 0), *macro, *parameter, *a;
    if (called->kind != JINJA_NODE_NAME)
        return;
    bool space = span_equal_str(called->text, "namespace"), table = span_equal_str(called->text, "dict");
    macro = jinja_macro(f, called->text);
    parameter = macro ? jinja_child(f->j, macro, 0) : NULL;
    for (a = jinja_next(f->j, called); a; a = jinja_next(f->j, a)) {
        const struct jinja_node *value = a->kind == JINJA_NODE_KEYWORD ? jinja_child(f->j, a, 0) : a;
        if (a->kind == JINJA_NODE_KEYWORD && (space || table || macro))
            add(f, (struct jinja_symbol){.name = a->text,
                                         .space = space   ? JINJA_MEMBERS
                                                  : table ? JINJA_KEYS
                                                          : JINJA_NAMES,
                                         .node = number_of(f, value)});
        else if (a->kind == JINJA_NODE_SPREAD && macro)
            give_anything(f, macro);
        else if (parameter && parameter->kind == JINJA_NODE_PARAMETER && a->kind != JINJA_NODE_SPREAD) {
            add_target(f, parameter, value, JINJA_SET);
            parameter = jinja_next(f->j, parameter);
        }
    }
}

static int compare_names(enum jinja_space space_a, struct span a, enum jinja_space space_b, struct span b)
{
    return space_a != space_b ? (int)space_a - (int)space_b : span_compare(a, b);
}

static int by_name(const void *a, const void *b)
{
    const struct jinja_symbol *x = a, *y = b;
    return compare_names(x->space, x->name, y->space, y->name);
}

static int macro_by_name(const void *a, const void *b)
{
    const struct jinja_node *const *x = a, *const *y = b;
    return span_compare((*x)->text, (*y)->text);
}

void jinja_facts_init(struct jinja_facts *f, const struct jinja *j)
{
    *f = (struct jinja_facts){.j = j};
    for (uint32_t i = 1; i < j->count; i++)
        collect(f, &j->nodes[i]);
    if (f->macro_count)
        qsort(f->macros, f->macro_count, sizeof(const struct jinja_node *), macro_by_name);
    for (uint32_t i = 1; i < j->count; i++)
        if (j->nodes[i].kind == JINJA_NODE_CALL)
            collect_arguments(f, &j->nodes[i]);
    find_wandering_macros(f);
    if (f->count)
        qsort(f->symbols, f->count, sizeof(*f->symbols), by_name);
    for (size_t i = 0, first = 0; i < f->count; i++) {
        if (by_name(&f->symbols[i], &f->symbols[first]) != 0)
            first = i;
        f->symbols[first].group++;
    }
}

void jinja_facts_fini(struct jinja_facts *f)
{
    free(f->symbols);
    free(f->macros);
}

/* The first symbol of a name, or NULL: it is set nowhere. */
static struct jinja_symbol *find(const struct jinja_facts *f, struct span name, enum jinja_space space)
{
    size_t low = 0, high = f->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct jinja_symbol *s = &f->symbols[middle];
        if (compare_names(s->space, s->name, space, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == f->count || compare_names(f->symbols[low].space, f->symbols[low].name, space, name) != 0)
        return NULL;
    return &f->symbols[low];
}

bool jinja_is_set(const struct jinja_facts *f, struct span name)
{
    return find(f, name, JINJA_NAMES) != NULL;
}

bool jinja_is_member_set(const struct jinja_facts *f, struct span name)
{
    return find(f, name, JINJA_MEMBERS) || find(f, name, JINJA_KEYS);
}

const struct jinja_node *jinja_macro(const struct jinja_facts *f, struct span name)
{
    struct jinja_node key = {.text = name};
    const struct jinja_node *wanted = &key, **found;
    if (!f->macro_count)
        return NULL;
    found = bsearch(&wanted, f->macros, f->macro_count, sizeof(const struct jinja_node *), macro_by_name);
    return found ? *found : NULL;
}

/* ── questions ── */

enum { MEMO_NONE, MEMO_BUSY, MEMO_NO, MEMO_YES };

static bool is_one_of(struct span text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal_str(text, names[i]))
            return true;
    return false;
}
#define IS_ONE_OF(text, names) is_one_of((text), (names), ARRAY_LEN(names))

static bool is_range(const struct jinja_facts *f, const struct jinja_node *n)
{
    const struct jinja_node *called = n->kind == JINJA_NODE_CALL ? jinja_child(f->j, n, 0) : NULL;
    return called && called->kind == JINJA_NODE_NAME && span_equal_str(called->text, "range");
}

static bool is_about_all(enum jinja_question q)
{
    return q == JINJA_IS_NUMBER || q == JINJA_IS_TABLE;
}

static bool of_symbol(struct jinja_facts *f, enum jinja_question q, const struct jinja_symbol *s)
{
    if (s->how == JINJA_RENDERED)
        return q == JINJA_IS_BUILT;
    if (s->how == JINJA_GIVEN) {
        f->circles++; /* says nothing by itself */
        return is_about_all(q);
    }
    const struct jinja_node *value = &f->j->nodes[s->node];
    /* a part of a message, or a single character of one */
    if (q == JINJA_IS_SPOKEN && s->how == JINJA_ITERATED && value->kind != JINJA_NODE_CALL &&
        value->kind != JINJA_NODE_FILTER)
        return false;
    if (is_about_all(q) && s->how == JINJA_ITERATED)
        return q == JINJA_IS_NUMBER && is_range(f, value);
    return jinja_is(f, q, value);
}

/* A name is a number when all is that it is set to; it is anything else when one of them may be. */
static bool of_name(struct jinja_facts *f, enum jinja_question q, struct span name, enum jinja_space space)
{
    struct jinja_symbol *first = find(f, name, space);
    bool all = is_about_all(q), yes = all;
    if (!first)
        return false;
    if (first->memo[q] == MEMO_BUSY) {
        f->circles++;
        return all;
    }
    if (first->memo[q] != MEMO_NONE)
        return first->memo[q] == MEMO_YES;
    first->memo[q] = MEMO_BUSY;
    bool known = false; /* by something else than itself */
    for (const struct jinja_symbol *s = first; s < first + first->group && yes == all; s++) {
        size_t before = f->circles;
        yes = of_symbol(f, q, s);
        known |= f->circles == before;
    }
    yes &= known || !all;
    first->memo[q] = yes ? MEMO_YES : MEMO_NO;
    return yes;
}

static bool any_child(struct jinja_facts *f, enum jinja_question q, const struct jinja_node *n, unsigned from)
{
    for (const struct jinja_node *c = jinja_child(f->j, n, from); c; c = jinja_next(f->j, c))
        if (jinja_is(f, q, c))
            return true;
    return false;
}

static bool all_children(struct jinja_facts *f, enum jinja_question q, const struct jinja_node *n)
{
    for (const struct jinja_node *c = jinja_child(f->j, n, 0); c; c = jinja_next(f->j, c))
        if (!jinja_is(f, q, c))
            return false;
    return true;
}

static bool math_is_number(struct jinja_facts *f, const struct jinja_node *n)
{
    uint8_t op = n->text.ptr[0];
    bool one = !jinja_child(f->j, n, 1), shared = op == '+' || op == '*' || op == '%'; /* with texts */
    return one || !shared || span_equal_str(n->text, "**") || all_children(f, JINJA_IS_NUMBER, n);
}

static bool is_list(const struct jinja_node *n)
{
    return n->kind == JINJA_NODE_LIST || n->kind == JINJA_NODE_TUPLE;
}

/* 'a' + x, '_' * 2, '%s' % x. A number on one side of a + says that the other is one. */
static bool math_is_built(struct jinja_facts *f, const struct jinja_node *n)
{
    if (math_is_number(f, n))
        return false;
    if (n->text.ptr[0] == '+' && (is_list(jinja_child(f->j, n, 0)) || is_list(jinja_child(f->j, n, 1))))
        return any_child(f, JINJA_IS_BUILT, n, 0);
    if (n->text.ptr[0] == '+')
        return !any_child(f, JINJA_IS_NUMBER, n, 0);
    return n->text.ptr[0] == '*' || !jinja_is(f, JINJA_IS_NUMBER, jinja_child(f->j, n, 0));
}

static bool counts_the_loop(const struct jinja_facts *f, const struct jinja_node *n)
{
    static const char *const counters[] = {"index", "index0", "revindex", "revindex0", "length", "depth", "depth0"};
    const struct jinja_node *object = jinja_child(f->j, n, 0);
    return object->kind == JINJA_NODE_NAME && span_equal_str(object->text, "loop") && IS_ONE_OF(n->text, counters);
}

static bool filter_is(struct jinja_facts *f, enum jinja_question q, const struct jinja_node *n)
{
    static const char *const numbers[] = {"length", "count", "int", "float", "abs", "round", "sum", "wordcount"};
    static const char *const kept[] = {"default",    "d",          "first",   "last",   "list",   "items",
                                       "dictsort",   "trim",       "sort",    "lower",  "upper",  "unique",
                                       "selectattr", "rejectattr", "select",  "reject", "string", "min",
                                       "max",        "safe",       "reverse", "groupby"};
    if (IS_ONE_OF(n->text, numbers))
        return q == JINJA_IS_NUMBER;
    if (q == JINJA_IS_NUMBER)
        return false;
    if (q == JINJA_IS_BUILT && !IS_ONE_OF(n->text, kept))
        return true;
    return any_child(f, q, n, 0);
}

static bool names_the_message(struct span text)
{
    return span_equal_str(text, "content") || span_equal_str(text, "text");
}

static bool call_is(struct jinja_facts *f, enum jinja_question q, const struct jinja_node *n)
{
    static const char *const numbers[] = {"find", "rfind", "index", "rindex", "count"};
    static const char *const kept[] = {"get",       "items",      "keys",         "values",      "split",
                                       "rsplit",    "splitlines", "strip",        "lstrip",      "rstrip",
                                       "lower",     "upper",      "append",       "startswith",  "endswith",
                                       "partition", "rpartition", "removeprefix", "removesuffix"};
    static const char *const plain[] = {"range", "namespace", "dict", "strftime_now", "raise_exception"};
    const struct jinja_node *called = jinja_child(f->j, n, 0);
    bool method = called->kind == JINJA_NODE_ATTRIBUTE;
    if (q == JINJA_IS_NUMBER)
        return method && IS_ONE_OF(called->text, numbers);
    if (called->kind == JINJA_NODE_NAME && IS_ONE_OF(called->text, plain))
        return false;
    if (q == JINJA_IS_SPOKEN && method && span_equal_str(called->text, "get")) {
        const struct jinja_node *key = jinja_next(f->j, called);
        return key && key->kind == JINJA_NODE_STRING && names_the_message(key->text);
    }
    if (q == JINJA_IS_BUILT && !(method && IS_ONE_OF(called->text, kept)))
        return true;
    return (method && jinja_is(f, q, jinja_child(f->j, called, 0))) || (q != JINJA_IS_SPOKEN && any_child(f, q, n, 1));
}

static bool is_constant_key(const struct jinja_node *key)
{
    return key->kind == JINJA_NODE_STRING || key->kind == JINJA_NODE_SLICE;
}

static bool item_is(struct jinja_facts *f, enum jinja_question q, const struct jinja_node *n)
{
    const struct jinja_node *object = jinja_child(f->j, n, 0), *key = jinja_next(f->j, object);
    if (q == JINJA_IS_NUMBER)
        return false;
    if (q == JINJA_IS_SPOKEN && key->kind == JINJA_NODE_STRING)
        return names_the_message(key->text);
    if (q == JINJA_IS_SPOKEN && key->kind != JINJA_NODE_SLICE && !jinja_is(f, JINJA_IS_NUMBER, key))
        return false;
    if (q == JINJA_IS_DEEP && !is_constant_key(key) && !jinja_is(f, JINJA_IS_NUMBER, key) &&
        !jinja_is(f, JINJA_IS_TABLE, object))
        return true;
    return jinja_is(f, q, object);
}

static bool attribute_is(struct jinja_facts *f, enum jinja_question q, const struct jinja_node *n)
{
    if (q == JINJA_IS_NUMBER && counts_the_loop(f, n))
        return true;
    if (of_name(f, q, n->text, JINJA_MEMBERS))
        return true;
    if (q == JINJA_IS_SPOKEN)
        return names_the_message(n->text);
    return q == JINJA_IS_DEEP && jinja_is(f, q, jinja_child(f->j, n, 0));
}

static bool answer(struct jinja_facts *f, enum jinja_question q, const struct jinja_node *n)
{
    bool number = q == JINJA_IS_NUMBER;
    if (q == JINJA_IS_TABLE)
        return n->kind == JINJA_NODE_DICT || n->kind == JINJA_NODE_LIST ||
               (n->kind == JINJA_NODE_NAME && of_name(f, q, n->text, JINJA_NAMES));
    switch ((enum jinja_kind)n->kind) {
    case JINJA_NODE_INTEGER:
    case JINJA_NODE_FLOAT:
        return number;
    case JINJA_NODE_NAME:
        return of_name(f, q, n->text, JINJA_NAMES);
    case JINJA_NODE_MATH:
        return number ? math_is_number(f, n) : q == JINJA_IS_BUILT ? math_is_built(f, n) : any_child(f, q, n, 0);
    case JINJA_NODE_CONCAT:
        return q == JINJA_IS_BUILT || (q == JINJA_IS_SPOKEN && any_child(f, q, n, 0));
    case JINJA_NODE_ATTRIBUTE:
        return attribute_is(f, q, n);
    case JINJA_NODE_ITEM:
        return item_is(f, q, n);
    case JINJA_NODE_CALL:
        return call_is(f, q, n);
    case JINJA_NODE_FILTER:
        return filter_is(f, q, n);
    case JINJA_NODE_CONDITION: {
        const struct jinja_node *value = jinja_child(f->j, n, 0), *other = jinja_child(f->j, n, 2);
        bool one = jinja_is(f, q, value), two = other && jinja_is(f, q, other);
        return number ? one && two : one || two;
    }
    case JINJA_NODE_LOGIC:
    case JINJA_NODE_TUPLE:
    case JINJA_NODE_LIST:
    case JINJA_NODE_DICT:
    case JINJA_NODE_PAIR:
    case JINJA_NODE_KEYWORD:
    case JINJA_NODE_SPREAD:
        return !number && any_child(f, q, n, 0);
    default:
        return false;
    }
}

bool jinja_is(struct jinja_facts *f, enum jinja_question q, const struct jinja_node *n)
{
    if (f->depth == LIMIT_JINJA_FOLLOW)
        return q == JINJA_IS_BUILT || q == JINJA_IS_DEEP;
    f->depth++;
    bool yes = answer(f, q, n);
    f->depth--;
    return yes;
}

/* ── steps ── */

bool jinja_steps_again(struct jinja_facts *f, const struct jinja_node *item)
{
    const struct jinja_node *object = jinja_child(f->j, item, 0);
    struct jinja_symbol *first = object->kind == JINJA_NODE_NAME ? find(f, object->text, JINJA_NAMES) : NULL;
    if (!jinja_is(f, JINJA_IS_DEEP, object))
        return false;
    if (!first)
        return true;
    for (const struct jinja_symbol *s = first; s < first + first->group; s++)
        if (f->j->nodes + s->node != item && of_symbol(f, JINJA_IS_DEEP, s))
            return true;
    return false;
}

/* ── macros in lists ── */

static bool lists_macros(struct jinja_facts *f, const struct jinja_node *n, struct span self, unsigned depth);

static bool name_lists_macros(struct jinja_facts *f, const struct jinja_node *n, unsigned depth)
{
    const struct jinja_symbol *first = find(f, n->text, JINJA_NAMES);
    if (!first || first->group > 64)
        return false;
    for (const struct jinja_symbol *s = first; s < first + first->group; s++)
        if (s->how != JINJA_SET || !lists_macros(f, &f->j->nodes[s->node], n->text, depth))
            return false;
    return true;
}

/* A list of macros, or such lists behind each other; a list that grows begins with itself. */
static bool lists_macros(struct jinja_facts *f, const struct jinja_node *n, struct span self, unsigned depth)
{
    const struct jinja_node *first = jinja_child(f->j, n, 0), *c = first;
    if (depth == 0)
        return false;
    if (n->kind == JINJA_NODE_NAME)
        return span_equal(n->text, self) || name_lists_macros(f, n, depth - 1);
    if (n->kind == JINJA_NODE_MATH && n->text.ptr[0] == '+' && jinja_next(f->j, first))
        return lists_macros(f, first, self, depth - 1) && lists_macros(f, jinja_next(f->j, first), self, depth - 1);
    while (n->kind == JINJA_NODE_LIST && c && c->kind == JINJA_NODE_NAME && jinja_macro(f, c->text) &&
           !jinja_is_set(f, c->text))
        c = jinja_next(f->j, c);
    return n->kind == JINJA_NODE_LIST && !c;
}

bool jinja_is_macro_of_list(struct jinja_facts *f, const struct jinja_node *n)
{
    return n->kind == JINJA_NODE_ITEM && jinja_is(f, JINJA_IS_NUMBER, jinja_child(f->j, n, 1)) &&
           lists_macros(f, jinja_child(f->j, n, 0), span_of("", 0), 6);
}
