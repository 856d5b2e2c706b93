/* What gateway.c and session.c share. */
#pragma once

#include "gateway/chat.h"
#include "gateway/gateway.h"
#include "gateway/metrics.h"
#include "gateway/quota.h"
#include "gateway/record.h"
#include "gateway/relay.h"

#define REQUEST_ID_CHARS 40

struct gateway {
    struct gateway_options o;
    struct relay *relay;
    struct quota *quota;
    struct metrics metrics;
    char instance[17];       /* of this start: request ids are INSTANCE-N */
    atomic_bool record_lost; /* the last access record could not be written: nothing is answered until one can */
};

/* A chat request that has been let in: everything that is known of it before the engine is asked. Filled step by step,
 * so that a refusal at any step can be recorded. */
struct asked {
    struct identity who;
    char environment[17];
    char id[REQUEST_ID_CHARS];
    int64_t began_ns, time_s;
    struct chat chat;
    bool has_engine;
    struct gateway_engine engine;
};

/* Writes the access record and the counters. 0, or -1 when it could not be recorded. */
int gateway_record(struct gateway *g, const struct asked *a, struct access_request *record);

/* Gives back what *a holds. */
void asked_fini(struct gateway *g, struct asked *a);

/* Asks the engine; answers `r` by and by. 0: took *a over; -1: the request is too large for it. */
int session_begin(struct gateway *g, struct http_request *r, struct asked *a);
