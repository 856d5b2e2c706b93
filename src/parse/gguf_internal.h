/* Between gguf.c (the file's structure) and gguf_meta.c (what the metadata say). */
#pragma once

#include "parse/gguf.h"

enum gguf_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_TYPES
};

struct gguf_value {
    struct span key;
    uint32_t type;
    uint32_t element;   /* of an array */
    uint64_t count;     /* of an array */
    struct span string; /* of a string */
    struct span bytes;  /* of a number; of an array all its elements as they stand */
};

struct gguf_meta {
    struct gguf_value *values; /* owned by gguf.c; sorted by key */
    size_t count;
};

/* What the structure needs of the metadata. */
struct gguf_settings {
    uint64_t alignment;
};

/* Bytes of one element, 0 for strings and arrays. */
size_t gguf_type_size(uint32_t type);

/* The number of an integer type, or false. Negative ones are given as INT64. */
bool gguf_integer(const struct gguf_value *v, int64_t *out);
const struct gguf_value *gguf_find(const struct gguf_meta *m, const char *key);

/* Judges the metadata, and writes facts. -1: at least one finding that makes the file no GGUF for us. */
int gguf_check_meta(const struct gguf_meta *m, const char *file_name, const struct template_rules *templates,
                    struct gguf_settings *out, struct report *r);
