/* From texts to numbers: where a path or a package stands in a list. Keys are borrowed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_map {
    const char **keys; /* owned; the texts are not */
    uint32_t *values;
    size_t count, slots;
};

void text_map_fini(struct text_map *m);

/* Sets the value of a key. */
void text_map_put(struct text_map *m, const char *key, uint32_t value);

/* False: the key is not there. */
bool text_map_get(const struct text_map *m, const char *key, uint32_t *value);
