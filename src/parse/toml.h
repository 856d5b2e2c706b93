/* TOML 1.0.0 (toml.io), the part of it that lock files are made of, which is all but the arithmetic: tables, arrays and
 * scalars, each with its line. Debian 12 has no C library for it (docs/decisions/0010-toml.md). Refused besides what
 * the standard refuses: more than LIMIT_TOML_BYTES or LIMIT_TOML_VALUES, nesting beyond 32, a NUL character in a text.
 * Hard rule: a scalar is its text; of numbers and times only the form is checked. */
#pragma once

#include <stdbool.h>

#include "util/buf.h"

#define LIMIT_TOML_BYTES  (8U << 20)
#define LIMIT_TOML_VALUES 500000U /* the largest uv.lock known has 60,000 */
#define LIMIT_TOML_KEYS   20000U  /* of one table */

enum toml_kind { TOML_TABLE, TOML_ARRAY, TOML_STRING, TOML_NUMBER, TOML_BOOL, TOML_TIME };

struct toml {
    enum toml_kind kind;
    unsigned line; /* from 1: of its key, of a table its header */
    char *text;    /* scalars: a string decoded, anything else as it stands there; owned */
    size_t count;  /* children */
    char **keys;   /* of a table; owned */
    struct toml **items;
    size_t room;
    bool defined; /* a table that had its header or its braces, an array that had its brackets */
    bool dotted;  /* a table that a dotted key made: no header may define it again */
    bool closed;  /* written in braces or brackets: nothing is added to it later */
};

/* Parses one document. `name` is the file's name for messages. NULL: ERR_INPUT "NAME:LINE: …", ERR_LIMIT. */
struct toml *toml_parse(struct span text, const char *name, struct err *e);
void toml_free(struct toml *t);

/* NULL when `table` is NULL or no table, the member is absent, or it is of another kind. */
const struct toml *toml_get(const struct toml *table, const char *key, enum toml_kind kind);
const char *toml_text(const struct toml *table, const char *key); /* of a string */
bool toml_true(const struct toml *table, const char *key);
