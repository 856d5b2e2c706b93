#include "parse/protobuf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 536870911U /* 29 bits */

bool pb_take_varint(struct span *s, uint64_t *value)
{
    struct span rest = *s;
    uint64_t sum = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte;
        if (!span_take_u8(&rest, &byte) || (shift == 63 && byte > 1))
            return false;
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *s = rest;
            *value = sum;
            return true;
        }
    }
    return false;
}

static const char *take_value(struct span *s, struct pb_field *f)
{
    uint32_t value32;
    uint64_t len;
    switch ((unsigned)f->wire) {
    case PB_WIRE_VARINT:
        return pb_take_varint(s, &f->value) ? NULL : "a number that is not whole, or has more than 64 bits";
    case PB_WIRE_64:
        return span_take_le64(s, &f->value) ? NULL : "the file ends inside a number";
    case PB_WIRE_32:
        if (!span_take_le32(s, &value32))
            return "the file ends inside a number";
        f->value = value32;
        return NULL;
    case PB_WIRE_BYTES:
        if (!pb_take_varint(s, &len))
            return "a length that is not whole, or has more than 64 bits";
        return len <= s->len && span_take(s, (size_t)len, &f->bytes) ? NULL : "a length beyond its message";
    case 3:
    case 4:
        return "a group, which this format does not have";
    default:
        return "a wire type that does not exist";
    }
}

bool pb_next(struct span *message, struct pb_field *f, const char **problem)
{
    struct span rest = *message;
    uint64_t tag;
    *f = (struct pb_field){0};
    *problem = NULL;
    if (rest.len == 0)
        return false;
    if (!pb_take_varint(&rest, &tag) || tag >> 3 == 0 || tag >> 3 > NUMBER_MAX) {
        *problem = "bytes that are no field";
        return false;
    }
    f->number = (uint32_t)(tag >> 3);
    f->wire = (enum pb_wire)(tag & 7);
    *problem = take_value(&rest, f);
    if (*problem)
        return false;
    *message = rest;
    return true;
}

bool pb_find(struct span message, uint32_t number, struct pb_field *f)
{
    struct pb_field field;
    const char *problem;
    bool found = false;
    while (pb_next(&message, &field, &problem)) {
        if (field.number != number)
            continue;
        *f = field;
        found = true;
    }
    return found;
}

struct span pb_find_bytes(struct span message, uint32_t number)
{
    struct pb_field f;
    return pb_find(message, number, &f) && f.wire == PB_WIRE_BYTES ? f.bytes : span_of(NULL, 0);
}

/* ── the walk ── */

static int broken(struct pb_walk *w, const char *what)
{
    return report_stop(w->r, SEVERITY_HIGH, w->rule, w->at, "%s", what);
}

static const struct pb_field_type *find_field(const struct pb_type *type, uint32_t number)
{
    for (size_t i = 0; i < type->count; i++)
        if (type->fields[i].number == number)
            return &type->fields[i];
    return NULL;
}

static enum pb_wire wire_of(enum pb_kind kind)
{
    static const enum pb_wire wires[] = {
        [PB_INT] = PB_WIRE_VARINT,    [PB_FIXED32] = PB_WIRE_32,  [PB_FIXED64] = PB_WIRE_64,
        [PB_TEXT] = PB_WIRE_BYTES,    [PB_BYTES] = PB_WIRE_BYTES, [PB_MESSAGE] = PB_WIRE_BYTES,
        [PB_SKIPPED] = PB_WIRE_BYTES,
    };
    return wires[kind];
}

/* Numbers one behind the other in the bytes of one field. */
static bool is_packed(const struct pb_field_type *t, struct span bytes)
{
    uint64_t value;
    if (t->kind == PB_FIXED32 || t->kind == PB_FIXED64)
        return bytes.len % (t->kind == PB_FIXED32 ? 4 : 8) == 0;
    while (bytes.len > 0)
        if (!pb_take_varint(&bytes, &value))
            return false;
    return true;
}

static int walk_value(struct pb_walk *w, const struct pb_field *f, const struct pb_field_type *t)
{
    bool number = t->kind == PB_INT || t->kind == PB_FIXED32 || t->kind == PB_FIXED64;
    if (number && t->repeated && f->wire == PB_WIRE_BYTES)
        return is_packed(t, f->bytes) ? 0 : broken(w, "packed numbers that are not whole");
    if (f->wire != wire_of(t->kind))
        return broken(w, "a value of another wire type");
    if (t->kind == PB_TEXT && (!span_is_utf8(f->bytes) || (f->bytes.len && memchr(f->bytes.ptr, '\0', f->bytes.len))))
        return broken(w, "a text that is no UTF-8, or has a NUL in it");
    return t->kind == PB_MESSAGE ? pb_walk(w, f->bytes, t->message) : 0;
}

static void enter(struct pb_walk *w, const struct pb_field_type *t, size_t index)
{
    size_t len = strlen(w->at);
    if (t->repeated)
        snprintf(w->at + len, sizeof w->at - len, "%s%s/%zu", len ? "/" : "", t->name, index);
    else
        snprintf(w->at + len, sizeof w->at - len, "%s%s", len ? "/" : "", t->name);
}

static int walk_field(struct pb_walk *w, const struct pb_type *type, const struct pb_field *f, size_t *seen)
{
    const struct pb_field_type *t = find_field(type, f->number);
    size_t len = strlen(w->at);
    if (!t) {
        report_not_scanned(w->r, "protobuf-field", w->at, "field %" PRIu32 " of %s, which this scanner does not know",
                           f->number, type->name);
        return 0;
    }
    size_t *times = &seen[t - type->fields];
    enter(w, t, *times);
    int result = !t->repeated && *times > 0 ? broken(w, "stands twice: readers would take two different ones")
                                            : walk_value(w, f, t);
    ++*times;
    w->at[len] = '\0';
    return result;
}

int pb_walk(struct pb_walk *w, struct span message, const struct pb_type *type)
{
    struct span rest = message;
    struct pb_field f;
    const char *problem;
    size_t seen[PB_FIELDS_MAX] = {0};
    int result = 0;
    if (type->count > PB_FIELDS_MAX)
        abort();
    if (message.len > LIMIT_PROTOBUF_BYTES)
        return broken(w, "more than 2 GiB; no reader of the format takes so much");
    if (w->depth >= LIMIT_PROTOBUF_DEPTH)
        return broken(w, "messages inside each other, more than 100 deep");
    w->depth++;
    while (result == 0 && pb_next(&rest, &f, &problem))
        result = walk_field(w, type, &f, seen);
    w->depth--;
    if (result == 0 && problem)
        result = broken(w, problem);
    if (result == 0 && type->check)
        type->check(w, message);
    return result;
}
