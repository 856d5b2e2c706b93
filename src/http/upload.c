/* A body that streams: a bounded ring between the loop thread, which fills it, and the handler, which empties it
 * through http_body_read. A full ring suspends the connection, so that the client's own TCP window closes; a ring that
 * is half empty again resumes it.
 *
 * The connection is suspended, too, from the end of the head until the handler's first read: the library sends its
 * "100 Continue" only when it goes on to the body, so a handler that answers without having read has refused the body
 * before it was sent. */
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"
#include "util/clock.h"

#define WORTH_BYTES 262144U
#define WORTH_NS    1000000

void upload_free(struct upload *u)
{
    if (!u)
        return;
    pthread_cond_destroy(&u->some);
    free(u);
}

static void suspend_locked(struct http_request *r)
{
    r->suspended = true;
    conn_set_phase(r->conn, PHASE_JOB);
    MHD_suspend_connection(r->mhd);
}

/* The library goes on to read the body. */
static void resume_locked(struct http_request *r)
{
    if (!r->suspended || r->lost)
        return;
    r->suspended = false;
    conn_set_phase(r->conn, PHASE_BODY);
    MHD_resume_connection(r->mhd);
}

bool upload_begin(struct http_request *r)
{
    r->upload = calloc(1, sizeof(*r->upload));
    if (!r->upload)
        abort();
    pthread_cond_init(&r->upload->some, NULL);
    request_copy_head(r);
    r->holders = 2;
    r->dispatched = true;
    server_hold(r->server, 1);
    pthread_mutex_lock(&r->lock); /* its handler waits for it, should it be the quicker one */
    bool taken = pool_try(&r->server->uploads, r);
    if (taken)
        suspend_locked(r);
    pthread_mutex_unlock(&r->lock);
    if (taken) {
        r->server->requests++;
        return true;
    }
    upload_free(r->upload);
    r->upload = NULL;
    r->holders = 1;
    r->dispatched = false;
    server_hold(r->server, -1);
    return false;
}

/* ── the loop thread's side ── */

/* With r->lock, which is let go while the bytes are copied: they go where nobody reads yet, and only this thread moves
 * the ring's end. */
static void put(struct http_request *r, const char *bytes, size_t len)
{
    struct upload *u = r->upload;
    size_t tail = (u->head + u->len) % HTTP_BODY_RING_BYTES, first = HTTP_BODY_RING_BYTES - tail;
    if (first > len)
        first = len;
    pthread_mutex_unlock(&r->lock);
    memcpy(u->ring + tail, bytes, first);
    memcpy(u->ring, bytes + first, len - first);
    pthread_mutex_lock(&r->lock);
    u->len += len;
    u->total += len;
}

/* With r->lock. *len becomes what was not taken: the library offers it again when the connection goes on. An answer may
 * have been given meanwhile: then nothing more is taken. */
static void take_piece(struct http_request *r, const char *bytes, size_t *len)
{
    struct upload *u = r->upload;
    size_t room = HTTP_BODY_RING_BYTES - u->len, n = *len < room ? *len : room;
    u->over = *len > r->route->body_max - u->total;
    if (!u->over) {
        put(r, bytes, n);
        *len -= n;
    }
    atomic_fetch_add(&r->conn->body_bytes, n);
    if (u->len >= u->wanted || u->over)
        pthread_cond_signal(&u->some);
    if (*len > 0 && !r->answered)
        suspend_locked(r);
}

int upload_go_on(struct http_request *r, const char *bytes, size_t *len)
{
    struct upload *u = r->upload;
    pthread_mutex_lock(&r->lock);
    if (!r->answered && *len > 0) {
        take_piece(r, bytes, len);
    } else if (!r->answered && !u->passed) {
        u->passed = true;
    } else if (!r->answered) {
        u->complete = true;
        pthread_cond_signal(&u->some);
        suspend_locked(r);
    }
    bool early = r->answered && upload_is_early(r), queue = r->answered && !early;
    pthread_mutex_unlock(&r->lock);
    if (early) /* the client has its answer: this ends the connection */
        return MHD_NO;
    return queue && !r->queued ? answer_queue(r) : MHD_YES;
}

void upload_lost(struct http_request *r)
{
    pthread_mutex_lock(&r->server->lock);
    r->left = true;
    if (r->gone)
        r->gone(r->gone_arg);
    r->gone = NULL;
    pthread_mutex_unlock(&r->server->lock);
    pthread_mutex_lock(&r->lock);
    r->lost = true;
    pthread_cond_signal(&r->upload->some);
    pthread_mutex_unlock(&r->lock);
}

/* ── the handler's side ── */

bool upload_is_early(const struct http_request *r)
{
    return r->upload && r->upload->asked && !r->upload->complete;
}

void upload_stop(struct http_request *r)
{
    pthread_mutex_lock(&r->lock);
    r->upload->stop = true;
    pthread_cond_signal(&r->upload->some);
    pthread_mutex_unlock(&r->lock);
}

/* With r->lock, which is let go while the bytes are copied: only this thread moves the ring's head. */
static size_t get(struct http_request *r, uint8_t *out, size_t max)
{
    struct upload *u = r->upload;
    size_t n = u->len < max ? u->len : max, first = HTTP_BODY_RING_BYTES - u->head;
    if (first > n)
        first = n;
    pthread_mutex_unlock(&r->lock);
    memcpy(out, u->ring + u->head, first);
    memcpy(out + first, u->ring, n - first);
    pthread_mutex_lock(&r->lock);
    u->head = (u->head + n) % HTTP_BODY_RING_BYTES;
    u->len -= n;
    return n;
}

/* -1 with *e when there will be no more bytes, and not because that was all. */
static int still_whole(const struct http_request *r, struct err *e)
{
    const struct upload *u = r->upload;
    if (u->over)
        return err_set(e, ERR_LIMIT, 0, "the body has more than %llu bytes", (unsigned long long)r->route->body_max);
    if (u->complete)
        return 0;
    if (r->lost)
        return err_set(e, ERR_INPUT, 0, "the body broke off after %llu bytes: its client left, or sent too slowly",
                       (unsigned long long)u->total);
    return u->stop ? err_set(e, ERR_BUSY, 0, "the server is going down") : 0;
}

/* Waits for the first byte as long as it takes, and then a moment longer for as many as are worth a wake-up: the loop
 * thread brings them in small pieces. With r->lock. */
static void wait_for_some(struct http_request *r, size_t worth, struct err *e)
{
    struct upload *u = r->upload;
    u->wanted = 1;
    while (u->len == 0 && !u->complete && still_whole(r, e) == 0)
        pthread_cond_wait(&u->some, &r->lock);
    if (u->len >= worth || u->complete || still_whole(r, e) < 0)
        return;
    int64_t until_ns = clock_mono_ns() + WORTH_NS;
    struct timespec until = {until_ns / 1000000000, (long)(until_ns % 1000000000)};
    int timed_out = 0;
    u->wanted = worth;
    while (!timed_out && u->len < worth && !u->complete && still_whole(r, e) == 0)
        timed_out = pthread_cond_clockwait(&u->some, &r->lock, CLOCK_MONOTONIC, &until);
}

ssize_t http_body_read(struct http_request *r, void *out, size_t len, struct err *e)
{
    struct upload *u = r->upload;
    ssize_t result = 0;
    if (!u)
        return 0;
    pthread_mutex_lock(&r->lock);
    if (!u->asked)
        resume_locked(r);
    u->asked = true;
    wait_for_some(r, len < WORTH_BYTES ? len : WORTH_BYTES, e);
    result = still_whole(r, e);
    if (result == 0)
        result = (ssize_t)get(r, out, len);
    if (!u->complete && !u->over && u->len <= HTTP_BODY_RING_BYTES / 2)
        resume_locked(r);
    pthread_mutex_unlock(&r->lock);
    return result;
}

int64_t http_body_length(const struct http_request *r)
{
    if (!r->has_body)
        return 0;
    return r->known_length ? (int64_t)r->content_length : -1;
}
