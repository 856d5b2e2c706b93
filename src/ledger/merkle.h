/* The Merkle tree of RFC 6962 section 2.1 over SHA-256: leaf = H(0x00 || entry), node = H(0x01 || left || right), empty
 * = H(""). Kept the way C2SP tlog-tiles cuts it: a tile holds up to 256 hashes of one level, level L's hashes being
 * roots of 256^L leaves. Pure functions, no I/O. */
#pragma once

#include "util/buf.h"
#include "util/digest.h"

#define TILE_WIDTH      256
#define MERKLE_LEVELS   8  /* of tiles: 256^8 leaves are all that 64 bits count */
#define MERKLE_PATH_MAX 64 /* hashes in an inclusion proof */

struct digest merkle_leaf(struct span entry);
struct digest merkle_node(const struct digest *left, const struct digest *right);
struct digest merkle_empty(void);

/* A tree that grows: its right edge is all that must be kept. edge[L] holds the hashes of level L's unfinished tile. */
struct merkle {
    uint64_t size; /* leaves */
    struct digest edge[MERKLE_LEVELS][TILE_WIDTH];
};

/* How many hashes of level `level` stand in its unfinished tile, and how many tiles are full before it. */
static inline unsigned merkle_partial(uint64_t size, unsigned level)
{
    return (unsigned)(size >> (8 * level)) & (TILE_WIDTH - 1);
}
static inline uint64_t merkle_full_tiles(uint64_t size, unsigned level)
{
    return level + 1 < MERKLE_LEVELS ? size >> (8 * (level + 1)) : 0;
}

/* Adds a leaf. `full` (may be NULL) is called for each tile that it completes, from level 0 up; a non-zero return
 * stops, and is returned; the tree is spoilt then. */
int merkle_add(struct merkle *t, const struct digest *leaf,
               int (*full)(void *arg, unsigned level, uint64_t index, const struct digest hashes[TILE_WIDTH]),
               void *arg);
struct digest merkle_root(const struct merkle *t);

/* The root of 1 to 256 hashes that stand side by side. */
struct digest merkle_fold(const struct digest *hashes, size_t count);

/* Where stored hashes come from: hash `index` of tile level `level`, that is the root of leaves index * 256^level … of
 * that number. -1: *e. */
struct merkle_source {
    int (*hash)(void *arg, unsigned level, uint64_t index, struct digest *out, struct err *e);
    void *arg;
};

/* Inclusion proof of leaf `index` in the tree of the first `size` leaves (RFC 6962 section 2.1.1), the leaf's sibling
 * first. index < size. *count hashes are written to path. */
int merkle_prove(const struct merkle_source *s, uint64_t index, uint64_t size, struct digest path[MERKLE_PATH_MAX],
                 size_t *count, struct err *e);
/* True only when the path leads from the leaf to the root (RFC 9162 section 2.1.3.2). */
bool merkle_proof_holds(uint64_t index, uint64_t size, const struct digest *leaf, const struct digest *path,
                        size_t count, const struct digest *root);

/* A source over `count` leaf hashes in memory. */
struct merkle_leaves {
    const struct digest *leaves;
    uint64_t count;
};
int merkle_leaves_hash(void *leaves, unsigned level, uint64_t index, struct digest *out, struct err *e);
