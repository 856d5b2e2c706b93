/* What the library calls: a connection begins and ends, a first line is there (on_target), a request comes piece by
 * piece (on_request), a request is over (on_completed). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/internal.h"
#include "util/clock.h"
#include "util/log.h"

#define LOG_LINES_A_SECOND 20U

void conn_set_phase(struct http_conn *c, enum http_phase p)
{
    atomic_store(&c->since_ms, clock_mono_ms());
    atomic_store(&c->phase, (int)p);
}

bool server_may_log(struct http_server *s)
{
    int64_t second = clock_mono_ms() / 1000;
    if (atomic_exchange(&s->log_second, second) != second)
        atomic_store(&s->logged, 0);
    return atomic_fetch_add(&s->logged, 1) < LOG_LINES_A_SECOND;
}

void server_hold(struct http_server *s, int change)
{
    if (change > 0) {
        s->held++;
        return;
    }
    pthread_mutex_lock(&s->lock);
    if (--s->held == 0)
        pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

/* ── connections ── */

static void conn_begin(struct http_server *s, struct MHD_Connection *mhd, void **socket_context)
{
    struct http_conn *c = calloc(1, sizeof(*c));
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *peer = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!c)
        abort();
    c->server = s;
    c->fd = fd ? fd->connect_fd : -1;
    if (peer && peer->client_addr && peer->client_addr->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)peer->client_addr)->sin_addr, c->peer,
                  sizeof(c->peer));
    else if (peer && peer->client_addr && peer->client_addr->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)peer->client_addr)->sin6_addr, c->peer,
                  sizeof(c->peer));
    const union MHD_ConnectionInfo *tls = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (s->tls && tls && tls->tls_session) {
        c->session = tls->tls_session;
        c->pair = tls_begin(s->tls, c->session);
    }
    conn_set_phase(c, PHASE_FRESH);
    pthread_mutex_lock(&s->lock);
    c->next = s->conns;
    if (c->next)
        c->next->prev = c;
    s->conns = c;
    pthread_mutex_unlock(&s->lock);
    s->connections++;
    *socket_context = c;
}

/* The descriptor is still open here, so that the watchdog never shuts one that has become another's. */
static void conn_end(struct http_server *s, struct http_conn *c)
{
    pthread_mutex_lock(&s->lock);
    if (c->next)
        c->next->prev = c->prev;
    *(c->prev ? &c->prev->next : &s->conns) = c->next;
    pthread_mutex_unlock(&s->lock);
    if (c->linger)
        linger_add(s, c->fd);
    s->connections--;
    tls_end(c->pair);
    free(c);
}

void on_connection(void *arg, struct MHD_Connection *mhd, void **socket_context,
                   enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        conn_begin(arg, mhd, socket_context);
    else if (*socket_context)
        conn_end(arg, *socket_context);
}

/* ── requests ── */

void *on_target(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_server *s = arg;
    struct http_conn *c = info ? info->socket_context : NULL;
    if (!c)
        return NULL;
    struct http_request *r = request_new(c, mhd, uri);
    s->in_hand++;
    conn_set_phase(c, PHASE_HEAD);
    pthread_mutex_lock(&s->lock);
    c->request = r;
    pthread_mutex_unlock(&s->lock);
    return r;
}

void on_completed(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode how)
{
    struct http_request *r = *context;
    struct http_server *s = arg;
    (void)mhd;
    (void)how;
    if (!r)
        return;
    *context = NULL;
    pthread_mutex_lock(&s->lock);
    r->conn->request = NULL;
    pthread_mutex_unlock(&s->lock);
    if (r->stream)
        stream_lost(r->stream);
    conn_set_phase(r->conn, PHASE_IDLE);
    if (r->upload)
        upload_lost(r);
    request_unref(r);
    pthread_mutex_lock(&s->lock);
    if (--s->in_hand == 0)
        pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

static const struct {
    const char *name;
    enum http_method method;
} METHODS[] = {{"GET", HTTP_GET}, {"HEAD", HTTP_HEAD},   {"POST", HTTP_POST},
               {"PUT", HTTP_PUT}, {"PATCH", HTTP_PATCH}, {"DELETE", HTTP_DELETE}};

static enum http_method method_of(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(METHODS); i++)
        if (!strcmp(text, METHODS[i].name))
            return METHODS[i].method;
    return HTTP_OTHER;
}

/* The longest path that fits; of several with this path, the one that has the method. */
static const struct http_route *route_find(const struct http_server *s, const char *path, enum http_method method)
{
    const struct http_route *best = NULL;
    size_t best_len = 0;
    for (size_t i = 0; i < s->o.route_count; i++) {
        const struct http_route *t = &s->o.routes[i];
        size_t len = strlen(t->path);
        bool beginning = len > 1 && t->path[len - 1] == '/';
        if (!(beginning ? !strncmp(path, t->path, len) : !strcmp(path, t->path)))
            continue;
        if (len > best_len || (len == best_len && (t->methods & (unsigned)method))) {
            best = t;
            best_len = len;
        }
    }
    return best;
}

static void allow_header(struct http_request *r)
{
    auto_buf allow = BUF(128);
    unsigned methods = 0;
    for (size_t i = 0; i < r->server->o.route_count; i++)
        if (!strcmp(r->server->o.routes[i].path, r->route->path))
            methods |= r->server->o.routes[i].methods;
    for (size_t i = 0; i < ARRAY_LEN(METHODS); i++)
        if (methods & (unsigned)METHODS[i].method)
            buf_printf(&allow, "%s%s", allow.len ? ", " : "", METHODS[i].name);
    http_put_header(r, "Allow", buf_str(&allow));
}

static void tell_refused(struct http_request *r, unsigned status)
{
    const struct http_options *o = &r->server->o;
    if (o->refused)
        o->refused(r, status, o->refused_arg);
}

/* Everything that can be said before the body. -1: answered. */
static int look_at_head(struct http_request *r)
{
    if (atomic_load(&r->server->stopping)) {
        http_error(r, 503, NULL, "the server is going down");
    } else if (!r->route) {
        tell_refused(r, 404);
        http_error(r, 404, NULL, "%s: no such path", r->target.path);
    } else if (!(r->route->methods & (unsigned)r->method)) {
        tell_refused(r, 405);
        allow_header(r);
        http_error(r, 405, NULL, "%s: this method is not answered here", r->target.path);
    } else if (r->has_body && !r->route->body_max) {
        tell_refused(r, 413);
        http_error(r, 413, NULL, "%s takes no body", r->target.path);
    } else if (r->known_length && r->content_length > r->route->body_max) {
        tell_refused(r, 413);
        http_error(r, 413, NULL, "the body has %llu bytes; at most %llu are taken",
                   (unsigned long long)r->content_length, (unsigned long long)r->route->body_max);
    } else if (!r->route->admit || r->route->admit(r, r->route->arg) == 0)
        return 0;
    return -1;
}

static void refuse(struct http_request *r, unsigned status, const char *why)
{
    r->refused = r->close = r->conn->linger = true;
    r->server->refused++;
    if (server_may_log(r->server))
        log_event(EV_REQUEST_REFUSED, "peer", r->conn->peer, "reason", why, NULL);
    http_error(r, status, NULL, "malformed request: %s", why);
}

static void too_many_uploads(struct http_request *r)
{
    r->close = r->conn->linger = r->has_body;
    tell_refused(r, 503);
    http_put_header(r, "Retry-After", "1");
    http_error(r, 503, NULL, "%u uploads are under way already: try again in a moment", r->server->o.uploads_max);
}

/* False: answered. */
static bool begin_upload(struct http_request *r)
{
    if (upload_begin(r))
        return true;
    too_many_uploads(r);
    return false;
}

/* The head is there. True when the answer must be queued at once, and the connection closed behind it: the body is not
 * read. A small body is read and thrown away instead. */
static bool begin(struct http_request *r, const char *method, const char *version)
{
    unsigned status;
    r->begun = true;
    r->began_ns = clock_mono_ns();
    r->method = method_of(method);
    const char *why = guard_look(r, method, version, &status);
    if (!why) {
        r->route = route_find(r->server, r->target.path, r->method);
        if (!target_slash_ok(&r->target, r->route && r->route->encoded_slash ? r->route->path : NULL))
            why = "%2F in the path";
        else if (!target_query_ok(&r->target, r->route ? r->route->repeated_query : NULL))
            why = "a parameter that stands twice in the query";
        if (why)
            tell_refused(r, status);
    }
    if (why) {
        refuse(r, status, why);
        return true;
    }
    if (look_at_head(r) == 0) {
        atomic_store(&r->conn->body_bytes, 0);
        if (r->route->streams_body && r->has_body)
            return !begin_upload(r);
        r->body = BUF(r->route->body_max);
        conn_set_phase(r->conn, PHASE_BODY);
        return false;
    }
    if (!r->has_body)
        return false;
    bool small = r->known_length && r->content_length <= HTTP_DISCARD_BYTES && !http_header(r, "Expect");
    r->discard = small;
    r->conn->linger = !small;
    if (!small)
        MHD_add_response_header(r->response, "Connection", "close");
    else
        conn_set_phase(r->conn, PHASE_BODY);
    return !small;
}

/* A piece of the body. A body of unknown length that grows too large is read a little further, so that its client sees
 * the 413; then the connection is dropped. */
static enum MHD_Result body_add(struct http_request *r, const char *bytes, size_t len)
{
    struct http_server *s = r->server;
    atomic_fetch_add(&r->conn->body_bytes, len);
    if (r->discard || r->answered)
        return atomic_load(&r->conn->body_bytes) > r->body.max + 16U * HTTP_DISCARD_BYTES ? MHD_NO : MHD_YES;
    if (len > r->body.max - r->body.len) {
        r->close = true;
        tell_refused(r, 413);
        http_error(r, 413, NULL, "the body has more than %zu bytes", r->body.max);
        return MHD_YES;
    }
    if (atomic_fetch_add(&s->body_total, len) + len > s->o.body_total_max) {
        atomic_fetch_sub(&s->body_total, len);
        r->close = true;
        tell_refused(r, 503);
        http_put_header(r, "Retry-After", "1");
        http_error(r, 503, NULL, "too many large requests at once");
        return MHD_YES;
    }
    r->counted += len;
    buf_add(&r->body, bytes, len);
    return MHD_YES;
}

static enum MHD_Result dispatch_to_pool(struct http_request *r)
{
    r->suspended = true;
    MHD_suspend_connection(r->mhd);
    if (!r->route->streams_body)
        pool_push(&r->server->workers, r);
    else if (!pool_try(&r->server->uploads, r))
        too_many_uploads(r);
    return MHD_YES;
}

/* The whole request is there: a worker takes it, or a quick handler here and now. */
static enum MHD_Result dispatch(struct http_request *r)
{
    r->server->requests++;
    if (r->route->at_once && r->route->at_once(r, r->route->arg))
        return (enum MHD_Result)answer_queue(r);
    r->dispatched = true;
    server_hold(r->server, 1);
    conn_set_phase(r->conn, PHASE_JOB);
    if (r->route->streams_body || !r->route->quick)
        return dispatch_to_pool(r);
    r->route->handle(r, r->route->arg);
    pthread_mutex_lock(&r->lock);
    bool later = !r->answered;
    if (later) {
        r->suspended = true;
        MHD_suspend_connection(r->mhd);
    }
    pthread_mutex_unlock(&r->lock);
    return later ? MHD_YES : (enum MHD_Result)answer_queue(r);
}

enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
                           const char *version, const char *upload, size_t *upload_size, void **context)
{
    struct http_request *r = *context;
    (void)arg;
    (void)mhd;
    (void)url;
    if (!r)
        return MHD_NO;
    if (!r->begun)
        return begin(r, method, version) ? (enum MHD_Result)answer_queue(r) : MHD_YES;
    if (r->upload)
        return (enum MHD_Result)upload_go_on(r, upload, upload_size);
    if (*upload_size) {
        size_t len = *upload_size;
        *upload_size = 0;
        return body_add(r, upload, len);
    }
    pthread_mutex_lock(&r->lock);
    bool answered = r->answered;
    pthread_mutex_unlock(&r->lock);
    if (answered)
        return r->queued ? MHD_YES : (enum MHD_Result)answer_queue(r);
    return r->dispatched ? MHD_YES : dispatch(r);
}
