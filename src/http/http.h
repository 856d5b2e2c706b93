/* The HTTP front: the only code that knows the HTTP library (libmicrohttpd 0.9.75). A server takes a table of routes;
 * a guard refuses malformed requests before any handler sees them; handlers run on workers while their connection is
 * suspended, so they may block; a watchdog cuts what is too slow.
 *
 * A body is taken whole before its handler is called, or, on a route that streams, pulled by the handler piece by
 * piece.
 *
 * A handler answers its request exactly once: at once, or later and from another thread. From then on the request
 * belongs to the server again and must not be touched. Hard rule: every byte that a client sends has a deadline and a
 * maximum, and a refused request closes its connection, so that nothing that stood behind it is ever answered. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/buf.h"
#include "util/err.h"

struct http_server;
struct http_request;

/* ── routes ── */

enum http_method {
    HTTP_GET = 1,
    HTTP_HEAD = 2,
    HTTP_POST = 4,
    HTTP_OTHER = 8,
    HTTP_PUT = 16,
    HTTP_PATCH = 32,
    HTTP_DELETE = 64,
};

/* How errors are written: each surface has a shape of its own that its clients know. */
enum http_shape {
    HTTP_PLAIN,  /* text/plain, one line */
    HTTP_OPENAI, /* {"error": {"message", "type", "param": null, "code"}} */
    HTTP_OCI,    /* {"errors": [{"code", "message"}]} (distribution-spec, "Error Codes") */
    HTTP_NPM,    /* {"error": "…"} */
};

/* Several routes may have one path, each with methods of its own. */
struct http_route {
    const char *path; /* exact, as is "/" alone; or a beginning when it ends with "/" */
    unsigned methods; /* of enum http_method, or'ed */
    enum http_shape shape;
    bool quick;         /* `handle` never blocks: it runs on the event loop */
    bool encoded_slash; /* a %2F behind the route's path is a slash like any other (npm's @scope%2fname); else 400 */
    const char *repeated_query; /* a parameter that may stand more than once (http_query_at); NULL: none, 400 */
    /* `handle` is called when the head is there, on a thread of the upload pool, and pulls the body with
     * http_body_read. It may block as long as it likes. Without it the body lies in memory before `handle` runs. */
    bool streams_body;
    uint64_t body_max;    /* bytes; 0: a body is refused */
    unsigned deadline_ms; /* from the whole request to the beginning of the answer; 0: 30 s */

    /* Looked at before the body is taken, on the event loop; must not block. 0, or -1 with the answer given
     * (http_error): then the body is never read. NULL: everybody. */
    int (*admit)(struct http_request *r, void *arg);
    /* Looked at first, on the event loop, when the whole request is there; must not block. True: it has answered.
     * False: it has done nothing, and `handle` is called as if this were NULL. */
    bool (*at_once)(struct http_request *r, void *arg);
    void (*handle)(struct http_request *r, void *arg);
    void *arg;
};

/* ── TLS ── */

struct http_tls {
    int dir;                 /* what the paths are relative to; AT_FDCWD: the working directory */
    const char *certificate; /* PEM: the server's own first, then those that it was issued by */
    const char *key;         /* PEM, not sealed, readable by its owner only */
};

/* The SHA-256 of the first certificate's public key as curl's --pinnedpubkey takes it: "sha256//…". -1: as http_start.
 */
#define HTTP_TLS_PIN_SIZE 64
int http_tls_pin(const struct http_tls *tls, char out[HTTP_TLS_PIN_SIZE], struct err *e);

/* ── server ── */

/* May a server listen on this address? ERR_USAGE (none), ERR_DENIED (not loopback, and no TLS). */
int http_address_check(const char *address, bool tls, struct err *e);

/* Takes address and port, so that a caller learns early whether it can have them: who connects waits until a server is
 * started on the descriptor. -1: as http_address_check, ERR_BUSY (port in use), ERR_IO. */
int http_listen(const char *address, uint16_t port, bool tls, struct err *e);

struct http_options {
    const char *address; /* "127.0.0.1" or "::1"; any other address is refused without TLS. NULL: `listener` */
    uint16_t port;       /* 0: any free one */
    int listener;        /* of http_listen; http_start takes it, also when it fails */
    /* NULL: plain HTTP. Otherwise nothing else than TLS 1.2 and 1.3 is spoken. The files are looked at every second:
     * new sessions get what stands in them, and a pair that does not load leaves the old one in place (events
     * tls-loaded, tls-refused). Read while http_start runs; `dir` is used until the server is freed. */
    const struct http_tls *tls;
    const struct http_route *routes; /* borrowed until the server is freed */
    size_t route_count;

    /* 0 in any of these takes the default of limits.c's kind, named in server.c. */
    unsigned loop_threads, workers;
    unsigned uploads_max;        /* requests on routes that stream, at once; one more gets 503 with Retry-After */
    unsigned connections_max;    /* in all */
    unsigned per_address_max;    /* from one address */
    unsigned header_deadline_ms; /* a request's head, from its first line (or the connection's begin) to its end */
    unsigned idle_ms;            /* between requests */
    unsigned min_rate;           /* bytes a second, of a body that comes and an answer that goes, after the grace */
    unsigned grace_ms;           /* before the rate is asked for */
    unsigned comment_ms;         /* an event stream that is silent so long gets a comment line */
    size_t body_total_max;       /* bytes of bodies in memory, of all requests together */

    /* Told before the server itself refuses a request that it could read: a path that no route has (404), a method
     * (405), a body that is too large (413), a %2F or a parameter twice where the route takes none (400), too much at
     * once (503). Not told of what is malformed as HTTP. On the event loop: must not block. NULL: nobody is told. */
    void (*refused)(struct http_request *r, unsigned status, void *arg);
    void *refused_arg;
};

/* Listens and begins to serve. NULL: ERR_DENIED (an address that needs TLS; a key that others may read), ERR_BUSY (port
 * in use), ERR_NOTFOUND or ERR_INPUT (of the certificate and the key), ERR_IO. */
struct http_server *http_start(const struct http_options *o, struct err *e);
/* Loads certificate and key anew, very soon, changed or not. */
void http_tls_reload(struct http_server *s);
uint16_t http_port(const struct http_server *s);

/* No new connections; requests in hand may finish for up to `wait_ms`, then are cut. Handlers that still hold a request
 * are told through http_on_gone, and http_stop waits for their answer. Frees the server. */
void http_stop(struct http_server *s, unsigned wait_ms);

struct http_counts {
    uint64_t requests, refused, cut; /* answered by a route; refused by the guard; cut by the watchdog */
    uint64_t connections, in_hand;   /* now */
    uint64_t status[6];              /* answers by first digit */
};
void http_counts(struct http_server *s, struct http_counts *out);

/* ── request; strings live until the answer is given ── */

enum http_method http_method(const struct http_request *r);
const char *http_path(const struct http_request *r); /* decoded, checked: absolute, no empty or dot segment, UTF-8 */
const char *http_route_rest(const struct http_request *r); /* what follows a route that ends with "/" */
/* The same with HTTP_ENCODED_SLASH, which stands in no path, for each slash that came as %2F: where segments end. */
#define HTTP_ENCODED_SLASH '\x01'
const char *http_route_segments(const struct http_request *r);
const char *http_query(const struct http_request *r, const char *key);              /* decoded; NULL when absent */
const char *http_query_at(const struct http_request *r, const char *key, size_t n); /* its n-th value, from 0; NULL */
const char *http_header(const struct http_request *r, const char *name); /* NULL when absent; the first of several */
/* How well the Accept headers take this media type: 0 (not at all) to 1000, by the most precise element that speaks of
 * it (RFC 9110 section 12.5.1). 1000 when there is no such header. */
unsigned http_accept_quality(const struct http_request *r, const char *media_type);
/* Is it taken at all? */
bool http_accepts(const struct http_request *r, const char *media_type);
struct span http_body(const struct http_request *r); /* of a route that does not stream */
const char *http_peer(const struct http_request *r); /* address as text */
bool http_secure(const struct http_request *r);      /* it came over TLS */
uint64_t http_id(const struct http_request *r);      /* counts from 1 in this server */
int64_t http_began_ns(const struct http_request *r); /* clock_mono_ns when the head was there */

/* What tells one plain question from another: path, host and what is accepted, written into out. False, when it is not
 * plain: no GET, or with a query, a condition or a range; or when it does not fit into out. */
bool http_plain_key(const struct http_request *r, struct buf *out);

/* The bearer token of the Authorization header, or the password of Basic (clients that know only that), written into
 * out. False when there is none, or it is malformed. */
bool http_token(const struct http_request *r, struct buf *out);

/* Calls `gone` once, from any thread, if the client leaves, the deadline passes or the server stops before the answer
 * is given; the answer must be given still (nobody may read it). `gone` must not block and must not call into http. */
void http_on_gone(struct http_request *r, void (*gone)(void *arg), void *arg);

/* Calls `slow` once, from any thread, when the answer was not given after `after_ms`: an event stream should then
 * begin, so that its client hears something. Same rules as for `gone`. */
void http_on_slow(struct http_request *r, unsigned after_ms, void (*slow)(void *arg), void *arg);

/* ── a body that streams: for the handler of a route with `streams_body`, on its own thread ── */

/* Up to `len` bytes (not 0) of the body into out: blocks until there are some. >0: bytes; 0: the end; -1: ERR_INPUT
 * (the client has left, or was cut because it was too slow), ERR_LIMIT (more than body_max), ERR_BUSY (the server is
 * going down). A client that sends `Expect: 100-continue` is told to go on by the first call. A bounded ring lies
 * behind it: who reads slowly makes the client wait.
 *
 * The answer may be given at any time. One that is given before the end of the body closes the connection, and must
 * then be one of http_answer, http_error or http_error_err. */
ssize_t http_body_read(struct http_request *r, void *out, size_t len, struct err *e);
int64_t http_body_length(const struct http_request *r); /* Content-Length; 0: no body; -1: chunked, so nobody knows */
#define HTTP_BODY_RING_BYTES 524288U

/* ── answers ── */

/* A header of the answer, before the answer is given. */
void http_put_header(struct http_request *r, const char *name, const char *value);

/* Takes the bytes of `body`, which is empty afterwards; a body that has failed becomes 500. */
void http_answer(struct http_request *r, unsigned status, const char *content_type, struct buf *body);

/* What http_answer_file will answer to this request: for who has to say beforehand what is given. A pure look. */
struct http_file_plan {
    unsigned status;       /* 200, 206, 304, 416 */
    uint64_t from, length; /* the part of the file that is meant; of 304 and 416 nothing */
    uint64_t bytes;        /* of it that go out when the client takes all: `length`, and 0 to a HEAD */
};
struct http_file_plan http_plan_file(const struct http_request *r, uint64_t size, const char *etag);

/* `size` bytes of the file, whose descriptor is taken. One range of bytes is honoured (206, 416), several are answered
 * with the whole (RFC 9110 section 14.2 leaves that to the server); `etag`, with its quotes, is held against
 * If-None-Match (304) and If-Range. */
void http_answer_file(struct http_request *r, int fd, uint64_t size, const char *content_type, const char *etag);

/* An answer that may be given many times, from any thread: the headers that were put into `r`, and the bytes of `body`,
 * which is empty afterwards. What is held more than once is freed with its last holder. */
struct http_ready;
struct http_ready *http_ready_new(const struct http_request *r, unsigned status, const char *content_type,
                                  struct buf *body);
struct http_ready *http_ready_hold(struct http_ready *a);
void http_ready_free(struct http_ready *a);
void http_answer_ready(struct http_request *r, struct http_ready *a);

/* An error in the route's shape. `code` is the surface's own word for it ("model_not_found", "BLOB_UNKNOWN"), NULL for
 * the usual one of this status. */
void http_error(struct http_request *r, unsigned status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* What an err says, with its status of the one table. What went wrong inside (ERR_IO, ERR_SYSTEM) is logged, and the
 * client learns only that it did. */
void http_error_err(struct http_request *r, const struct err *e);

/* ── streams ── */

/* A stream's bytes lie in a bounded ring until the client takes them. All calls come from one thread, the producer's.
 */
struct http_stream;

struct http_stream_hooks {
    void (*drained)(void *arg); /* there is room again, after an add or reserve that found none */
    void (*gone)(void *arg);    /* the client has left, or is cut: end the stream */
    void *arg;
}; /* both come from any thread, must not block, and must not call into http */

/* Answers with a stream. With `events` it is text/event-stream: whoever adds then adds whole events, since the server
 * may put a comment line between any two additions. */
struct http_stream *http_answer_stream(struct http_request *r, unsigned status, const char *content_type, bool events,
                                       const struct http_stream_hooks *hooks);

/* 0: taken. 1: no room, nothing was taken; `drained` will be called. -1: the client is gone. */
int http_stream_add(struct http_stream *s, struct span bytes);
/* Is there room for `len` bytes (at most half the ring)? If not, `drained` will be called when there is. */
bool http_stream_reserve(struct http_stream *s, size_t len);
#define HTTP_STREAM_BYTES 262144U

/* The end: what was added is still sent. With `broken` the connection is closed without the end mark, so that the
 * client can tell. Frees the producer's side; no hook is called after it returns. */
void http_stream_end(struct http_stream *s, bool broken);
