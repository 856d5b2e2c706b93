/* A policy or a snapshot of advisories on its way across the gap: bytes, and a document beside them that the station's
 * role of that name signed (trust/role_document.h). What the statement in it says of times and of whom it is for is
 * read here, at the station before it is shipped and in the contour when it arrives. Hard rule: what is expired, of the
 * future or for another contour is refused on both sides. */
#pragma once

#include "ship/shipment_doc.h"
#include "trust/statement.h"

/* What the role `policy` signs: that a policy may be put in force; {"issued", "expires", "contour"?}. The contour's own
 * word that it came is of the same type (src/gate/policy_proposal.h). */
#define PREDICATE_PROPOSAL   "urn:airlock:policy-proposal:v1"
/* What the role `advisories` signs (docs/formats/advisories.md, "Signature"). */
#define PREDICATE_ADVISORIES "urn:airlock:advisories:v1"

/* How long a signature of either is good. */
#define ARTIFACT_VALID_S (90LL * 86400)

/* A clock of another machine may be so much ahead of ours. */
#define ARTIFACT_AHEAD_S 300

/* Stands beside the file: FILE.sig. */
#define ARTIFACT_SIGNATURE_SUFFIX ".sig"

struct artifact_times {
    int64_t issued_s, expires_s;
    int64_t date_s; /* as shipment_artifact's */
};

/* The predicate type of that role. */
const char *artifact_predicate_type(enum tuf_role role);

/* Reads the predicate that the role signed. ERR_DENIED: expired, of the future, or for another contour than the one of
 * id `contour` (NULL: any will do); ERR_INPUT. */
int artifact_times(enum tuf_role role, const json_t *predicate, const char *contour, int64_t now_s,
                   struct artifact_times *out, struct err *e);
