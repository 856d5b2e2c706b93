/* The station's own things: one TUF key a role, its root, and the contours that it packs for. Hard rule: a station
 * holds no secret of a contour; what it knows of one is public (docs/formats/identity.md). */
#pragma once

#include "site/site.h"
#include "trust/tuf.h"

/* Makes the TUF keys (keys/tuf-ROLE.pem, sealed like the station's other keys) and root.json, the first root. Fine when
 * they are there. *fingerprint is what people compare. */
int station_make_root(struct site *station, struct digest *fingerprint, struct err *e);

/* True when root.json is there: the station is whole. */
bool station_has_root(struct site *station);

/* The keys of all roles. */
struct station_keys {
    struct private_key *key[TUF_ROLES]; /* owned */
};
int station_keys_load(struct site *station, struct station_keys *out, struct err *e);
void station_keys_fini(struct station_keys *k);

/* Signs `predicate` about `subject` with the key of `role`: *out is the document of trust/role_document.h, good until
 * expires_s. */
int station_sign(struct site *station, enum tuf_role role, const char *name, const struct digest *subject,
                 const char *predicate_type, struct span predicate, int64_t expires_s, struct buf *out, struct err *e);

struct contour_identity {
    char name[65];
    char id[33];
};

/* Reads an identity file (made by `airlock identity`), checks it and keeps it under contours/. ERR_EXISTS: another
 * contour has this name. */
int station_contour_add(struct site *station, const char *file, struct contour_identity *out, struct err *e);
/* By name. ERR_NOTFOUND lists the names that there are. */
int station_contour_get(struct site *station, const char *name, struct contour_identity *out, struct err *e);

/* Calls each for every contour, sorted by name; stops when it returns non-zero. */
int station_contour_each(struct site *station, int (*each)(void *arg, const struct contour_identity *c), void *arg,
                         struct err *e);

/* The fingerprint of the root that there is. ERR_NOTFOUND. */
int station_fingerprint(struct site *station, struct digest *fingerprint, struct err *e);

/* The public identity of a contour as JSON ("schema": "airlock/identity/1", name, id, keys as PEM, ledger vkey). */
int identity_write(struct site *contour, struct json_out *w, struct err *e);
