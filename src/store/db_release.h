/* Rows about shipments, releases, pointers and evidence. See db.h for the rules. Strings handed out live until the
 * callback returns. */
#pragma once

#include "store/db.h"

/* ── shipments ── */

/* Discarded: nothing of it was admitted, and nothing of it waits any more. */
enum shipment_state { SHIPMENT_QUARANTINED, SHIPMENT_ADMITTED, SHIPMENT_DISCARDED };
const char *shipment_state_name(enum shipment_state s); /* "quarantined" */

struct shipment_row {
    uint64_t number;     /* counts what this contour received, from 1: shipment:N */
    const char *folder;  /* name below quarantine/ */
    const char *station; /* the station's root fingerprint, hex */
    uint64_t sequence;   /* the station's number for this contour, from the signed metadata */
    int64_t issued_s, expires_s, received_s;
    enum shipment_state state;
};

int db_shipment_add(struct db *db, const struct shipment_row *row, uint64_t *number, struct err *e);
int db_shipment_set_state(struct db *db, uint64_t number, enum shipment_state state, struct err *e);
/* Calls each in order of number; a non-zero return stops and is returned. number 0 = all. */
int db_shipment_each(struct db *db, uint64_t number, int (*each)(void *arg, const struct shipment_row *row), void *arg,
                     struct err *e);
int db_shipment_blob_add(struct db *db, uint64_t number, const struct digest *id, uint64_t size, struct err *e);
int db_shipment_blob_each(struct db *db, uint64_t number,
                          int (*each)(void *arg, const struct digest *id, uint64_t size), void *arg, struct err *e);

/* ── blobs in the store ── */

int db_blob_add(struct db *db, const struct digest *id, uint64_t size, struct err *e); /* again is fine */
int db_blob_each(struct db *db, int (*each)(void *arg, const struct digest *id, uint64_t size), void *arg,
                 struct err *e);

/* Does anything need this blob in the store: a release that was admitted or packed here, a collection, or is it the
 * snapshot of advisories in force? */
int db_blob_needed(struct db *db, const struct digest *id, bool *needed, struct err *e);
int db_blob_remove(struct db *db, const struct digest *id, struct err *e);

/* ── releases ── */

struct release_row {
    struct digest digest; /* of the OCI image index */
    const char *name;     /* "assistant" */
    const char *version;  /* "v1.0.0" */
    uint64_t shipment;    /* 0: made here (a station) */
    bool admitted;        /* out of quarantine: bytes are in the store */
    bool discarded;       /* its bytes are gone; name, version and digest stay, since a version never changes */
    int64_t time_s;       /* received or packed */
};

/* ERR_EXISTS when name:version is there with another digest: versions are immutable. One that was discarded comes back
 * with the row's shipment. */
int db_release_add(struct db *db, const struct release_row *row, struct err *e);
int db_release_admit(struct db *db, const struct digest *release, struct err *e);
/* Its blobs and packages are forgotten. */
int db_release_discard(struct db *db, const struct digest *release, struct err *e);
/* Finds by digest, or by name and version. ERR_NOTFOUND. The strings are copied into *names, which the caller owns. */
int db_release_get(struct db *db, const struct digest *release, struct release_row *row, struct buf *names,
                   struct err *e);
int db_release_find(struct db *db, const char *name, const char *version, struct release_row *row, struct buf *names,
                    struct err *e);
int db_release_each(struct db *db, int (*each)(void *arg, const struct release_row *row), void *arg, struct err *e);

/* Every blob that a release needs, itself and its attachments included: what may be read when the release may be read.
 */
int db_release_blob_add(struct db *db, const struct digest *release, const struct digest *blob, const char *media_type,
                        uint64_t size, struct err *e);
int db_release_blob_each(struct db *db, const struct digest *release,
                         int (*each)(void *arg, const struct digest *id, const char *media_type, uint64_t size),
                         void *arg, struct err *e);

/* ── environments: pointers with history ── */

struct pointer_row {
    const char *environment; /* sandbox, test, prod */
    const char *name;        /* release name */
    struct digest release;
    int64_t time_s;
    const char *action;  /* "promote" or "rollback" */
    uint64_t ledger_seq; /* the entry that moved it */
};

/* Moves the pointer and appends to its history. */
int db_pointer_set(struct db *db, const struct pointer_row *row, struct err *e);
int db_pointer_get(struct db *db, const char *environment, const char *name, struct digest *release,
                   struct err *e); /* ERR_NOTFOUND */
int db_pointer_each(struct db *db, const char *environment /* NULL: all */,
                    int (*each)(void *arg, const struct pointer_row *row), void *arg, struct err *e);
/* Newest first. */
int db_pointer_history(struct db *db, const char *environment, const char *name,
                       int (*each)(void *arg, const struct pointer_row *row), void *arg, struct err *e);
/* May a blob be read in this environment: is it part of a release that a pointer of this environment names? *size and
 * *media_type (copied) are set. ERR_NOTFOUND otherwise. `name` NULL: any release of the environment. */
int db_environment_blob(struct db *db, const char *environment, const char *name, const struct digest *blob,
                        uint64_t *size, struct buf *media_type, struct err *e);

/* ── evidence: signed envelopes about a subject ── */

struct evidence_row {
    struct digest
        id; /* SHA-256 of the envelope's bytes, as they stand in a line of .intoto.jsonl (without the newline) */
    struct digest subject; /* usually the release digest; for an approval and a verdict too */
    const char *predicate_type;
    const char *environment; /* "" when it belongs to none */
    const char *result;      /* "PASSED", "FAILED", "INCONCLUSIVE", or "" */
    const char *origin;      /* "station", "contour", "person:NAME" */
    int64_t time_s;
    struct span envelope;
};

int db_evidence_add(struct db *db, const struct evidence_row *row, struct err *e); /* the same again is fine */
int db_evidence_get(struct db *db, const struct digest *id, struct buf *envelope, struct err *e);
/* In order of arrival. subject NULL, predicate_type NULL: all. */
int db_evidence_each(struct db *db, const struct digest *subject, const char *predicate_type,
                     int (*each)(void *arg, const struct evidence_row *row), void *arg, struct err *e);
