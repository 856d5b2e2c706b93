/* Backups: a backup is a contour (or station) at rest, in a folder of its own: `airlock --home BACKUP fsck` verifies it
 * as it verifies a contour, and nothing is ever written or served from it until it is restored (the file backup.json
 * says that it is one). Made while the contour serves, again into the same folder it copies only what is new. Hard
 * rule: an interrupted backup leaves the one before it whole, and a restored contour has passed fsck.
 *
 * Order of a backup: the database as of one moment into next/ → every file (blobs are never changed, so one that is
 * there with the right size and time is there; any other is hashed, and copied again when it is wrong) → ledger/ away,
 * database renamed → ledger/ published from it. */
#pragma once

#include "contour/fsck.h"

struct backup_result {
    uint64_t files, bytes;         /* in the folder, besides database and ledger */
    uint64_t copied, copied_bytes; /* of these, by this run */
    uint64_t looked_at, repaired;  /* of those that were there: looked into; wrong, and copied again */
    uint64_t damaged;              /* blobs of the site that do not hash to their name: not copied */
    char damaged_name[65];         /* the first of them */
    uint64_t entries;              /* of the ledger */
    int64_t time_s;                /* when the copy of the database was made */
    char id[33], name[65];         /* of the contour or station */
    bool station;                  /* it is one, not a contour */
    bool holds_passphrase;         /* keys/unseal is in it: who has the backup has the keys */
};

/* Copies the site into directory `out`: absent, empty, or an earlier backup of the same site, of which `verify` hashes
 * every file again. ERR_EXISTS: it is something else. ERR_NOSPACE, ERR_IO; ERR_BUSY when the site never held still. */
int backup_make(struct site *s, const char *out, bool verify, struct backup_result *result, struct err *e);

/* Makes directory `home` (absent or empty) out of a backup. 0: done, with a ledger entry "restore"; 1: fsck found what
 * stands in *found, and `home` stays a backup; -1: ERR_NOTFOUND (no backup), ERR_EXISTS, ERR_NOSPACE, ERR_IO. */
int backup_restore(const char *from, const char *home, struct fsck *found, struct backup_result *result, struct err *e);
