/* A tensor's shape, type and data: inside, in exactly one of the fields that there are for them and of the very size
 * that the shape needs; or outside, behind a path that stays in the model's folder (onnx/external_data_helper). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "parse/elf.h"
#include "parse/onnx_internal.h"
#include "parse/paths.h"

/* Fields of TensorProto. */
enum {
    DIMS = 1,
    DATA_TYPE = 2,
    SEGMENT = 3,
    FLOAT_DATA = 4,
    INT32_DATA = 5,
    STRING_DATA = 6,
    INT64_DATA = 7,
    NAME = 8,
    RAW_DATA = 9,
    DOUBLE_DATA = 10,
    UINT64_DATA = 11,
    DOC_STRING = 12,
    EXTERNAL_DATA = 13,
    DATA_LOCATION = 14,
    METADATA = 16,
};

#define LIMIT_ONNX_DIMENSIONS 64U
#define DATA_FIELDS           12U /* numbers of data fields stay below */

/* TensorProto.DataType: bits of an element, the typed field that holds it, and how many values of that field. */
static const struct {
    const char *name;
    uint8_t bits, field, values;
} DTYPES[] = {
    [1] = {"FLOAT", 32, FLOAT_DATA, 1},         [2] = {"UINT8", 8, INT32_DATA, 1},
    [3] = {"INT8", 8, INT32_DATA, 1},           [4] = {"UINT16", 16, INT32_DATA, 1},
    [5] = {"INT16", 16, INT32_DATA, 1},         [6] = {"INT32", 32, INT32_DATA, 1},
    [7] = {"INT64", 64, INT64_DATA, 1},         [8] = {"STRING", 0, STRING_DATA, 1},
    [9] = {"BOOL", 8, INT32_DATA, 1},           [10] = {"FLOAT16", 16, INT32_DATA, 1},
    [11] = {"DOUBLE", 64, DOUBLE_DATA, 1},      [12] = {"UINT32", 32, UINT64_DATA, 1},
    [13] = {"UINT64", 64, UINT64_DATA, 1},      [14] = {"COMPLEX64", 64, FLOAT_DATA, 2},
    [15] = {"COMPLEX128", 128, DOUBLE_DATA, 2}, [16] = {"BFLOAT16", 16, INT32_DATA, 1},
    [17] = {"FLOAT8E4M3FN", 8, INT32_DATA, 1},  [18] = {"FLOAT8E4M3FNUZ", 8, INT32_DATA, 1},
    [19] = {"FLOAT8E5M2", 8, INT32_DATA, 1},    [20] = {"FLOAT8E5M2FNUZ", 8, INT32_DATA, 1},
    [21] = {"UINT4", 4, INT32_DATA, 1},         [22] = {"INT4", 4, INT32_DATA, 1},
    [23] = {"FLOAT4E2M1", 4, INT32_DATA, 1},    [24] = {"FLOAT8E8M0", 8, INT32_DATA, 1},
    [25] = {"UINT2", 2, INT32_DATA, 1},         [26] = {"INT2", 2, INT32_DATA, 1},
    [27] = {"FLOAT6E2M3", 6, INT32_DATA, 1},    [28] = {"FLOAT6E3M2", 6, INT32_DATA, 1},
};

struct tensor {
    struct onnx *m;
    struct pb_walk *w;
    uint64_t elements, type, dimensions, location;
    uint64_t values[DATA_FIELDS]; /* in each data field; of raw_data: bytes */
    bool has[DATA_FIELDS];
    struct span raw;
    size_t external; /* entries of external_data */
};

static int broken(struct tensor *t, const char *rule, const char *what)
{
    return report_stop(t->w->r, SEVERITY_HIGH, rule, t->w->at, "%s", what);
}

/* ── shape and values ── */

static int take_dimension(struct tensor *t, uint64_t value)
{
    if (++t->dimensions > LIMIT_ONNX_DIMENSIONS)
        return broken(t, "onnx-shape", "more than 64 dimensions");
    if (value > INT64_MAX)
        return broken(t, "onnx-shape", "a negative dimension");
    if (__builtin_mul_overflow(t->elements, value, &t->elements) || t->elements > INT64_MAX)
        return broken(t, "onnx-shape", "more elements than 2^63");
    return 0;
}

static int take_dimensions(struct tensor *t, const struct pb_field *f)
{
    struct span rest = f->bytes;
    uint64_t value;
    if (f->wire == PB_WIRE_VARINT)
        return take_dimension(t, f->value);
    while (rest.len > 0)
        if (!pb_take_varint(&rest, &value) || take_dimension(t, value) < 0)
            return -1;
    return 0;
}

/* Numbers in a field: those of a packed one, or this one. */
static uint64_t values_of(const struct pb_field *f)
{
    struct span rest = f->bytes;
    uint64_t count = 0, value;
    if (f->wire != PB_WIRE_BYTES || f->number == STRING_DATA)
        return 1;
    if (f->number == FLOAT_DATA || f->number == DOUBLE_DATA)
        return f->bytes.len / (f->number == FLOAT_DATA ? 4 : 8);
    if (f->number == RAW_DATA)
        return f->bytes.len;
    while (rest.len > 0 && pb_take_varint(&rest, &value))
        count++;
    return count;
}

static int read_fields(struct tensor *t, struct span message)
{
    struct pb_field f;
    const char *problem;
    t->elements = 1;
    while (pb_next(&message, &f, &problem)) {
        bool data = f.number == FLOAT_DATA || f.number == INT32_DATA || f.number == STRING_DATA ||
                    f.number == INT64_DATA || f.number == RAW_DATA || f.number == DOUBLE_DATA ||
                    f.number == UINT64_DATA;
        if (f.number == DIMS && take_dimensions(t, &f) < 0)
            return -1;
        if (f.number == DATA_TYPE)
            t->type = f.value;
        if (f.number == DATA_LOCATION)
            t->location = f.value;
        if (f.number == RAW_DATA)
            t->raw = f.bytes;
        t->external += f.number == EXTERNAL_DATA;
        if (data) {
            t->values[f.number] += values_of(&f);
            t->has[f.number] = true;
        }
    }
    return 0;
}

/* Bytes of the tensor, packed as raw data are. */
static int bytes_of(struct tensor *t, uint64_t *bytes)
{
    uint64_t bits;
    if (__builtin_mul_overflow(t->elements, DTYPES[t->type].bits, &bits))
        return broken(t, "onnx-shape", "more bits than 2^64");
    *bytes = bits / 8 + (bits % 8 != 0);
    return 0;
}

static int check_values(struct tensor *t, uint64_t bytes)
{
    size_t field = DTYPES[t->type].field, fields = 0;
    uint64_t found, wanted = t->elements * DTYPES[t->type].values;
    for (size_t i = 0; i < DATA_FIELDS; i++)
        fields += t->has[i];
    if (fields > 1)
        return broken(t, "onnx-tensor", "data in two fields: readers would take two different ones");
    if (t->has[RAW_DATA] && DTYPES[t->type].bits) {
        found = t->values[RAW_DATA];
        wanted = bytes;
    } else if (t->has[field] || fields == 0) {
        found = t->values[field];
        if (DTYPES[t->type].bits == 2 || DTYPES[t->type].bits == 4)
            wanted = bytes; /* four or two in a value; of 6 bits one */
    } else {
        return broken(t, "onnx-tensor", "data in a field that its type does not use");
    }
    if (elf_begins(t->raw))
        report_finding(t->w->r, SEVERITY_HIGH, "hidden-program", t->w->at, "its data begin like a program (ELF)");
    if (found != wanted)
        return report_stop(t->w->r, SEVERITY_HIGH, "onnx-size", t->w->at,
                           "%" PRIu64 " %s of data, and its shape needs %" PRIu64, found,
                           t->has[RAW_DATA] ? "bytes" : "values", wanted);
    return 0;
}

/* ── external data ── */

struct location {
    struct span path, offset, length;
    bool has_path, has_offset, has_length;
};

static int take_entry(struct tensor *t, struct span entry, struct location *l)
{
    struct span key = pb_find_bytes(entry, 1), value = pb_find_bytes(entry, 2);
    bool *has = NULL;
    struct span *to = NULL;
    if (span_equal_str(key, "location"))
        has = &l->has_path, to = &l->path;
    else if (span_equal_str(key, "offset"))
        has = &l->has_offset, to = &l->offset;
    else if (span_equal_str(key, "length"))
        has = &l->has_length, to = &l->length;
    else if (span_equal_str(key, "checksum"))
        return 0;
    else
        return report_stop(t->w->r, SEVERITY_HIGH, "onnx-external", t->w->at,
                           "external data with the key \"%.*s\"; known are location, offset, length and checksum",
                           (int)(key.len < 60 ? key.len : 60), (const char *)key.ptr);
    if (*has)
        return broken(t, "onnx-external", "external data with a key that stands twice");
    *has = true;
    *to = value;
    return 0;
}

static int read_location(struct tensor *t, struct span message, struct location *l)
{
    struct pb_field f;
    const char *problem;
    while (pb_next(&message, &f, &problem))
        if (f.number == EXTERNAL_DATA && take_entry(t, f.bytes, l) < 0)
            return -1;
    return l->has_path ? 0 : broken(t, "onnx-external", "external data without a location");
}

/* The normal form of a path that stays below the model's folder, however a system reads paths. NULL after a finding.
 */
static char *take_path(struct tensor *t, struct span path)
{
    auto_buf text = BUF(8192), normal = BUF(8192);
    bool absolute = false;
    buf_add_span(&text, path);
    const char *s = buf_str(&text), *problem = NULL;
    if (!buf_ok(&text) || strlen(s) != path.len)
        problem = "a NUL, or is too long";
    else
        problem = path_problem(s, &normal, &absolute);
    if (!problem && absolute)
        problem = "a slash at its beginning";
    if (!problem && strpbrk(s, "\\:"))
        problem = "a backslash or a colon: a drive, a share, a URL";
    if (!problem && normal.len == 0)
        problem = "no name in it: it is the folder itself";
    if (problem) {
        report_stop(t->w->r, SEVERITY_CRITICAL, "onnx-external", t->w->at, "external data behind a path that has %s",
                    problem);
        return NULL;
    }
    return buf_steal_str(&normal);
}

/* Takes `path` over. */
static void add_external(struct onnx *m, char *path, uint64_t bytes)
{
    for (size_t i = m->external_count; i-- > 0;) {
        struct onnx_external *x = &m->external[i];
        if (strcmp(x->path, path) != 0)
            continue;
        x->bytes = bytes > x->bytes ? bytes : x->bytes;
        free(path);
        return;
    }
    if (m->external_count == m->external_room) {
        m->external_room = m->external_room ? 2 * m->external_room : 16;
        m->external = reallocarray(m->external, m->external_room, sizeof *m->external);
        if (!m->external)
            abort();
    }
    m->external[m->external_count++] = (struct onnx_external){.path = path, .bytes = bytes};
}

static int check_external(struct tensor *t, struct span message, uint64_t bytes)
{
    struct location l = {0};
    uint64_t offset = 0, length = bytes, end;
    for (size_t i = 0; i < DATA_FIELDS; i++)
        if (t->has[i])
            return broken(t, "onnx-external", "data outside of the file and inside as well");
    if (DTYPES[t->type].bits == 0)
        return broken(t, "onnx-external", "texts outside of the file, which no reader takes");
    if (read_location(t, message, &l) < 0)
        return -1;
    auto_free char *path = take_path(t, l.path);
    if (!path)
        return -1;
    if ((l.has_offset && !span_decimal(l.offset, &offset)) || (l.has_length && !span_decimal(l.length, &length)))
        return broken(t, "onnx-external", "an offset or a length that is no plain decimal number");
    if (length != bytes)
        return report_stop(t->w->r, SEVERITY_HIGH, "onnx-external", t->w->at,
                           "%" PRIu64 " bytes outside, and its shape needs %" PRIu64, length, bytes);
    if (__builtin_add_overflow(offset, length, &end) || end > INT64_MAX)
        return broken(t, "onnx-external", "data that end beyond 2^63");
    if (t->m->external_count >= LIMIT_ONNX_EXTERNAL)
        return report_not_scanned(t->w->r, "onnx-external", t->w->at, "more than %u files of external data",
                                  LIMIT_ONNX_EXTERNAL);
    add_external(t->m, ptr_steal(&path), end);
    return 0;
}

void onnx_external_fini(struct onnx *m)
{
    for (size_t i = 0; i < m->external_count; i++)
        free(m->external[i].path);
    free(m->external);
}

void onnx_write_external(const struct onnx *m, struct json_out *w)
{
    json_put_array(w, "external");
    for (size_t i = 0; i < m->external_count; i++) {
        json_out_object(w);
        json_put_string(w, "path", m->external[i].path);
        json_put_uint(w, "bytes", m->external[i].bytes);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

/* ── one tensor ── */

static void check_tensor(struct pb_walk *w, struct span message)
{
    struct tensor t = {.m = w->arg, .w = w};
    uint64_t bytes = 0;
    struct pb_field segment;
    if (read_fields(&t, message) < 0)
        return;
    t.m->tensors++;
    if (__builtin_add_overflow(t.m->parameters, t.elements, &t.m->parameters))
        t.m->parameters = UINT64_MAX;
    if (t.type == 0 || t.type >= ARRAY_LEN(DTYPES)) {
        report_stop(w->r, SEVERITY_HIGH, "onnx-tensor", w->at, "data type %" PRIu64 " does not exist", t.type);
        return;
    }
    if (pb_find(message, SEGMENT, &segment)) {
        report_not_scanned(w->r, "onnx-tensor", w->at, "a tensor in segments, which no exporter writes");
        return;
    }
    if (bytes_of(&t, &bytes) < 0)
        return;
    if (t.location > 1)
        broken(&t, "onnx-tensor", "a place of its data that does not exist");
    else if (t.location == 1)
        check_external(&t, message, bytes);
    else if (t.external)
        broken(&t, "onnx-external", "names data outside of the file, and says that they lie inside");
    else
        check_values(&t, bytes);
}

static const struct pb_field_type PAIR_FIELDS[] = {
    {1, PB_TEXT, false, "key", NULL},
    {2, PB_TEXT, false, "value", NULL},
};

const struct pb_type ONNX_STRING_PAIR = {"StringStringEntryProto", PAIR_FIELDS, ARRAY_LEN(PAIR_FIELDS), NULL};

static const struct pb_field_type SEGMENT_FIELDS[] = {
    {1, PB_INT, false, "begin", NULL},
    {2, PB_INT, false, "end", NULL},
};
static const struct pb_type SEGMENT_TYPE = {"Segment", SEGMENT_FIELDS, ARRAY_LEN(SEGMENT_FIELDS), NULL};

static const struct pb_field_type FIELDS[] = {
    {DIMS, PB_INT, true, "dims", NULL},
    {DATA_TYPE, PB_INT, false, "data_type", NULL},
    {SEGMENT, PB_MESSAGE, false, "segment", &SEGMENT_TYPE},
    {FLOAT_DATA, PB_FIXED32, true, "float_data", NULL},
    {INT32_DATA, PB_INT, true, "int32_data", NULL},
    {STRING_DATA, PB_BYTES, true, "string_data", NULL},
    {INT64_DATA, PB_INT, true, "int64_data", NULL},
    {NAME, PB_TEXT, false, "name", NULL},
    {RAW_DATA, PB_BYTES, false, "raw_data", NULL},
    {DOUBLE_DATA, PB_FIXED64, true, "double_data", NULL},
    {UINT64_DATA, PB_INT, true, "uint64_data", NULL},
    {DOC_STRING, PB_TEXT, false, "doc_string", NULL},
    {EXTERNAL_DATA, PB_MESSAGE, true, "external_data", &ONNX_STRING_PAIR},
    {DATA_LOCATION, PB_INT, false, "data_location", NULL},
    {METADATA, PB_MESSAGE, true, "metadata_props", &ONNX_STRING_PAIR},
};

const struct pb_type ONNX_TENSOR = {"TensorProto", FIELDS, ARRAY_LEN(FIELDS), check_tensor};
