/* Who calls: the identity behind an HTTP request, for the gateway, the registry and everything else that answers, and
 * the database handles that their handlers use. Safe from any thread. An identity is told by providers, asked in
 * order; today there are two, the local operator's token and the tokens of `airlock token new`, and what comes later
 * (client certificates, LDAP, OIDC) is one more. Hard rules: a revoked token works for at most one second more
 * (CALLERS_CACHE_MS and CALLERS_RIGHTS_MS together); every answer that refuses is recorded, and no token ever is. */
#pragma once

#include "contour/identity.h"
#include "http/http.h"
#include "store/db.h"

#define CALLERS_CACHE_MS  750 /* an identity is believed so long */
#define CALLERS_RIGHTS_MS 200 /* and was made from rights that are at most so old */
/* A token that was right so short a time ago goes on while its address waits or is locked: it is no guess. Up to 4096
 * tokens are remembered, those longest unused forgotten first; only right ones get in. */
#define CALLERS_KNOWN_MS  3600000

struct callers;

/* `dir` is the contour's folder; borrowed until callers_close. */
struct callers *callers_open(int dir, struct err *e);
void callers_close(struct callers *c); /* NULL is fine */

/* From here on tokens count whose records this key has signed; before, none does. Starts a parse process, in which
 * records are read. */
int callers_trust(struct callers *c, const struct public_key *contour, struct err *e);

/* A token that is in no database: the local operator's, made by `serve` for `ask` of the same user. */
void callers_set_operator(struct callers *c, struct span token, const char *person);

/* Where access records go (docs/formats/access-call.schema.json, access-guard.schema.json). Before the first request.
 */
void callers_set_records(struct callers *c, int (*record)(void *arg, struct span line, struct err *e), void *arg);

/* A database handle for this thread's use until it is given back. NULL with *e. */
struct db *callers_db_take(struct callers *c, struct err *e);
void callers_db_give(struct callers *c, struct db *db); /* NULL is fine */

/* ── providers ── */

/* What a provider may do to find an answer. */
enum caller_effort {
    CALLER_FULLY,  /* whatever it takes */
    CALLER_SEEN,   /* only for what was found right lately: this address has to wait, or is locked */
    CALLER_AT_ONCE /* only what memory holds: this is the event loop */
};

/* What a request brings that can tell who sent it. */
struct caller_ask {
    const struct http_request *r; /* its headers, its peer; NULL in tests */
    struct span token;            /* bearer, or the password of Basic; empty when there is none */
    struct digest token_id;       /* SHA-256 of it */
    enum caller_effort effort;
};

enum caller_answer {
    CALLER_IS,       /* *out is filled in */
    CALLER_NOT_MINE, /* the request brings nothing that this provider reads: the next one is asked */
    CALLER_LATER,    /* it cannot be said with this effort */
    CALLER_NOBODY,   /* it brings something, and that gives no identity; *e says so (ERR_DENIED) */
    CALLER_FAILED,   /* *e: ERR_IO and the like */
};

struct caller_provider {
    const char *name;
    enum caller_answer (*identify)(void *arg, const struct caller_ask *ask, struct identity *out, struct err *e);
    void *arg;
};

/* One more, asked after those that are there. Before the first request. */
#define CALLER_PROVIDERS_MAX 8U
void callers_provide(struct callers *c, const struct caller_provider *p);

/* Who a token is, asked of all providers. ERR_DENIED when it gives no identity; ERR_IO. */
int callers_identify(struct callers *c, struct span token, struct identity *out, struct err *e);

/* ── requests ── */

/* How a request is identified. A function alone is for tests and the benchmark, which need no database; with `callers`
 * its providers are asked instead, its porter stands before them, and its records are written. */
struct callers_source {
    int (*identify)(void *arg, struct span token, struct identity *out, struct err *e);
    void *arg;
    struct callers *callers;
};

/* The identity of the request, and the digest of its token (of nothing, where another provider knew it). 0, or -1 when
 * the request was answered, and that recorded: 401 with WWW-Authenticate; 403 when its role may not do `what` (in
 * whatever environment); 429 with Retry-After where tokens are being guessed. */
int callers_admit(const struct callers_source *s, struct http_request *r, enum ability what, struct identity *out,
                  struct digest *token);

/* The same for an event loop: true when the request is let in, without having waited for anything. False: nothing was
 * answered, callers_admit will. */
bool callers_admit_at_once(const struct callers_source *s, struct http_request *r, enum ability what,
                           struct identity *out, struct digest *token);

/* Records an access that has no record of another kind: what was asked (method and path), by whom, with which answer.
 * `who` NULL: nobody known, and then the records are bounded per address and minute; `token` NULL: none came. */
void callers_record(const struct callers_source *s, struct http_request *r, unsigned status, const struct identity *who,
                    const struct digest *token, uint64_t bytes);

/* Records what the HTTP front itself refuses (struct http_options, refused): `source` is a callers_source. Nothing
 * waits for who it is: a person stands in the record when memory knows the token, and otherwise the token's first
 * digits. */
void callers_refused(struct http_request *r, unsigned status, void *source);

/* 403, recorded. */
void callers_forbid(const struct callers_source *s, struct http_request *r, const struct identity *who,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));
