/* TUF 1.0.34 in the manner of Uptane PURE-2 (offline media): the client that a contour verifies shipments with, and the
 * writer that a station signs them with. Signatures cover OLPC canonical JSON, so metadata is canonicalised in the
 * parse process (op "tuf": canonical bytes and signatures), verified here, and only then read. Strict beyond the
 * specification: key ids are recomputed, times have exactly 20 characters, integers are below 2^53, no duplicate keys,
 * target names are [A-Za-z0-9._/-]. Delegations are one level deep, terminating, with disjoint paths: models/,
 * software/, policy/, advisories/. Hard rule: the trusted state changes only through tuf_commit, and never towards
 * less. */
#pragma once

#include "sandbox/child.h"
#include "store/db_people.h"
#include "trust/key.h"
#include "util/json.h"

enum tuf_role {
    TUF_ROOT,
    TUF_TARGETS,
    TUF_SNAPSHOT,
    TUF_TIMESTAMP,
    TUF_MODELS,
    TUF_SOFTWARE,
    TUF_POLICY,
    TUF_ADVISORIES,
    TUF_ROLES
};
const char *tuf_role_name(enum tuf_role r);

/* ── the client ── */

/* Where metadata comes from: fills *out (maximum = cap) with the file's bytes. ERR_NOTFOUND when there is none. */
struct tuf_source {
    int (*fetch)(void *arg, const char *file, struct buf *out, struct err *e);
    void *arg;
};

struct tuf_target {
    enum tuf_role role; /* who signed for it: TUF_TARGETS or a delegated role */
    const char *name;   /* "models/<hex>", borrowed from the update */
    struct digest digest;
    uint64_t length;
    const json_t *custom; /* may be NULL; borrowed */
};

struct tuf_update; /* a whole, verified set of metadata, not yet trusted state */

/* Runs the client workflow (section 5.3–5.6) from the trusted state in db for `station` (hex of its root fingerprint),
 * with time `now_s` read once. Nothing is written. NULL: ERR_DENIED (expired, rolled back: what, which versions),
 * ERR_EXISTS (the very same timestamp was accepted before), ERR_INPUT (malformed, or signatures below the threshold),
 * ERR_NOTFOUND (missing file or unknown station). */
struct tuf_update *tuf_refresh(struct db *db, const char *station, struct child *parser,
                               const struct tuf_source *source, int64_t now_s, struct err *e);
void tuf_update_free(struct tuf_update *u);
/* All targets of all roles, sorted by name. */
size_t tuf_update_count(const struct tuf_update *u);
const struct tuf_target *tuf_update_target(const struct tuf_update *u, size_t i);
const struct tuf_target *tuf_update_find(const struct tuf_update *u, const char *name); /* NULL: not listed */
uint64_t tuf_update_timestamp_version(const struct tuf_update *u);
int64_t tuf_update_expires(const struct tuf_update *u); /* the earliest expiry of the set */
/* Makes the update the trusted state, inside the open transaction. ERR_BUSY when that state is no longer the one that
 * the update was verified against. */
int tuf_commit(struct db *db, const char *station, const struct tuf_update *u, struct err *e);
/* Keeps the new roots of a medium whose other metadata were refused (5.3: a root is kept as soon as it is verified, so
 * that a key that was taken away stays away), inside the open transaction. *count (may be NULL) says how many. */
int tuf_commit_roots(struct db *db, const char *station, struct child *parser, const struct tuf_source *source,
                     size_t *count, struct err *e);

/* The stations that are trusted, sorted by id. */
struct tuf_station {
    char id[DIGEST_HEX_SIZE]; /* fingerprint of the first root */
    uint64_t first_root_version, root_version;
    uint64_t timestamp_version; /* 0: nothing was received yet */
};
/* *list is the caller's to free. */
int tuf_stations(struct db *db, struct tuf_station **list, size_t *count, struct err *e);

/* One role of a station's root as trusted now, for people. */
struct tuf_holder_view {
    enum tuf_role role;
    uint64_t threshold;
    size_t count;
    struct digest keys[32]; /* ids as of key.h */
    enum key_kind kinds[32];
};
/* Verifies the stored chain of roots. `views` has room for the four roles root, targets, snapshot, timestamp. */
int tuf_station_read(struct db *db, const char *station, struct child *parser, struct tuf_holder_view views[4],
                     int64_t *root_expires_s, struct err *e);

/* Takes a first root (1.root.json, or a later one) that people compared: verifies its own signatures, recomputes the
 * fingerprint (SHA-256 of the canonical bytes of its "signed" part, hex) and stores it, inside the open transaction.
 * ERR_DENIED when the fingerprint is another; ERR_EXISTS when the station is trusted already, by this root or by one
 * that has a root key in common with it. */
int tuf_root_add(struct db *db, struct child *parser, struct span root, const char *fingerprint, struct err *e);
/* The contour's signed word that it trusts the station, stored beside the root inside the open transaction; and whether
 * it is there and right: ERR_DENIED when not. */
int tuf_root_endorse(struct db *db, const char *station, const struct private_key *contour, int64_t now_s,
                     struct err *e);
int tuf_root_endorsed(struct db *db, const char *station, struct child *parser, const struct public_key *contour,
                      struct err *e);
int tuf_root_fingerprint(struct child *parser, struct span root, struct digest *out, struct err *e);

/* ── the writer ── */

struct tuf_signer {
    const struct private_key *keys[TUF_ROLES]; /* one key a role; thresholds are 1 here, the format allows more */
};

/* Version 1 of the root. */
int tuf_write_root(const struct tuf_signer *s, uint64_t version, int64_t expires_s, struct buf *out, struct err *e);
/* A later root: signed by its own root key and by `before`, the root key of the version before it. */
int tuf_write_next_root(const struct tuf_signer *s, const struct private_key *before, uint64_t version,
                        int64_t expires_s, struct buf *out, struct err *e);

struct tuf_new_target {
    enum tuf_role role;
    char name[80];
    struct digest digest;
    uint64_t length;
    const char *custom; /* JSON object or NULL */
};

/* Writes targets, the delegated roles, snapshot and timestamp of one version, all with the same version number: calls
 * `emit` with file names as they stand on the medium ("7.targets.json", "7.models.json", "7.snapshot.json",
 * "timestamp.json"). */
int tuf_write_set(const struct tuf_signer *s, uint64_t version, int64_t expires_s, const struct tuf_new_target *targets,
                  size_t count, int (*emit)(void *arg, const char *file, struct span bytes, struct err *e), void *arg,
                  struct err *e);
