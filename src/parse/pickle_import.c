/* Opcodes that bring names in and call them, and persistent ids. What is not on the list gives a finding and an unknown
 * value, so that the rest of the pickle is still read. */
#include <stdio.h>
#include <string.h>

#include "parse/pickle_ops.h"
#include "util/auto.h"

/* What of a name is compared and shown. */
#define NAME_MAX_TOLD 200U

#define SHOWN(s) (int)((s).len < 100 ? (s).len : 100), (const char *)(s).ptr

/* ── names ── */

static bool was_told(struct machine *m, struct span module, struct span name)
{
    for (size_t i = 0; i < m->told_count; i++)
        if (span_equal(m->told[i][0], module) && span_equal(m->told[i][1], name))
            return true;
    if (m->told_count < ARRAY_LEN(m->told)) {
        m->told[m->told_count][0] = module;
        m->told[m->told_count++][1] = name;
    }
    return false;
}

static bool has_dot(struct span s)
{
    struct span before;
    return span_take_until(&s, '.', &before);
}

/* Why a name does not pass. A known danger is worth more than a name that nobody knows; both block. */
static void tell_blocked(struct machine *m, struct span module, struct span name)
{
    const char *does = pickle_name_danger(module, name);
    m->blocked_names++;
    module.len = module.len < NAME_MAX_TOLD ? module.len : NAME_MAX_TOLD;
    name.len = name.len < NAME_MAX_TOLD ? name.len : NAME_MAX_TOLD;
    if (m->findings >= LIMIT_PICKLE_FINDINGS || was_told(m, module, name))
        return;
    if (does)
        machine_odd(m, SEVERITY_CRITICAL, "pickle-name", m->op_at,
                    "imports %.*s.%.*s, which %s when the file is loaded; weights need no such name", SHOWN(module),
                    SHOWN(name), does);
    else if (has_dot(name))
        machine_odd(m, SEVERITY_HIGH, "pickle-name", m->op_at,
                    "imports %.*s and walks its attributes %.*s: that reaches anything that the module ever imported",
                    SHOWN(module), SHOWN(name));
    else
        machine_odd(m, SEVERITY_HIGH, "pickle-name", m->op_at,
                    "imports %.*s.%.*s, which is not on the list of names that weights need: loading runs its code",
                    SHOWN(module), SHOWN(name));
}

/* In a shadow only what can be a name is one: an array's bytes may have a "c" among them. */
static bool is_plausible(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        bool fine = c == '_' || c == '.' || c == '-' || c == '<' || c == '>' || c >= 0x80 || (c >= '0' && c <= '9') ||
                    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!fine)
            return false;
    }
    return s.len > 0;
}

static int import(struct machine *m, struct span module, struct span name)
{
    if (m->shadow && (!is_plausible(module) || !is_plausible(name)))
        return machine_broken(m, "no name");
    size_t count;
    uint32_t number = pickle_name_find(module, name);
    const struct pickle_name *n = number == PICKLE_NAME_BLOCKED ? NULL : &pickle_names(&count)[number];
    bool of_joblib = n && (n->meaning == PICKLE_JOBLIB_ARRAY || n->meaning == PICKLE_JOBLIB_BESIDE);
    if (!n || (of_joblib && !m->joblib)) {
        tell_blocked(m, module, name);
        return machine_push(m, value_of(KIND_UNKNOWN, 0));
    }
    return machine_push(m, value_of(KIND_GLOBAL, number));
}

int op_global(struct machine *m)
{
    struct span module, name;
    if (!machine_take_line(m, &module) || !machine_take_line(m, &name))
        return RUN_SHORT;
    if (!span_is_utf8(module) || !span_is_utf8(name))
        return machine_broken(m, "a name that is no UTF-8");
    return import(m, module, name);
}

int op_stack_global(struct machine *m)
{
    struct span module, name;
    if (machine_need(m, 2) < 0)
        return RUN_STOPPED;
    struct value values[2] = {m->stack[m->depth_now - 2], m->stack[m->depth_now - 1]};
    m->depth_now -= 2;
    if (value_text(m, values[0], &module) && value_text(m, values[1], &name))
        return import(m, module, name);
    if (m->shadow)
        return machine_broken(m, "no name");
    m->blocked_names++;
    machine_odd(m, SEVERITY_CRITICAL, "pickle-name", m->op_at,
                "imports a name that is no text in the pickle but was computed: no pickler writes that");
    return machine_push(m, value_of(KIND_UNKNOWN, 0));
}

/* ── calls ── */

int op_inst(struct machine *m)
{
    struct span module, name;
    const struct value *items;
    size_t count;
    if (!machine_take_line(m, &module) || !machine_take_line(m, &name))
        return RUN_SHORT;
    if (m->shadow && (!is_plausible(module) || !is_plausible(name)))
        return machine_broken(m, "no name");
    machine_forbid(m, "INST", "imports and calls at once");
    tell_blocked(m, module, name);
    return machine_pop_mark(m, &items, &count) < 0 ? RUN_STOPPED : machine_push(m, value_of(KIND_UNKNOWN, 0));
}

int op_obj(struct machine *m)
{
    const struct value *items;
    size_t count;
    machine_forbid(m, "OBJ", "calls what stands on the stack");
    if (machine_pop_mark(m, &items, &count) < 0)
        return RUN_STOPPED;
    return count ? machine_push(m, value_of(KIND_UNKNOWN, 0)) : machine_broken(m, "the stack holds too little");
}

/* The callee was told of where it was imported; what is left is to call what was computed. */
static int call(struct machine *m, struct value callee, struct value args, bool new_object)
{
    struct value out = value_of(KIND_UNKNOWN, 0);
    m->calls++;
    m->blocked_names += m->shadow && m->extended && value_kind(callee) == KIND_UNKNOWN;
    if (value_kind(callee) != KIND_GLOBAL && value_kind(callee) != KIND_UNKNOWN)
        machine_odd(m, SEVERITY_HIGH, "pickle-call", m->op_at, "calls something that is no imported name");
    else if (value_kind(callee) == KIND_GLOBAL &&
             machine_call(m, (uint32_t)value_number(callee), args, new_object, &out) < 0)
        return RUN_STOPPED;
    return machine_push(m, out);
}

static int call_top(struct machine *m, bool new_object)
{
    if (machine_need(m, 2) < 0)
        return RUN_STOPPED;
    struct value callee = m->stack[m->depth_now - 2], args = m->stack[m->depth_now - 1];
    m->depth_now -= 2;
    if (value_kind(args) == KIND_TUPLE || value_kind(args) == KIND_UNKNOWN)
        return call(m, callee, args, new_object);
    machine_odd(m, SEVERITY_HIGH, "pickle-call", m->op_at, "a call whose arguments are no tuple");
    return machine_push(m, value_of(KIND_UNKNOWN, 0));
}

int op_reduce(struct machine *m)
{
    return call_top(m, false);
}

int op_newobj(struct machine *m)
{
    return call_top(m, true);
}

int op_newobj_ex(struct machine *m)
{
    machine_forbid(m, "NEWOBJ_EX", "makes an object with arguments by name");
    if (machine_need(m, 3) < 0)
        return RUN_STOPPED;
    m->depth_now -= 3;
    return machine_push(m, value_of(KIND_UNKNOWN, 0));
}

int op_build(struct machine *m)
{
    if (machine_need(m, 2) < 0)
        return RUN_STOPPED;
    struct value object = m->stack[m->depth_now - 2], state = m->stack[m->depth_now - 1], out = object;
    m->depth_now -= 2;
    if (value_kind(object) != KIND_UNKNOWN && machine_build(m, object, state, &out) < 0)
        return RUN_STOPPED;
    return machine_push(m, out);
}

/* ── persistent ids ── */

int op_persid(struct machine *m)
{
    struct span line;
    if (!machine_take_line(m, &line))
        return RUN_SHORT;
    machine_forbid(m, "PERSID", "asks the loader for an object by its name");
    return machine_push(m, value_of(KIND_UNKNOWN, 0));
}

/* A key becomes the name of a member, and of a file where somebody unpacks it. */
static bool is_plain_key(struct span key)
{
    return key.len > 0 && !memchr(key.ptr, '/', key.len) && !memchr(key.ptr, '\\', key.len) &&
           !memchr(key.ptr, 0, key.len) && !span_equal_str(key, "..") && !span_equal_str(key, ".");
}

/* ("storage", class, key, location, elements), and in old files a view (key, offset, elements) or None. */
static bool read_storage(struct machine *m, struct value id, struct storage *s)
{
    size_t count, view_count;
    int64_t numel, view_numel;
    const struct value *items = value_kind(id) == KIND_TUPLE ? value_items(m, id, &count) : NULL;
    if (!items || count < 5 || count > 6 || !value_text_is(m, items[0], "storage"))
        return false;
    const struct pickle_name *class = value_name(m, items[1]);
    if (!class || class->role != PICKLE_STORAGE || !value_text(m, items[2], &s->key) || !is_plain_key(s->key) ||
        !value_is_text(items[3]) || !value_int(items[4], &numel) || numel < 0)
        return false;
    s->at = m->op_at;
    s->item_size = class->size;
    s->numel = s->view_numel = (uint64_t)numel;
    if (count == 5 || value_kind(items[5]) == KIND_NONE)
        return true;
    const struct value *view = value_kind(items[5]) == KIND_TUPLE ? value_items(m, items[5], &view_count) : NULL;
    if (!view || view_count != 3 || !value_is_text(view[0]) || !value_int(view[2], &view_numel) || view_numel < 0 ||
        view_numel > numel)
        return false;
    s->view_numel = (uint64_t)view_numel;
    return true;
}

int op_binpersid(struct machine *m)
{
    struct storage s = {0};
    struct value out = value_of(KIND_UNKNOWN, 0);
    if (machine_need(m, 1) < 0)
        return RUN_STOPPED;
    struct value id = *machine_top(m);
    m->depth_now--;
    if (!read_storage(m, id, &s))
        machine_odd(m, SEVERITY_HIGH, "pickle-persistent", m->op_at, "a persistent id that is no storage of torch");
    else if (machine_add_storage(m, &s, &out) < 0)
        return RUN_STOPPED;
    return machine_push(m, out);
}
