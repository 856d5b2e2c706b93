/* What the records of a tree claim, by path: so that a reader who has a file's bytes can say whether the package that
 * claims it is right. Hard rule: a path that is claimed twice with two hashes is claimed by nobody. */
#pragma once

#include "util/digest.h"

struct claim {
    char *path; /* owned */
    enum hash kind;
    uint8_t bytes[HASH_SIZE_MAX];
    bool has_hash, configuration, disputed;
};

struct claims;
struct claims *claims_new(void);
void claims_free(struct claims *c); /* NULL is fine */

/* `bytes`: hash_size(kind) of them, or empty. */
void claims_add(struct claims *c, struct span path, enum hash kind, struct span bytes, bool configuration);

/* The claim for a path of the tree, or NULL. /bin/x is found as /usr/bin/x too, where both folders are one. */
const struct claim *claims_find(const struct claims *c, const char *path);

/* Somebody claims the path, with the hash that these bytes have. */
bool claims_vouch(const struct claims *c, const char *path, struct span bytes);
