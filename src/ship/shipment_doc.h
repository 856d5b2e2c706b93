/* shipment.json (docs/formats/shipment.md): what a shipment is, signed as a TUF target: to whom, which number, until
 * when, which releases, which policy and advisories, which volumes. */
#pragma once

#include "ship/attachment.h"
#include "ship/volume.h"
#include "trust/tuf.h"

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

/* A policy or a snapshot of advisories that travels along: two targets of its role, the bytes and the document of
 * trust/role_document.h about them. */
#define SHIPMENT_ARTIFACTS_MAX 2U
struct shipment_artifact {
    enum tuf_role role; /* TUF_POLICY or TUF_ADVISORIES; each at most once */
    struct digest digest, signature;
    uint64_t size;  /* of the bytes */
    int64_t date_s; /* of a policy: when it was signed; of advisories: of the newest source */
};
/* TUF_ROLES: no artifact has this role. */
enum tuf_role shipment_artifact_role(const char *name);

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
    struct shipment_artifact artifacts[SHIPMENT_ARTIFACTS_MAX];
    size_t artifact_count;
    struct digest attestation_keys[SHIPMENT_KEYS_MAX]; /* targets policy/<hex>: PEM */
    size_t key_count;
    struct shipment_volume *volumes; /* owned */
    size_t volume_count;
};

void shipment_doc_fini(struct shipment_doc *d);
int shipment_doc_write(const struct shipment_doc *d, struct buf *out, struct err *e);
/* The member "artifacts"; nothing when there is none. */
void shipment_doc_put_artifacts(struct json_out *w, const struct shipment_doc *d);
/* Reads it back; also out of the ledger's entry "receive". */
int shipment_artifacts_read(const json_t *object, struct shipment_artifact out[SHIPMENT_ARTIFACTS_MAX], size_t *count,
                            struct err *e);
/* From what the parse process gave back. Strict. */
int shipment_doc_read(const json_t *root, struct shipment_doc *out, struct err *e);
