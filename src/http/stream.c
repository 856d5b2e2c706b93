/* A stream: a bounded ring between a producer (a thread of the gateway) and a client (the library's loop thread, which
 * asks for bytes through `reader`). An empty ring suspends the connection, a full one turns the producer away; each
 * side wakes the other. Three hold it: the producer until its end, the library's response, and the request, through
 * which the watchdog finds it. */
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"
#include "util/clock.h"

struct http_stream {
    pthread_mutex_t lock;
    unsigned holders;
    struct http_server *server;
    struct http_conn *conn; /* valid while the library holds the stream */
    struct MHD_Connection *mhd;
    struct http_stream_hooks hooks;
    bool events;
    bool suspended;     /* the connection waits for bytes */
    bool ended, broken; /* by the producer */
    bool lost;          /* the client has left */
    bool wants_room;    /* the producer was turned away */
    int64_t last_ms;    /* when something was added */
    size_t head, len;
    uint8_t ring[HTTP_STREAM_BYTES];
};

static void unref_locked(struct http_stream *s)
{
    bool last = --s->holders == 0;
    pthread_mutex_unlock(&s->lock);
    if (last) {
        pthread_mutex_destroy(&s->lock);
        free(s);
    }
}

void stream_unref(struct http_stream *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    unref_locked(s);
}

static void wake_locked(struct http_stream *s)
{
    if (!s->suspended)
        return;
    s->suspended = false;
    conn_set_phase(s->conn, PHASE_SENDING);
    MHD_resume_connection(s->mhd);
}

static void lost_locked(struct http_stream *s)
{
    if (!s->lost && !s->ended && s->hooks.gone)
        s->hooks.gone(s->hooks.arg);
    s->lost = true;
    wake_locked(s);
}

void stream_lost(struct http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    lost_locked(s);
    pthread_mutex_unlock(&s->lock);
}

static size_t take_locked(struct http_stream *s, uint8_t *out, size_t max)
{
    size_t n = s->len < max ? s->len : max, first = HTTP_STREAM_BYTES - s->head;
    if (first > n)
        first = n;
    memcpy(out, s->ring + s->head, first);
    memcpy(out + first, s->ring, n - first);
    s->head = (s->head + n) % HTTP_STREAM_BYTES;
    s->len -= n;
    if (s->wants_room && s->len <= HTTP_STREAM_BYTES / 2) {
        s->wants_room = false;
        if (!s->ended && s->hooks.drained)
            s->hooks.drained(s->hooks.arg);
    }
    return n;
}

static ssize_t reader(void *arg, uint64_t position, char *out, size_t max)
{
    struct http_stream *s = arg;
    ssize_t result = 0;
    (void)position;
    pthread_mutex_lock(&s->lock);
    if (s->lost)
        result = MHD_CONTENT_READER_END_WITH_ERROR;
    else if (s->len > 0)
        result = (ssize_t)take_locked(s, (uint8_t *)out, max);
    else if (s->ended)
        result = s->broken ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    if (result == 0) {
        s->suspended = true;
        conn_set_phase(s->conn, PHASE_WAITING);
        MHD_suspend_connection(s->mhd);
    }
    pthread_mutex_unlock(&s->lock);
    return result;
}

/* The library lets go of its response: nobody will read any more. */
static void reader_gone(void *arg)
{
    struct http_stream *s = arg;
    pthread_mutex_lock(&s->lock);
    s->suspended = false;
    lost_locked(s);
    unref_locked(s);
}

struct http_stream *http_answer_stream(struct http_request *r, unsigned status, const char *content_type, bool events,
                                       const struct http_stream_hooks *hooks)
{
    struct http_stream *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    pthread_mutex_init(&s->lock, NULL);
    s->holders = 3;
    s->server = r->server;
    s->conn = r->conn;
    s->mhd = r->mhd;
    s->hooks = *hooks;
    s->events = events;
    s->last_ms = clock_mono_ms();
    pthread_mutex_lock(&r->server->lock);
    r->stream = s;
    pthread_mutex_unlock(&r->server->lock);
    server_hold(r->server, 1);
    http_put_header(r, "Content-Type", events ? "text/event-stream" : content_type);
    if (events)
        http_put_header(r, "Cache-Control", "no-cache");
    answer_give(r, status, MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32768, reader, s, reader_gone));
    return s;
}

static void add_locked(struct http_stream *s, struct span bytes)
{
    size_t tail = (s->head + s->len) % HTTP_STREAM_BYTES, first = HTTP_STREAM_BYTES - tail;
    if (first > bytes.len)
        first = bytes.len;
    memcpy(s->ring + tail, bytes.ptr, first);
    memcpy(s->ring, bytes.ptr + first, bytes.len - first);
    s->len += bytes.len;
    s->last_ms = clock_mono_ms();
    wake_locked(s);
}

int http_stream_add(struct http_stream *s, struct span bytes)
{
    int result = 0;
    pthread_mutex_lock(&s->lock);
    if (s->lost) {
        result = -1;
    } else if (bytes.len > HTTP_STREAM_BYTES - s->len) {
        s->wants_room = true;
        result = 1;
    } else if (bytes.len > 0) {
        add_locked(s, bytes);
    }
    pthread_mutex_unlock(&s->lock);
    return result;
}

bool http_stream_reserve(struct http_stream *s, size_t len)
{
    pthread_mutex_lock(&s->lock);
    bool room = len <= HTTP_STREAM_BYTES - s->len;
    if (!room)
        s->wants_room = true;
    pthread_mutex_unlock(&s->lock);
    return room;
}

void http_stream_end(struct http_stream *s, bool broken)
{
    pthread_mutex_lock(&s->lock);
    struct http_server *server = s->server;
    s->ended = true;
    s->broken = broken;
    wake_locked(s);
    unref_locked(s);
    server_hold(server, -1);
}

/* While the client waits for the next event, now and then a comment: it keeps what stands between awake, and a client
 * that has left answers it with a reset. */
void stream_comment(struct http_stream *s, int64_t now_ms, unsigned comment_ms)
{
    pthread_mutex_lock(&s->lock);
    if (s->events && s->suspended && !s->ended && now_ms - s->last_ms >= comment_ms)
        add_locked(s, SPAN_LIT(": still here\n\n"));
    pthread_mutex_unlock(&s->lock);
}
