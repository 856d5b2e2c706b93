/* Snapshots of advisories between station and contour: signed there with the key of the role advisories, taken in here,
 * out of a shipment or from two files, as a blob with the contour's own signed word about it. No person is asked
 * (docs/decisions/0020-carried.md). Hard rule: one that is older than the one in force is refused, and what a contour
 * matches against is what its own signature names, hashed again before it is used. */
#pragma once

#include "scan/advisories.h"
#include "ship/artifact.h"
#include "ship/receive.h"

/* A station signs the snapshot `fd`; *out is the document of trust/role_document.h. */
int advisories_sign(struct site *station, int fd, const struct digest *id, struct buf *out, struct err *e);

/* What is in force in a contour. */
struct advisories_in_force {
    int fd; /* -1: not opened; the caller closes by advisories_in_force_fini */
    struct digest digest, evidence;
    int64_t issued_s, imported_s;
    uint64_t shipment; /* that brought it; 0: it was imported from files */
    char station[DIGEST_HEX_SIZE];
    json_t *said; /* owned: the predicate: "date", "oldest", "records", "sources", … */
};
void advisories_in_force_fini(struct advisories_in_force *f);
#define auto_in_force AUTO(advisories_in_force_fini) struct advisories_in_force

/* ERR_NOTFOUND when none was taken in; ERR_INPUT: the row, the signature or the bytes are not right. With `open` the
 * snapshot is opened and hashed. */
int advisories_in_force(struct site *contour, bool open, struct advisories_in_force *out, struct err *e);

/* Takes in the snapshot `fd` with its signature. ERR_INPUT: damaged, or not signed by a station's role advisories;
 * ERR_DENIED: expired, of the future, older than the one in force. The one that is in force once more is fine. *out is
 * what is in force then. */
int advisories_take(struct site *contour, int fd, struct span signature, struct advisories_in_force *out,
                    struct err *e);

/* Takes it out of a shipment, as the shipment arrives. */
extern const struct receive_taker ADVISORIES_TAKER;
