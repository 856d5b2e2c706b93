/* Discarding: what is not wanted any more gives its room back. A shipment that waits in quarantine, or a release that
 * no pointer names and no rollback would bring back: its bytes, blobs' rows and packages go; its name, version and
 * digest stay, since a version never changes, and so does all that was signed about it. It can be received again. Hard
 * rule: nothing that stands anywhere, or that a rollback would bring back, can be discarded. */
#pragma once

#include "site/site.h"
#include "store/db_release.h"

struct discard_result {
    size_t releases;
    uint64_t bytes; /* of the blobs that they were made of; what others share stays, the rest goes with the next gc */
};

/* All releases of the shipment that wait in quarantine. ERR_NOTFOUND (no such shipment), ERR_DENIED (nothing waits). */
int discard_shipment(struct site *s, uint64_t number, const char *reason, struct discard_result *out, struct err *e);

/* One release. ERR_DENIED: it stands somewhere, or a rollback would bring it back; ERR_EXISTS: it was discarded. */
int discard_release(struct site *s, const struct digest *release, const char *reason, struct discard_result *out,
                    struct err *e);
