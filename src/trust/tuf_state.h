/* What a contour trusts of a station, as rows of db_trust: every root since the one that people compared
 * ("3.root.json"), and the last accepted timestamp, snapshot and targets files. The name of a station is the
 * fingerprint of its first root, and the chain of roots is verified from there at each load: whoever can write state.db
 * cannot put another root behind a fingerprint. Hard rule: state that is not whole is an error, never a new beginning.
 */
#pragma once

#include "trust/tuf_meta.h"

struct tuf_state {
    uint64_t first_root_version, root_version;
    struct tuf_root root; /* the last one */
    int64_t root_expires_s;
    struct tuf_meta timestamp, snapshot; /* body NULL: none yet, or dropped */
};
void tuf_state_fini(struct tuf_state *s);
#define auto_tuf_state AUTO(tuf_state_fini) struct tuf_state

/* ERR_NOTFOUND: no such station. ERR_INPUT: what is stored is damaged. */
int tuf_state_load(struct db *db, const char *station, struct child *parser, struct tuf_state *out, struct err *e);

/* New roots that the medium brought, verified one after the other. */
struct tuf_chain {
    struct tuf_meta *list; /* owned */
    size_t count;
    bool rotated; /* keys of timestamp or snapshot changed on the way: fast-forward recovery */
};
void tuf_chain_fini(struct tuf_chain *c);
#define auto_tuf_chain AUTO(tuf_chain_fini) struct tuf_chain

/* Follows the roots of `source` (5.3): state->root becomes the last one, and with `rotated` the stored timestamp and
 * snapshot are dropped from *state. */
int tuf_chain_follow(struct tuf_state *state, struct child *parser, const struct tuf_source *source,
                     struct tuf_chain *out, struct err *e);
int tuf_chain_store(struct db *db, const char *station, const struct tuf_chain *c, uint64_t first_version,
                    struct err *e);

/* Whom the update's targets metadata delegates the role to; borrowed. */
const struct tuf_holders *tuf_update_holders(const struct tuf_update *u, enum tuf_role role);

/* One step: `bytes` is root number `version`, signed by the root before it and by itself. */
int tuf_root_step(struct child *parser, struct span bytes, const char *file, const struct tuf_root *before,
                  uint64_t version, struct tuf_meta *meta, struct tuf_root *root, struct err *e);
