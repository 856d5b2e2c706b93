/* What the library's time-out does not see: it counts silence only, so a head or a body that drips a byte a second
 * would stay for ever. One thread looks at every connection some times a second, and shuts the socket of each that
 * misses its deadline or its rate; the library then sees it closed and cleans up. It also tells handlers that their
 * client has left, and puts comment lines into silent event streams. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "http/internal.h"
#include "util/clock.h"
#include "util/log.h"

/* Bytes that the client's kernel has acknowledged: what has really gone out, whoever sent it (sendfile too). */
static uint64_t acked_bytes(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
        return 0;
    return info.tcpi_bytes_acked;
}

/* An answer that goes out, or a body that comes in, slower than the rate over one whole window of `grace_ms`. What was
 * fast before counts for nothing: a client that sends a gigabyte and then falls asleep is cut like any other. */
static bool too_few_bytes(struct http_conn *c, const struct http_options *o, int64_t since_ms, int64_t now_ms)
{
    bool begins = c->window_ms < since_ms;
    if (!begins && now_ms - c->window_ms < o->grace_ms)
        return false;
    bool sending = atomic_load(&c->phase) == PHASE_SENDING;
    uint64_t count = sending ? acked_bytes(c->fd) : atomic_load(&c->body_bytes);
    uint64_t wanted = (uint64_t)(now_ms - c->window_ms) * o->min_rate / 1000;
    bool slow = !begins && count - c->window_count < wanted;
    c->window_ms = now_ms;
    c->window_count = count;
    return slow;
}

/* Why this connection must go, or NULL. */
static const char *too_slow(struct http_conn *c, const struct http_options *o, bool crowded, int64_t now_ms)
{
    int64_t since_ms = atomic_load(&c->since_ms), spent_ms = now_ms - since_ms;
    unsigned idle_ms = crowded && o->idle_ms > o->header_deadline_ms ? o->header_deadline_ms : o->idle_ms;
    switch ((enum http_phase)atomic_load(&c->phase)) {
    case PHASE_FRESH:
    case PHASE_HEAD:
        return spent_ms > o->header_deadline_ms ? "the head took too long" : NULL;
    case PHASE_IDLE:
        return spent_ms > idle_ms ? "idle" : NULL;
    case PHASE_BODY:
        return too_few_bytes(c, o, since_ms, now_ms) ? "the body came too slowly" : NULL;
    case PHASE_SENDING:
        return too_few_bytes(c, o, since_ms, now_ms) ? "the answer was read too slowly" : NULL;
    case PHASE_JOB:
    case PHASE_WAITING:
        break;
    }
    return NULL;
}

static bool has_left(int fd, short events)
{
    struct pollfd p = {fd, events, 0};
    return poll(&p, 1, 0) > 0 && (p.revents & (events | POLLHUP | POLLERR)) != 0;
}

static void tell_gone(struct http_request *r)
{
    void (*gone)(void *) = r->gone;
    r->gone = NULL;
    if (gone)
        gone(r->gone_arg);
}

/* A handler has the request. A client that has closed its sending side while it waits for its answer is taken to have
 * left, as other servers do: on loopback nothing else tells. Not so behind a body that streams, whose last bytes may
 * still lie here: who sends and then closes its sending side gets its answer. */
static void look_at_job(struct http_conn *c, int64_t now_ms, bool stop)
{
    struct http_request *r = c->request;
    unsigned deadline_ms = r->route && r->route->deadline_ms ? r->route->deadline_ms : 30000;
    int64_t spent_ms = now_ms - atomic_load(&c->since_ms);
    if (stop || spent_ms > deadline_ms || has_left(c->fd, r->upload ? 0 : POLLRDHUP)) {
        tell_gone(r);
    } else if (r->slow && spent_ms > r->slow_ms) {
        void (*slow)(void *) = r->slow;
        r->slow = NULL;
        slow(r->slow_arg);
    }
}

static void look_at_stream(struct http_conn *c, int64_t now_ms, bool stop)
{
    struct http_stream *s = c->request->stream;
    if (stop || has_left(c->fd, 0))
        stream_lost(s);
    else
        stream_comment(s, now_ms, c->server->o.comment_ms);
}

/* The client has closed its sending side and every byte is read, twice in a row: in between, the loop thread had time
 * to see that the body was whole. It is edge-triggered and can miss an end that came together with the last bytes. */
static bool broke_off(struct http_conn *c, enum http_phase phase)
{
    int unread = 0;
    bool now = phase == PHASE_BODY && has_left(c->fd, POLLRDHUP) && ioctl(c->fd, FIONREAD, &unread) == 0 && !unread;
    bool twice = now && c->broke_off;
    c->broke_off = now;
    return twice;
}

static void look(struct http_conn *c, bool crowded, bool stop, int64_t now_ms)
{
    struct http_server *s = c->server;
    if (c->cut)
        return;
    enum http_phase phase = (enum http_phase)atomic_load(&c->phase);
    if (phase == PHASE_JOB && c->request)
        look_at_job(c, now_ms, stop);
    if (stop && c->request && c->request->upload)
        upload_stop(c->request);
    if ((phase == PHASE_WAITING || (stop && phase == PHASE_SENDING)) && c->request && c->request->stream)
        look_at_stream(c, now_ms, stop);
    if (broke_off(c, phase)) {
        c->cut = true;
        shutdown(c->fd, SHUT_RDWR);
        return;
    }
    const char *why = too_slow(c, &s->o, crowded, now_ms);
    if (!why)
        return;
    if (phase != PHASE_IDLE) {
        s->cut++;
        if (server_may_log(s))
            log_event(EV_CONNECTION_CUT, "peer", c->peer, "reason", why, NULL);
    }
    c->cut = true;
    shutdown(c->fd, SHUT_RDWR);
    if (c->request && c->request->stream)
        stream_lost(c->request->stream);
}

static unsigned tick_ms(const struct http_options *o)
{
    unsigned least = o->header_deadline_ms;
    if (o->grace_ms < least)
        least = o->grace_ms;
    if (o->comment_ms < least)
        least = o->comment_ms;
    return least / 8 < 10 ? 10 : least / 8 > 250 ? 250 : least / 8;
}

void *watchdog_run(void *server)
{
    struct http_server *s = server;
    unsigned tick = tick_ms(&s->o);
    struct timespec pause = {tick / 1000, (long)(tick % 1000) * 1000000};
    while (!atomic_load(&s->watchdog_stop)) {
        bool crowded = atomic_load(&s->connections) > s->o.connections_max / 8 * 7;
        bool stop = atomic_load(&s->cutting);
        pthread_mutex_lock(&s->lock);
        int64_t now_ms = clock_mono_ms();
        for (struct http_conn *c = s->conns; c; c = c->next)
            look(c, crowded, stop, now_ms);
        pthread_mutex_unlock(&s->lock);
        linger_look(s, now_ms);
        if (s->tls)
            tls_look(s->tls, now_ms, atomic_exchange(&s->tls_now, false));
        nanosleep(&pause, NULL);
    }
    return NULL;
}
