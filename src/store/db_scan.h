/* What scans said of blobs, by everything that the answer depends on. Hard rule: a row is believed only under its seal,
 * which scan/memory.h makes and verifies. */
#pragma once

#include "store/db.h"

struct scan_row {
    struct digest key, blob;
    const char *scanner;            /* program, rules and libraries that answered */
    struct span stamp, seal, reply; /* borrowed: until the call returns; in db_scan_get, of `bytes` */
};

/* 1: *out, whose spans live in *bytes; 0: nothing is remembered. */
int db_scan_get(struct db *db, const struct digest *key, struct scan_row *out, struct buf *bytes, struct err *e);

/* Remembers; an older row of the key goes. */
int db_scan_put(struct db *db, const struct scan_row *row, struct err *e);

/* Forgets what no blob of the store or of a release belongs to any more, and what another scanner said. *rows: how
 * many. */
int db_scan_forget(struct db *db, const char *scanner, uint64_t *rows, struct err *e);

/* Calls `each` for every row, until it returns non-zero, which is returned. */
int db_scan_each(struct db *db, int (*each)(void *arg, const struct scan_row *row), void *arg, struct err *e);
