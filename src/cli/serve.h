/* What `serve` is made of, and what it leaves for other commands of the same user to find. */
#pragma once

#include "cli/command.h"
#include "engine/supervisor.h"
#include "gateway/site_source.h"
#include "registry/registry.h"

#define SERVE_FILE          "run/serve.json"     /* docs/formats/serve.schema.json */
#define SERVE_OPERATOR_FILE "run/operator.token" /* 0600: whoever can read it is the operator of this machine */
#define SERVE_LOCK          "run/serve.lock"

struct serve {
    struct site *site;
    int lock;
    struct access_log *access;
    struct supervisor *supervisor;
    struct callers *callers;
    struct site_source source;
    struct gateway *gateway;
    struct registry *registry;
    struct http_server *http;
    struct http_route routes[GATEWAY_ROUTES + REGISTRY_ROUTES + 3];
    size_t route_count;
};

/* /healthz (nobody asks who), /readyz, /metrics. Adds them to s->routes. */
void serve_status_routes(struct serve *s);

/* Where a running serve listens, from SERVE_FILE. ERR_BUSY with a hint when none runs. */
int serve_find(int dir, char address[64], uint16_t *port, struct err *e);
