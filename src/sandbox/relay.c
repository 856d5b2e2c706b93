/* One thread accepts; each connection has a thread of its own, because libcurl's way to a place (names, addresses of
 * both families, proxies) is one call that waits. `stop` is an event that stays readable once it was raised: every poll
 * here has it. The lock guards everything that several threads touch. */
#include "sandbox/relay.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "sandbox/box.h"
#include "util/auto.h"
#include "util/clock.h"

#define ACTIVE_MAX      64
#define IDLE_MS_DEFAULT 60000
#define CONNECT_MS      20000L
#define CHUNK_BYTES     65536U

struct box_relay {
    struct relay_place places[BOX_LISTEN_MAX];
    size_t count;
    struct relay_limits limits;
    int stop; /* eventfd */
    int64_t started_ms;
    pthread_t acceptor;

    pthread_mutex_t lock;
    pthread_cond_t fewer;
    size_t active;
    uint64_t received;
    struct relay_record record;
};

/* What a connection's thread is given; its own. */
struct carriage {
    struct box_relay *relay;
    size_t row; /* in the record */
    int inside;
    const struct relay_place *place;
};

/* One direction. */
struct flow {
    int from, to;
    size_t at, len;
    bool ended; /* nothing more comes, and the other side was told */
    uint8_t bytes[CHUNK_BYTES];
};

static bool is_stopped(const struct box_relay *r)
{
    struct pollfd p = {.fd = r->stop, .events = POLLIN};
    return poll(&p, 1, 0) != 0;
}

static void raise_stop(const struct box_relay *r)
{
    const uint64_t one = 1;
    (void)!write(r->stop, &one, sizeof(one));
}

static void note(const struct carriage *c, uint64_t sent, uint64_t received, const char *why)
{
    struct box_relay *r = c->relay;
    pthread_mutex_lock(&r->lock);
    struct relay_connection *row = &r->record.list[c->row];
    row->sent += sent;
    row->received += received;
    r->received += received;
    if (why && !row->why[0])
        snprintf(row->why, sizeof(row->why), "%s", why);
    if (r->limits.bytes && r->received > r->limits.bytes && !r->record.over_limit) {
        r->record.over_limit = true;
        raise_stop(r);
    }
    pthread_mutex_unlock(&r->lock);
}

/* ── the way out ── */

static int look_at_stop(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return is_stopped(arg);
}

/* curl reads the lower-case form of http_proxy only, because a web server's HTTP_PROXY may be a visitor's word. */
static const char *proxy_of(const struct relay_place *place)
{
    static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    static const char *const tls[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    const char *const *names = place->tls ? tls : plain;
    size_t count = place->tls ? ARRAY_LEN(tls) : ARRAY_LEN(plain);
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return value;
    }
    return "";
}

static int connect_out(const struct carriage *c, CURL *easy)
{
    char url[300], why[CURL_ERROR_SIZE] = "";
    curl_socket_t fd = CURL_SOCKET_BAD;
    const char *host = c->place->host;
    snprintf(url, sizeof(url), strchr(host, ':') ? "http://[%s]:%u/" : "http://%s:%u/", host, c->place->port);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy_of(c->place)); /* "": none; no_proxy is looked at by curl */
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look_at_stop);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, c->relay);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why);
    CURLcode result = curl_easy_perform(easy);
    if (result == CURLE_OK)
        result = curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
    if (result == CURLE_OK && fd != CURL_SOCKET_BAD)
        return (int)fd;
    note(c, 0, 0, why[0] ? why : curl_easy_strerror(result));
    return -1;
}

/* ── passing on ── */

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Moves what can be moved. Bytes that arrived, 0 when nothing moved, -1 when the connection is over. */
static ssize_t move(struct flow *f)
{
    ssize_t got = 0;
    if (f->at == f->len && !f->ended) {
        got = recv(f->from, f->bytes, sizeof(f->bytes), MSG_DONTWAIT);
        if (got < 0)
            return would_block() ? 0 : -1;
        f->at = 0;
        f->len = (size_t)got;
        if (got == 0) {
            f->ended = true;
            (void)shutdown(f->to, SHUT_WR);
        }
    }
    while (f->at < f->len) {
        ssize_t sent = send(f->to, f->bytes + f->at, f->len - f->at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && would_block())
            break;
        if (sent <= 0)
            return -1;
        f->at += (size_t)sent;
    }
    return got;
}

static short wanted_in(const struct flow *f)
{
    return f->at == f->len && !f->ended ? POLLIN : 0;
}

static short wanted_out(const struct flow *f)
{
    return f->at < f->len ? POLLOUT : 0;
}

static void carry(const struct carriage *c, int outside, struct flow *there, struct flow *back)
{
    int idle_ms = c->relay->limits.idle_ms ? c->relay->limits.idle_ms : IDLE_MS_DEFAULT;
    *there = (struct flow){.from = c->inside, .to = outside};
    *back = (struct flow){.from = outside, .to = c->inside};
    while (!there->ended || !back->ended) {
        struct pollfd p[] = {{.fd = c->inside, .events = (short)(wanted_in(there) | wanted_out(back))},
                             {.fd = outside, .events = (short)(wanted_in(back) | wanted_out(there))},
                             {.fd = c->relay->stop, .events = POLLIN}};
        int ready = poll(p, ARRAY_LEN(p), idle_ms);
        if (ready == 0)
            return note(c, 0, 0, "cut: nothing moved for the time that is allowed");
        if (ready < 0 && errno != EINTR)
            return note(c, 0, 0, "cut: poll failed");
        if (p[2].revents)
            return note(c, 0, 0, box_relay_is_over(c->relay) ? "cut: more bytes than are allowed" : "cut: the end");
        ssize_t sent = move(there), received = move(back);
        note(c, sent > 0 ? (uint64_t)sent : 0, received > 0 ? (uint64_t)received : 0, NULL);
        if (sent < 0 || received < 0)
            return;
    }
}

static void *serve(void *arg)
{
    auto_free struct carriage *c = arg;
    auto_free struct flow *flows = calloc(2, sizeof(*flows));
    if (!flows)
        abort();
    struct box_relay *r = c->relay;
    CURL *easy = curl_easy_init();
    int outside = easy ? connect_out(c, easy) : -1;
    if (outside >= 0)
        carry(c, outside, &flows[0], &flows[1]);
    curl_easy_cleanup(easy); /* closes its socket */
    close(c->inside);
    pthread_mutex_lock(&r->lock);
    r->record.list[c->row].end_ms = clock_mono_ms() - r->started_ms;
    r->active--;
    pthread_cond_signal(&r->fewer);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* ── accepting ── */

/* A row in the record for a new connection; false: it is one too many. */
static bool enter(struct box_relay *r, size_t place, size_t *row)
{
    pthread_mutex_lock(&r->lock);
    while (r->active == ACTIVE_MAX)
        pthread_cond_wait(&r->fewer, &r->lock);
    bool room = r->record.count < RELAY_CONNECTIONS_MAX;
    if (room) {
        *row = r->record.count++;
        r->record.list[*row] =
            (struct relay_connection){.place = place, .begin_ms = clock_mono_ms() - r->started_ms, .end_ms = -1};
        r->active++;
    } else {
        r->record.dropped++;
    }
    pthread_mutex_unlock(&r->lock);
    return room;
}

static void leave(struct box_relay *r, size_t row, const char *why)
{
    pthread_mutex_lock(&r->lock);
    snprintf(r->record.list[row].why, sizeof(r->record.list[row].why), "%s", why);
    r->record.list[row].end_ms = clock_mono_ms() - r->started_ms;
    r->active--;
    pthread_mutex_unlock(&r->lock);
}

static void accept_one(struct box_relay *r, size_t place)
{
    size_t row;
    auto_fd fd = accept4(r->places[place].listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 || !enter(r, place, &row))
        return;
    struct carriage *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    *c = (struct carriage){.relay = r, .row = row, .inside = fd, .place = &r->places[place]};
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, c) == 0) {
        pthread_detach(thread);
        fd_steal(&fd);
        return;
    }
    free(c);
    leave(r, row, "no thread could be started");
}

static void *accept_all(void *arg)
{
    struct box_relay *r = arg;
    struct pollfd p[BOX_LISTEN_MAX + 1];
    for (size_t i = 0; i < r->count; i++)
        p[i] = (struct pollfd){.fd = r->places[i].listener, .events = POLLIN};
    p[r->count] = (struct pollfd){.fd = r->stop, .events = POLLIN};
    for (;;) {
        if (poll(p, (nfds_t)r->count + 1, -1) < 0 && errno != EINTR)
            return NULL;
        if (p[r->count].revents)
            return NULL;
        for (size_t i = 0; i < r->count; i++)
            if (p[i].revents)
                accept_one(r, i);
    }
}

/* ── begin and end ── */

static void relay_free(struct box_relay *r)
{
    if (r->stop >= 0)
        close(r->stop);
    box_relay_record_fini(&r->record);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->fewer);
    free(r);
}

int box_relay_start(const struct relay_place *places, size_t count, const struct relay_limits *limits,
                    struct box_relay **out, struct err *e)
{
    if (count > BOX_LISTEN_MAX)
        return err_set(e, ERR_LIMIT, 0, "a relay to %zu places; at most %d", count, BOX_LISTEN_MAX);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct box_relay *r = calloc(1, sizeof(*r));
    if (!r || !(r->record.list = calloc(RELAY_CONNECTIONS_MAX, sizeof(*r->record.list))))
        abort();
    memcpy(r->places, places, count * sizeof(*places));
    r->count = count;
    r->limits = *limits;
    r->started_ms = clock_mono_ms();
    r->stop = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->fewer, NULL);
    int why = r->stop < 0 ? errno : pthread_create(&r->acceptor, NULL, accept_all, r);
    if (why) {
        relay_free(r);
        return err_set(e, ERR_SYSTEM, why, "start the relay of a box");
    }
    *out = r;
    return 0;
}

bool box_relay_is_over(struct box_relay *r)
{
    pthread_mutex_lock(&r->lock);
    bool over = r->record.over_limit;
    pthread_mutex_unlock(&r->lock);
    return over;
}

void box_relay_stop(struct box_relay *r, struct relay_record *out)
{
    if (!r)
        return;
    raise_stop(r);
    pthread_join(r->acceptor, NULL);
    pthread_mutex_lock(&r->lock);
    while (r->active)
        pthread_cond_wait(&r->fewer, &r->lock);
    pthread_mutex_unlock(&r->lock);
    if (out) {
        *out = r->record;
        r->record.list = NULL;
    }
    relay_free(r);
}

void box_relay_record_fini(struct relay_record *r)
{
    free(r->list);
    *r = (struct relay_record){0};
}
