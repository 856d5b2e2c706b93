/* Receiving media into quarantine: metadata by TUF, audience, sequence, expiry, room, then every volume in one pass
 * that copies and hashes, then one rename and one transaction. Hard rule: before the rename nothing of a shipment is
 * visible, after the transaction all of it is; interrupted in between, the same command again completes it. */
#pragma once

#include "ship/progress.h"
#include "site/site.h"

#define RECEIVE_RELEASES_MAX 64U

struct receive_release {
    char name[65], version[33];
    struct digest digest;
    bool known; /* was received before, in another shipment */
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
};

/* ERR_DENIED: replayed, older, addressed to another contour, expired, issued in the future, not a station that is
 * trusted here. ERR_INPUT: wrong signature, malformed, missing or surplus or damaged volume (which file, block, blob).
 * ERR_NOSPACE before a byte is copied when the room does not suffice. ERR_BUSY: another receive runs. */
int receive_media(struct site *contour, const char *dir, const struct ship_progress *progress,
                  struct receive_result *out, struct err *e);
