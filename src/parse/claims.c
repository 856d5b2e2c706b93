#include "parse/claims.h"

#include <stdlib.h>
#include <string.h>

struct claims {
    struct claim *list; /* owned */
    uint32_t *slots;    /* owned; index + 1, 0: free */
    size_t count, room, slot_count;
};

/* FNV-1a, of 64 bits; who makes paths collide makes his own look slow, within its limits. */
static size_t hash_of(struct span s)
{
    uint64_t h = 14695981039346656037ULL;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ s.ptr[i]) * 1099511628211ULL;
    return (size_t)(h ^ h >> 29);
}

struct claims *claims_new(void)
{
    struct claims *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    return c;
}

void claims_free(struct claims *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        free(c->list[i].path);
    free(c->list);
    free(c->slots);
    free(c);
}

/* Where the path stands, or the free slot where it would. */
static size_t slot_of(const struct claims *c, struct span path)
{
    size_t i = hash_of(path) & (c->slot_count - 1);
    while (c->slots[i] && !span_equal_str(path, c->list[c->slots[i] - 1].path))
        i = (i + 1) & (c->slot_count - 1);
    return i;
}

static void grow(struct claims *c)
{
    c->room = c->room ? c->room * 2 : 1024;
    c->slot_count = c->room * 2;
    c->list = reallocarray(c->list, c->room, sizeof *c->list);
    free(c->slots);
    c->slots = calloc(c->slot_count, sizeof *c->slots);
    if (!c->list || !c->slots)
        abort();
    for (size_t i = 0; i < c->count; i++)
        c->slots[slot_of(c, span_str(c->list[i].path))] = (uint32_t)i + 1;
}

/* Two packages may share a file; one record without a hash says nothing against another with one. */
static void meet(struct claim *old, const struct claim *new)
{
    if (!new->has_hash)
        return;
    if (!old->has_hash) {
        old->has_hash = true;
        old->kind = new->kind;
        memcpy(old->bytes, new->bytes, sizeof old->bytes);
        return;
    }
    if (old->kind == new->kind && memcmp(old->bytes, new->bytes, hash_size(new->kind)) != 0)
        old->disputed = true;
}

void claims_add(struct claims *c, struct span path, enum hash kind, struct span bytes, bool configuration)
{
    struct claim new = {.kind = kind, .has_hash = bytes.len != 0, .configuration = configuration};
    if (memchr(path.ptr, '\0', path.len))
        return;
    if (bytes.len)
        memcpy(new.bytes, bytes.ptr, bytes.len);
    if (c->count == c->room)
        grow(c);
    size_t slot = slot_of(c, path);
    if (c->slots[slot]) {
        meet(&c->list[c->slots[slot] - 1], &new);
        return;
    }
    new.path = span_dup(path);
    c->list[c->count++] = new;
    c->slots[slot] = (uint32_t)c->count;
}

static const struct claim *find(const struct claims *c, struct span path)
{
    size_t slot = c->slot_count ? slot_of(c, path) : 0;
    return c->slot_count && c->slots[slot] ? &c->list[c->slots[slot] - 1] : NULL;
}

const struct claim *claims_find(const struct claims *c, const char *path)
{
    const struct claim *found = find(c, span_str(path));
    if (!found &&
        (strncmp(path, "usr/bin/", 8) == 0 || strncmp(path, "usr/sbin/", 9) == 0 || strncmp(path, "usr/lib", 7) == 0))
        found = find(c, span_str(path + 4));
    return found;
}

bool claims_vouch(const struct claims *c, const char *path, struct span bytes)
{
    uint8_t found[HASH_SIZE_MAX];
    const struct claim *claim = claims_find(c, path);
    if (!claim || !claim->has_hash || claim->disputed)
        return false;
    hash_bytes(claim->kind, bytes, found);
    return memcmp(found, claim->bytes, hash_size(claim->kind)) == 0;
}
