/* What the handlers of opcodes share: taking arguments, pushing and popping. Each handler returns RUN_OK, RUN_STOPPED
 * after a finding, or RUN_SHORT when its argument is not whole and nothing was changed. Internal to src/parse. */
#pragma once

#include <string.h>

#include "parse/pickle_machine.h"

/* An opcode that no pickle of weights needs, told once. */
void machine_forbid(struct machine *m, const char *opcode, const char *does);

static inline bool machine_take(struct machine *m, size_t n, const uint8_t **out)
{
    if (m->rest.len < n)
        return false;
    *out = m->rest.ptr;
    m->rest.ptr += n;
    m->rest.len -= n;
    return true;
}

/* A little-endian number of 1, 2, 4 or 8 bytes. */
static inline bool machine_take_number(struct machine *m, size_t n, uint64_t *out)
{
    const uint8_t *p;
    if (!machine_take(m, n, &p))
        return false;
    *out = 0;
    memcpy(out, p, n); /* the machine that this is built for is little-endian */
    return true;
}

static inline int machine_push(struct machine *m, struct value v)
{
    if (m->depth_now == m->stack_room && machine_grow_stack(m) < 0)
        return RUN_STOPPED;
    m->stack[m->depth_now++] = v;
    return RUN_OK;
}

/* What may be popped ends at the topmost mark. */
static inline size_t machine_above_mark(const struct machine *m)
{
    return m->depth_now - (m->mark_count ? m->marks[m->mark_count - 1] : 0);
}

static inline int machine_need(struct machine *m, size_t count)
{
    return machine_above_mark(m) >= count ? RUN_OK : machine_broken(m, "the stack holds too little");
}

static inline struct value *machine_top(struct machine *m)
{
    return &m->stack[m->depth_now - 1];
}

/* A line, without its end. */
static inline bool machine_take_line(struct machine *m, struct span *line)
{
    return span_take_until(&m->rest, '\n', line);
}

/* Takes the topmost mark away: *first is what stands above it. */
static inline int machine_pop_mark(struct machine *m, const struct value **first, size_t *count)
{
    *first = m->stack;
    *count = 0;
    if (m->mark_count == 0)
        return machine_broken(m, "there is no mark");
    size_t at = m->marks[--m->mark_count];
    *first = m->stack + at;
    *count = m->depth_now - at;
    m->depth_now = at;
    return RUN_OK;
}

/* pickle_data.c: numbers, strings, containers. */
int op_none(struct machine *m);
int op_true(struct machine *m);
int op_false(struct machine *m);
int op_binint(struct machine *m);
int op_binint1(struct machine *m);
int op_binint2(struct machine *m);
int op_binfloat(struct machine *m);
int op_int(struct machine *m);
int op_long(struct machine *m);
int op_long1(struct machine *m);
int op_long4(struct machine *m);
int op_float(struct machine *m);
int op_short_binunicode(struct machine *m);
int op_binunicode(struct machine *m);
int op_binunicode8(struct machine *m);
int op_short_binbytes(struct machine *m);
int op_binbytes(struct machine *m);
int op_binbytes8(struct machine *m);
int op_bytearray8(struct machine *m);
int op_short_binstring(struct machine *m);
int op_binstring(struct machine *m);
int op_string(struct machine *m);
int op_unicode(struct machine *m);
int op_tuple(struct machine *m);
int op_list(struct machine *m);
int op_dict(struct machine *m);
int op_frozenset(struct machine *m);
int op_empty_tuple(struct machine *m);
int op_empty_list(struct machine *m);
int op_empty_dict(struct machine *m);
int op_empty_set(struct machine *m);
int op_tuple1(struct machine *m);
int op_tuple2(struct machine *m);
int op_tuple3(struct machine *m);
int op_append(struct machine *m);
int op_setitem(struct machine *m);
int op_appends(struct machine *m);
int op_setitems(struct machine *m);
int op_additems(struct machine *m);

/* pickle_import.c: names, calls, persistent ids. */
int op_persid(struct machine *m);
int op_binpersid(struct machine *m);
int op_global(struct machine *m);
int op_stack_global(struct machine *m);
int op_inst(struct machine *m);
int op_obj(struct machine *m);
int op_reduce(struct machine *m);
int op_newobj(struct machine *m);
int op_newobj_ex(struct machine *m);
int op_build(struct machine *m);
