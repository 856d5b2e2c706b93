/* Access records: requests, pulls, attempts to leave. They are many and must one day be deleted, so they stand in
 * segments (JSON lines under access/), and at least every second one ledger entry "access-batch" holds the Merkle root
 * of the records that were added, so that each can be proved as long as it is kept. No prompt text by default. Hard
 * rule: a record is durable and bound within a second. */
#pragma once

#include "ledger/ledger.h"

struct access_log;

/* One writer per contour (a lock says so: ERR_BUSY). Starts a thread that seals batches; it uses its own database
 * handle on the contour's folder `dir`. */
struct access_log *access_open(int dir, const char *origin, const struct private_key *ledger_key, struct err *e);
void access_close(struct access_log *a); /* seals what is open */

/* Adds one record, a JSON object without newline; *id becomes its number, unique in the contour. Safe from any thread;
 * does not wait for the disk. The record is stored as given, with "id" first. */
int access_add(struct access_log *a, struct span record, uint64_t *id, struct err *e);

/* Proof of record `id`: its line, its inclusion in the batch, the batch's entry, the tlog-proof of that. ERR_NOTFOUND.
 */
int access_prove(int dir, struct ledger *l, uint64_t id, struct buf *proof, struct err *e);

/* Records, newest first, at most `count`. */
int access_recent(int dir, size_t count, int (*each)(void *arg, struct span record), void *arg, struct err *e);

/* Retention. Segments end with the ledger entry ACCESS_RETENTION {"before": N}: records below N may be gone, which
 * access_verify then takes for an answer; each that is kept can be proved as ever. access_old finds N for segments
 * whose last record is older than `before_s`: 1 when there are such, 0: none, -1: ERR_IO. The newest segment always
 * stays. access_drop removes the files of segments that lie wholly below `before`, after the entry was committed. */
#define ACCESS_RETENTION "access-retention"
int access_old(int dir, int64_t before_s, uint64_t *before, struct err *e);
int access_drop(int dir, uint64_t before, uint64_t *segments, uint64_t *bytes, struct err *e);

/* Segments against the ledger's batches: what is wrong goes to *report. 1 holds, 0 wrong, -1 error. */
int access_verify(int dir, struct ledger *l, struct buf *report, struct err *e);
