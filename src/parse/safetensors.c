#include "parse/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "parse/elf.h"
#include "parse/shard_index.h"
#include "parse/text.h"

/* The format's own limit is 100,000,000. A model of 100,000 tensors needs 15 MB; JSON takes ten times its size when it
 * is read. */
#define LIMIT_SAFETENSORS_HEADER     (32U << 20)
#define LIMIT_SAFETENSORS_TENSORS    200000U
#define LIMIT_SAFETENSORS_DIMENSIONS 16U
#define LIMIT_SAFETENSORS_NAME       512U

static const struct {
    const char *name;
    unsigned bits;
} DTYPES[] = {
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
    {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},
};

struct tensor {
    const char *name; /* borrowed from the JSON tree */
    uint64_t begin, end;
};

struct safetensors {
    struct report *r;
    struct tensor *tensors; /* owned */
    size_t count;
    uint64_t parameters;
    uint32_t dtypes_seen; /* one bit an entry of DTYPES */
};

static int broken(struct safetensors *s, const char *rule, const char *name, const char *what)
{
    return report_stop(s->r, SEVERITY_HIGH, rule, name, "%s", what);
}

/* Length and bounds of the header, and what stands at its ends: the format allows spaces behind it and nothing else. */
static int take_header(struct safetensors *s, struct span file, struct span *header, struct span *data)
{
    struct span rest = file;
    uint64_t len;
    if (!span_take_le64(&rest, &len))
        return broken(s, "safetensors-truncated", "header",
                      "the file is shorter than the 8 bytes of its header's length");
    if (len < 2 || len > LIMIT_SAFETENSORS_HEADER)
        return report_stop(s->r, SEVERITY_HIGH, "safetensors-header", "header",
                           "a header of %" PRIu64 " bytes; 2 to %u are read", len, LIMIT_SAFETENSORS_HEADER);
    if (!span_take(&rest, (size_t)len, header))
        return report_stop(s->r, SEVERITY_HIGH, "safetensors-truncated", "header",
                           "a header of %" PRIu64 " bytes, and %zu are left in the file", len, rest.len);
    *data = rest;
    while (header->len > 0 && header->ptr[header->len - 1] == ' ')
        header->len--;
    if (header->len < 2 || header->ptr[0] != '{' || header->ptr[header->len - 1] != '}')
        return broken(s, "safetensors-header", "header",
                      "the header does not begin with { and end with } (and spaces)");
    return 0;
}

static int find_dtype(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(DTYPES); i++)
        if (strcmp(name, DTYPES[i].name) == 0)
            return (int)i;
    return -1;
}

/* Elements of the shape. */
static int take_shape(struct safetensors *s, const char *name, const json_t *shape, uint64_t *elements)
{
    size_t i;
    json_t *dimension;
    *elements = 1;
    if (json_array_size(shape) > LIMIT_SAFETENSORS_DIMENSIONS)
        return broken(s, "safetensors-shape", name, "more than 16 dimensions");
    json_array_foreach((json_t *)(uintptr_t)shape, i, dimension)
    {
        if (!json_is_integer(dimension) || json_integer_value(dimension) < 0)
            return broken(s, "safetensors-shape", name, "a dimension that is no whole number, or negative");
        if (__builtin_mul_overflow(*elements, (uint64_t)json_integer_value(dimension), elements))
            return broken(s, "safetensors-shape", name, "more elements than 2^64");
    }
    return 0;
}

static int take_offsets(struct safetensors *s, const char *name, const json_t *offsets, struct tensor *t)
{
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return broken(s, "safetensors-offset", name, "data_offsets is no pair of ascending numbers");
    t->begin = (uint64_t)json_integer_value(begin);
    t->end = (uint64_t)json_integer_value(end);
    return 0;
}

static int check_size(struct safetensors *s, const struct tensor *t, uint64_t elements, unsigned bits)
{
    uint64_t size;
    if (__builtin_mul_overflow(elements, bits, &size) || size % 8)
        return broken(s, "safetensors-shape", t->name, "the shape is no whole number of bytes, or more than 2^64 bits");
    if (t->end - t->begin != size / 8)
        return report_stop(s->r, SEVERITY_HIGH, "safetensors-size", t->name,
                           "%" PRIu64 " bytes, and its shape and dtype need %" PRIu64, t->end - t->begin, size / 8);
    return 0;
}

static int check_name(struct safetensors *s, const char *name)
{
    if (*name == '\0' || strlen(name) > LIMIT_SAFETENSORS_NAME)
        return broken(s, "safetensors-name", "header", "a tensor's name that is empty or longer than 512 bytes");
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return broken(s, "safetensors-name", name, "a control character in a tensor's name");
    if (strstr(name, "..") || strchr(name, '/') || strchr(name, '\\'))
        return broken(s, "safetensors-name", name, "a tensor's name that looks like a path");
    return 0;
}

static int take_tensor(struct safetensors *s, const char *name, const json_t *value)
{
    static const char *const members[] = {"dtype", "shape", "data_offsets", NULL};
    struct err e = {0};
    struct tensor t = {.name = name};
    uint64_t elements;
    if (check_name(s, name) < 0)
        return -1;
    const char *dtype = json_is_object(value) ? json_need_string(value, "dtype", "", &e) : NULL;
    const json_t *shape = dtype ? json_need_array(value, "shape", "", &e) : NULL;
    const json_t *offsets = shape ? json_need_array(value, "data_offsets", "", &e) : NULL;
    if (!offsets || json_only_keys(value, members, "", &e) < 0)
        return broken(s, "safetensors-tensor", name, e.msg[0] ? e.msg : "a tensor is no object");
    int kind = find_dtype(dtype);
    if (kind < 0)
        return report_stop(s->r, SEVERITY_HIGH, "safetensors-dtype", name, "dtype \"%.40s\" does not exist", dtype);
    if (take_shape(s, name, shape, &elements) < 0 || take_offsets(s, name, offsets, &t) < 0 ||
        check_size(s, &t, elements, DTYPES[kind].bits) < 0)
        return -1;
    s->dtypes_seen |= 1U << kind;
    if (__builtin_add_overflow(s->parameters, elements, &s->parameters))
        s->parameters = UINT64_MAX;
    s->tensors[s->count++] = t;
    return 0;
}

/* Fields of the model specification in which honest writers say where a model and its writer come from. A URL there is
 * one for people; code is not. */
static bool names_an_origin(const char *key)
{
    static const char *const fields[] = {"implementation", "license",     "author",       "description",
                                         "usage_hint",     "merged_from", "architecture", "trigger_phrase"};
    static const char prefix[] = "modelspec.";
    if (strncmp(key, prefix, sizeof prefix - 1) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(key + sizeof prefix - 1, fields[i]) == 0)
            return true;
    return false;
}

/* __metadata__: texts by name. Reading goes on after a hazard: the structure may be broken as well. */
static int take_metadata(struct safetensors *s, const json_t *metadata)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return broken(s, "safetensors-metadata", "__metadata__", "is no object of texts");
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
    {
        char at[128];
        snprintf(at, sizeof(at), "__metadata__/%.100s", key);
        if (!json_is_string(value))
            return broken(s, "safetensors-metadata", at, "is no text");
        const char *hazard = text_hazard_in(span_of(json_string_value(value), json_string_length(value)));
        if (hazard && !(names_an_origin(key) && strcmp(hazard, "a URL") == 0))
            report_finding(s->r, SEVERITY_MEDIUM, "safetensors-metadata", at, "holds %s: %.120s", hazard,
                           json_string_value(value));
    }
    return 0;
}

static int take_entries(struct safetensors *s, const json_t *root)
{
    const char *key;
    json_t *value;
    size_t size = json_object_size(root);
    if (size > LIMIT_SAFETENSORS_TENSORS)
        return broken(s, "safetensors-count", "header", "more than 200,000 tensors");
    s->tensors = calloc(size ? size : 1, sizeof(*s->tensors));
    if (!s->tensors)
        abort();
    json_object_foreach((json_t *)(uintptr_t)root, key, value)
    {
        bool metadata = strcmp(key, "__metadata__") == 0;
        if ((metadata ? take_metadata(s, value) : take_tensor(s, key, value)) < 0)
            return -1;
    }
    return 0;
}

static int by_offset(const void *a, const void *b)
{
    const struct tensor *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end == y->end ? 0 : x->end < y->end ? -1 : 1;
}

/* A program in the place of numbers has no use but to be cut out and run. */
static void check_program(struct safetensors *s, struct span bytes, const struct tensor *t)
{
    struct span part;
    if (span_slice(bytes, t->begin, t->end - t->begin, &part) && elf_begins(part))
        report_finding(s->r, SEVERITY_HIGH, "hidden-program", t->name, "its data begin like a program (ELF)");
}

static int check_layout(struct safetensors *s, struct span bytes)
{
    uint64_t data = bytes.len;
    uint64_t expected = 0;
    qsort(s->tensors, s->count, sizeof(*s->tensors), by_offset);
    for (size_t i = 0; i < s->count; i++) {
        const struct tensor *t = &s->tensors[i];
        if (t->begin != expected)
            return report_stop(s->r, SEVERITY_HIGH, "safetensors-offset", t->name,
                               "begins at %" PRIu64 ", and the tensors before it end at %" PRIu64 ": %s", t->begin,
                               expected, t->begin < expected ? "they overlap" : "a hole between them");
        expected = t->end;
        check_program(s, bytes, t);
    }
    if (expected > data)
        return report_stop(s->r, SEVERITY_HIGH, "safetensors-truncated", "data",
                           "the tensors need %" PRIu64 " bytes, and the file has %" PRIu64, expected, data);
    if (expected < data)
        return report_stop(s->r, SEVERITY_HIGH, "safetensors-trailing", "data",
                           "%" PRIu64 " bytes stand behind the last tensor", data - expected);
    return 0;
}

/* By the names an index knows the file again. */
static void write_names(struct safetensors *s)
{
    auto_free const char **names = calloc(s->count + 1, sizeof *names);
    if (!names)
        abort();
    for (size_t i = 0; i < s->count; i++)
        names[i] = s->tensors[i].name;
    struct digest id = shard_names_digest(names, s->count);
    json_put_string(&s->r->facts, "names", digest_hex(&id).text);
}

static void write_facts(struct safetensors *s)
{
    struct json_out *w = &s->r->facts;
    write_names(s);
    json_put_uint(w, "tensors", s->count);
    json_put_uint(w, "parameters", s->parameters);
    json_put_array(w, "types");
    for (size_t i = 0; i < ARRAY_LEN(DTYPES); i++)
        if (s->dtypes_seen & 1U << i)
            json_out_string(w, DTYPES[i].name);
    json_out_array_end(w);
}

int safetensors_check(struct span file, struct report *r)
{
    struct safetensors s = {.r = r};
    struct span header;
    struct err e = {0};
    struct span data = {0};
    if (take_header(&s, file, &header, &data) < 0)
        return -1;
    auto_json root = json_parse(header, LIMIT_SAFETENSORS_HEADER, "the header", &e);
    if (!root)
        return broken(&s, "safetensors-json", "header", e.msg);
    int result = take_entries(&s, root) < 0 ? -1 : check_layout(&s, data);
    if (result == 0)
        write_facts(&s);
    free(s.tensors);
    return result;
}
