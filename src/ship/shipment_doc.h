/* shipment.json (docs/formats/shipment.md): what a shipment is, signed as a TUF target: to whom, which number, until
 * when, which releases, which volumes. */
#pragma once

#include "ship/attachment.h"
#include "ship/volume.h"

#define SHIPMENT_SCHEMA       "airlock/shipment/1"
#define SHIPMENT_TARGET       "shipment.json"
#define SHIPMENT_BYTES_MAX    (4U << 20)
#define SHIPMENT_RELEASES_MAX 64U
#define SHIPMENT_KEYS_MAX     8U

struct shipment_release {
    char name[65], version[33];
    struct digest digest;
    struct digest attachments[ATTACHMENTS_MAX];
    size_t attachment_count;
};

struct shipment_volume {
    uint64_t number, size; /* of the whole file, bytes */
    struct digest header;
};

struct shipment_doc {
    char contour[33]; /* id */
    char station[65]; /* name; for people */
    uint64_t sequence;
    int64_t issued_s, expires_s;
    struct shipment_release *releases; /* owned */
    size_t release_count;
    struct digest attestation_keys[SHIPMENT_KEYS_MAX]; /* targets policy/<hex>: PEM */
    size_t key_count;
    struct shipment_volume *volumes; /* owned */
    size_t volume_count;
};

void shipment_doc_fini(struct shipment_doc *d);
int shipment_doc_write(const struct shipment_doc *d, struct buf *out, struct err *e);
/* From what the parse process gave back. Strict. */
int shipment_doc_read(const json_t *root, struct shipment_doc *out, struct err *e);
