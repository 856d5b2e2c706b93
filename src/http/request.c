#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/accept.h"
#include "http/internal.h"
#include "util/clock.h"
#include "util/encode.h"

struct http_request *request_new(struct http_conn *c, struct MHD_Connection *mhd, const char *raw)
{
    struct http_request *r = calloc(1, sizeof(*r));
    if (!r || !(r->raw = strdup(raw)))
        abort();
    r->server = c->server;
    r->raw_at = raw;
    r->conn = c;
    r->mhd = mhd;
    r->id = ++c->server->next_id;
    r->holders = 1;
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

static void headers_free(struct header *h, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(h[i].name);
        free(h[i].value);
    }
}

void request_unref(struct http_request *r)
{
    if (atomic_fetch_sub(&r->holders, 1) > 1)
        return;
    atomic_fetch_sub(&r->server->body_total, r->counted);
    headers_free(r->put, r->put_count);
    headers_free(r->head, r->head_count);
    free(r->head);
    if (r->response && !r->ready)
        MHD_destroy_response(r->response);
    if (r->ready)
        http_ready_free(r->ready);
    stream_unref(r->stream);
    upload_free(r->upload);
    buf_fini(&r->body);
    target_fini(&r->target);
    pthread_mutex_destroy(&r->lock);
    free(r->raw);
    free(r);
}

enum http_method http_method(const struct http_request *r)
{
    return r->method;
}

const char *http_path(const struct http_request *r)
{
    return r->target.path;
}

const char *http_route_rest(const struct http_request *r)
{
    size_t len = strlen(r->route->path);
    return r->route->path[len - 1] == '/' ? r->target.path + len : "";
}

const char *http_route_segments(const struct http_request *r)
{
    const char *rest = http_route_rest(r);
    return *rest && r->target.segments ? r->target.segments + (rest - r->target.path) : rest;
}

const char *http_query_at(const struct http_request *r, const char *key, size_t n)
{
    for (size_t i = 0; i < r->target.query_count; i++)
        if (!strcmp(r->target.query[i].key, key) && n-- == 0)
            return r->target.query[i].value;
    return NULL;
}

const char *http_query(const struct http_request *r, const char *key)
{
    return http_query_at(r, key, 0);
}

static enum MHD_Result copy_one(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct http_request *r = arg;
    struct header *h = &r->head[r->head_count];
    (void)kind;
    h->name = strdup(name);
    h->value = strdup(value ? value : "");
    if (!h->name || !h->value)
        abort();
    r->head_count++;
    return MHD_YES;
}

void request_copy_head(struct http_request *r)
{
    int count = MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, NULL, NULL);
    struct header *head = calloc(count > 0 ? (size_t)count : 1, sizeof(*head));
    if (!head)
        abort();
    r->head = head;
    MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, copy_one, r);
    snprintf(r->peer, sizeof(r->peer), "%s", r->conn->peer);
}

static void each_header(const struct http_request *r, MHD_KeyValueIterator look, void *arg)
{
    if (!r->head)
        MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, look, arg);
    for (size_t i = 0; i < r->head_count; i++)
        look(arg, MHD_HEADER_KIND, r->head[i].name, r->head[i].value);
}

const char *http_header(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->head_count; i++)
        if (!strcasecmp(r->head[i].name, name))
            return r->head[i].value;
    return r->head ? NULL : MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
}

struct span http_body(const struct http_request *r)
{
    return buf_span(&r->body);
}

const char *http_peer(const struct http_request *r)
{
    return r->head ? r->peer : r->conn->peer;
}

bool http_secure(const struct http_request *r)
{
    return r->conn->session != NULL;
}

uint64_t http_id(const struct http_request *r)
{
    return r->id;
}

int64_t http_began_ns(const struct http_request *r)
{
    return r->began_ns;
}

/* RFC 6750 section 2.1 */
static bool bearer(const char *value, struct buf *out)
{
    size_t len = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=");
    if (len == 0 || value[len] != 0)
        return false;
    buf_add(out, value, len);
    return buf_ok(out);
}

/* RFC 7617: base64 of "user:password". The user may be anything: the token is who it is. */
static bool basic(const char *value, struct buf *out)
{
    auto_buf plain = BUF(4096);
    struct span user, text;
    if (!base64_decode(span_str(value), false, &plain))
        return false;
    text = buf_span(&plain);
    if (!span_take_until(&text, ':', &user) || text.len == 0 || !span_is_printable(text))
        return false;
    buf_add_span(out, text);
    return buf_ok(out);
}

struct count_header {
    const char *name;
    unsigned count;
};

static enum MHD_Result count_one(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct count_header *c = arg;
    (void)kind;
    (void)value;
    c->count += !strcasecmp(name, c->name);
    return MHD_YES;
}

bool http_token(const struct http_request *r, struct buf *out)
{
    struct count_header c = {"Authorization", 0};
    const char *value = http_header(r, c.name);
    each_header(r, count_one, &c);
    if (!value || c.count != 1)
        return false;
    if (!strncasecmp(value, "Bearer ", 7))
        return bearer(value + 7 + strspn(value + 7, " "), out);
    if (!strncasecmp(value, "Basic ", 6))
        return basic(value + 6 + strspn(value + 6, " "), out);
    return false;
}

struct accept {
    const char *media_type;
    bool any;
    struct accept_match match;
};

static enum MHD_Result accept_one(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct accept *a = arg;
    (void)kind;
    if (strcasecmp(name, "Accept") != 0)
        return MHD_YES;
    a->any = true;
    accept_look(span_str(value ? value : ""), a->media_type, &a->match);
    return MHD_YES;
}

unsigned http_accept_quality(const struct http_request *r, const char *media_type)
{
    struct accept a = {.media_type = media_type};
    each_header(r, accept_one, &a);
    return a.any ? a.match.quality : 1000;
}

bool http_accepts(const struct http_request *r, const char *media_type)
{
    return http_accept_quality(r, media_type) > 0;
}

/* Headers that make of a question another one. */
static bool is_condition(const char *name)
{
    static const char *const names[] = {"Range",    "If-Range",          "If-None-Match",
                                        "If-Match", "If-Modified-Since", "If-Unmodified-Since"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcasecmp(name, names[i]))
            return true;
    return false;
}

struct plain {
    struct buf *key;
    bool is;
};

static enum MHD_Result look_plain(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct plain *p = arg;
    (void)kind;
    if (!strcasecmp(name, "Accept") || !strcasecmp(name, "Host"))
        buf_printf(p->key, "%c%s\n", name[0] | 0x20, value ? value : "");
    p->is = p->is && !is_condition(name);
    return MHD_YES;
}

bool http_plain_key(const struct http_request *r, struct buf *out)
{
    struct plain p = {out, r->method == HTTP_GET && r->target.query_count == 0};
    buf_printf(out, "%s\n", r->target.segments ? r->target.segments : r->target.path);
    each_header(r, look_plain, &p);
    return p.is && buf_ok(out);
}

void http_on_gone(struct http_request *r, void (*gone)(void *arg), void *arg)
{
    pthread_mutex_lock(&r->server->lock);
    if (r->left) {
        gone(arg);
    } else {
        r->gone = gone;
        r->gone_arg = arg;
    }
    pthread_mutex_unlock(&r->server->lock);
}

void http_on_slow(struct http_request *r, unsigned after_ms, void (*slow)(void *arg), void *arg)
{
    pthread_mutex_lock(&r->server->lock);
    r->slow = slow;
    r->slow_arg = arg;
    r->slow_ms = after_ms;
    pthread_mutex_unlock(&r->server->lock);
}
