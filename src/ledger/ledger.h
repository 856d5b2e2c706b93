/* The ledger: an append-only Merkle log (RFC 6962 hashes) of every decision and action. Entries are rows of state.db,
 * committed in the transaction of what they record; the static files of C2SP tlog-tiles (checkpoint, tile/…) under
 * ledger/ are derived from them and completed whenever they lag. The checkpoint is a C2SP signed note (tlog-checkpoint)
 * by the contour's Ed25519 ledger key. Hard rule: what is not in the ledger did not happen. */
#pragma once

#include "store/db.h"
#include "trust/key.h"
#include "util/json.h"

struct ledger;

/* Opens the ledger of a contour: `dir` is the contour's folder; `origin` its name in checkpoints ("airlock/<contour
 * name>/<contour id>"). The key may be NULL: then entries can be appended and nothing is published. */
struct ledger *ledger_open(int dir, struct db *db, const char *origin, const struct private_key *key, struct err *e);
void ledger_close(struct ledger *l);

/* An entry is one JSON object: {"time": "…", "actor": "…", "action": "promote", …}. Begin writes the head and leaves
 * the object open; the caller adds members to *w; ledger_append closes it, and appends inside the open transaction.
 * `seq` may be NULL. */
void ledger_event(struct json_out *w, struct buf *out, int64_t now_s, const char *actor, const char *action);
int ledger_append(struct ledger *l, struct json_out *w, int64_t now_s, uint64_t *seq, struct err *e);

/* Brings tiles and checkpoint up to the database; after a commit. Interrupted anywhere, the next call completes it. */
int ledger_publish(struct ledger *l, struct err *e);

uint64_t ledger_size(struct ledger *l);

/* Calls each for entries from … to-1 (what is not there is left out), oldest first; stops when it returns non-zero, and
 * returns that. `entry` lives until the callback returns. */
int ledger_each(struct ledger *l, uint64_t from, uint64_t to,
                int (*each)(void *arg, uint64_t seq, int64_t time_s, struct span entry), void *arg, struct err *e);

/* The public verification key, C2SP vkey form: name+hash+base64. */
int ledger_vkey(const char *origin, const struct public_key *k, struct buf *out, struct err *e);

/* Verifies an exported (or live) ledger folder with nothing but a vkey: note signature, every tile and entry, root.
 * What is wrong is appended to *report, a line each ("tile/0/000: …"). 1: all holds; 0: something is wrong (see
 * report); -1: could not be looked at. */
int ledger_verify(int dir, const char *vkey, struct buf *report, uint64_t *entries, struct err *e);

/* Rows of state.db against the folder: the same kind of answer. fsck uses it. */
int ledger_verify_rows(struct ledger *l, struct buf *report, struct err *e);

/* Writes a C2SP tlog-proof of entry `seq` against the published checkpoint. ERR_NOTFOUND. */
int ledger_prove(struct ledger *l, uint64_t seq, struct buf *proof, struct err *e);
