/* Releases against the advisories in force, from the inventories that their scans left as evidence: no artifact is
 * read. What comes out is signed evidence (scan/vulns.h) with a ledger entry. Hard rule: a release without an inventory
 * of this contour is told, never passed over. */
#pragma once

#include "scan/advisories_store.h"
#include "store/db_release.h"

struct rematched {
    char name[128]; /* "assistant:v1.0.0" */
    struct digest release, evidence;
    size_t hits;
    uint64_t undecided;    /* packages */
    char result[16];       /* as vulns_result; "" when it was not matched */
    char why[ERR_MSG_MAX]; /* why not; "" when it was */
};

/* Matches one release and records it. `f` was opened. -1: it could not be matched; nothing was written. */
int rematch_release(struct site *contour, const struct advisories_in_force *f, const struct release_row *row,
                    struct rematched *out, struct err *e);

/* After a scan: matches the release against what is in force. 1: done; 0: no advisories are in force; -1: it could not
 * be done, and nothing was written. */
int rematch_scanned(struct site *contour, const struct release_row *row, struct rematched *out, struct err *e);

/* Every release that stands in the store or in quarantine; calls `each` with each outcome. A release that cannot be
 * matched is an outcome too (`why`). -1 only when nothing can go on (ERR_SYSTEM, ERR_IO). */
int rematch_all(struct site *contour, const struct advisories_in_force *f,
                void (*each)(void *arg, const struct rematched *r), void *arg, struct err *e);
