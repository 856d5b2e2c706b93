/* Strict YAML as our configuration, policy, release and suite files use it (YAML 1.2, through libyaml's parser):
 * mappings, sequences and scalars, each with its line. Refused: aliases and anchors, tags, duplicate keys, several
 * documents, keys that are no plain scalar, input that is not UTF-8, more than LIMIT_YAML_BYTES or LIMIT_YAML_NODES.
 * Hard rule: a scalar is a string; whoever reads it decides what it must be. An unknown key is an error that names
 * file, line and the nearest known key. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

enum yaml_kind { YAML_SCALAR, YAML_MAP, YAML_LIST };

struct yaml {
    enum yaml_kind kind;
    unsigned line;       /* from 1; of a map's member, its key's */
    bool quoted;         /* a scalar that stood in quotes, or as a block */
    char *text;          /* scalar: NUL-terminated, no NUL inside; owned */
    size_t count;        /* children */
    char **keys;         /* of a map; owned */
    struct yaml **items; /* owned */
};

/* Parses one document. `name` is the file's name for messages and is copied into the errors only. Empty text is an
 * empty map. */
struct yaml *yaml_parse(struct span text, const char *name, struct err *e);
/* libyaml exports a function of this name, and would call ours: so the linker knows ours by another. */
void yaml_free(struct yaml *y) __asm__("airlock_yaml_free");

/* Getters: NULL or -1 with ERR_INPUT "NAME:LINE: …". `name` as above. A member that is absent where it is needed is an
 * error too. */
const struct yaml *yaml_get(const struct yaml *map, const char *key); /* NULL when absent; no error */
const struct yaml *yaml_need(const struct yaml *map, const char *key, enum yaml_kind kind, const char *name,
                             struct err *e);
const char *yaml_need_text(const struct yaml *map, const char *key, const char *name, struct err *e);
int yaml_text_or(const struct yaml *map, const char *key, const char *fallback, const char **out, const char *name,
                 struct err *e);
int yaml_uint_or(const struct yaml *map, const char *key, uint64_t fallback, uint64_t *out, const char *name,
                 struct err *e);
int yaml_bool_or(const struct yaml *map, const char *key, bool fallback, bool *out, const char *name, struct err *e);

/* A size such as 64M, 2G, 4096 (powers of 1024), or a duration such as 90d, 12h, 30s, in seconds. */
bool yaml_size(const char *text, uint64_t *bytes);
bool yaml_duration(const char *text, uint64_t *seconds);

/* Every key of `map` is one of `keys` (NULL-terminated). The error names the line and, if there is one, the nearest
 * known key. */
int yaml_only_keys(const struct yaml *map, const char *const keys[], const char *name, struct err *e);
