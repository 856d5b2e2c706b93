/* The published schemas of SBOM documents as tables: CycloneDX 1.4, 1.5, 1.6 (with the JSON signature format that they
 * refer to), SPDX 2.2 and 2.3, and the identifiers of the SPDX licence list. Made at build time by schemas/tables.py
 * out of the keyword files beside it. Everything is an index into an array here, so that the tables need no relocation.
 * Only schema.c and spdx_licence.c read them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum schema_keyword_kind {
    SCHEMA_NEVER,                 /* nothing is valid */
    SCHEMA_TYPE,                  /* first: bits of enum schema_type */
    SCHEMA_ENUM,                  /* names: all values are strings, in the order of their bytes */
    SCHEMA_MINIMUM,               /* first: the number, as in the next five */
    SCHEMA_MAXIMUM,               /* */
    SCHEMA_MIN_LENGTH,            /* characters */
    SCHEMA_MAX_LENGTH,            /* */
    SCHEMA_MIN_ITEMS,             /* */
    SCHEMA_MAX_ITEMS,             /* */
    SCHEMA_PATTERN,               /* first: its number; count: where its text as published stands in SCHEMA_STRINGS */
    SCHEMA_FORMAT,                /* first: enum schema_format */
    SCHEMA_REQUIRED,              /* names */
    SCHEMA_PROPERTIES,            /* rows of SCHEMA_PROPERTY_ROWS, in the order of their names' bytes */
    SCHEMA_ADDITIONAL_PROPERTIES, /* first: a node */
    SCHEMA_TUPLE,                 /* nodes in SCHEMA_LISTS */
    SCHEMA_ADDITIONAL_ITEMS,      /* first: a node */
    SCHEMA_ITEMS,                 /* first: a node */
    SCHEMA_UNIQUE_ITEMS,          /* */
    SCHEMA_ONE_OF,                /* nodes in SCHEMA_LISTS, as in the next two */
    SCHEMA_ANY_OF,                /* */
    SCHEMA_ALL_OF,                /* */
    SCHEMA_IF,                    /* first: the node that is asked; count: the one that then holds */
};

enum schema_type {
    SCHEMA_OBJECT = 1,
    SCHEMA_ARRAY = 2,
    SCHEMA_STRING = 4,
    SCHEMA_NUMBER = 8,
    SCHEMA_INTEGER = 16,
    SCHEMA_BOOLEAN = 32,
    SCHEMA_NULL = 64,
};

enum schema_format {
    SCHEMA_FORMAT_DATE_TIME,
    SCHEMA_FORMAT_IDN_EMAIL,
    SCHEMA_FORMAT_IRI_REFERENCE,
    SCHEMA_FORMAT_URI,
};

/* `first` and `count` are a range, unless the kind says otherwise. */
struct schema_keyword {
    uint32_t kind, first, count;
};

struct schema_node {
    uint32_t first, count; /* keywords */
};

struct schema_property {
    uint32_t name, node; /* the name's place in SCHEMA_STRINGS */
};

struct schema_names {
    uint32_t first, count; /* of SCHEMA_NAMES */
};

/* The order in which meson.build names the files. */
enum schema_root {
    SCHEMA_CYCLONEDX_1_4,
    SCHEMA_CYCLONEDX_1_5,
    SCHEMA_CYCLONEDX_1_6,
    SCHEMA_SPDX_2_2,
    SCHEMA_SPDX_2_3,
    SCHEMA_ROOT_COUNT,
};

enum { SCHEMA_LICENCES, SCHEMA_EXCEPTIONS }; /* of SCHEMA_LICENCE_LISTS: in the order of their lower-case letters */

#define SCHEMA_NODE_NEVER 0U /* the schema `false`: nothing may stand there */

extern const struct schema_node SCHEMA_NODES[];
extern const struct schema_keyword SCHEMA_KEYWORDS[];
extern const struct schema_property SCHEMA_PROPERTY_ROWS[];
extern const uint32_t SCHEMA_NAMES[];       /* places in SCHEMA_STRINGS */
extern const uint32_t SCHEMA_LISTS[];       /* nodes */
extern const char *const SCHEMA_PATTERNS[]; /* POSIX extended */
extern const size_t SCHEMA_PATTERN_COUNT;
extern const struct schema_names SCHEMA_LICENCE_LISTS[];
extern const char SCHEMA_STRINGS[];
extern const uint32_t SCHEMA_ROOTS[SCHEMA_ROOT_COUNT]; /* nodes */
