/* What the files of the registry share. */
#pragma once

#include <pthread.h>

#include "registry/registry.h"
#include "sandbox/child.h"
#include "store/db_release.h"
#include "util/json.h"

#define MANIFEST_MAX (4U << 20) /* what registries must take, distribution-spec "Pushing Manifests" */

struct apt_cache;
struct cache;
struct mirror_view;
struct pushing;
struct registry;

/* One mirror's route: what mirror_handle is given (mirror.h). */
struct mirror_route {
    struct registry *g;
    const struct mirror_view *view;
};

struct registry {
    struct registry_options o;
    pthread_mutex_t parser_lock;
    struct child *parser;    /* manifests came from outside: they are read in it; under parser_lock */
    struct pushing *pushing; /* NULL: it takes no pushes */
    struct cache *cache;     /* of answers that are the same for every caller */

    struct apt_cache *apt;

    /* A route each, in the order of registry.c. */
    struct mirror_route mirrors[REGISTRY_ROUTES];
    char mirror_paths[REGISTRY_ROUTES][16];
};

/* The handler of /v2/, and what answers it from the cache; arg is the registry. */
void oci_handle(struct http_request *r, void *arg);
bool oci_at_once(struct http_request *r, void *arg);
