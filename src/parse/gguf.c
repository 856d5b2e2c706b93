/* The structure: header, pairs, tensor table, data. Order of belief: a count is compared with its limit and with the
 * bytes that are left before anything is allocated for it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "parse/elf.h"
#include "parse/gguf_internal.h"

#define LIMIT_GGUF_TENSORS      65536U     /* the largest published models have some thousands */
#define LIMIT_GGUF_PAIRS        4096U      /* published files have 20 to 60 */
#define LIMIT_GGUF_KEY_BYTES    255U       /* the format's own is 65535 */
#define LIMIT_GGUF_STRING_BYTES (1U << 20) /* a licence text is the longest honest one */
#define LIMIT_GGUF_ARRAY        (4U << 20) /* merges of a vocabulary of 256,000 tokens: 500,000 */
#define LIMIT_GGUF_NAME_BYTES   63U        /* ggml holds 64 with the NUL */
#define LIMIT_GGUF_DIMENSIONS   4U         /* GGML_MAX_DIMS */
#define LIMIT_GGUF_HEADER_BYTES (256U << 20)

struct tensor {
    struct span name;
    uint64_t size;   /* bytes of its data */
    uint64_t offset; /* from the data section */
};

struct gguf {
    struct span file;
    struct span rest; /* the cursor */
    const char *name;
    uint32_t version;
    uint64_t tensor_count, pair_count;
    struct gguf_meta meta;
    struct tensor *tensors;
    struct gguf_settings settings;
    uint64_t parameters;
    uint64_t types_seen; /* one bit a type */
    struct report *r;
};

/* ggml's tensor types: elements and bytes of a block. An entry without a name was removed from the format. */
static const struct {
    const char *name;
    uint16_t elements, bytes;
} TYPES[] = {
    [0] = {"F32", 1, 4},         [1] = {"F16", 1, 2},         [2] = {"Q4_0", 32, 18},      [3] = {"Q4_1", 32, 20},
    [6] = {"Q5_0", 32, 22},      [7] = {"Q5_1", 32, 24},      [8] = {"Q8_0", 32, 34},      [9] = {"Q8_1", 32, 36},
    [10] = {"Q2_K", 256, 84},    [11] = {"Q3_K", 256, 110},   [12] = {"Q4_K", 256, 144},   [13] = {"Q5_K", 256, 176},
    [14] = {"Q6_K", 256, 210},   [15] = {"Q8_K", 256, 292},   [16] = {"IQ2_XXS", 256, 66}, [17] = {"IQ2_XS", 256, 74},
    [18] = {"IQ3_XXS", 256, 98}, [19] = {"IQ1_S", 256, 50},   [20] = {"IQ4_NL", 32, 18},   [21] = {"IQ3_S", 256, 110},
    [22] = {"IQ2_S", 256, 82},   [23] = {"IQ4_XS", 256, 136}, [24] = {"I8", 1, 1},         [25] = {"I16", 1, 2},
    [26] = {"I32", 1, 4},        [27] = {"I64", 1, 8},        [28] = {"F64", 1, 8},        [29] = {"IQ1_M", 256, 56},
    [30] = {"BF16", 1, 2},       [34] = {"TQ1_0", 256, 54},   [35] = {"TQ2_0", 256, 66},   [39] = {"MXFP4", 32, 17},
    [40] = {"NVFP4", 64, 36},    [41] = {"Q1_0", 128, 18},    [42] = {"Q2_0", 64, 18},
};

static uint64_t position(const struct gguf *g)
{
    return g->file.len - g->rest.len;
}

/* A finding at the cursor. */
#define BROKEN(g, rule, ...)                                        \
    __extension__({                                                 \
        char at_[48];                                               \
        snprintf(at_, sizeof(at_), "byte %" PRIu64, position(g));   \
        report_stop((g)->r, SEVERITY_HIGH, rule, at_, __VA_ARGS__); \
    })

static int truncated(struct gguf *g, const char *what)
{
    return BROKEN(g, "gguf-truncated", "the file ends inside %s", what);
}

/* A string with its length in front. */
static int take_string(struct gguf *g, uint64_t max, const char *what, struct span *out)
{
    uint64_t len;
    struct span before = g->rest;
    if (!span_take_le64(&g->rest, &len))
        return truncated(g, what);
    if (len > max) {
        g->rest = before;
        return BROKEN(g, "gguf-length", "%s of %" PRIu64 " bytes; at most %" PRIu64 " are read", what, len, max);
    }
    if (!span_take(&g->rest, (size_t)len, out)) {
        g->rest = before;
        return BROKEN(g, "gguf-length", "%s of %" PRIu64 " bytes, and %zu are left in the file", what, len,
                      g->rest.len - 8);
    }
    return 0;
}

static int read_header(struct gguf *g)
{
    uint32_t version;
    span_skip(&g->rest, 4); /* the magic was seen */
    if (!span_take_le32(&g->rest, &version))
        return truncated(g, "its header");
    g->version = version;
    if ((version & 0xffff) == 0 && version != 0)
        return BROKEN(g, "gguf-version", "a big-endian file; only little-endian ones are read");
    if (version != 2 && version != 3)
        return BROKEN(g, "gguf-version", "version %" PRIu32 "; versions 2 and 3 are read", version);
    if (!span_take_le64(&g->rest, &g->tensor_count) || !span_take_le64(&g->rest, &g->pair_count))
        return truncated(g, "its header");
    if (g->tensor_count > LIMIT_GGUF_TENSORS)
        return BROKEN(g, "gguf-count", "%" PRIu64 " tensors; at most %u are read", g->tensor_count, LIMIT_GGUF_TENSORS);
    if (g->pair_count > LIMIT_GGUF_PAIRS)
        return BROKEN(g, "gguf-count", "%" PRIu64 " metadata pairs; at most %u are read", g->pair_count,
                      LIMIT_GGUF_PAIRS);
    return 0;
}

size_t gguf_type_size(uint32_t type)
{
    static const uint8_t sizes[GGUF_TYPES] = {
        [GGUF_U8] = 1,  [GGUF_I8] = 1,   [GGUF_U16] = 2, [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4,
        [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
    };
    return type < GGUF_TYPES ? sizes[type] : 0;
}

static int check_bools(struct gguf *g, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.ptr[i] > 1)
            return BROKEN(g, "gguf-bool", "a bool with the value %u; only 0 and 1 are bools", bytes.ptr[i]);
    return 0;
}

static int take_array(struct gguf *g, struct gguf_value *v)
{
    struct span element;
    if (!span_take_le32(&g->rest, &v->element) || !span_take_le64(&g->rest, &v->count))
        return truncated(g, "an array");
    if (v->element >= GGUF_TYPES || v->element == GGUF_ARRAY)
        return BROKEN(g, "gguf-type", "an array with elements of type %" PRIu32 "%s", v->element,
                      v->element == GGUF_ARRAY ? " (arrays inside arrays are read by no engine)" : "");
    if (v->count > LIMIT_GGUF_ARRAY)
        return BROKEN(g, "gguf-count", "an array of %" PRIu64 " elements; at most %u are read", v->count,
                      LIMIT_GGUF_ARRAY);
    struct span begin = g->rest;
    size_t size = gguf_type_size(v->element);
    if (size > 0 && !span_skip(&g->rest, size * (size_t)v->count))
        return truncated(g, "an array");
    for (uint64_t i = 0; size == 0 && i < v->count; i++)
        if (take_string(g, LIMIT_GGUF_STRING_BYTES, "a string of an array", &element) < 0)
            return -1;
    v->bytes = span_of(begin.ptr, begin.len - g->rest.len);
    return v->element == GGUF_BOOL ? check_bools(g, v->bytes) : 0;
}

static int take_value(struct gguf *g, struct gguf_value *v)
{
    if (!span_take_le32(&g->rest, &v->type))
        return truncated(g, "a value's type");
    if (v->type >= GGUF_TYPES)
        return BROKEN(g, "gguf-type", "a value of type %" PRIu32 "; types end at %d", v->type, GGUF_TYPES - 1);
    if (v->type == GGUF_ARRAY)
        return take_array(g, v);
    if (v->type == GGUF_STRING) {
        if (take_string(g, LIMIT_GGUF_STRING_BYTES, "a string", &v->string) < 0)
            return -1;
        if (!span_is_utf8(v->string) || (v->string.len > 0 && memchr(v->string.ptr, '\0', v->string.len)))
            return BROKEN(g, "gguf-encoding", "a string that is not UTF-8, or has a NUL in it");
        return 0;
    }
    if (!span_take(&g->rest, gguf_type_size(v->type), &v->bytes))
        return truncated(g, "a value");
    return v->type == GGUF_BOOL ? check_bools(g, v->bytes) : 0;
}

static int check_key(struct gguf *g, struct span key)
{
    if (key.len == 0)
        return BROKEN(g, "gguf-key", "an empty key");
    for (size_t i = 0; i < key.len; i++) {
        uint8_t c = key.ptr[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == '.' || c == '-';
        if (!fine)
            return BROKEN(g, "gguf-key", "a key with the byte 0x%02x; keys have letters, digits, '_', '.' and '-'", c);
    }
    return 0;
}

static int by_key(const void *a, const void *b)
{
    return span_compare(((const struct gguf_value *)a)->key, ((const struct gguf_value *)b)->key);
}

static int read_pairs(struct gguf *g)
{
    g->meta.values = calloc(g->pair_count ? (size_t)g->pair_count : 1, sizeof(*g->meta.values));
    if (!g->meta.values)
        abort();
    for (; g->meta.count < g->pair_count; g->meta.count++) {
        struct gguf_value *v = &g->meta.values[g->meta.count];
        if (take_string(g, LIMIT_GGUF_KEY_BYTES, "a key", &v->key) < 0 || check_key(g, v->key) < 0 ||
            take_value(g, v) < 0)
            return -1;
        if (position(g) > LIMIT_GGUF_HEADER_BYTES)
            return BROKEN(g, "gguf-size", "a header of more than %u bytes", LIMIT_GGUF_HEADER_BYTES);
    }
    qsort(g->meta.values, g->meta.count, sizeof(*g->meta.values), by_key);
    for (size_t i = 1; i < g->meta.count; i++)
        if (by_key(&g->meta.values[i - 1], &g->meta.values[i]) == 0)
            return report_stop(g->r, SEVERITY_HIGH, "gguf-duplicate", "metadata", "the key \"%.*s\" stands twice",
                               (int)g->meta.values[i].key.len, (const char *)g->meta.values[i].key.ptr);
    return 0;
}

/* Elements of the tensor and bytes of its data, from its dimensions and type. */
static int size_of_tensor(struct gguf *g, struct tensor *t, const uint64_t *dimensions, uint32_t count, uint32_t type)
{
    uint64_t elements = 1;
    for (uint32_t i = 0; i < count; i++) {
        if (dimensions[i] == 0 || dimensions[i] > INT64_MAX)
            return BROKEN(g, "gguf-shape", "dimension %" PRIu32 " is %" PRId64, i, (int64_t)dimensions[i]);
        if (__builtin_mul_overflow(elements, dimensions[i], &elements) || elements > INT64_MAX)
            return BROKEN(g, "gguf-shape", "more elements than 2^63");
    }
    if (type >= ARRAY_LEN(TYPES) || !TYPES[type].name)
        return BROKEN(g, "gguf-tensor-type", "tensor type %" PRIu32 ", which does not exist or was removed", type);
    if (dimensions[0] % TYPES[type].elements)
        return BROKEN(g, "gguf-shape", "rows of %" PRIu64 " elements, and a block of %s has %u", dimensions[0],
                      TYPES[type].name, TYPES[type].elements);
    if (__builtin_mul_overflow(elements / TYPES[type].elements, TYPES[type].bytes, &t->size))
        return BROKEN(g, "gguf-shape", "more bytes than 2^64");
    g->types_seen |= 1ULL << type;
    if (__builtin_add_overflow(g->parameters, elements, &g->parameters))
        g->parameters = UINT64_MAX;
    return 0;
}

static int read_tensor(struct gguf *g, struct tensor *t)
{
    uint64_t dimensions[LIMIT_GGUF_DIMENSIONS];
    uint32_t count, type;
    if (take_string(g, LIMIT_GGUF_NAME_BYTES, "a tensor's name", &t->name) < 0)
        return -1;
    if (t->name.len == 0 || !span_is_utf8(t->name) || memchr(t->name.ptr, '\0', t->name.len))
        return BROKEN(g, "gguf-tensor-name", "a tensor's name that is empty, no UTF-8 or has a NUL in it");
    if (!span_take_le32(&g->rest, &count))
        return truncated(g, "the tensor table");
    if (count == 0 || count > LIMIT_GGUF_DIMENSIONS)
        return BROKEN(g, "gguf-shape", "%" PRIu32 " dimensions; tensors have 1 to %u", count, LIMIT_GGUF_DIMENSIONS);
    for (uint32_t i = 0; i < count; i++)
        if (!span_take_le64(&g->rest, &dimensions[i]))
            return truncated(g, "the tensor table");
    if (!span_take_le32(&g->rest, &type) || !span_take_le64(&g->rest, &t->offset))
        return truncated(g, "the tensor table");
    return size_of_tensor(g, t, dimensions, count, type);
}

static int by_name(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static int names_are_unique(struct gguf *g)
{
    size_t count = (size_t)g->tensor_count;
    auto_free struct span *names = calloc(count ? count : 1, sizeof(*names));
    if (!names)
        abort();
    for (size_t i = 0; i < count; i++)
        names[i] = g->tensors[i].name;
    qsort(names, count, sizeof(*names), by_name);
    for (size_t i = 1; i < count; i++)
        if (span_equal(names[i - 1], names[i]))
            return report_stop(g->r, SEVERITY_HIGH, "gguf-duplicate", "tensors", "two tensors have the name \"%.*s\"",
                               (int)names[i].len, (const char *)names[i].ptr);
    return 0;
}

static int read_tensors(struct gguf *g)
{
    /* a tensor takes at least 33 bytes of the table: so a count that lies costs no memory */
    if (g->tensor_count > g->rest.len / 33)
        return BROKEN(g, "gguf-count", "%" PRIu64 " tensors announced, and %zu bytes are left", g->tensor_count,
                      g->rest.len);
    g->tensors = calloc(g->tensor_count ? (size_t)g->tensor_count : 1, sizeof(*g->tensors));
    if (!g->tensors)
        abort();
    for (uint64_t i = 0; i < g->tensor_count; i++)
        if (read_tensor(g, &g->tensors[i]) < 0)
            return -1;
    return names_are_unique(g);
}

/* Rounds up to the alignment, a power of two. */
static bool align(uint64_t value, uint64_t alignment, uint64_t *out)
{
    if (__builtin_add_overflow(value, alignment - 1, out))
        return false;
    *out &= ~(alignment - 1);
    return true;
}

/* Each tensor begins where the one before ends, padded: no hole, no overlap. *end is the end of the last, unpadded. */
static int check_offsets(struct gguf *g, uint64_t *end)
{
    uint64_t expected = 0;
    *end = 0;
    for (uint64_t i = 0; i < g->tensor_count; i++) {
        const struct tensor *t = &g->tensors[i];
        char at[128];
        snprintf(at, sizeof(at), "tensor %" PRIu64 " \"%.*s\"", i, (int)t->name.len, (const char *)t->name.ptr);
        if (t->offset != expected)
            return report_stop(g->r, SEVERITY_HIGH, "gguf-offset", at,
                               "begins at offset %" PRIu64 " of the data; the tensors before it end at %" PRIu64 ": %s",
                               t->offset, expected, t->offset < expected ? "they overlap" : "a hole between them");
        if (__builtin_add_overflow(expected, t->size, end) || !align(*end, g->settings.alignment, &expected))
            return report_stop(g->r, SEVERITY_HIGH, "gguf-offset", at, "ends beyond 2^64");
    }
    return 0;
}

/* A program in the place of numbers has no use but to be cut out and run. */
static void check_programs(struct gguf *g, uint64_t begin)
{
    for (uint64_t i = 0; i < g->tensor_count; i++) {
        const struct tensor *t = &g->tensors[i];
        struct span part;
        char at[128];
        if (!span_slice(g->file, begin + t->offset, t->size, &part) || !elf_begins(part))
            continue;
        snprintf(at, sizeof(at), "tensor %" PRIu64 " \"%.*s\"", i, (int)t->name.len, (const char *)t->name.ptr);
        report_finding(g->r, SEVERITY_HIGH, "hidden-program", at, "its data begin like a program (ELF)");
    }
}

static int check_data(struct gguf *g)
{
    uint64_t begin, data, end, padded, header = position(g);
    if (check_offsets(g, &data) < 0)
        return -1;
    if (!align(header, g->settings.alignment, &begin) || __builtin_add_overflow(begin, data, &end) ||
        !align(end, g->settings.alignment, &padded))
        return report_stop(g->r, SEVERITY_HIGH, "gguf-offset", "data", "the data end beyond 2^64");
    if (g->tensor_count == 0 && g->file.len == header)
        return 0;
    if (g->file.len < end)
        return report_stop(g->r, SEVERITY_HIGH, "gguf-truncated", "data",
                           "the tensors end at byte %" PRIu64 ", and the file has %zu bytes", end, g->file.len);
    if (g->file.len > end && g->file.len != padded)
        return report_stop(g->r, SEVERITY_HIGH, "gguf-trailing", "data",
                           "%" PRIu64 " bytes stand behind the last tensor, which ends at byte %" PRIu64,
                           g->file.len - end, end);
    for (uint64_t i = header; i < begin && i < g->file.len; i++)
        if (g->file.ptr[i] != 0)
            return report_stop(g->r, SEVERITY_HIGH, "gguf-padding", "data",
                               "the padding in front of the data is not zero at byte %" PRIu64, i);
    check_programs(g, begin);
    return 0;
}

static void write_facts(struct gguf *g)
{
    struct json_out *w = &g->r->facts;
    json_put_uint(w, "version", g->version);
    json_put_uint(w, "tensors", g->tensor_count);
    json_put_uint(w, "pairs", g->pair_count);
    json_put_uint(w, "parameters", g->parameters);
    json_put_uint(w, "alignment", g->settings.alignment);
    json_put_array(w, "types");
    for (size_t i = 0; i < ARRAY_LEN(TYPES); i++)
        if (g->types_seen & 1ULL << i)
            json_out_string(w, TYPES[i].name);
    json_out_array_end(w);
}

int gguf_check(struct span file, const char *name, const struct template_rules *templates, struct report *r)
{
    struct gguf g = {.file = file, .rest = file, .name = name, .r = r};
    int result = -1;
    if (!span_starts(file, SPAN_LIT("GGUF"))) {
        BROKEN(&g, "gguf-magic", "does not begin with \"GGUF\"");
    } else if (read_header(&g) == 0 && read_pairs(&g) == 0 && read_tensors(&g) == 0 &&
               gguf_check_meta(&g.meta, name, templates, &g.settings, r) == 0 && check_data(&g) == 0) {
        write_facts(&g);
        result = 0;
    }
    free(g.meta.values);
    free(g.tensors);
    return result;
}
