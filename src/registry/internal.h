/* What the files of the registry share. */
#pragma once

#include <pthread.h>

#include "registry/oci_path.h"
#include "registry/registry.h"
#include "sandbox/child.h"
#include "store/db_release.h"
#include "util/json.h"

#define MANIFEST_MAX (4U << 20) /* what registries must take, distribution-spec "Pushing Manifests" */

struct mirror_view;
struct registry;

/* One mirror's route: what mirror_handle is given (mirror.h). */
struct mirror_route {
    struct registry *g;
    const struct mirror_view *view;
};

struct registry {
    struct registry_options o;
    pthread_mutex_t parser_lock;
    struct child *parser; /* manifests came from outside: they are read in it; under parser_lock */

    /* A route each, in the order of registry.c. */
    struct mirror_route mirrors[REGISTRY_ROUTES];
    char mirror_paths[REGISTRY_ROUTES][16];
};

/* One request to a repository, let in. */
struct pull {
    struct registry *g;
    struct http_request *r;
    struct identity who;
    struct oci_path path;
    struct db *db;         /* taken for this request */
    struct digest release; /* what the pointer names */
};

/* Writes the access record of a pull (docs/formats/access-pull.schema.json). `digest` may be NULL. -1: it could not be
 * written (and was logged); then nothing is given. */
int pull_record(const struct pull *p, unsigned status, const struct digest *digest, uint64_t bytes);

void pull_record_write(const struct pull *p, int64_t time_s, unsigned status, const struct digest *digest,
                       uint64_t bytes, struct buf *out);

/* Answers GET …/referrers/DIGEST. */
void referrers_answer(struct pull *p);

/* The handler of /v2/; arg is the registry. */
void oci_handle(struct http_request *r, void *arg);
