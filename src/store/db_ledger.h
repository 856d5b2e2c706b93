/* Rows of the ledger. Only src/ledger calls these. */
#pragma once

#include "store/db.h"

struct ledger_row {
    uint64_t seq; /* from 0 */
    int64_t time_s;
    struct span entry;  /* the bytes that are hashed into the tree; at most LIMIT_LEDGER_ENTRY_BYTES */
    struct digest leaf; /* SHA-256(0x00 || entry), RFC 6962 section 2.1 */
};

/* Appends inside the open transaction; *seq is the new row's number. */
int db_ledger_add(struct db *db, int64_t time_s, struct span entry, const struct digest *leaf, uint64_t *seq,
                  struct err *e);
int db_ledger_size(struct db *db, uint64_t *size, struct err *e);
/* Rows from..to-1 in order. */
int db_ledger_each(struct db *db, uint64_t from, uint64_t to, int (*each)(void *arg, const struct ledger_row *row),
                   void *arg, struct err *e);
/* Are there rows behind the first *size, and all of them of batches of accesses? *size becomes the size of today. */
int db_ledger_accesses_only(struct db *db, uint64_t *size, bool *only, struct err *e);
/* Newest time in the ledger: part of the clock's floor. 0 when empty. */
int db_ledger_last_time(struct db *db, int64_t *time_s, struct err *e);
