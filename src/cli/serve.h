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
    int lock, listener; /* -1: none; the listener is the server's once that runs */
    struct access_log *access;
    struct supervisor *supervisor;
    struct callers *callers;
    struct site_source source;
    struct callers_source identify;
    struct gateway *gateway;
    struct registry *registry;
    struct http_server *http;
    struct http_route routes[GATEWAY_ROUTES + REGISTRY_ROUTES + 4];
    size_t route_count;
};

/* What is where, for people: the banner and GET / say it. */
#define SERVE_PLACES                                                                 \
    "  gateway   /v1/models, /v1/chat/completions\n"                                 \
    "  registry  /v2/ENV/RELEASE      images and releases; push: /v2/sandbox/NAME\n" \
    "  PyPI      /pypi/ENV/simple/    pip, uv\n"                                     \
    "  npm       /npm/ENV/            npm, pnpm, yarn\n"                             \
    "  Debian    /apt/ENV             apt; its key: /apt/ENV/key.asc\n"              \
    "  models    /hf/ENV              Hugging Face clients\n"                        \
    "  files     /files/ENV/          a page or JSON of what is there\n"             \
    "  health    /healthz, /readyz, /metrics\n"

/* / and /healthz (nobody asks who), /readyz, /metrics. Adds them to s->routes. */
void serve_status_routes(struct serve *s);

#define SERVE_FILE_MAX 4096U
#define SERVE_URL_SIZE 96

struct serve_found {
    uint64_t pid; /* 0: it runs, and does not listen yet */
    char address[64];
    uint16_t port;
    bool tls;
    char url[SERVE_URL_SIZE]; /* "http://127.0.0.1:8470", or https */
    int64_t started_s;
};

/* Does a serve run on the contour whose folder is `dir`? 1: yes; 0: no; -1. A file that a killed serve left behind is
 * no answer: the lock is. */
int serve_look(int dir, struct serve_found *out, struct err *e);

/* A serve that listens. ERR_BUSY with a hint when none does. */
int serve_find(int dir, struct serve_found *out, struct err *e);

/* What a client types: an IPv6 address stands in brackets. */
void serve_url(const char *address, uint16_t port, bool tls, char out[SERVE_URL_SIZE]);

/* What of the configuration the HTTP front wants: certificate and key, relative to `dir`. False: none is set. */
bool serve_tls(const struct config *c, int dir, struct http_tls *out);
