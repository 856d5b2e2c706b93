/* The gateway: the OpenAI API (GET /v1/models, POST /v1/chat/completions) in front of the engines of releases. `model`
 * is a release name, resolved in the caller's environment; the answer's header Airlock-Release names the digest that
 * answered. Hard rule: what answers is what the pointer named when the request came, to its last token, and there is a
 * record of it. */
#pragma once

#include "gateway/callers.h"
#include "sandbox/door.h"
#include "util/json.h"

struct gateway;

/* An engine, held until it is given back. */
struct gateway_engine {
    struct digest release;
    const char *name, *version;
    struct door *door;        /* to its socket */
    const char *system;       /* prompt that is put in front; "" */
    const json_t *parameters; /* object or NULL */
    int64_t created_s;
    void *handle; /* the source's own */
};

/* Where identities, engines and the access log come from; functions, so that tests and the benchmark need no contour.
 */
struct gateway_source {
    struct callers_source callers;
    /* ERR_NOTFOUND, ERR_BUSY (starting), ERR_UNDECIDED (failed). */
    int (*take)(void *arg, const char *environment, const char *name, struct gateway_engine *out, struct err *e);
    void (*give)(void *arg, struct gateway_engine *g);
    int (*each)(void *arg, const char *environment, int (*each)(void *each_arg, const struct gateway_engine *g),
                void *each_arg);
    int (*record)(void *arg, struct span record, struct err *e); /* must not block */
    void *arg;
};

struct gateway_options {
    struct gateway_source source;
    uint64_t requests_per_minute; /* of one token; 0: no quota */
    bool log_prompts;
    unsigned slow_ms; /* a stream whose engine says nothing for so long begins anyhow; 0: 10 s */
};

struct gateway *gateway_start(const struct gateway_options *o, struct err *e);
/* After http_stop: no request is in hand any more. */
void gateway_stop(struct gateway *g); /* NULL is fine */

/* Fills in the gateway's routes; returns their count. */
#define GATEWAY_ROUTES 3
size_t gateway_routes(struct gateway *g, struct http_route routes[GATEWAY_ROUTES]);

void gateway_metrics(const struct gateway *g, struct buf *out);
