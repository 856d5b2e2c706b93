/* What an allowed name may be called with, and which states its objects may be given. A name alone says little:
 * bytearray(10**12) takes the memory of the machine, and torch's own loader had holes where a tensor claims more than
 * its storage holds (CVE-2026-24747). */
#include <stdio.h>

#include "parse/pickle_machine.h"
#include "util/auto.h"

static int refuse(struct machine *m, const struct pickle_name *n, const char *what)
{
    machine_odd(m, SEVERITY_HIGH, "pickle-call", m->op_at, "calls %s.%s, an allowed name, but %s", n->module, n->name,
                what);
    return RUN_OK;
}

/* ── arguments ── */

static bool is_made_by(const struct machine *m, struct value v, enum pickle_meaning meaning)
{
    const struct pickle_name *n = value_made_by(m, v);
    return n && n->meaning == meaning;
}

static bool is_tensor(const struct machine *m, struct value v)
{
    return is_made_by(m, v, PICKLE_TENSOR) || is_made_by(m, v, PICKLE_TENSOR_V3) ||
           is_made_by(m, v, PICKLE_FROM_TYPE) || is_made_by(m, v, PICKLE_REBUILDS);
}

static bool is_array(const struct machine *m, struct value v)
{
    return is_made_by(m, v, PICKLE_RECONSTRUCT) || is_made_by(m, v, PICKLE_FROMBUFFER);
}

static bool is_bytes(const struct machine *m, struct value v)
{
    uint64_t len;
    return value_bytes_len(m, v, &len);
}

static bool is_global(const struct machine *m, struct value v, enum pickle_role role, enum pickle_meaning meaning)
{
    const struct pickle_name *n = value_name(m, v);
    return n && n->role == role && n->meaning == meaning;
}

/* (0,): an array that has no data yet. */
static bool is_empty_shape(const struct machine *m, struct value v)
{
    uint64_t elements;
    return value_kind(v) == KIND_TUPLE && machine_shape(m, v, &elements) && elements == 0;
}

/* Attributes of an OrderedDict (torch keeps "_metadata" there) or of a tensor: data under plain names. */
static bool is_plain_state(const struct machine *m, struct value state)
{
    size_t count;
    const struct value *items = value_kind(state) == KIND_DICT ? value_items(m, state, &count) : NULL;
    for (size_t i = 0; items && i < count; i += 2) {
        struct span key;
        const struct pickle_name *n = value_name(m, items[i + 1]);
        if (!value_text(m, items[i], &key) || span_starts(key, SPAN_LIT("__")) ||
            (n && n->role != PICKLE_VALUE && n->role != PICKLE_DTYPE))
            return false;
    }
    return items != NULL;
}

/* None, attributes, or a pair of those (the second for __slots__). */
static bool is_tensor_state(const struct machine *m, struct value state)
{
    size_t count;
    if (value_kind(state) == KIND_NONE || is_plain_state(m, state))
        return true;
    const struct value *items = value_kind(state) == KIND_TUPLE ? value_items(m, state, &count) : NULL;
    for (size_t i = 0; items && i < count; i++)
        if (value_kind(items[i]) != KIND_NONE && !is_plain_state(m, items[i]))
            return false;
    return items && count == 2;
}

static bool fits(const struct machine *m, char letter, struct value v)
{
    enum kind k = value_kind(v);
    int64_t n;
    uint64_t elements;
    if (k == KIND_UNKNOWN)
        return true; /* of something that was told of */
    switch (letter) {
    case 'S': /* a storage */
        return k == KIND_STORAGE;
    case 'n': /* a number that is not negative */
        return value_int(v, &n) && n >= 0;
    case 'i': /* whole numbers in a tuple: a shape */
        return machine_shape(m, v, &elements);
    case 'b':
        return k == KIND_BOOL || (value_int(v, &n) && (n == 0 || n == 1));
    case 'F':
        return k == KIND_FLOAT || k == KIND_INT;
    case 'T':
        return is_tensor(m, v);
    case 'A':
        return is_array(m, v);
    case 'h': /* hooks: there are none in weights */
        return k == KIND_NONE || k == KIND_DICT || is_made_by(m, v, PICKLE_MAPPING);
    case 'd':
        return is_global(m, v, PICKLE_DTYPE, PICKLE_PLAIN);
    case 'L':
        return is_made_by(m, v, PICKLE_LAYOUT) || is_global(m, v, PICKLE_VALUE, PICKLE_PLAIN);
    case 'x':
        return value_is_text(v);
    case 'v': /* a device */
        return value_is_text(v) || is_made_by(m, v, PICKLE_DEVICE);
    case 'N':
        return is_made_by(m, v, PICKLE_NUMPY_DTYPE);
    case 'Y':
        return is_bytes(m, v);
    case '=':
        return is_bytes(m, v) || value_is_text(v);
    case 'u':
        return k == KIND_TUPLE;
    case 'l':
        return k == KIND_LIST;
    case 'k':
        return k == KIND_DICT;
    case 'c':
        return is_global(m, v, PICKLE_VALUE, PICKLE_CLASS);
    case 'a':
        return is_global(m, v, PICKLE_VALUE, PICKLE_ARRAY_CLASS);
    case '0':
        return is_empty_shape(m, v);
    case 'q': /* the state of a tensor */
        return is_tensor_state(m, v);
    default: /* '*' */
        return true;
    }
}

/* Do the arguments have the form that the table asks for? */
static bool arguments_fit(const struct machine *m, const char *form, const struct value *args, size_t count)
{
    bool optional = false;
    size_t i = 0;
    for (; *form; form++) {
        if (*form == '|') {
            optional = true;
            continue;
        }
        if (i == count)
            return optional;
        if (!fits(m, *form, args[i++]))
            return false;
    }
    return i == count;
}

/* ── tensors ── */

static const struct value *numbers_of(const struct machine *m, struct value v, size_t *count)
{
    if (is_made_by(m, v, PICKLE_SIZE)) {
        const struct value *inner = value_items(m, v, count);
        if (!inner || *count == 0)
            return inner;
        v = inner[0];
    }
    return value_kind(v) == KIND_TUPLE ? value_items(m, v, count) : NULL;
}

/* How many elements of its storage a tensor reaches: the offset and (size - 1) * stride of each dimension. */
static bool reach(const struct machine *m, const struct value *args, uint64_t *out)
{
    size_t sizes_count, strides_count;
    int64_t offset, size, stride;
    uint64_t more;
    const struct value *sizes = numbers_of(m, args[2], &sizes_count), *strides = numbers_of(m, args[3], &strides_count);
    if (!sizes || !strides || sizes_count != strides_count || !value_int(args[1], &offset))
        return false;
    *out = (uint64_t)offset + 1;
    for (size_t i = 0; i < sizes_count; i++) {
        if (!value_int(sizes[i], &size) || !value_int(strides[i], &stride) || size < 0 || stride < 0)
            return false;
        if (size == 0) {
            *out = (uint64_t)offset;
            return true;
        }
        if (__builtin_mul_overflow((uint64_t)size - 1, (uint64_t)stride, &more) ||
            __builtin_add_overflow(*out, more, out))
            return false;
    }
    return true;
}

static int check_tensor(struct machine *m, const struct pickle_name *n, const struct value *args)
{
    uint64_t elements, bytes, wanted = 1;
    if (value_kind(args[0]) != KIND_STORAGE)
        return RUN_OK;
    const struct storage *s = &m->storages[value_number(args[0])];
    if (!reach(m, args, &elements))
        return refuse(m, n, "with sizes or strides that are none");
    if (n->meaning == PICKLE_TENSOR_V3) { /* the storage counts bytes there */
        const struct pickle_name *dtype = value_name(m, args[6]);
        wanted = dtype ? dtype->size : 1;
    }
    uint64_t unit = n->meaning == PICKLE_TENSOR_V3 ? s->item_size : 1;
    if (__builtin_mul_overflow(elements, wanted, &bytes) || bytes > s->view_numel * unit)
        return refuse(m, n, "the tensor reaches behind the end of its storage");
    return RUN_OK;
}

/* ── calls ── */

/* _rebuild_from_type_v2(function, class, its arguments, state): a call inside of a call. */
static int call_inner(struct machine *m, const struct pickle_name *n, const struct value *args)
{
    struct value ignored;
    const struct pickle_name *inner = value_name(m, args[0]);
    if (value_kind(args[0]) == KIND_UNKNOWN)
        return RUN_OK;
    bool tensor = inner && (inner->meaning == PICKLE_TENSOR || inner->meaning == PICKLE_TENSOR_V3 ||
                            inner->meaning == PICKLE_REBUILDS);
    if (!tensor)
        return refuse(m, n, "with a function that does not rebuild a tensor");
    return machine_call(m, (uint32_t)value_number(args[0]), args[2], false, &ignored);
}

static int check_scalar(struct machine *m, const struct pickle_name *n, const struct value *args)
{
    uint64_t item_size, len;
    bool objects;
    if (!machine_dtype(m, args[0], &item_size, &objects) || !value_bytes_len(m, args[1], &len))
        return refuse(m, n, "with a type that is not understood");
    return objects || len != item_size ? refuse(m, n, "its bytes do not have the size of its type") : RUN_OK;
}

/* _frombuffer(bytes, dtype, shape, order) */
static int check_buffer(struct machine *m, const struct pickle_name *n, const struct value *args)
{
    uint64_t item_size, len, elements, bytes;
    bool objects;
    if (!machine_dtype(m, args[1], &item_size, &objects) || !value_bytes_len(m, args[0], &len) ||
        !machine_shape(m, args[2], &elements) || __builtin_mul_overflow(elements, item_size, &bytes))
        return refuse(m, n, "with a type or shape that is not understood");
    return objects || len != bytes ? refuse(m, n, "its bytes do not have the size of the array") : RUN_OK;
}

static int check_meaning(struct machine *m, const struct pickle_name *n, const struct value *args)
{
    switch (n->meaning) {
    case PICKLE_TENSOR:
    case PICKLE_TENSOR_V3:
        return check_tensor(m, n, args);
    case PICKLE_FROM_TYPE:
        return call_inner(m, n, args);
    case PICKLE_SCALAR:
        return check_scalar(m, n, args);
    case PICKLE_FROMBUFFER:
        return check_buffer(m, n, args);
    case PICKLE_ENCODE:
        if (!value_text_is(m, args[1], "latin1") && !value_text_is(m, args[1], "latin-1"))
            return refuse(m, n, "into another encoding than Latin-1");
        return RUN_OK;
    default:
        return RUN_OK;
    }
}

int machine_call(struct machine *m, uint32_t name, struct value args, bool new_object, struct value *out)
{
    size_t all, count = 0;
    const struct pickle_name *n = &pickle_names(&all)[name];
    const struct value *items = value_items(m, args, &count);
    if (value_kind(args) == KIND_UNKNOWN)
        return RUN_OK;
    bool role = new_object ? n->role == PICKLE_MADE : n->role == PICKLE_CALLED;
    if (!role || !items || !arguments_fit(m, n->args, items, count))
        return refuse(m, n, role ? "with arguments of another form" : "it is a value, and no honest pickle calls it");
    if (check_meaning(m, n, items) < 0)
        return RUN_STOPPED;
    return machine_new_object(m, name, args, out);
}

/* ── states ── */

int machine_build(struct machine *m, struct value object, struct value state, struct value *out)
{
    const struct pickle_name *n = value_made_by(m, object);
    *out = object;
    if (object.bits & VALUE_FETCHED)
        machine_odd(m, SEVERITY_HIGH, "pickle-memo", m->op_at, "something that was finished before gets another state");
    if (value_kind(state) == KIND_UNKNOWN)
        return RUN_OK;
    switch (n ? n->meaning : PICKLE_PLAIN) {
    case PICKLE_MAPPING:
        if (is_plain_state(m, state))
            return RUN_OK;
        break;
    case PICKLE_NUMPY_DTYPE:
        if (machine_build_dtype(m, object, state))
            return RUN_OK;
        break;
    case PICKLE_RECONSTRUCT:
        if (machine_build_array(m, state))
            return RUN_OK;
        break;
    case PICKLE_JOBLIB_ARRAY:
    case PICKLE_JOBLIB_BESIDE:
        return joblib_array(m, object, state, out);
    default:
        break;
    }
    machine_odd(m, SEVERITY_HIGH, "pickle-build", m->op_at,
                "gives a state to %s%s: what it does with that is its own code",
                n ? n->name : "something that no allowed call made", n ? ", which is none that its kind has" : "");
    return RUN_OK;
}
