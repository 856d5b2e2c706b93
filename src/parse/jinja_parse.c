#include "parse/jinja_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/jinja_internal.h"

/* ── the tree ── */

uint32_t jinja_fail(struct jinja *j, size_t at, const char *format, ...)
{
    va_list args;
    if (j->failed)
        return 0;
    j->failed = true;
    j->problem_at = at;
    va_start(args, format);
    vsnprintf(j->problem, sizeof(j->problem), format, args);
    va_end(args);
    return 0;
}

static uint32_t too_large(struct jinja *j, const char *what, unsigned limit)
{
    j->too_large |= !j->failed;
    return jinja_fail(j, j->now.at, "more than %u %s", limit, what);
}

uint32_t jinja_node(struct jinja *j, enum jinja_kind kind, size_t at, struct span text)
{
    if (j->failed)
        return 0;
    if (j->count == LIMIT_JINJA_NODES)
        return too_large(j, "parts", LIMIT_JINJA_NODES);
    if (j->count == j->room) {
        j->room = j->room ? j->room * 2 : 256;
        j->nodes = realloc(j->nodes, j->room * sizeof(*j->nodes));
        if (!j->nodes)
            abort();
    }
    j->nodes[j->count] = (struct jinja_node){.kind = (uint8_t)kind, .at = (uint32_t)at, .text = text};
    return j->count++;
}

/* A child is whole when it is added: its depth is known then. */
void jinja_add(struct jinja *j, uint32_t parent, uint32_t child)
{
    if (j->failed || !parent || !child)
        return;
    struct jinja_node *p = &j->nodes[parent], *c = &j->nodes[child];
    if (p->last)
        j->nodes[p->last].next = child;
    else
        p->first = child;
    p->last = child;
    if (c->depth >= p->depth)
        p->depth = (uint16_t)(c->depth + 1);
    if (p->depth > LIMIT_JINJA_DEPTH)
        too_large(j, "levels", LIMIT_JINJA_DEPTH);
}

const struct jinja_node *jinja_next(const struct jinja *j, const struct jinja_node *n)
{
    return n->next ? &j->nodes[n->next] : NULL;
}

const struct jinja_node *jinja_child(const struct jinja *j, const struct jinja_node *n, unsigned number)
{
    const struct jinja_node *c = n->first ? &j->nodes[n->first] : NULL;
    for (; c && number > 0; number--)
        c = jinja_next(j, c);
    return c;
}

bool jinja_enter(struct jinja *j)
{
    if (++j->level > LIMIT_JINJA_DEPTH)
        too_large(j, "levels", LIMIT_JINJA_DEPTH);
    return !j->failed;
}

void jinja_leave(struct jinja *j)
{
    j->level--;
}

/* ── tokens ── */

void jinja_advance(struct jinja *j)
{
    j->now = j->ahead;
    if (j->now.kind == JINJA_BROKEN)
        jinja_fail(j, j->now.at, "%s", j->lexer.problem);
    if (j->now.kind != JINJA_BROKEN && j->now.kind != JINJA_END)
        j->ahead = jinja_lex_next(&j->lexer);
}

bool jinja_is_op(const struct jinja *j, unsigned op)
{
    return j->now.kind == JINJA_OPERATOR && j->now.op == op;
}

bool jinja_is_name(const struct jinja *j, const char *name)
{
    return j->now.kind == JINJA_NAME && span_equal_str(j->now.text, name);
}

bool jinja_take_op(struct jinja *j, unsigned op)
{
    if (!jinja_is_op(j, op))
        return false;
    jinja_advance(j);
    return true;
}

bool jinja_take_name(struct jinja *j, const char *name)
{
    if (!jinja_is_name(j, name))
        return false;
    jinja_advance(j);
    return true;
}

static bool unexpected(struct jinja *j, const char *wanted)
{
    int len = (int)(j->now.text.len > 40 ? 40 : j->now.text.len);
    if (j->now.kind == JINJA_END)
        jinja_fail(j, j->now.at, "%s is wanted, and the template ends", wanted);
    else
        jinja_fail(j, j->now.at, "%s is wanted where '%.*s' stands", wanted, len, (const char *)j->now.text.ptr);
    return false;
}

bool jinja_need_op(struct jinja *j, unsigned op)
{
    char wanted[4] = {'\'', (char)(op & 0xff), '\'', '\0'};
    return !j->failed && (jinja_take_op(j, op) || unexpected(j, wanted));
}

bool jinja_need_name(struct jinja *j, const char *name)
{
    return !j->failed && (jinja_take_name(j, name) || unexpected(j, name));
}

bool jinja_need_any_name(struct jinja *j, struct span *name)
{
    if (j->failed || j->now.kind != JINJA_NAME)
        return unexpected(j, "a name");
    *name = j->now.text;
    jinja_advance(j);
    return true;
}

static bool need_block_end(struct jinja *j)
{
    if (j->failed || j->now.kind != JINJA_BLOCK_END)
        return unexpected(j, "the end of the tag");
    jinja_advance(j);
    return true;
}

/* ── statements ── */

static uint32_t statement(struct jinja *j);

static bool is_stop(const struct jinja *j, const char *const *stops)
{
    for (; *stops; stops++)
        if (jinja_is_name(j, *stops))
            return true;
    return false;
}

static void body_part(struct jinja *j, uint32_t body)
{
    uint32_t part;
    if (j->now.kind == JINJA_DATA) {
        jinja_add(j, body, jinja_node(j, JINJA_NODE_TEXT, j->now.at, j->now.text));
        jinja_advance(j);
    } else if (j->now.kind == JINJA_VARIABLE_BEGIN) {
        part = jinja_node(j, JINJA_NODE_OUTPUT, j->now.at, span_of("", 0));
        jinja_advance(j);
        jinja_add(j, part, jinja_expr_tuple(j, JINJA_TUPLE_CONDITION));
        if (!j->failed && j->now.kind != JINJA_VARIABLE_END)
            unexpected(j, "the end of the tag");
        jinja_advance(j);
        jinja_add(j, body, part);
    } else {
        unexpected(j, "a tag");
    }
}

/* Statements up to a tag that begins with one of `stops`, whose name is the token at hand then; without stops up to the
 * end of the template. */
static uint32_t statements(struct jinja *j, const char *const *stops)
{
    uint32_t body = jinja_node(j, JINJA_NODE_BODY, j->now.at, span_of("", 0));
    while (!j->failed) {
        if (j->now.kind == JINJA_END) {
            if (*stops)
                jinja_fail(j, j->now.at, "'%s' is wanted, and the template ends", stops[0]);
            return body;
        }
        if (j->now.kind != JINJA_BLOCK_BEGIN) {
            body_part(j, body);
            continue;
        }
        jinja_advance(j);
        if (is_stop(j, stops))
            return body;
        jinja_add(j, body, statement(j));
        need_block_end(j);
    }
    return 0;
}

/* The end of an opening tag, what follows, and the name of the tag that closes. */
static uint32_t block_until(struct jinja *j, const char *const *stops)
{
    jinja_take_op(j, ':');
    need_block_end(j);
    return j->failed ? 0 : statements(j, stops);
}

static uint32_t block_to(struct jinja *j, const char *stop)
{
    const char *const stops[] = {stop, NULL};
    uint32_t body = block_until(j, stops);
    jinja_advance(j);
    return body;
}

static bool is_constant(struct span name)
{
    static const char *const constants[] = {"true", "false", "none", "True", "False", "None"};
    for (size_t i = 0; i < ARRAY_LEN(constants); i++)
        if (span_equal_str(name, constants[i]))
            return true;
    return false;
}

static bool can_assign(const struct jinja *j, const struct jinja_node *n)
{
    if (n->kind != JINJA_NODE_TUPLE)
        return n->kind == JINJA_NODE_NAME || n->kind == JINJA_NODE_MEMBER;
    for (const struct jinja_node *c = jinja_child(j, n, 0); c; c = jinja_next(j, c))
        if (!can_assign(j, c))
            return false;
    return true;
}

static bool settable_name(struct jinja *j, struct span *name)
{
    size_t at = j->now.at;
    if (!jinja_need_any_name(j, name))
        return false;
    if (is_constant(*name))
        jinja_fail(j, at, "a constant cannot be set");
    return !j->failed;
}

static uint32_t name_target(struct jinja *j)
{
    struct span name;
    size_t at = j->now.at;
    return settable_name(j, &name) ? jinja_node(j, JINJA_NODE_NAME, at, name) : 0;
}

static uint32_t target(struct jinja *j, bool with_member)
{
    size_t at = j->now.at;
    struct span member;
    if (with_member && j->now.kind == JINJA_NAME && j->ahead.kind == JINJA_OPERATOR && j->ahead.op == '.') {
        uint32_t owner = name_target(j), node;
        jinja_need_op(j, '.');
        if (!jinja_need_any_name(j, &member))
            return 0;
        node = jinja_node(j, JINJA_NODE_MEMBER, at, member);
        jinja_add(j, node, owner);
        return node;
    }
    uint32_t node = jinja_expr_tuple(j, JINJA_TUPLE_TARGET);
    if (node && !can_assign(j, &j->nodes[node]))
        return jinja_fail(j, at, "nothing that can be set");
    return node;
}

static uint32_t nothing(struct jinja *j)
{
    return jinja_node(j, JINJA_NODE_NOTHING, j->now.at, span_of("", 0));
}

static uint32_t read_for(struct jinja *j, uint32_t node)
{
    static const char *const stops[] = {"endfor", "else", NULL};
    jinja_add(j, node, target(j, false));
    jinja_need_name(j, "in");
    jinja_add(j, node, jinja_expr_tuple(j, JINJA_TUPLE_PLAIN));
    jinja_add(j, node, jinja_take_name(j, "if") ? jinja_expr(j, true) : nothing(j));
    if (jinja_take_name(j, "recursive") && node)
        j->nodes[node].flag = true;
    j->loops++;
    jinja_add(j, node, block_until(j, stops));
    j->loops--;
    if (jinja_take_name(j, "else"))
        jinja_add(j, node, block_to(j, "endfor"));
    else
        jinja_take_name(j, "endfor");
    return node;
}

static uint32_t read_if(struct jinja *j, uint32_t node)
{
    static const char *const stops[] = {"elif", "else", "endif", NULL};
    do {
        jinja_add(j, node, jinja_expr_tuple(j, JINJA_TUPLE_PLAIN));
        jinja_add(j, node, block_until(j, stops));
    } while (!j->failed && jinja_take_name(j, "elif"));
    if (jinja_take_name(j, "else"))
        jinja_add(j, node, block_to(j, "endif"));
    else
        jinja_take_name(j, "endif");
    return node;
}

static uint32_t read_set(struct jinja *j, uint32_t node)
{
    jinja_add(j, node, target(j, true));
    if (jinja_take_op(j, '=')) {
        jinja_add(j, node, jinja_expr_tuple(j, JINJA_TUPLE_CONDITION));
        return node;
    }
    if (!j->failed)
        j->nodes[node].kind = JINJA_NODE_SET_BLOCK;
    jinja_add(j, node, jinja_is_op(j, '|') ? jinja_expr_filters(j, 0, false) : nothing(j));
    jinja_add(j, node, block_to(j, "endset"));
    return node;
}

static void parameters(struct jinja *j, uint32_t node)
{
    bool first = true, defaults = false;
    jinja_need_op(j, '(');
    while (!j->failed && !jinja_is_op(j, ')')) {
        size_t at = j->now.at;
        if (!first && !jinja_need_op(j, ','))
            return;
        first = false;
        struct span name;
        if (!settable_name(j, &name))
            return;
        uint32_t parameter = jinja_node(j, JINJA_NODE_PARAMETER, at, name);
        if (jinja_take_op(j, '=')) {
            defaults = true;
            jinja_add(j, parameter, jinja_expr(j, true));
        } else if (defaults) {
            jinja_fail(j, at, "a parameter without a default behind one that has one");
        }
        jinja_add(j, node, parameter);
    }
    jinja_need_op(j, ')');
}

static uint32_t read_macro(struct jinja *j, uint32_t node)
{
    struct span name;
    if (!settable_name(j, &name))
        return 0;
    j->nodes[node].text = name;
    parameters(j, node);
    jinja_add(j, node, block_to(j, "endmacro"));
    return node;
}

static uint32_t read_call(struct jinja *j, uint32_t node)
{
    if (jinja_is_op(j, '('))
        parameters(j, node);
    size_t at = j->now.at;
    uint32_t call = jinja_expr(j, true);
    if (call && j->nodes[call].kind != JINJA_NODE_CALL)
        return jinja_fail(j, at, "a call is wanted");
    jinja_add(j, node, call);
    jinja_add(j, node, block_to(j, "endcall"));
    return node;
}

static uint32_t read_filter(struct jinja *j, uint32_t node)
{
    jinja_add(j, node, jinja_expr_filters(j, 0, true));
    jinja_add(j, node, block_to(j, "endfilter"));
    return node;
}

static uint32_t read_with(struct jinja *j, uint32_t node)
{
    bool first = true;
    while (!j->failed && j->now.kind != JINJA_BLOCK_END && !jinja_is_op(j, ':')) {
        uint32_t set = jinja_node(j, JINJA_NODE_SET, j->now.at, span_of("", 0));
        if (!first)
            jinja_need_op(j, ',');
        first = false;
        jinja_add(j, set, name_target(j));
        jinja_need_op(j, '=');
        jinja_add(j, set, jinja_expr(j, true));
        jinja_add(j, node, set);
    }
    jinja_add(j, node, block_to(j, "endwith"));
    return node;
}

static uint32_t read_generation(struct jinja *j, uint32_t node)
{
    jinja_add(j, node, block_to(j, "endgeneration"));
    return node;
}

static uint32_t read_print(struct jinja *j, uint32_t node)
{
    bool first = true;
    while (!j->failed && j->now.kind != JINJA_BLOCK_END) {
        if (!first)
            jinja_need_op(j, ',');
        first = false;
        jinja_add(j, node, jinja_expr(j, true));
    }
    return node;
}

static uint32_t read_jump(struct jinja *j, uint32_t node)
{
    return j->loops ? node : jinja_fail(j, j->now.at, "a jump outside of a loop");
}

static uint32_t read_autoescape(struct jinja *j, uint32_t node)
{
    jinja_add(j, node, jinja_expr(j, true));
    jinja_add(j, node, block_to(j, "endautoescape"));
    return node;
}

static uint32_t read_block(struct jinja *j, uint32_t node)
{
    struct span name;
    jinja_need_any_name(j, &name);
    jinja_take_name(j, "scoped");
    jinja_take_name(j, "required");
    jinja_add(j, node, block_to(j, "endblock"));
    if (!j->failed && j->now.kind == JINJA_NAME && span_equal(j->now.text, name))
        jinja_advance(j);
    return node;
}

/* include, extends, import, from: never allowed, so that their small grammars need not be told apart: an expression,
 * then names, commas and the like. */
static uint32_t read_foreign(struct jinja *j, uint32_t node)
{
    jinja_add(j, node, jinja_expr(j, true));
    while (!j->failed && (j->now.kind == JINJA_NAME || jinja_is_op(j, ',')))
        jinja_advance(j);
    return node;
}

static const struct {
    const char *name;
    enum jinja_kind kind;
    uint32_t (*read)(struct jinja *j, uint32_t node);
} TAGS[] = {
    {"if", JINJA_NODE_IF, read_if},
    {"for", JINJA_NODE_FOR, read_for},
    {"set", JINJA_NODE_SET, read_set},
    {"macro", JINJA_NODE_MACRO, read_macro},
    {"call", JINJA_NODE_CALL_BLOCK, read_call},
    {"filter", JINJA_NODE_FILTER_BLOCK, read_filter},
    {"with", JINJA_NODE_WITH, read_with},
    {"generation", JINJA_NODE_GENERATION, read_generation},
    {"print", JINJA_NODE_OUTPUT, read_print},
    {"break", JINJA_NODE_BREAK, read_jump},
    {"continue", JINJA_NODE_CONTINUE, read_jump},
    {"autoescape", JINJA_NODE_OTHER, read_autoescape},
    {"block", JINJA_NODE_OTHER, read_block},
    {"include", JINJA_NODE_OTHER, read_foreign},
    {"extends", JINJA_NODE_OTHER, read_foreign},
    {"import", JINJA_NODE_OTHER, read_foreign},
    {"from", JINJA_NODE_OTHER, read_foreign},
};

static uint32_t statement(struct jinja *j)
{
    struct span name;
    size_t at = j->now.at;
    uint32_t node = 0;
    if (!jinja_need_any_name(j, &name))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(TAGS); i++) {
        if (!span_equal_str(name, TAGS[i].name))
            continue;
        if (jinja_enter(j)) {
            node = jinja_node(j, TAGS[i].kind, at, name);
            node = node ? TAGS[i].read(j, node) : 0;
        }
        jinja_leave(j);
        return node;
    }
    return jinja_fail(j, at, "a tag that does not exist: %.*s", (int)(name.len > 40 ? 40 : name.len),
                      (const char *)name.ptr);
}

bool jinja_parse(struct jinja *j, struct span text)
{
    static const char *const stops[] = {NULL};
    *j = (struct jinja){.text = text};
    if (text.len > LIMIT_TEMPLATE_BYTES) {
        too_large(j, "bytes", LIMIT_TEMPLATE_BYTES);
        return false;
    }
    j->strings = malloc(text.len + 1);
    if (!j->strings)
        abort();
    jinja_node(j, JINJA_NODE_NOTHING, 0, span_of("", 0));
    jinja_node(j, JINJA_NODE_ROOT, 0, span_of("", 0));
    jinja_lex_begin(&j->lexer, text);
    j->ahead = jinja_lex_next(&j->lexer);
    jinja_advance(j);
    jinja_add(j, 1, statements(j, stops));
    return !j->failed;
}

void jinja_fini(struct jinja *j)
{
    free(j->nodes);
    free(j->strings);
}
