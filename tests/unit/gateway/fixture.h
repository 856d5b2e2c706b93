/* A gateway with a stand-in engine and made-up identities, for tests: tokens are "PERSON:ROLE:ENVIRONMENT". */
#pragma once

#include <sys/types.h>

#include "client.h"
#include "gateway/gateway.h"

struct fixture {
    char folder[64];
    char sockets[2][128]; /* of two engines */
    struct door *doors[2];
    pid_t engines[2];
    struct gateway *gateway;
    struct http_route routes[GATEWAY_ROUTES];
    struct http_server *server;
    int current;      /* which engine the name "assistant" means now */
    _Atomic int held; /* engines taken and not given back */
    _Atomic int record_fails;
    struct buf records; /* lines; read when the server is stopped, or through fixture_records */
};

/* Starts engines, gateway and server; the release 0 says marker "BLUE", 1 "GREEN". */
void fixture_start(struct fixture *f, uint64_t requests_per_minute, bool log_prompts);
void fixture_stop(struct fixture *f);

/* Waits until `count` records were written and copies them all to out. */
void fixture_records(struct fixture *f, unsigned count, struct buf *out);

/* POST /v1/chat/completions with this body; the whole answer is in out. Returns the status. */
int fixture_ask(struct fixture *f, const char *token, const char *body, char *out, size_t room);
/* Connects and sends it; the caller reads. */
int fixture_send(struct fixture *f, const char *token, const char *body);
