/* What a station signs alone, with the key of one of its delegated roles (advisories, policy): a statement about one
 * file, in one JSON document beside it (docs/formats/advisories.md, "Signature"). It travels with the file, in a
 * shipment or without one. The role's key is
 * the one that the station's targets metadata delegates to; where a contour has accepted such metadata with a shipment,
 * its word counts, else the metadata that the document carries, which the station's trusted root vouches for. Hard
 * rule: a station that is not trusted, or a key that it does not delegate to, signs nothing. */
#pragma once

#include "trust/statement.h"
#include "trust/tuf.h"

#define ROLE_DOCUMENT_SCHEMA "airlock/role-document/1"
#define ROLE_DOCUMENT_BYTES  (4U << 20)

/* Signs `predicate` about `subject`. `station`: the fingerprint of its first root. The metadata in it, and so the
 * document, is good until expires_s. */
int role_document_sign(const struct tuf_signer *s, enum tuf_role role, const struct digest *station, int64_t now_s,
                       int64_t expires_s, const char *name, const struct digest *subject, const char *predicate_type,
                       struct span predicate, struct buf *out, struct err *e);

/* Verifies a document about `subject`. `root` (owned statement) is what was verified; station gets the fingerprint.
 * ERR_INPUT: malformed, or not signed by that role's key; ERR_DENIED: expired; ERR_NOTFOUND: the station is not trusted
 * here. */
int role_document_verify(struct db *db, struct child *parser, const struct public_key *contour, struct span document,
                         enum tuf_role role, const struct digest *subject, const char *predicate_type, int64_t now_s,
                         struct statement *out, char station[DIGEST_HEX_SIZE], struct err *e);

/* The same for a document that came in a shipment: by the keys that the shipment's own, verified metadata delegates to.
 * The metadata in the document is not looked at. */
int role_document_verify_in(const struct tuf_update *update, const char *station, struct child *parser,
                            struct span document, enum tuf_role role, const struct digest *subject,
                            const char *predicate_type, struct statement *out, struct err *e);

/* The same on the station, by the key that its role has now. */
int role_document_verify_own(const struct public_key *key, const char *station, struct child *parser,
                             struct span document, enum tuf_role role, const struct digest *subject,
                             const char *predicate_type, struct statement *out, struct err *e);
