/* One metadata file of TUF 1.0.34: taken apart, signatures counted, then read under our strict form. Shared by the
 * client (tuf_client.c), the trusted state (tuf_state.c) and the writer (tuf_write.c). Order, always: tuf_signed_open →
 * tuf_signed_by (or a fingerprint) → tuf_meta_read. Hard rule: no member is looked at before somebody who may has
 * signed it; an exception is the list of keys of a root, which the root before it has signed, or a fingerprint covers.
 */
#pragma once

#include "trust/tuf.h"
#include "util/limits.h"

#define TUF_SPEC_VERSION  "1.0.34"
#define TUF_KEYS_MAX      32U /* of one role: more people than any threshold asks for */
#define TUF_FILE_CHARS    40U /* "9007199254740991.advisories.json" */
#define TUF_TARGET_CHARS  255U
#define TUF_TIMEOUT_MS    20000
#define TUF_FIRST_DELEGEE TUF_MODELS

/* Who may sign a role. */
struct tuf_holders {
    struct {
        char id[65]; /* TUF's keyid: SHA-256 of the canonical JSON of the key object */
        struct public_key *key;
    } list[TUF_KEYS_MAX];
    size_t count;
    uint64_t threshold;
};
void tuf_holders_fini(struct tuf_holders *h);
/* {"keyids": […], "threshold": N} over the file's "keys"; key ids are recomputed. */
int tuf_holders_read(const json_t *role, const json_t *keys, const char *at, struct tuf_holders *out, struct err *e);
bool tuf_holders_same_keys(const struct tuf_holders *a, const struct tuf_holders *b);
bool tuf_holders_share_a_key(const struct tuf_holders *a, const struct tuf_holders *b);

/* Taken apart, not believed. */
struct tuf_signed {
    struct buf reply;      /* owned */
    struct span canonical; /* borrowed from it, as all below */
    struct {
        struct span keyid, bytes;
    } signatures[LIMIT_SIGNATURES];
    size_t count;
};
void tuf_signed_fini(struct tuf_signed *s);
#define auto_tuf_signed AUTO(tuf_signed_fini) struct tuf_signed
int tuf_signed_open(struct child *parser, struct span bytes, const char *file, struct tuf_signed *out, struct err *e);
/* ERR_INPUT when fewer different keys than the threshold signed; says how many did. `whose` is said in the message. */
int tuf_signed_by(const struct tuf_signed *s, const struct tuf_holders *h, const char *file, const char *whose,
                  struct err *e);

/* What a root says: who holds the four roles. */
struct tuf_root {
    struct tuf_holders holders[TUF_TIMESTAMP + 1];
};
void tuf_root_fini(struct tuf_root *r);

/* A file that is believed. */
struct tuf_meta {
    uint64_t version;
    int64_t expires_s;
    json_t *body;          /* "signed"; owned */
    struct buf bytes;      /* the file as received; owned */
    struct digest content; /* of the canonical bytes of "signed" */
};
void tuf_meta_fini(struct tuf_meta *m);
#define auto_tuf_meta AUTO(tuf_meta_fini) struct tuf_meta

/* Reads the members that all roles have. `type` is "root", "targets", …; bytes are copied. */
int tuf_meta_read(const struct tuf_signed *s, struct span bytes, const char *type, const char *file,
                  struct tuf_meta *out, struct err *e);
int tuf_root_read(const struct tuf_meta *m, const char *file, struct tuf_root *out, struct err *e);

/* What a timestamp or snapshot says about another file. */
struct tuf_listed {
    uint64_t version;
    bool has_length, has_digest;
    uint64_t length;
    struct digest digest;
};
/* ERR_INPUT when "meta" does not list it. */
int tuf_listed_read(const struct tuf_meta *m, const char *listed, const char *file, struct tuf_listed *out,
                    struct err *e);

/* The delegations of targets: *h for each of the four delegated roles; count 0: not delegated. */
struct tuf_delegations {
    struct tuf_holders holders[TUF_ROLES];
};
void tuf_delegations_fini(struct tuf_delegations *d);
int tuf_delegations_read(const struct tuf_meta *m, const char *file, struct tuf_delegations *out, struct err *e);

/* The targets of one role; appends to *list (owned by the caller), growing *count. Strings and custom are borrowed from
 * m. Names must belong to the role: "models/<one more part>", and for TUF_TARGETS none of the delegated folders. */
int tuf_targets_read(const struct tuf_meta *m, enum tuf_role role, const char *file, struct tuf_target **list,
                     size_t *count, struct err *e);

/* Is it a name that a file of this role may list? */
bool tuf_target_name_fits(const char *name, enum tuf_role role);

/* The key object as it stands in metadata (new reference), and its keyid. */
json_t *tuf_key_json(const struct public_key *k, struct err *e);
int tuf_key_id(const json_t *key, char id[65], struct err *e);
