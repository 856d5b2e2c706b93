/* Receiving media into quarantine: metadata by TUF, audience, sequence, expiry, room, then every volume in one pass
 * that copies and hashes, then one rename and one transaction. Hard rule: before the rename nothing of a shipment is
 * visible, after the transaction all of it is; interrupted in between, the same command again completes it. */
#pragma once

#include "ship/progress.h"
#include "ship/shipment_doc.h"
#include "site/site.h"
#include "store/blobs.h"

#define RECEIVE_RELEASES_MAX 64U

struct receive_release {
    char name[65], version[33];
    struct digest digest;
    bool known; /* was received before, in another shipment */
};

/* A policy or a snapshot of advisories that came along: signed by that role of the station, in time, for this contour.
 * Everything is borrowed for the length of a call, but `facts`. */
struct received_artifact {
    const struct shipment_artifact *listed;
    int64_t issued_s, expires_s; /* of the role's signature */
    const json_t *said;          /* the predicate that the role signed */
    const char *station;         /* fingerprint of its root */
    const char *station_name;
    uint64_t sequence;
    uint64_t shipment;   /* N of shipment:N; 0 before it is known */
    struct blobs *blobs; /* where the bytes lie */
    json_t *facts;       /* `look` may leave here what `keep` wants to know; freed by receive */
};

/* What the layers above do with it. */
struct receive_taker {
    enum tuf_role role;
    /* Would this contour take it? Before anything is kept: a no refuses the whole shipment. ERR_INPUT: its bytes are
     * not what was signed; ERR_DENIED: older than what is here. */
    int (*look)(struct site *s, struct received_artifact *a, struct err *e);
    /* Takes it, inside the transaction of the shipment, with a ledger entry (site_append). */
    int (*keep)(struct site *s, const struct received_artifact *a, struct err *e);
};

struct receive_result {
    uint64_t number; /* shipment:N */
    char station[65];
    uint64_t sequence;
    int64_t issued_s, expires_s;
    size_t volume_count, blob_count, linked_count; /* linked: the store had the blob already, nothing was copied */
    uint64_t blob_bytes, linked_bytes;
    struct receive_release releases[RECEIVE_RELEASES_MAX];
    size_t release_count;
    struct shipment_artifact artifacts[SHIPMENT_ARTIFACTS_MAX];
    size_t artifact_count;
};

/* ERR_DENIED: replayed, older, addressed to another contour, expired, issued in the future, not a station that is
 * trusted here; or what a taker refuses. ERR_INPUT: wrong signature, malformed, missing or surplus or damaged volume
 * (which file, block, blob). ERR_NOSPACE before a byte is copied when the room does not suffice. ERR_BUSY: another
 * receive runs. */
int receive_media(struct site *contour, const char *dir, const struct receive_taker *const takers[], size_t taker_count,
                  const struct ship_progress *progress, struct receive_result *out, struct err *e);
