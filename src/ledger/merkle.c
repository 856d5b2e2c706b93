#include "ledger/merkle.h"

#include <string.h>

struct digest merkle_leaf(struct span entry)
{
    struct sha256 *h = sha256_new();
    sha256_add(h, "\0", 1);
    sha256_add(h, entry.ptr, entry.len);
    return sha256_finish(h);
}

struct digest merkle_node(const struct digest *left, const struct digest *right)
{
    uint8_t bytes[1 + 2 * DIGEST_SIZE] = {1};
    memcpy(bytes + 1, left->bytes, DIGEST_SIZE);
    memcpy(bytes + 1 + DIGEST_SIZE, right->bytes, DIGEST_SIZE);
    return digest_of(span_of(bytes, sizeof bytes));
}

struct digest merkle_empty(void)
{
    return digest_of(span_of(NULL, 0));
}

/* ── growing ── */

int merkle_add(struct merkle *t, const struct digest *leaf,
               int (*full)(void *arg, unsigned level, uint64_t index, const struct digest hashes[TILE_WIDTH]),
               void *arg)
{
    struct digest hash = *leaf;
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        unsigned at = merkle_partial(t->size, level);
        t->edge[level][at] = hash;
        if (at + 1 < TILE_WIDTH)
            break;
        int result = full ? full(arg, level, merkle_full_tiles(t->size, level), t->edge[level]) : 0;
        if (result)
            return result;
        hash = merkle_fold(t->edge[level], TILE_WIDTH);
    }
    t->size++;
    return 0;
}

/* The root over hashes that stand side by side: perfect subtrees from the right, smallest first, each joined to what
 * stands right of it. `right` may be NULL. */
static struct digest fold_onto(const struct digest *hashes, size_t count, const struct digest *right)
{
    struct digest root = right ? *right : (struct digest){{0}};
    bool have = right != NULL;
    for (size_t width = 1; count; width *= 2) {
        if (!(count & width))
            continue;
        struct digest part[TILE_WIDTH];
        count -= width;
        memcpy(part, hashes + count, width * sizeof part[0]);
        for (size_t left = width; left > 1; left /= 2)
            for (size_t i = 0; i < left / 2; i++)
                part[i] = merkle_node(&part[2 * i], &part[2 * i + 1]);
        root = have ? merkle_node(&part[0], &root) : part[0];
        have = true;
    }
    return root;
}

struct digest merkle_fold(const struct digest *hashes, size_t count)
{
    return fold_onto(hashes, count, NULL);
}

struct digest merkle_root(const struct merkle *t)
{
    if (t->size == 0)
        return merkle_empty();
    struct digest root;
    bool have = false;
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        unsigned count = merkle_partial(t->size, level);
        if (!count)
            continue;
        root = fold_onto(t->edge[level], count, have ? &root : NULL);
        have = true;
    }
    return root;
}

/* ── proofs ── */

/* Leaves of the left part of a tree of `count` > 1: the largest power of two below it. */
static uint64_t left_part(uint64_t count)
{
    return 1ULL << (63 - __builtin_clzll(count - 1));
}

/* The root of leaves from … from + count, where count is a power of two that divides from: out of stored hashes of the
 * highest tile level that is fine enough. */
static int perfect_root(const struct merkle_source *s, uint64_t from, uint64_t count, struct digest *out, struct err *e)
{
    unsigned height = (unsigned)__builtin_ctzll(count), level = height / 8;
    size_t width = (size_t)1 << (height % 8);
    struct digest hashes[TILE_WIDTH];
    for (size_t i = 0; i < width; i++)
        if (s->hash(s->arg, level, (from >> (8 * level)) + i, &hashes[i], e) < 0)
            return -1;
    *out = merkle_fold(hashes, width);
    return 0;
}

static int range_root(const struct merkle_source *s, uint64_t from, uint64_t count, struct digest *out, struct err *e)
{
    if ((count & (count - 1)) == 0)
        return perfect_root(s, from, count, out, e);
    uint64_t left = left_part(count);
    struct digest l, r;
    if (perfect_root(s, from, left, &l, e) < 0 || range_root(s, from + left, count - left, &r, e) < 0)
        return -1;
    *out = merkle_node(&l, &r);
    return 0;
}

int merkle_prove(const struct merkle_source *s, uint64_t index, uint64_t size, struct digest path[MERKLE_PATH_MAX],
                 size_t *count, struct err *e)
{
    struct digest down[MERKLE_PATH_MAX]; /* from the root to the leaf: turned round at the end */
    size_t n = 0;
    uint64_t from = 0, width = size;
    while (width > 1) {
        uint64_t left = left_part(width);
        bool in_left = index - from < left;
        if (range_root(s, in_left ? from + left : from, in_left ? width - left : left, &down[n++], e) < 0)
            return -1;
        from += in_left ? 0 : left;
        width = in_left ? left : width - left;
    }
    for (size_t i = 0; i < n; i++)
        path[i] = down[n - 1 - i];
    *count = n;
    return 0;
}

bool merkle_proof_holds(uint64_t index, uint64_t size, const struct digest *leaf, const struct digest *path,
                        size_t count, const struct digest *root)
{
    if (index >= size)
        return false;
    uint64_t at = index, last = size - 1;
    struct digest r = *leaf;
    for (size_t i = 0; i < count; i++) {
        if (last == 0)
            return false;
        if ((at & 1) || at == last) {
            r = merkle_node(&path[i], &r);
            while (!(at & 1) && at) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            r = merkle_node(&r, &path[i]);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && digest_equal(&r, root);
}

int merkle_leaves_hash(void *arg, unsigned level, uint64_t index, struct digest *out, struct err *e)
{
    const struct merkle_leaves *l = arg;
    uint64_t width = 1ULL << (8 * level), from = index * width;
    if (from + width > l->count)
        return err_set(e, ERR_SYSTEM, 0, "hash %llu of level %u is not in a tree of %llu leaves",
                       (unsigned long long)index, level, (unsigned long long)l->count);
    if (level == 0) {
        *out = l->leaves[index];
        return 0;
    }
    struct digest below[TILE_WIDTH];
    for (uint64_t i = 0; i < TILE_WIDTH; i++)
        if (merkle_leaves_hash(arg, level - 1, index * TILE_WIDTH + i, &below[i], e) < 0)
            return -1;
    *out = merkle_fold(below, TILE_WIDTH);
    return 0;
}
