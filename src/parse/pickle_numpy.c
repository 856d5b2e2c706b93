/* NumPy's types and arrays as they stand in pickles (numpy/_core/_internal and multiarray/descriptor.c,
 * __reduce__ of dtype and ndarray). */
#include "parse/numpy_dtype.h"
#include "parse/pickle_machine.h"

bool machine_shape(const struct machine *m, struct value v, uint64_t *elements)
{
    size_t count;
    int64_t n;
    const struct pickle_name *made = value_made_by(m, v);
    if (made && made->meaning == PICKLE_SIZE) {
        const struct value *inner = value_items(m, v, &count);
        *elements = 1;
        if (!inner || count == 0)
            return inner != NULL;
        v = inner[0];
    }
    const struct value *items = value_kind(v) == KIND_TUPLE ? value_items(m, v, &count) : NULL;
    *elements = 1;
    for (size_t i = 0; items && i < count; i++)
        if (!value_int(items[i], &n) || n < 0 || __builtin_mul_overflow(*elements, (uint64_t)n, elements))
            return false;
    return items != NULL;
}

/* dtype('f4', align, copy): its first argument says its kind and size, where no state says more. */
bool machine_dtype(const struct machine *m, struct value v, uint64_t *item_size, bool *objects)
{
    size_t count;
    struct span text;
    struct numpy_dtype type;
    const struct pickle_name *made = value_made_by(m, v);
    const struct value *args = made && made->meaning == PICKLE_NUMPY_DTYPE ? value_items(m, v, &count) : NULL;
    if (!args || count == 0 || !value_text(m, args[0], &text) || !numpy_dtype_parse(text, &type))
        return false;
    *item_size = type.size;
    *objects = type.objects || m->objects[value_number(v)].holds_objects;
    return true;
}

/* Does one of the fields, or the base of a subarray, hold objects? {name: (dtype, offset[, title])}. *known: all of
 * them could be seen. */
static bool fields_hold_objects(const struct machine *m, struct value fields, bool *known)
{
    size_t count, parts;
    uint64_t size;
    bool objects, found = false;
    const struct value *items = value_kind(fields) == KIND_DICT ? value_items(m, fields, &count) : NULL;
    *known = value_kind(fields) == KIND_NONE || items;
    for (size_t i = 1; items && i < count; i += 2) {
        const struct value *field = value_items(m, items[i], &parts);
        if (!field || parts < 2 || !machine_dtype(m, field[0], &size, &objects))
            *known = false;
        else
            found |= objects;
    }
    return found;
}

static bool base_holds_objects(const struct machine *m, struct value base, bool *known)
{
    size_t count;
    uint64_t size;
    bool objects = false;
    if (value_kind(base) == KIND_NONE)
        return false;
    const struct value *items = value_kind(base) == KIND_TUPLE ? value_items(m, base, &count) : NULL;
    *known &= items && count == 2 && machine_dtype(m, items[0], &size, &objects);
    return objects;
}

/* (version, byte order, subarray, names, fields, item size, alignment[, flags[, metadata]]); without the version in the
 * oldest. */
bool machine_build_dtype(struct machine *m, struct value dtype, struct value state)
{
    size_t count;
    int64_t number;
    uint64_t item_size;
    bool known, objects;
    const struct value *items = value_kind(state) == KIND_TUPLE ? value_items(m, state, &count) : NULL;
    if (!items || count < 7 || count > 9 || !value_int(items[0], &number) || !value_is_text(items[1]) ||
        !value_int(items[5], &number) || !machine_dtype(m, dtype, &item_size, &objects))
        return false;
    if (number >= 0 && (uint64_t)number != item_size)
        return false;
    objects = fields_hold_objects(m, items[4], &known);
    objects |= base_holds_objects(m, items[2], &known);
    m->objects[value_number(dtype)].holds_objects = objects;
    return known;
}

/* (version, shape, dtype, Fortran order, data) */
bool machine_build_array(struct machine *m, struct value state)
{
    size_t count;
    int64_t version;
    uint64_t elements, item_size, bytes, len;
    bool objects;
    const struct value *items = value_kind(state) == KIND_TUPLE ? value_items(m, state, &count) : NULL;
    if (!items || count != 5 || !value_int(items[0], &version) || !machine_shape(m, items[1], &elements) ||
        !machine_dtype(m, items[2], &item_size, &objects) || value_kind(items[3]) == KIND_GLOBAL)
        return false;
    if (objects)
        return value_kind(items[4]) == KIND_LIST; /* whose items were looked at one by one */
    return !__builtin_mul_overflow(elements, item_size, &bytes) && value_bytes_len(m, items[4], &len) && len == bytes;
}
