/* Writing media: releases of the station's store, a policy, advisories become TUF metadata plus volumes, addressed to
 * one contour, numbered and expiring (docs/formats/shipment.md, volume.md). Hard rule: the metadata is written last, so
 * that media that were interrupted are never a shipment. */
#pragma once

#include "ship/progress.h"
#include "ship/shipment_doc.h"
#include "site/site.h"

struct ship_order {
    char *const *releases; /* "name:vX.Y.Z" or "name@sha256:…" */
    size_t release_count;
    const char *policy;     /* a file that the station's role signed into FILE.sig; NULL: none travels along */
    const char *advisories; /* likewise. Without a release, one of the two is enough */
    const char *contour;    /* name */
    const char *out;        /* directory: absent or empty */
    uint64_t volume_bytes;  /* at most this much a volume file, header included */
    uint64_t valid_s;       /* the shipment expires so many seconds after it was issued */
};

#define SHIP_VOLUME_BYTES_DEFAULT (4000ULL << 20) /* fits on FAT32 */
#define SHIP_VOLUME_BYTES_MIN     65536U
#define SHIP_VALID_S_DEFAULT      (90ULL * 86400)

struct ship_result {
    uint64_t sequence;
    size_t volume_count;
    uint64_t blob_bytes, media_bytes;
    size_t blob_count;
    struct shipment_artifact artifacts[SHIPMENT_ARTIFACTS_MAX];
    size_t artifact_count;
    int64_t issued_s, expires_s;
};

int ship_write(struct site *station, const struct ship_order *order, const struct ship_progress *progress,
               struct ship_result *out, struct err *e);
