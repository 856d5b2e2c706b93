/* What the files of src/http share.
 *
 * Who holds a request: the library's loop thread, from the first line to the moment it is handed to a worker or
 * answered by a quick handler; then the handler, until the answer; then the loop thread again until `completed`. The
 * watchdog looks at connections from a thread of its own: through atomics, or under the server's lock.
 *
 * Order of locks: server->lock, request->lock, stream->lock, then whatever a hook takes, then the library's own. */
#pragma once

#include "http/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/range.h"
#include "http/target.h"

#define HTTP_PUT_HEADERS_MAX 16

/* A refused body that is this small is read to its end, so that its client sees the answer instead of a reset. */
#define HTTP_DISCARD_BYTES 65536U

enum http_phase {
    PHASE_FRESH,   /* accepted, nothing answered yet */
    PHASE_IDLE,    /* between two requests */
    PHASE_HEAD,    /* the first line is there */
    PHASE_BODY,    /* the head is there */
    PHASE_JOB,     /* a handler has it */
    PHASE_SENDING, /* the answer goes out */
    PHASE_WAITING, /* a stream whose ring is empty */
};

struct http_conn {
    struct http_server *server;
    struct http_conn *next, *prev; /* under server->lock */
    int fd;
    char peer[64];
    _Atomic int phase;
    _Atomic int64_t since_ms;     /* when this phase began */
    _Atomic uint64_t body_bytes;  /* of the present request */
    struct http_request *request; /* under server->lock */
    bool cut;                     /* the watchdog's own from here on */
    int64_t window_ms;
    uint64_t window_acked;
};

struct http_request {
    struct http_server *server;
    struct http_conn *conn;
    struct MHD_Connection *mhd;
    const struct http_route *route; /* NULL before one was found */
    uint64_t id;
    int64_t began_ns;

    char *raw;          /* the target as it came */
    const char *raw_at; /* where it lies in the library's buffer; only compared */
    struct http_target target;
    enum http_method method;
    bool begun, has_body, refused, dispatched, discard, queued;
    bool known_length;
    uint64_t content_length;
    struct buf body;
    size_t counted; /* bytes of server->body_total that are ours */

    struct {
        char *name, *value;
    } put[HTTP_PUT_HEADERS_MAX];
    size_t put_count;

    pthread_mutex_t lock;
    bool suspended, answered; /* under lock */
    struct MHD_Response *response;
    unsigned status;
    bool close;
    struct http_stream *stream; /* set under server->lock */

    void (*gone)(void *arg); /* these four under server->lock */
    void *gone_arg;
    void (*slow)(void *arg);
    void *slow_arg;
    unsigned slow_ms;

    struct http_request *next; /* in the workers' queue */
};

struct http_server {
    struct http_options o;
    struct MHD_Daemon *mhd;
    int listener;
    uint16_t port;

    pthread_mutex_t lock;
    pthread_cond_t idle; /* `held` fell to 0, or `in_hand` did */
    struct http_conn *conns;
    atomic_bool stopping, cutting; /* no new requests; those in hand are told to end */
    _Atomic uint64_t next_id, connections, in_hand, held, requests, refused, cut, status[6];
    _Atomic size_t body_total;
    _Atomic int64_t log_second;
    _Atomic unsigned logged; /* lines in that second */

    struct {
        pthread_mutex_t lock;
        pthread_cond_t some;
        struct http_request *first, **last;
        bool stop;
        pthread_t *threads;
        unsigned count;
    } pool;
    pthread_t watchdog;
    bool watching;
    atomic_bool watchdog_stop;
};

/* server.c */
void conn_set_phase(struct http_conn *c, enum http_phase p);
/* At most some of these lines a second: a client that sends nothing but nonsense must not fill the disk with our log.
 */
bool server_may_log(struct http_server *s);
void server_hold(struct http_server *s, int change); /* handlers and producers that hold something of ours */

/* guard.c: NULL when the request is well-formed, or what is wrong with it; *status is set then. */
const char *guard_look(struct http_request *r, const char *method, const char *version, unsigned *status);

/* request.c */
struct http_request *request_new(struct http_conn *c, struct MHD_Connection *mhd, const char *raw);
void request_free(struct http_request *r);

/* answer.c: hands the answer to the loop thread. */
void answer_give(struct http_request *r, unsigned status, struct MHD_Response *response);
int answer_queue(struct http_request *r); /* on the loop thread; of enum MHD_Result */

/* stream.c */
void stream_lost(struct http_stream *s);  /* the client is gone */
void stream_unref(struct http_stream *s); /* NULL is fine */
void stream_comment(struct http_stream *s, int64_t now_ms, unsigned comment_ms);

/* workers.c */
int workers_start(struct http_server *s, struct err *e);
void workers_push(struct http_request *r);
void workers_stop(struct http_server *s);

/* watchdog.c */
void *watchdog_run(void *server);
