/* One receive under way. The order of the files is the order of the work: receive_media.c (what lies on the medium),
 * receive_trust.c (is it a shipment for us), receive_plan.c (which volume is which, do they carry what was signed),
 * receive_copy.c (the one pass), receive_artifacts.c (a policy, advisories), receive_commit.c (rename and transaction).
 */
#pragma once

#include "ship/packages.h"
#include "ship/receive.h"
#include "ship/shipment_doc.h"
#include "trust/statement.h"
#include "trust/tuf.h"

/* A metadata file as it was read: kept, so that quarantine holds the very bytes that were verified. */
struct medium_file {
    char name[80];
    struct buf bytes; /* owned */
};

/* A volume file. */
struct medium_volume {
    char *name;     /* owned; on the medium, for opening */
    char shown[80]; /* the same for messages: printable */
    uint64_t size;  /* bytes */
    uint64_t payload_at;
    struct digest header_digest;
    struct volume_header header; /* owned; filled once the digest was found in shipment.json */
    size_t number;               /* 0: not placed */
};

struct medium {
    const char *path; /* as the user gave it */
    int dir, metadata, targets;
    struct medium_file *files; /* owned */
    size_t file_count;
    struct medium_volume *volumes; /* owned; after placing: in order of number */
    size_t volume_count;
};

/* A blob that the metadata signs for. */
struct signed_blob {
    struct digest digest;
    uint64_t length;
    const char *name; /* target name "models/<hex>", borrowed from the update */
    uint64_t covered; /* bytes that extents cover */
    bool in_store;    /* the contour has it: linked, not copied */
};

struct received_statement {
    struct digest id, subject;
    char predicate_type[128];
    struct buf envelope; /* owned */
};

struct receiving {
    struct site *s;
    struct child *parser;
    const struct ship_progress *progress;
    struct medium medium;
    char station[65]; /* fingerprint of its root, hex */
    struct tuf_update *update;
    struct shipment_doc doc;
    struct signed_blob *blobs; /* owned; sorted by digest */
    size_t blob_count;
    uint64_t copy_bytes, linked_bytes;
    size_t linked_count;
    int quarantine;                /* folder */
    char folder[96], partial[104]; /* names below quarantine/ */
    struct blobs *out;
    struct release **releases;             /* owned; doc.release_count of them */
    struct packages *packages;             /* owned; what each of them brings */
    struct received_statement *statements; /* owned */
    size_t statement_count;
    struct public_key *keys[SHIPMENT_KEYS_MAX]; /* owned */
    const struct receive_taker *const *takers;
    size_t taker_count;
    struct received_artifact artifacts[SHIPMENT_ARTIFACTS_MAX]; /* as doc.artifacts */
    struct statement said[SHIPMENT_ARTIFACTS_MAX];              /* what their `said` is borrowed from */
};

/* ── receive_media.c ── */
int medium_open(struct medium *m, const char *path, struct err *e);
void medium_fini(struct medium *m);
/* A file of metadata/ or targets/: opened without following links, regular, at most out->max bytes. ERR_NOTFOUND. */
int medium_read(struct medium *m, int folder, const char *file, struct buf *out, struct err *e);
/* As tuf_source.fetch, with a struct medium. Remembers what was read. */
int medium_fetch(void *arg, const char *file, struct buf *out, struct err *e);
/* The name of the one file of targets/ that ends with `suffix`; false when there is none or more than one. */
bool medium_find_target(const struct medium *m, const char *suffix, char *out, size_t size);
/* Opens a volume file again: the same name, regular. */
int medium_open_volume(const struct medium *m, const struct medium_volume *v, struct err *e);

/* ── receive_trust.c ── */
int receive_trust(struct receiving *r, struct err *e);

/* ── receive_plan.c ── */
int receive_plan(struct receiving *r, struct err *e);
struct signed_blob *receive_find_blob(const struct receiving *r, const struct digest *id);

/* ── receive_copy.c ── */
int receive_copy(struct receiving *r, struct err *e);
/* Says which blobs a damaged block can have damaged. `block` are its bytes as read. */
void receive_blame(const struct receiving *r, const struct medium_volume *v, uint64_t block_at, struct span block,
                   struct buf *out);

/* ── receive_artifacts.c ── */
/* Are they targets of their roles? Before the copying. */
int receive_list_artifacts(struct receiving *r, struct err *e);
/* Their signatures, and what the takers say; after it. */
int receive_look_at_artifacts(struct receiving *r, struct err *e);
int receive_keep_artifacts(struct receiving *r, uint64_t number, struct err *e);
void receive_artifacts_fini(struct receiving *r);

/* ── receive_commit.c ── */
int receive_read_releases(struct receiving *r, struct err *e);
/* The contour's own word that a release came in this shipment, with the keys that vouch for the station's statements:
 * the predicate urn:airlock:receipt:v1 (docs/formats/receipt.schema.json). */
int receive_write_receipt(struct receiving *r, uint64_t number, struct buf *out, struct err *e);
int receive_commit(struct receiving *r, struct receive_result *out, struct err *e);

/* ERR_DENIED when the ledger says that this number, or a later one, of this station was received before. */
int receive_check_ledger(struct receiving *r, struct err *e);
