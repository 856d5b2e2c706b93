/* Rows about the snapshots of advisories that a contour took: each is a blob, and evidence of the contour's own about
 * it. See db.h for the rules. */
#pragma once

#include "store/db_release.h"

/* The predicate type of that evidence; its subject is the snapshot. */
#define DB_ADVISORIES_TYPE "urn:airlock:advisories:v1"

/* The snapshot that was taken last: *subject its digest, *id and *envelope (appended) of the evidence. ERR_NOTFOUND
 * when none was. */
int db_advisories_newest(struct db *db, struct digest *subject, struct digest *id, struct buf *envelope, struct err *e);
