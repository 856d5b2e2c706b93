#include "scan/text_map.h"

#include <stdlib.h>
#include <string.h>

static size_t hash_of(const char *key)
{
    uint64_t h = 14695981039346656037ULL; /* FNV-1a */
    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 1099511628211ULL;
    return (size_t)(h ^ h >> 29);
}

static size_t slot_of(const struct text_map *m, const char *key)
{
    size_t i = hash_of(key) & (m->slots - 1);
    while (m->keys[i] && strcmp(m->keys[i], key) != 0)
        i = (i + 1) & (m->slots - 1);
    return i;
}

static void grow(struct text_map *m)
{
    struct text_map larger = {.slots = m->slots ? m->slots * 2 : 256};
    larger.keys = calloc(larger.slots, sizeof *larger.keys);
    larger.values = calloc(larger.slots, sizeof *larger.values);
    if (!larger.keys || !larger.values)
        abort();
    for (size_t i = 0; i < m->slots; i++)
        if (m->keys[i])
            text_map_put(&larger, m->keys[i], m->values[i]);
    text_map_fini(m);
    *m = larger;
}

void text_map_put(struct text_map *m, const char *key, uint32_t value)
{
    if (m->count * 2 >= m->slots)
        grow(m);
    size_t slot = slot_of(m, key);
    m->count += m->keys[slot] == NULL;
    m->keys[slot] = key;
    m->values[slot] = value;
}

bool text_map_get(const struct text_map *m, const char *key, uint32_t *value)
{
    size_t slot = m->slots ? slot_of(m, key) : 0;
    if (!m->slots || !m->keys[slot])
        return false;
    *value = m->values[slot];
    return true;
}

void text_map_fini(struct text_map *m)
{
    free(m->keys);
    free(m->values);
    *m = (struct text_map){0};
}
