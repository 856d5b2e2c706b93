/* What the mirrors share (pypi.c, npm.c, apt.c, files.c, hf.c): a request below /PROTOCOL/ENVIRONMENT/ is let in, gets
 * a database handle, is answered from what the environment's pointers reach at that moment, and leaves an access
 * record, granted or denied. Hard rule: a package is served when a release that stands in that environment brings it,
 * and otherwise does not exist; a mirror never asks anybody else. */
#pragma once

#include "registry/internal.h"
#include "store/db_package.h"

/* One request, let in: its environment is one that this identity may pull from. */
struct mirror {
    struct registry *g;
    struct http_request *r;
    struct identity who;
    const char *protocol; /* "pypi": of the view */
    char environment[17];
    const char *rest;    /* what follows the environment, without a leading slash; lives as long as the request */
    struct db *db;       /* taken for this request */
    uint64_t generation; /* of the cache, before `db` was asked anything */
    bool left_out;       /* set by mirror_each: there were files that two releases bring with different bytes */
};

/* One mirror: its routes are /NAME/ENVIRONMENT/… . `answer` answers the request exactly once. */
struct mirror_view {
    const char *name;
    void (*answer)(struct mirror *m);
    unsigned methods; /* of GET, HEAD and POST; 0: GET and HEAD */
    size_t body_max;  /* bytes; 0: a body is refused */
    enum http_shape shape;
    bool encoded_slash; /* as struct http_route has it, as is */
    const char *repeated_query;
};

/* What the view answers; every other method comes to mirror_handle too, which says 405 with a record. */
unsigned mirror_methods(const struct mirror_view *view);

/* The handler of a mirror's routes, and what answers it from the cache; `arg` is its struct mirror_route. */
void mirror_handle(struct http_request *r, void *arg);
bool mirror_at_once(struct http_request *r, void *arg);

/* The access record (docs/formats/access-pull.schema.json): `object` is what was asked for, as the protocol names it
 * ("simple/six", "pool/…/libc6_2.36-9_amd64.deb"); `digest` may be NULL. -1: it could not be written (and was logged);
 * then nothing may be given. */
int mirror_record(const struct mirror *m, unsigned status, const char *object, const struct digest *digest,
                  uint64_t bytes);

/* The record of a file that is about to be given: with the status and the bytes of http_plan_file. False: it could not
 * be written, and the request was answered so; the file is still the caller's. */
bool mirror_record_file(struct mirror *m, const char *object, const struct digest *digest, uint64_t size,
                        const char *etag);

/* Answers with bytes that were made for this request, after the record: a page. `etag` (with its quotes) may be NULL.
 * Takes the bytes of `body`. */
void mirror_page(struct mirror *m, const char *object, const char *content_type, const char *etag, struct buf *body);

/* The same with the bytes' own hash as the ETag, held against If-None-Match (304). What it shows may change with the
 * next promotion, so whoever keeps it is told to ask each time. It is kept in the cache (cache.h), so it may show
 * nothing that depends on who asks. */
void mirror_listing(struct mirror *m, const char *object, const char *content_type, struct buf *body);

/* Sends the client to `location`, relative to what it asked for (301), after the record. */
void mirror_redirect(struct mirror *m, const char *object, const char *location);

/* Answers with a blob of the store, after the record: ranges, ETag "sha256:…", for ever cacheable under its digest. */
void mirror_blob(struct mirror *m, const char *object, const char *content_type, const struct digest *digest);

/* What an err says, with a record. */
void mirror_failed(struct mirror *m, const struct err *e);

/* 404 with a record: "ENVIRONMENT holds no NAME". */
void mirror_unknown(struct mirror *m, const char *object);

/* What the view shows of an ecosystem, in order of name and filename, each file once. name NULL: all. Files that two
 * releases bring with different bytes are left out. Strings live until `each` returns; a non-zero return stops and is
 * returned. */
int mirror_each(struct mirror *m, const char *ecosystem, const char *name,
                int (*each)(void *arg, const struct package_row *row), void *arg, struct err *e);

/* A row's texts; the members of a package.json are the longest. */
#define MIRROR_ROW_BYTES (8U << 20)

/* One file of the view. True: *row, with its strings in *strings. False: the request was answered with
 * 404 (as mirror_unknown), 409 (as mirror_contested) or 500. */
bool mirror_file(struct mirror *m, const char *object, const char *ecosystem, const char *name, const char *filename,
                 struct package_row *row, struct buf *strings);

/* 409 with a record: two releases bring one thing with different bytes, and neither is given. Names both releases. */
void mirror_contested(struct mirror *m, const char *object, const struct package_row *one,
                      const struct package_row *other);

/* One segment of a URL's path: everything but RFC 3986's unreserved characters is percent-encoded. */
void mirror_url_add(struct buf *out, const char *segment);
