/* The registry as a whole: what its views share, and their routes. A view of its own file is one line here. */
#include "registry/registry.h"

#include <stdlib.h>
#include <string.h>

#include "registry/hf.h"
#include "registry/npm.h"
#include "registry/pypi.h"

/* In the order of the README. */
static const struct mirror_view *const VIEWS[] = {
    &HF_VIEW,
    &PYPI_VIEW,
    &NPM_VIEW,
};

struct registry *registry_start(const struct registry_options *o, struct err *e)
{
    struct registry *g = calloc(1, sizeof(*g));
    if (!g)
        abort();
    g->o = *o;
    pthread_mutex_init(&g->parser_lock, NULL);
    g->parser = child_start(ROLE_PARSE, e);
    if (g->parser)
        return g;
    registry_stop(g);
    return NULL;
}

void registry_stop(struct registry *g)
{
    if (!g)
        return;
    child_stop(g->parser);
    pthread_mutex_destroy(&g->parser_lock);
    free(g);
}

static size_t add_view(struct registry *g, const struct mirror_view *view, struct http_route *route, size_t n)
{
    struct mirror_route *m = &g->mirrors[n];
    *m = (struct mirror_route){.g = g, .view = view};
    snprintf(g->mirror_paths[n], sizeof(g->mirror_paths[n]), "/%s/", view->name);
    *route = (struct http_route){.path = g->mirror_paths[n],
                                 .methods = view->methods ? view->methods : HTTP_GET | HTTP_HEAD,
                                 .shape = view->shape,
                                 .encoded_slash = view->encoded_slash,
                                 .body_max = view->body_max,
                                 .handle = mirror_handle,
                                 .arg = m};
    return 1;
}

size_t registry_routes(struct registry *g, struct http_route routes[REGISTRY_ROUTES])
{
    size_t n = 0;
    routes[n++] = (struct http_route){
        .path = "/v2/", .methods = HTTP_GET | HTTP_HEAD, .shape = HTTP_OCI, .handle = oci_handle, .arg = g};
    routes[n] = routes[0];
    routes[n++].path = "/v2";
    for (size_t i = 0; i < ARRAY_LEN(VIEWS); i++)
        n += add_view(g, VIEWS[i], &routes[n], i);
    return n;
}
