/* The registry: what stock clients speak. OCI distribution 1.1 (oci.c) and the mirrors of packages, which are views of
 * the same store (mirror.h). Of OCI: repository names begin with the environment, `prod/assistant`, and hold the
 * release that the environment's pointer names now, under its version and under `latest`; in sandbox also what the
 * caller pushed and nobody has judged (push.h). Hard rule: a blob is served when a pointer of that environment reaches
 * it, or to its pusher, and otherwise does not exist: what lies in quarantine is 404. */
#pragma once

#include "gateway/callers.h"
#include "store/blobs.h"

/* Who signs apt's indexes: the contour (apt_key.h), or a test. All zero: nobody. */
struct index_signer {
    /* Appends `release` inside its signature, and the signature alone, as of `at_s`. */
    int (*sign)(void *arg, int64_t at_s, struct span release, struct buf *clear, struct buf *detached, struct err *e);
    int (*public_key)(void *arg, struct buf *armored, struct err *e);
    void *arg;
    const char *label; /* what the indexes are called: the contour's name; borrowed */
};

struct registry_options {
    struct callers *callers; /* database handles */
    struct callers_source identify;
    struct index_signer signer;
    const struct blobs *blobs;                                   /* the contour's store */
    int (*record)(void *arg, struct span record, struct err *e); /* access log; must not block */
    void *arg;
    const char *home;       /* the contour's folder, to push into; borrowed. NULL: nothing can be pushed */
    uint64_t reserve_bytes; /* kept free on its disk: below it nothing is pushed (site/room.h) */
    uint64_t quota_bytes;   /* of what lies pushed and unjudged in one repository; 0: no limit */
};

struct registry;

struct registry *registry_start(const struct registry_options *o, struct err *e);
/* After http_stop. */
void registry_stop(struct registry *g); /* NULL is fine */

/* At most this many. Returns how many there are; they live until registry_stop. */
#define REGISTRY_ROUTES 16
size_t registry_routes(struct registry *g, struct http_route routes[REGISTRY_ROUTES]);
