/* What the files of src/http share.
 *
 * Who holds a request: the library's loop thread, from the first line to the moment it is handed to a worker or
 * answered by a quick handler; then the handler, until the answer; then the loop thread again until `completed`. The
 * watchdog looks at connections from a thread of its own: through atomics, or under the server's lock.
 *
 * A body that streams is the exception: its handler and the loop thread hold the request together. The connection may
 * then end under the handler's hands, so the request has two holders, carries a copy of its head, and `conn` and `mhd`
 * are touched by the handler's side under request->lock only, and only while it is not `lost`.
 *
 * Order of locks: server->lock, request->lock, stream->lock, then whatever a hook takes, then the library's own. */
#pragma once

#include "http/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/range.h"
#include "http/target.h"
#include "http/tls.h"

#define HTTP_PUT_HEADERS_MAX 16

/* A refused body that is this small is read to its end, so that its client sees the answer instead of a reset. */
#define HTTP_DISCARD_BYTES 65536U

/* Closed connections whose client may still be sending (linger.c), at once. */
#define HTTP_LINGER_MAX 256U

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
    gnutls_session_t session; /* NULL: plain */
    struct tls_pair *pair;
    char peer[64];
    _Atomic int phase;
    _Atomic int64_t since_ms;     /* when this phase began */
    _Atomic uint64_t body_bytes;  /* of the present request */
    struct http_request *request; /* under server->lock */
    bool linger;                  /* refused with bytes unread: its end is to be seen by the client (linger.c) */
    bool cut;                     /* the watchdog's own from here on */
    bool broke_off;               /* at its last look: the client has closed, in the middle of a body */
    int64_t window_ms;
    uint64_t window_count;
};

/* A body on its way from the loop thread to its handler. All under request->lock. */
struct upload {
    pthread_cond_t some; /* bytes, or an end of any kind */
    bool asked;          /* the handler has begun to read */
    bool passed;         /* the library has gone on to the body */
    bool complete;       /* all bytes are in the ring, or were */
    bool over;           /* more than body_max */
    bool stop;           /* the server is going down */
    uint64_t total;      /* bytes taken so far */
    size_t wanted;       /* how many bytes in the ring are worth a signal */
    size_t head, len;
    uint8_t ring[HTTP_BODY_RING_BYTES];
};

struct header {
    char *name, *value;
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

    struct header put[HTTP_PUT_HEADERS_MAX];
    size_t put_count;

    struct upload *upload; /* NULL: the body does not stream, or there is none */
    struct header *head;   /* the copy that goes with it */
    size_t head_count;
    char peer[64];
    _Atomic unsigned holders;

    pthread_mutex_t lock;
    bool suspended, answered, lost; /* under lock; lost: the connection is gone, `conn` and `mhd` with it */
    struct MHD_Response *response;  /* ours, or that of `ready` */
    struct http_ready *ready;
    unsigned status;
    bool close;
    struct http_stream *stream; /* set under server->lock */

    bool left; /* these six under server->lock */
    void (*gone)(void *arg);
    void *gone_arg;
    void (*slow)(void *arg);
    void *slow_arg;
    unsigned slow_ms;

    struct http_request *next; /* in a pool's queue */
};

/* Threads that run handlers. */
struct pool {
    pthread_mutex_t lock;
    pthread_cond_t some;
    struct http_request *first, **last;
    pthread_t *threads;
    unsigned count, max; /* threads: begun, at most */
    int idle;            /* threads with nothing to do, less requests in the queue */
    bool stop;
};

struct http_server {
    struct http_options o;
    struct MHD_Daemon *mhd;
    struct tls *tls; /* NULL: plain */
    atomic_bool tls_now;
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

    struct pool workers; /* all threads are there from the start; any number of requests may wait */
    struct pool uploads; /* threads begin when they are needed; no request waits */
    struct {
        pthread_mutex_t lock;
        struct {
            int fd;
            int64_t until_ms;
        } sockets[HTTP_LINGER_MAX];
        size_t count;
    } linger;
    pthread_t watchdog;
    bool watching;
    atomic_bool watchdog_stop;
};

/* loop.c: what the library calls */
void on_connection(void *arg, struct MHD_Connection *mhd, void **socket_context,
                   enum MHD_ConnectionNotificationCode what);
void *on_target(void *arg, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
                           const char *version, const char *upload, size_t *upload_size, void **context);
void on_completed(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode how);
void conn_set_phase(struct http_conn *c, enum http_phase p);
/* At most some of these lines a second: a client that sends nothing but nonsense must not fill the disk with our log.
 */
bool server_may_log(struct http_server *s);
void server_hold(struct http_server *s, int change); /* handlers and producers that hold something of ours */

/* guard.c: NULL when the request is well-formed, or what is wrong with it; *status is set then. */
const char *guard_look(struct http_request *r, const char *method, const char *version, unsigned *status);

/* request.c */
struct http_request *request_new(struct http_conn *c, struct MHD_Connection *mhd, const char *raw);
void request_unref(struct http_request *r);
/* Copies the head: from here on it is read from the copy. */
void request_copy_head(struct http_request *r);

/* answer.c: hands the answer to the loop thread. */
void answer_give(struct http_request *r, unsigned status, struct MHD_Response *response);
int answer_queue(struct http_request *r); /* on the loop thread; of enum MHD_Result */

/* upload.c, on the loop thread. upload_begin: false when there are too many; then nothing has happened. */
bool upload_begin(struct http_request *r);
int upload_go_on(struct http_request *r, const char *bytes, size_t *len); /* of enum MHD_Result */
void upload_lost(struct http_request *r);                                 /* the connection is gone */
/* From any thread. */
void upload_stop(struct http_request *r); /* the server is going down */
/* With r->lock: must an answer now be written past the library, since the body is not at its end? */
bool upload_is_early(const struct http_request *r);
void upload_free(struct upload *u); /* NULL is fine */

/* linger.c */
void linger_add(struct http_server *s, int fd); /* keeps a duplicate */
void linger_look(struct http_server *s, int64_t now_ms);
void linger_end(struct http_server *s);

/* stream.c */
void stream_lost(struct http_stream *s);  /* the client is gone */
void stream_unref(struct http_stream *s); /* NULL is fine */
void stream_comment(struct http_stream *s, int64_t now_ms, unsigned comment_ms);

/* pool.c */
void pool_init(struct pool *p, unsigned max);
int pool_start_all(struct pool *p, struct err *e);      /* all threads now */
void pool_push(struct pool *p, struct http_request *r); /* waits for a thread in the queue */
bool pool_try(struct pool *p, struct http_request *r);  /* false: no thread is free, and no more may begin */
void pool_stop(struct pool *p);

/* watchdog.c */
void *watchdog_run(void *server);
