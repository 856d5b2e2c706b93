/* C2SP tlog-tiles as static files: tile/<L>/<N>[.p/<W>] and tile/entries/<N>[.p/<W>] below one directory. A file is
 * written whole and durably, and never changed afterwards. */
#pragma once

#include "ledger/merkle.h"
#include "util/limits.h"

#define TILE_ENTRIES     MERKLE_LEVELS /* as a level: the entries themselves */
#define BUNDLE_MAX_BYTES ((size_t)TILE_WIDTH * (2 + LIMIT_LEDGER_ENTRY_BYTES))

/* One file: `width` is 1 to 256; 256 is a full tile. */
struct tile {
    unsigned level;
    uint64_t index;
    unsigned width;
};

struct tile_name {
    char text[64];
};
struct tile_name tile_name(struct tile t); /* "tile/0/x001/234.p/17" */

int tile_write(int dir, struct tile t, struct span bytes, struct err *e);

/* Reads a file whole; where a partial tile is not there, the full one that took its place, of which the caller uses the
 * first `width`. ERR_NOTFOUND. */
int tile_read(int dir, struct tile t, struct buf *bytes, struct err *e);

/* Reads hashes. ERR_NOTFOUND; ERR_INPUT: of another length than 32 bytes a hash. */
int tile_read_hashes(int dir, struct tile t, struct digest *out, struct err *e);

/* Reads entries: *bytes holds the file, entries[i] are borrowed from it. ERR_NOTFOUND; ERR_INPUT. */
int tile_read_entries(int dir, struct tile t, struct buf *bytes, struct span *entries, struct err *e);

/* Adds an entry to a bundle: its length in 16 bits, big endian, and its bytes. */
void bundle_add(struct buf *bundle, struct span entry);

/* The partial tiles that earlier checkpoints needed stand beside `newest` until it is full, and each is its beginning.
 * Calls `wrong` for each that is not; silent about those that are not there, and when `newest` itself cannot be read.
 */
void tile_check_older(int dir, struct tile newest, void (*wrong)(void *arg, struct tile t, const char *why), void *arg);

/* Removes the partial tiles of a tile that is full now. */
int tile_prune(int dir, unsigned level, uint64_t index, struct err *e);

/* A merkle_source over the tiles of a tree of `size` leaves; remembers the tile read last. */
struct tile_source {
    int dir;
    uint64_t size;
    struct tile have; /* width 0: none */
    struct digest hashes[TILE_WIDTH];
};
int tile_source_hash(void *tile_source, unsigned level, uint64_t index, struct digest *out, struct err *e);
