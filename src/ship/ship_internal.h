/* One shipping under way. */
#pragma once

#include "ship/ship.h"
#include "ship/shipment_doc.h"
#include "ship/station.h"

struct ship_blob {
    struct digest digest;
    uint64_t size;
    enum tuf_role role; /* who signs for it */
};

struct shipping {
    struct site *s;
    const struct ship_order *order;
    const struct ship_progress *progress;
    struct contour_identity contour;
    struct shipment_doc doc;
    struct ship_blob *blobs; /* owned; each digest once */
    size_t blob_count;
    uint64_t blob_bytes, media_bytes;
    int out;                  /* the medium's folder */
    struct station_keys keys; /* owned; empty before ship_keys */
};

/* The station's keys, unsealed at the first call: that costs a second. NULL: as station_keys_load. */
const struct station_keys *ship_keys(struct shipping *p, struct err *e);

/* Finds the releases of the order, reads them, and collects every blob that must travel. */
int ship_collect(struct shipping *p, struct err *e);

/* The same for one blob, of which `role` will sign; again is fine. ERR_INPUT when it travels under another role. */
int ship_add_blob(struct shipping *p, const struct digest *id, uint64_t size, enum tuf_role role, struct err *e);

/* ── ship_artifacts.c ── */
/* Takes along what the station's role signed into `file`.sig. */
int ship_artifact(struct shipping *p, enum tuf_role role, const char *file, struct err *e);

/* Lays out and writes the volumes; fills doc.volumes. */
int ship_volumes(struct shipping *p, struct err *e);
void ship_volume_name(const struct shipping *p, uint64_t number, char out[128]);

/* Writes shipment.json and the TUF metadata: what makes a shipment of the volumes. */
int ship_metadata(struct shipping *p, struct err *e);
