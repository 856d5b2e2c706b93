/* Rows about batches of access records: which bytes of which segment, and the ledger entry that binds them. Only
 * src/ledger calls these. */
#pragma once

#include "store/db.h"

struct access_batch_row {
    uint64_t first;          /* number of the batch's first record; records count from 1 */
    uint64_t count;          /* records */
    const char *segment;     /* file name below access/ */
    uint64_t offset, length; /* bytes of the segment, newlines included */
    uint64_t ledger_seq;     /* the entry with the batch's Merkle root */
};

int db_access_batch_add(struct db *db, const struct access_batch_row *row, struct err *e);
/* The last batch that begins at or before `record` (it may end before it, too). ERR_NOTFOUND. The string is copied into
 * *strings, which the caller owns. */
int db_access_batch_find(struct db *db, uint64_t record, struct access_batch_row *row, struct buf *strings,
                         struct err *e);
/* In order. */
int db_access_batch_each(struct db *db, int (*each)(void *arg, const struct access_batch_row *row), void *arg,
                         struct err *e);
