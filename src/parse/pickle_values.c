/* What the machine of pickle_machine.h knows about values, and where it keeps them. */
#include <stdlib.h>
#include <string.h>

#include "parse/pickle_machine.h"
#include "util/auto.h"

/* Items that a container keeps; real arguments, shapes and states stay far below. */
#define KEEP_MAX 128U

/* ── room ── */

/* Doubles an array up to a limit. */
static int grow(struct machine *m, void **array, size_t *room, size_t size, size_t limit, const char *what)
{
    size_t wanted = *room ? *room * 2 : 256;
    if (*room >= limit)
        return machine_full(m, "more than %zu %s are not read", limit, what);
    void *larger = realloc(*array, wanted * size);
    if (!larger)
        return machine_full(m, "no memory for %zu %s", wanted, what);
    *array = larger;
    *room = wanted;
    return RUN_OK;
}

int machine_grow_stack(struct machine *m)
{
    return grow(m, (void **)&m->stack, &m->stack_room, sizeof *m->stack, LIMIT_PICKLE_STACK, "values on the stack");
}

int machine_grow_marks(struct machine *m)
{
    return grow(m, (void **)&m->marks, &m->mark_room, sizeof *m->marks, LIMIT_PICKLE_STACK, "marks");
}

int machine_grow_memo(struct machine *m, size_t index)
{
    size_t before = m->memo_room;
    while (index >= m->memo_room)
        if (grow(m, (void **)&m->memo, &m->memo_room, sizeof *m->memo, LIMIT_PICKLE_MEMO, "entries of the memo") < 0)
            return RUN_STOPPED;
    memset(m->memo + before, 0, (m->memo_room - before) * sizeof *m->memo);
    return RUN_OK;
}

int machine_add_storage(struct machine *m, const struct storage *s, struct value *out)
{
    if (m->storage_count == m->storage_room &&
        grow(m, (void **)&m->storages, &m->storage_room, sizeof *m->storages, LIMIT_PICKLE_STACK, "storages") < 0)
        return RUN_STOPPED;
    *out = value_of(KIND_STORAGE, m->storage_count);
    m->storages[m->storage_count++] = *s;
    return RUN_OK;
}

static int reserve_items(struct machine *m, size_t count)
{
    while (m->item_count + count > m->item_room)
        if (grow(m, (void **)&m->items, &m->item_room, sizeof *m->items, LIMIT_PICKLE_ITEMS, "values in containers") <
            0)
            return RUN_STOPPED;
    return RUN_OK;
}

/* ── containers ── */

static float weight_of(const struct machine *m, struct value v)
{
    return value_has_object(v) ? m->objects[value_number(v)].weight : 1.0F;
}

/* A pickle of 200 bytes can name a list of ten lists of ten lists and so on: 10^10 values when it is written out, and
 * whoever copies or prints it does that. */
static void add_weight(struct machine *m, struct object *o, const struct value *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        o->weight += weight_of(m, items[i]);
    if (m->bomb)
        return;
    if (o->weight > 1e6F && o->weight > 1000.0F * (float)(machine_at(m) - m->start)) {
        m->bomb = true;
        machine_odd(m, SEVERITY_HIGH, "pickle-bomb", m->op_at,
                    "lists inside lists that would be %.0e values written out, from %zu bytes", (double)o->weight,
                    machine_at(m) - m->start);
    }
}

/* How deep the deepest of the items is. */
static void add_depth(struct machine *m, struct object *o, const struct value *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t depth = value_has_object(items[i]) && value_kind(items[i]) != KIND_OBJECT
                             ? m->objects[value_number(items[i])].name + 1U
                             : 0;
        if (depth > o->name)
            o->name = depth & 0x3fffffffU;
    }
    if (o->name <= LIMIT_PICKLE_NESTING || m->deep)
        return;
    m->deep = true;
    machine_odd(m, SEVERITY_HIGH, "pickle-depth", m->op_at, "containers inside each other, more than %u deep",
                LIMIT_PICKLE_NESTING);
}

/* Makes room for more items behind those of an object. The last one of all just grows; another one moves to the end,
 * with room for as many again, so that items that come one by one do not move each time. */
static int make_room(struct machine *m, struct object *o, size_t more)
{
    size_t wanted = o->count + more, room = o->roomy ? 1UL << (64 - __builtin_clzl(o->count)) : 0;
    bool last = o->count == 0 || (!o->roomy && o->first + o->count == m->item_count);
    if (wanted < room)
        return RUN_OK;
    room = 1UL << (64 - __builtin_clzl(wanted));
    if (reserve_items(m, last ? more : room) < 0)
        return RUN_STOPPED;
    if (o->count == 0)
        o->first = (uint32_t)m->item_count;
    if (!last) {
        memcpy(m->items + m->item_count, m->items + o->first, o->count * sizeof *m->items);
        o->first = (uint32_t)m->item_count;
        o->roomy = true;
    }
    m->item_count += last ? more : room;
    return RUN_OK;
}

/* Keeps the items as long as the object is small. */
static int keep(struct machine *m, struct object *o, const struct value *items, size_t count)
{
    size_t max = m->keep_lists ? LIMIT_PICKLE_ITEMS : KEEP_MAX;
    if (count > 0 && o->count + count > max)
        o->first = NOT_KEPT;
    if (count > 0 && o->first != NOT_KEPT) {
        if (make_room(m, o, count) < 0)
            return RUN_STOPPED;
        memcpy(m->items + o->first + o->count, items, count * sizeof *items);
    }
    o->count += (uint32_t)count;
    return RUN_OK;
}

int machine_new(struct machine *m, enum kind kind, uint32_t name, const struct value *items, size_t count,
                struct value *out)
{
    if (m->object_count == m->object_room && grow(m, (void **)&m->objects, &m->object_room, sizeof *m->objects,
                                                  LIMIT_PICKLE_OBJECTS, "lists, tuples and dicts") < 0)
        return RUN_STOPPED;
    struct object *o = &m->objects[m->object_count];
    *o = (struct object){.name = name & 0x3fffffffU, .weight = 1.0F};
    *out = value_of(kind, m->object_count++);
    add_weight(m, o, items, count);
    if (kind != KIND_OBJECT)
        add_depth(m, o, items, count);
    return keep(m, o, items, count);
}

int machine_new_object(struct machine *m, uint32_t name, struct value args, struct value *out)
{
    if (machine_new(m, KIND_OBJECT, name, NULL, 0, out) < 0)
        return RUN_STOPPED;
    const struct object *from = &m->objects[value_number(args)];
    struct object *o = &m->objects[value_number(*out)];
    o->first = from->first;
    o->count = from->count;
    o->weight = from->weight;
    return RUN_OK;
}

int machine_extend(struct machine *m, struct value container, const struct value *items, size_t count)
{
    struct object *o = &m->objects[value_number(container)];
    add_weight(m, o, items, count);
    if (value_kind(container) == KIND_OBJECT)
        return RUN_OK;
    add_depth(m, o, items, count);
    return keep(m, o, items, count);
}

const struct value *value_items(const struct machine *m, struct value v, size_t *count)
{
    const struct object *o = value_has_object(v) ? &m->objects[value_number(v)] : NULL;
    static const struct value none;
    *count = 0;
    if (!o || o->first == NOT_KEPT)
        return NULL;
    *count = o->count;
    return o->count ? m->items + o->first : &none;
}

bool value_lookup(const struct machine *m, struct value dict, const char *key, struct value *out)
{
    size_t count;
    const struct value *items = value_kind(dict) == KIND_DICT ? value_items(m, dict, &count) : NULL;
    bool found = false;
    for (size_t i = 0; items && i + 1 < count; i += 2) {
        if (!value_text_is(m, items[i], key))
            continue;
        *out = items[i + 1]; /* the last one counts, as in Python */
        found = true;
    }
    return found;
}

/* ── scalars ── */

bool value_is_text(struct value v)
{
    return value_kind(v) == KIND_TEXT || value_kind(v) == KIND_NATIVE;
}

/* The argument of the string opcode that stands at `at`: it was taken once, so it is whole. */
static struct span argument_at(const struct machine *m, uint64_t at)
{
    struct span rest, out = {0};
    uint8_t opcode, len1;
    uint32_t len4;
    uint64_t len8;
    span_slice(m->file, at, m->file.len - at, &rest);
    span_take_u8(&rest, &opcode);
    switch (opcode) {
    case 'S':
        span_take_until(&rest, '\n', &out);
        return out.len >= 2 ? span_of(out.ptr + 1, out.len - 2) : span_of(out.ptr, 0);
    case 'V':
        span_take_until(&rest, '\n', &out);
        return out;
    case 'U':
    case 'C':
    case 0x8c:
        span_take_u8(&rest, &len1);
        span_take(&rest, len1, &out);
        return out;
    case 'T':
    case 'X':
    case 'B':
        span_take_le32(&rest, &len4);
        span_take(&rest, len4, &out);
        return out;
    default:
        span_take_le64(&rest, &len8);
        span_take(&rest, (size_t)len8, &out);
        return out;
    }
}

static bool is_string(struct value v)
{
    enum kind k = value_kind(v);
    return k >= KIND_TEXT && k <= KIND_BYTEARRAY;
}

/* A string that stands there once can be asked about again and again: 100 MB each time, for some bytes. */
static bool may_scan(const struct machine *m, size_t bytes)
{
    bool enough = *m->scans >= bytes;
    *m->scans = enough ? *m->scans - bytes : 0;
    return enough;
}

bool value_text(const struct machine *m, struct value v, struct span *out)
{
    if (!value_is_text(v))
        return false;
    *out = argument_at(m, value_number(v));
    return may_scan(m, out->len / 64);
}

bool value_text_is(const struct machine *m, struct value v, const char *text)
{
    struct span s;
    return value_text(m, v, &s) && span_equal_str(s, text);
}

bool value_int(struct value v, int64_t *out)
{
    if (value_kind(v) != KIND_INT)
        return false;
    *out = (int64_t)v.bits >> 8;
    return true;
}

/* Characters of UTF-8. */
static uint64_t characters(struct span s)
{
    uint64_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += (s.ptr[i] & 0xc0U) != 0x80;
    return count;
}

/* What the escapes of a quoted string of Python 2 (\n, \x41, \101) leave. */
static uint64_t unescaped(struct span s)
{
    uint64_t count = 0;
    for (size_t i = 0; i < s.len; count++) {
        if (s.ptr[i++] != '\\' || i >= s.len)
            continue;
        uint8_t c = s.ptr[i++];
        if (c == 'x')
            i += 2;
        for (int more = 0; more < 2 && c >= '0' && c <= '7' && i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '7'; more++)
            i++;
    }
    return count;
}

/* \u0041 of UNICODE. */
static uint64_t unescaped_unicode(struct span s)
{
    uint64_t count = 0;
    for (size_t i = 0; i < s.len; count++) {
        bool escape = s.ptr[i] == '\\' && i + 1 < s.len && (s.ptr[i + 1] == 'u' || s.ptr[i + 1] == 'U');
        i += escape ? (s.ptr[i + 1] == 'u' ? 6 : 10) : 1;
    }
    return count;
}

static bool string_len(const struct machine *m, struct value v, uint64_t *out)
{
    struct span s = argument_at(m, value_number(v));
    uint8_t opcode = m->file.ptr[value_number(v)];
    bool counted = value_kind(v) != KIND_TEXT && opcode != 'S';
    if (!counted && !may_scan(m, s.len))
        return false;
    *out = opcode == 'S' ? unescaped(s) : opcode == 'V' ? unescaped_unicode(s) : counted ? s.len : characters(s);
    return true;
}

/* Bytes that a call made of a string, which is its first argument. */
static bool made_len(const struct machine *m, struct value v, uint64_t *out)
{
    size_t count;
    const struct value *args = value_items(m, v, &count);
    *out = 0;
    if (!args || (count > 0 && !is_string(args[0])))
        return false;
    return count == 0 || string_len(m, args[0], out);
}

bool value_bytes_len(const struct machine *m, struct value v, uint64_t *out)
{
    const struct pickle_name *n = value_made_by(m, v);
    if (n && n->meaning == PICKLE_ENCODE)
        return made_len(m, v, out);
    if (n && n->meaning == PICKLE_BYTES) {
        size_t count;
        const struct value *args = value_items(m, v, &count);
        const struct pickle_name *inner = args && count > 0 ? value_made_by(m, args[0]) : NULL;
        return inner && inner->meaning == PICKLE_ENCODE ? made_len(m, args[0], out) : made_len(m, v, out);
    }
    if (!is_string(v) || value_kind(v) == KIND_TEXT)
        return false;
    return string_len(m, v, out);
}

const struct pickle_name *value_name(const struct machine *m, struct value v)
{
    size_t count;
    (void)m;
    const struct pickle_name *names = pickle_names(&count);
    return value_kind(v) == KIND_GLOBAL && value_number(v) < count ? &names[value_number(v)] : NULL;
}

const struct pickle_name *value_made_by(const struct machine *m, struct value v)
{
    size_t count;
    const struct pickle_name *names = pickle_names(&count);
    if (value_kind(v) != KIND_OBJECT)
        return NULL;
    uint32_t name = m->objects[value_number(v)].name;
    return name < count ? &names[name] : NULL;
}

void machine_fini(struct machine *m)
{
    free(m->stack);
    free(m->memo);
    free(m->items);
    free(m->marks);
    free(m->objects);
    free(m->storages);
    m->stack = m->memo = m->items = NULL;
    m->marks = NULL;
    m->objects = NULL;
    m->storages = NULL;
}
