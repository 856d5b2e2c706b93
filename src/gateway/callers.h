/* Who calls: the identity behind the token of an HTTP request, for the gateway and the registry alike, and the database
 * handles that their handlers use. Safe from any thread. Hard rule: a revoked token works for at most one second more
 * (CALLERS_CACHE_MS). */
#pragma once

#include "contour/identity.h"
#include "http/http.h"
#include "store/db.h"

#define CALLERS_CACHE_MS 1000

struct callers;

/* `dir` is the contour's folder; borrowed until callers_close. */
struct callers *callers_open(int dir, struct err *e);
void callers_close(struct callers *c); /* NULL is fine */

/* A token that is in no database: the local operator's, made by `serve` for `ask` of the same user. */
void callers_set_operator(struct callers *c, struct span token, const char *person);

/* ERR_DENIED when the token gives no identity; ERR_IO. */
int callers_identify(struct callers *c, struct span token, struct identity *out, struct err *e);

/* A database handle for this thread's use until it is given back. NULL with *e. */
struct db *callers_db_take(struct callers *c, struct err *e);
void callers_db_give(struct callers *c, struct db *db); /* NULL is fine */

/* How a request is identified; a function, so that tests and the benchmark need no database. */
struct callers_source {
    int (*identify)(void *arg, struct span token, struct identity *out, struct err *e);
    void *arg;
};

/* The identity of the request, and the digest of its token. 0, or -1 when the request was answered: 401 with
 * WWW-Authenticate, or 403 when its role may not do `what` (in whatever environment). */
int callers_admit(const struct callers_source *s, struct http_request *r, enum ability what, struct identity *out,
                  struct digest *token);
