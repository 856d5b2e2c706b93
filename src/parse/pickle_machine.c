/* The opcodes, one handler each, as CPython's pickletools describes them. Where its two implementations differ (what
 * POP does above a mark, whether a frame's end matters) the pickle is odd, whatever either would do. */
#include "parse/pickle_machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "parse/pickle_ops.h"
#include "util/auto.h"

/* ── findings ── */

void machine_odd(struct machine *m, enum severity severity, const char *rule, size_t at, const char *format, ...)
{
    char message[400], place[48];
    va_list args;
    if (m->findings++ >= LIMIT_PICKLE_FINDINGS || m->shadow)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    snprintf(place, sizeof place, "byte %zu", at);
    report_finding(m->r, severity, rule, place, "%s", message);
}

/* Told in any case, however much was told before. */
static int stop(struct machine *m, const char *rule, const char *message)
{
    char place[48];
    snprintf(place, sizeof place, "byte %zu", m->op_at);
    if (!m->shadow)
        report_stop(m->r, SEVERITY_HIGH, rule, place, "%s", message);
    return RUN_STOPPED;
}

int machine_broken(struct machine *m, const char *format, ...)
{
    char message[400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, 300, format, args);
    va_end(args);
    snprintf(message + strlen(message), 100, ": the rest of the pickle cannot be followed");
    return stop(m, "pickle-broken", message);
}

int machine_full(struct machine *m, const char *format, ...)
{
    char message[300];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return stop(m, "pickle-size", message);
}

void machine_forbid(struct machine *m, const char *opcode, const char *does)
{
    uint8_t code = m->file.ptr[m->op_at];
    if (m->told_opcodes[code])
        return;
    m->told_opcodes[code] = true;
    machine_odd(m, SEVERITY_HIGH, "pickle-opcode", m->op_at, "%s, which weights do not need: it %s", opcode, does);
}

/* ── the stack ── */

static int op_mark(struct machine *m)
{
    if (m->mark_count == m->mark_room && machine_grow_marks(m) < 0)
        return RUN_STOPPED;
    m->marks[m->mark_count++] = m->depth_now;
    return RUN_OK;
}

static int op_stop(struct machine *m)
{
    if (m->depth_now == 0 || machine_above_mark(m) == 0)
        return machine_broken(m, "it ends without a value");
    if (m->depth_now > 1 || m->mark_count > 0)
        machine_odd(m, SEVERITY_HIGH, "pickle-stack", m->op_at, "%zu values are left when it ends", m->depth_now);
    if (m->framed && m->rest.len > 0)
        machine_odd(m, SEVERITY_HIGH, "pickle-frame", m->op_at, "it ends before its frame");
    m->top = *machine_top(m);
    m->ended = true;
    return RUN_OK;
}

/* ── opcodes that only clever pickles have ── */

static int op_pop(struct machine *m)
{
    machine_forbid(m, "POP", "throws a value away, after a call for example");
    if (machine_above_mark(m) > 0)
        m->depth_now--;
    else if (m->mark_count > 0)
        m->mark_count--;
    else
        return machine_broken(m, "the stack holds too little");
    return RUN_OK;
}

static int op_pop_mark(struct machine *m)
{
    const struct value *items;
    size_t count;
    machine_forbid(m, "POP_MARK", "throws values away, after a call for example");
    return machine_pop_mark(m, &items, &count);
}

static int op_dup(struct machine *m)
{
    machine_forbid(m, "DUP", "is written by no pickler, and makes much of little");
    return machine_need(m, 1) < 0 ? RUN_STOPPED : machine_push(m, *machine_top(m));
}

static int extension(struct machine *m, size_t bytes)
{
    uint64_t code;
    if (!machine_take_number(m, bytes, &code))
        return RUN_SHORT;
    machine_forbid(m, "EXT", "imports by a number (copyreg), so that no name stands in the pickle");
    m->extended = true;
    m->blocked_names += !m->shadow;
    return machine_push(m, value_of(KIND_UNKNOWN, 0));
}

static int op_ext1(struct machine *m)
{
    return extension(m, 1);
}

static int op_ext2(struct machine *m)
{
    return extension(m, 2);
}

static int op_ext4(struct machine *m)
{
    return extension(m, 4);
}

static int op_next_buffer(struct machine *m)
{
    machine_forbid(m, "NEXT_BUFFER", "takes data from outside of the pickle");
    return machine_push(m, value_of(KIND_UNKNOWN, 0));
}

static int op_readonly_buffer(struct machine *m)
{
    machine_forbid(m, "READONLY_BUFFER", "belongs to data from outside of the pickle");
    return machine_need(m, 1);
}

/* ── the memo ── */

static inline int put(struct machine *m, uint64_t index, bool counted_by_itself)
{
    if (machine_need(m, 1) < 0)
        return RUN_STOPPED;
    if (counted_by_itself ? m->put_used : m->memoized)
        machine_odd(m, SEVERITY_HIGH, "pickle-memo", m->op_at,
                    "MEMOIZE and PUT in one pickle: readers count differently");
    m->memoized |= counted_by_itself;
    m->put_used |= !counted_by_itself;
    if (index > 1024 + 2 * (uint64_t)(machine_at(m) - m->start))
        return machine_broken(m, "entry %llu of the memo, far behind all others", (unsigned long long)index);
    if (index >= m->memo_room && machine_grow_memo(m, (size_t)index) < 0)
        return RUN_STOPPED;
    if (value_kind(m->memo[index]) == KIND_UNSET)
        m->memo_set++;
    else
        machine_odd(m, SEVERITY_HIGH, "pickle-memo", m->op_at, "entry %llu of the memo is set twice",
                    (unsigned long long)index);
    m->memo[index] = *machine_top(m);
    return RUN_OK;
}

static int op_memoize(struct machine *m)
{
    return put(m, m->memo_set, true);
}

static int op_binput(struct machine *m)
{
    uint64_t index;
    return machine_take_number(m, 1, &index) ? put(m, index, false) : RUN_SHORT;
}

static int op_long_binput(struct machine *m)
{
    uint64_t index;
    return machine_take_number(m, 4, &index) ? put(m, index, false) : RUN_SHORT;
}

/* The index of PUT and GET, as text. */
static int take_index(struct machine *m, uint64_t *index)
{
    struct span line;
    if (!machine_take_line(m, &line))
        return RUN_SHORT;
    return span_decimal(line, index) ? RUN_OK : machine_broken(m, "an entry of the memo that is no number");
}

static int op_put(struct machine *m)
{
    uint64_t index;
    int result = take_index(m, &index);
    return result < 0 ? result : put(m, index, false);
}

/* Objects of one machine are none of another. */
static struct value without_object(struct value v)
{
    return value_has_object(v) || value_kind(v) == KIND_STORAGE ? value_of(KIND_UNKNOWN, 0) : v;
}

int machine_copy_stack(struct machine *m, const struct machine *from)
{
    for (size_t i = 0; i < from->depth_now; i++)
        if (machine_push(m, without_object(from->stack[i])) < 0)
            return RUN_STOPPED;
    for (size_t i = 0; i < from->mark_count; i++) {
        if (m->mark_count == m->mark_room && machine_grow_marks(m) < 0)
            return RUN_STOPPED;
        m->marks[m->mark_count++] = from->marks[i];
    }
    return RUN_OK;
}

static inline int get(struct machine *m, uint64_t index)
{
    struct value v = index < m->memo_room ? m->memo[index] : value_of(KIND_UNSET, 0);
    if (value_kind(v) == KIND_UNSET && m->outer && index < m->outer->memo_room)
        v = without_object(m->outer->memo[index]);
    if (value_kind(v) == KIND_UNSET) {
        machine_odd(m, SEVERITY_HIGH, "pickle-memo", m->op_at, "entry %llu of the memo, which was never set",
                    (unsigned long long)index);
        v = value_of(KIND_UNKNOWN, 0);
    }
    v.bits |= VALUE_FETCHED;
    return machine_push(m, v);
}

static int op_binget(struct machine *m)
{
    uint64_t index;
    return machine_take_number(m, 1, &index) ? get(m, index) : RUN_SHORT;
}

static int op_long_binget(struct machine *m)
{
    uint64_t index;
    return machine_take_number(m, 4, &index) ? get(m, index) : RUN_SHORT;
}

static int op_get(struct machine *m)
{
    uint64_t index;
    int result = take_index(m, &index);
    return result < 0 ? result : get(m, index);
}

/* ── protocol and frames ── */

static int op_proto(struct machine *m)
{
    uint64_t version;
    if (!machine_take_number(m, 1, &version))
        return RUN_SHORT;
    if (version > 5)
        return machine_broken(m, "protocol %llu, which does not exist", (unsigned long long)version);
    if (m->op_at != m->start)
        machine_odd(m, SEVERITY_HIGH, "pickle-proto", m->op_at, "PROTO inside of the pickle");
    m->protocol = (unsigned)version;
    return RUN_OK;
}

/* From here on m->rest ends where the frame does, so that no argument crosses its end. */
static int op_frame(struct machine *m)
{
    uint64_t len;
    if (!machine_take_number(m, 8, &len))
        return RUN_SHORT;
    size_t left = m->file.len - machine_at(m);
    if (m->framed && m->rest.len > 0)
        machine_odd(m, SEVERITY_HIGH, "pickle-frame", m->op_at, "a frame begins inside of another");
    if (len > left)
        return machine_broken(m, "a frame of %llu bytes, and %zu follow", (unsigned long long)len, left);
    m->rest.len = (size_t)len;
    m->framed = true;
    return RUN_OK;
}

/* ── the loop ── */

static int (*const HANDLERS[256])(struct machine *m) = {
    ['('] = op_mark,          [')'] = op_empty_tuple,
    ['.'] = op_stop,          ['0'] = op_pop,
    ['1'] = op_pop_mark,      ['2'] = op_dup,
    ['B'] = op_binbytes,      ['C'] = op_short_binbytes,
    ['F'] = op_float,         ['G'] = op_binfloat,
    ['I'] = op_int,           ['J'] = op_binint,
    ['K'] = op_binint1,       ['L'] = op_long,
    ['M'] = op_binint2,       ['N'] = op_none,
    ['P'] = op_persid,        ['Q'] = op_binpersid,
    ['R'] = op_reduce,        ['S'] = op_string,
    ['T'] = op_binstring,     ['U'] = op_short_binstring,
    ['V'] = op_unicode,       ['X'] = op_binunicode,
    [']'] = op_empty_list,    ['a'] = op_append,
    ['b'] = op_build,         ['c'] = op_global,
    ['d'] = op_dict,          ['e'] = op_appends,
    ['g'] = op_get,           ['h'] = op_binget,
    ['i'] = op_inst,          ['j'] = op_long_binget,
    ['l'] = op_list,          ['o'] = op_obj,
    ['p'] = op_put,           ['q'] = op_binput,
    ['r'] = op_long_binput,   ['s'] = op_setitem,
    ['t'] = op_tuple,         ['u'] = op_setitems,
    ['}'] = op_empty_dict,    [0x80] = op_proto,
    [0x81] = op_newobj,       [0x82] = op_ext1,
    [0x83] = op_ext2,         [0x84] = op_ext4,
    [0x85] = op_tuple1,       [0x86] = op_tuple2,
    [0x87] = op_tuple3,       [0x88] = op_true,
    [0x89] = op_false,        [0x8a] = op_long1,
    [0x8b] = op_long4,        [0x8c] = op_short_binunicode,
    [0x8d] = op_binunicode8,  [0x8e] = op_binbytes8,
    [0x8f] = op_empty_set,    [0x90] = op_additems,
    [0x91] = op_frozenset,    [0x92] = op_newobj_ex,
    [0x93] = op_stack_global, [0x94] = op_memoize,
    [0x95] = op_frame,        [0x96] = op_bytearray8,
    [0x97] = op_next_buffer,  [0x98] = op_readonly_buffer,
};

void machine_leave_frame(struct machine *m, size_t at)
{
    m->framed = false;
    span_slice(m->file, at, m->file.len - at, &m->rest);
}

/* The end of the frame or of the file where an opcode should be. */
static int leave_empty_frame(struct machine *m)
{
    machine_leave_frame(m, machine_at(m));
    if (m->rest.len > 0)
        return RUN_OK;
    m->op_at = m->file.len;
    return machine_broken(m, "it ends without STOP");
}

/* The argument of this opcode is not whole. In a frame it may be whole in the file. */
static int retry(struct machine *m, uint8_t opcode)
{
    int result = RUN_SHORT;
    if (m->framed) {
        machine_odd(m, SEVERITY_HIGH, "pickle-frame", m->op_at,
                    "an argument crosses the end of its frame: two loaders read two different pickles");
        machine_leave_frame(m, m->op_at + 1);
        result = HANDLERS[opcode](m);
    }
    return result == RUN_SHORT ? machine_broken(m, "the argument of opcode 0x%02x is cut off", opcode) : result;
}

static inline int step(struct machine *m)
{
    if (m->rest.len == 0 && leave_empty_frame(m) < 0)
        return RUN_STOPPED;
    m->op_at = machine_at(m);
    uint8_t opcode = *m->rest.ptr++;
    m->rest.len--;
    m->opcodes++;
    if (!HANDLERS[opcode])
        return machine_broken(m, "byte 0x%02x is no opcode", opcode);
    int result = HANDLERS[opcode](m);
    return result == RUN_SHORT ? retry(m, opcode) : result;
}

static int run_shadow(struct machine *m)
{
    int result = RUN_OK;
    while (!m->ended && result == RUN_OK && machine_at(m) != m->stop_at && m->opcodes < m->opcodes_max &&
           m->blocked_names == 0)
        result = step(m);
    return result;
}

int machine_run(struct machine *m)
{
    int result = RUN_OK;
    m->own_budget = LIMIT_PICKLE_LOOK_BYTES;
    m->own_scans = 4 * m->file.len + 65536; /* each is read once, in an honest pickle */
    m->scans = &m->own_scans;
    if (!m->look_budget)
        m->look_budget = &m->own_budget;
    machine_leave_frame(m, m->start);
    if (!m->stack && machine_grow_stack(m) < 0) /* so that it is one even while it is empty */
        return -1;
    if (m->shadow)
        return run_shadow(m);
    while (!m->ended && result == RUN_OK)
        result = step(m);
    m->end = machine_at(m);
    if (result == RUN_OK && m->findings > LIMIT_PICKLE_FINDINGS)
        result = machine_broken(m, "more than %u findings", LIMIT_PICKLE_FINDINGS);
    return result == RUN_OK ? 0 : -1;
}
