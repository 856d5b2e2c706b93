/* The registry as a whole: what its views share, and their routes. A view of its own file is one line here. */
#include "registry/registry.h"

#include <stdlib.h>
#include <string.h>

#include "registry/apt.h"
#include "registry/apt_cache.h"
#include "registry/cache.h"
#include "registry/files.h"
#include "registry/hf.h"
#include "registry/npm.h"
#include "registry/push.h"
#include "registry/pypi.h"

/* In the order of the README. */
static const struct mirror_view *const VIEWS[] = {
    &HF_VIEW, &APT_VIEW, &FILES_VIEW, &PYPI_VIEW, &NPM_VIEW,
};

struct registry *registry_start(const struct registry_options *o, struct err *e)
{
    struct registry *g = calloc(1, sizeof(*g));
    if (!g)
        abort();
    g->o = *o;
    g->apt = apt_cache_new();
    pthread_mutex_init(&g->parser_lock, NULL);
    g->cache = cache_new(o->callers, o->record, o->arg);
    g->parser = child_start(ROLE_PARSE, e);
    if (g->parser && o->home)
        g->pushing = pushing_start(o, e);
    if (g->parser && (g->pushing || !o->home))
        return g;
    registry_stop(g);
    return NULL;
}

void registry_stop(struct registry *g)
{
    if (!g)
        return;
    pushing_stop(g->pushing);
    apt_cache_free(g->apt);
    child_stop(g->parser);
    cache_free(g->cache);
    pthread_mutex_destroy(&g->parser_lock);
    free(g);
}

#define METHODS_ALL (unsigned)(HTTP_GET | HTTP_HEAD | HTTP_POST | HTTP_PUT | HTTP_PATCH | HTTP_DELETE | HTTP_OTHER)

static size_t add_view(struct registry *g, const struct mirror_view *view, struct http_route *route, size_t n)
{
    struct mirror_route *m = &g->mirrors[n];
    *m = (struct mirror_route){.g = g, .view = view};
    snprintf(g->mirror_paths[n], sizeof(g->mirror_paths[n]), "/%s/", view->name);
    *route = (struct http_route){.path = g->mirror_paths[n],
                                 .methods = mirror_methods(view),
                                 .shape = view->shape,
                                 .encoded_slash = view->encoded_slash,
                                 .repeated_query = view->repeated_query,
                                 .body_max = view->body_max,
                                 .at_once = mirror_at_once,
                                 .handle = mirror_handle,
                                 .arg = m};
    /* Any other method is refused by the mirror, which records who tried: from the head, without the body. */
    route[1] = *route;
    route[1].methods = METHODS_ALL & ~route->methods;
    route[1].body_max = PUSH_BLOB_MAX;
    route[1].streams_body = true;
    route[1].at_once = NULL;
    return 2;
}

size_t registry_routes(struct registry *g, struct http_route routes[REGISTRY_ROUTES])
{
    size_t n = 0;
    routes[n++] = (struct http_route){.path = "/v2/",
                                      .methods = HTTP_GET | HTTP_HEAD,
                                      .shape = HTTP_OCI,
                                      .at_once = oci_at_once,
                                      .handle = oci_handle,
                                      .arg = g};
    routes[n] = routes[0];
    routes[n++].path = "/v2";
    routes[n++] = (struct http_route){.path = "/v2/",
                                      .methods = METHODS_ALL & ~(unsigned)(HTTP_GET | HTTP_HEAD),
                                      .shape = HTTP_OCI,
                                      .streams_body = true,
                                      .repeated_query = "tag",
                                      .body_max = PUSH_BLOB_MAX,
                                      .handle = oci_handle,
                                      .arg = g};
    routes[n] = routes[n - 1];
    routes[n++].path = "/v2";
    for (size_t i = 0; i < ARRAY_LEN(VIEWS); i++)
        n += add_view(g, VIEWS[i], &routes[n], i);
    return n;
}
