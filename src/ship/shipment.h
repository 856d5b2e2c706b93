/* Shipments as the contour keeps them: numbered rows, a folder below quarantine/ each, and the blobs in it. Hard rule:
 * what lies in quarantine can be read by whoever judges it, and by nobody else: registry and engine never open it. */
#pragma once

#include "ship/release.h"
#include "site/site.h"
#include "store/db_release.h"

/* What a contour itself says about a shipment that it received and verified, one for each release in it: contour,
 * station, sequence, and the keys that the station's TUF metadata vouched for. Signed by the contour's key, so that a
 * gate can believe it without the media. */
#define PREDICATE_RECEIPT "urn:airlock:receipt:v1"

/* Below the contour: an image layout with what was pushed and not judged (src/registry/push.h). */
#define PUSHED_FOLDER "pushed"

/* The blobs of shipment `number` in quarantine (a layout of its own). The caller closes. NULL: ERR_NOTFOUND (no such
 * shipment), ERR_IO. */
struct blobs *shipment_blobs(struct site *s, uint64_t number, struct err *e);

/* The blobs of a release wherever it lies now: the store when it was admitted, else its shipment in quarantine, or
 * pushed/ of a contour when no shipment brought it. The caller closes. */
struct blobs *release_blobs(struct site *s, const struct release_row *row, struct err *e);

/* Reads the release of a row, and holds the row against it: name and version are what the index says, which the station
 * signed. A row that calls a release otherwise (names swapped, a version made up) is ERR_INPUT; the rest as
 * release_read. */
struct release *release_of_row(struct site *s, const struct blobs *b, const struct release_row *row, struct err *e);

/* The key with which the station signed its attestations about `release`, taken from the contour's own signed receipt
 * (never from a row that nobody signed). The caller frees. NULL: ERR_NOTFOUND when no receipt verifies. On a station:
 * the station's own key. */
struct public_key *release_station_key(struct site *s, const struct digest *release, struct err *e);

/* Removes what an interrupted receive left below quarantine/: folders that no row names. Takes quarantine/.lock;
 * ERR_BUSY when a receive runs. *removed (may be NULL) counts. */
int quarantine_tidy(struct site *s, unsigned *removed, struct err *e);

/* The same, for who holds the lock already. `quarantine` is the folder; with `quiet` no event is logged. */
int quarantine_tidy_locked(struct site *s, int quarantine, bool quiet, unsigned *removed, struct err *e);
