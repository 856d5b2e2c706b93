#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "http/internal.h"
#include "util/json.h"
#include "util/log.h"

#define ERROR_BYTES 16384U

void http_put_header(struct http_request *r, const char *name, const char *value)
{
    if (r->put_count == HTTP_PUT_HEADERS_MAX)
        abort(); /* a programmer's mistake: no handler puts so many */
    char *n = strdup(name), *v = strdup(value);
    if (!n || !v)
        abort();
    r->put[r->put_count].name = n;
    r->put[r->put_count++].value = v;
}

static void response_header(struct MHD_Response *response, const char *name, const char *value)
{
    /* A value that the library will not take (a line break in it) is left out rather than sent. */
    (void)MHD_add_response_header(response, name, value);
}

/* The hooks are taken away first: once the answer is given, nobody is told any more. */
static void forget_hooks(struct http_request *r)
{
    pthread_mutex_lock(&r->server->lock);
    r->gone = NULL;
    r->slow = NULL;
    pthread_mutex_unlock(&r->server->lock);
}

static enum MHD_Result write_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    buf_printf(arg, "%s: %s\r\n", name, value);
    return MHD_YES;
}

/* The body is not at its end, and the library answers only behind it or before it: so the answer is written past it,
 * on a connection on which the library has nothing to send, and the connection ends: with the client's next byte, with
 * its own end, or by the watchdog, which sees a body that does not come. With r->lock. */
static void answer_early(struct http_request *r, struct span body)
{
    auto_buf out = BUF(ERROR_BYTES + 65536);
    char date[64];
    time_t now_s = time(NULL);
    struct tm utc;
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now_s, &utc));
    buf_printf(&out, "HTTP/1.1 %u %s\r\nDate: %s\r\n", r->status, MHD_get_reason_phrase_for(r->status), date);
    MHD_get_response_headers(r->response, write_header, &out);
    buf_printf(&out, "Content-Length: %zu\r\nConnection: close\r\n\r\n", body.len);
    buf_add_span(&out, body);
    bool begun = buf_ok(&out) && atomic_load(&r->conn->body_bytes) > 0;
    if (begun && r->conn->session)
        tls_send_last(r->conn->session, buf_span(&out));
    else if (begun)
        (void)send(r->conn->fd, out.ptr, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    r->server->status[r->status / 100 % 6]++;
    r->conn->linger = true;
    shutdown(r->conn->fd, SHUT_WR); /* and not SHUT_RD: what then comes would be answered with a reset */
}

/* With r->lock: to the loop thread, unless there is no connection any more. */
static void hand_over(struct http_request *r, struct span body)
{
    r->answered = true;
    if (r->lost)
        return;
    if (upload_is_early(r))
        answer_early(r, body);
    else if (!r->ready && (r->close || atomic_load(&r->server->stopping)))
        response_header(r->response, "Connection", "close");
    if (r->suspended)
        MHD_resume_connection(r->mhd);
    r->suspended = false;
}

static void put_headers(const struct http_request *r, struct MHD_Response *response)
{
    if (!response)
        abort(); /* out of memory */
    for (size_t i = 0; i < r->put_count; i++)
        response_header(response, r->put[i].name, r->put[i].value);
    response_header(response, "X-Content-Type-Options", "nosniff");
}

/* `body` lies in the response, and is empty when that is no buffer. */
static void hand(struct http_request *r, unsigned status, struct MHD_Response *response, struct span body)
{
    struct http_server *s = r->server;
    if (r->dispatched)
        forget_hooks(r);
    bool held = r->dispatched, shared = r->upload != NULL;
    pthread_mutex_lock(&r->lock);
    r->response = response;
    r->status = status;
    hand_over(r, body);
    pthread_mutex_unlock(&r->lock);
    if (shared)
        request_unref(r);
    if (held)
        server_hold(s, -1);
}

static void give(struct http_request *r, unsigned status, struct MHD_Response *response, struct span body)
{
    put_headers(r, response);
    hand(r, status, response, body);
}

void answer_give(struct http_request *r, unsigned status, struct MHD_Response *response)
{
    give(r, status, response, (struct span){0});
}

int answer_queue(struct http_request *r)
{
    struct http_server *s = r->server;
    struct MHD_Response *response = ptr_steal(&r->response);
    s->status[r->status / 100 % 6]++;
    r->queued = true;
    conn_set_phase(r->conn, PHASE_SENDING);
    enum MHD_Result result = MHD_queue_response(r->mhd, r->status, response);
    if (!r->ready)
        MHD_destroy_response(response);
    return (int)result;
}

static struct MHD_Response *buffer_response(const char *content_type, struct buf *body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body->len, body->ptr, body->ptr ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    *body = BUF(body->max);
    if (response && content_type)
        response_header(response, "Content-Type", content_type);
    return response;
}

void http_answer(struct http_request *r, unsigned status, const char *content_type, struct buf *body)
{
    if (!buf_ok(body)) {
        buf_fini(body);
        http_error(r, 500, NULL, "the answer is larger than it may be");
        return;
    }
    struct span bytes = buf_span(body);
    give(r, status, buffer_response(content_type, body), bytes);
}

/* ── answers that are given many times ── */

struct http_ready {
    _Atomic unsigned holders;
    unsigned status;
    struct MHD_Response *response; /* the library counts its own holders of it */
    struct span body;
};

struct http_ready *http_ready_new(const struct http_request *r, unsigned status, const char *content_type,
                                  struct buf *body)
{
    struct http_ready *a = calloc(1, sizeof(*a));
    if (!a)
        abort();
    a->holders = 1;
    a->status = status;
    a->body = buf_span(body);
    a->response = buffer_response(content_type, body);
    put_headers(r, a->response);
    return a;
}

struct http_ready *http_ready_hold(struct http_ready *a)
{
    a->holders++;
    return a;
}

void http_ready_free(struct http_ready *a)
{
    if (atomic_fetch_sub(&a->holders, 1) > 1)
        return;
    MHD_destroy_response(a->response);
    free(a);
}

void http_answer_ready(struct http_request *r, struct http_ready *a)
{
    r->ready = http_ready_hold(a);
    hand(r, a->status, a->response, a->body);
}

/* ── files ── */

static bool etag_listed(const char *list, const char *etag)
{
    if (!list || !etag)
        return false;
    return !strcmp(list, "*") || strstr(list, etag) != NULL;
}

static void answer_empty(struct http_request *r, unsigned status)
{
    answer_give(r, status, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
}

struct http_file_plan http_plan_file(const struct http_request *r, uint64_t size, const char *etag)
{
    struct http_file_plan plan = {.status = 200, .length = size};
    if (etag_listed(http_header(r, "If-None-Match"), etag))
        return (struct http_file_plan){.status = 304};
    const char *condition = http_header(r, "If-Range");
    bool ranged = r->method == HTTP_GET && (!condition || (etag && !strcmp(condition, etag)));
    enum http_range range = range_parse(ranged ? http_header(r, "Range") : NULL, size, &plan.from, &plan.length);
    if (range == RANGE_UNSATISFIABLE)
        return (struct http_file_plan){.status = 416};
    if (range == RANGE_PART)
        plan.status = 206;
    plan.bytes = r->method == HTTP_HEAD ? 0 : plan.length;
    return plan;
}

/* 304 and 416 send nothing of the file. */
static void answer_no_file(struct http_request *r, unsigned status, uint64_t size)
{
    char text[96];
    if (status == 304) {
        answer_empty(r, 304);
        return;
    }
    snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)size);
    http_put_header(r, "Accept-Ranges", "bytes");
    http_put_header(r, "Content-Range", text);
    http_error(r, 416, NULL, "Range: wanted bytes 0 to %llu", size ? (unsigned long long)size - 1 : 0);
}

void http_answer_file(struct http_request *r, int fd, uint64_t size, const char *content_type, const char *etag)
{
    char text[96];
    struct http_file_plan plan = http_plan_file(r, size, etag);
    if (etag)
        http_put_header(r, "ETag", etag);
    if (plan.status == 304 || plan.status == 416) {
        close(fd);
        answer_no_file(r, plan.status, size);
        return;
    }
    http_put_header(r, "Accept-Ranges", "bytes");
    if (plan.status == 206) {
        snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)plan.from,
                 (unsigned long long)(plan.from + plan.length - 1), (unsigned long long)size);
        http_put_header(r, "Content-Range", text);
    }
    (void)posix_fadvise(fd, (off_t)plan.from, (off_t)plan.length, POSIX_FADV_SEQUENTIAL); /* the loop thread reads it */
    struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(plan.length, fd, plan.from);
    if (response)
        response_header(response, "Content-Type", content_type);
    answer_give(r, plan.status, response);
}

/* ── errors ── */

struct words {
    unsigned status;
    const char *openai_type, *openai_code, *oci;
};

static const struct words usual[] = {
    {400, "invalid_request_error", "invalid_request", "UNSUPPORTED"},
    {401, "authentication_error", "invalid_api_key", "UNAUTHORIZED"},
    {403, "permission_error", "not_allowed", "DENIED"},
    {404, "not_found_error", "not_found", "NAME_UNKNOWN"},
    {405, "invalid_request_error", "method_not_allowed", "UNSUPPORTED"},
    {413, "invalid_request_error", "request_too_large", "SIZE_INVALID"},
    {416, "invalid_request_error", "range_not_satisfiable", "SIZE_INVALID"},
    {429, "rate_limit_error", "rate_limit_exceeded", "TOOMANYREQUESTS"},
    {500, "server_error", "internal_error", "UNKNOWN"},
};

static const struct words *words_of(unsigned status)
{
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        if (usual[i].status == status)
            return &usual[i];
    return &usual[status >= 500 ? ARRAY_LEN(usual) - 1 : 0];
}

static void write_openai(struct buf *out, const struct words *w, const char *code, const char *message)
{
    struct json_out j;
    json_out_init(&j, out);
    json_out_object(&j);
    json_put_object(&j, "error");
    json_put_string(&j, "message", message);
    json_put_string(&j, "type", w->openai_type);
    json_out_key(&j, "param");
    json_out_null(&j);
    json_put_string(&j, "code", code ? code : w->openai_code);
    json_out_object_end(&j);
    json_out_object_end(&j);
}

static void write_oci(struct buf *out, const struct words *w, const char *code, const char *message)
{
    struct json_out j;
    json_out_init(&j, out);
    json_out_object(&j);
    json_put_array(&j, "errors");
    json_out_object(&j);
    json_put_string(&j, "code", code ? code : w->oci);
    json_put_string(&j, "message", message);
    json_out_object_end(&j);
    json_out_array_end(&j);
    json_out_object_end(&j);
}

static void write_npm(struct buf *out, const char *message)
{
    struct json_out j;
    json_out_init(&j, out);
    json_out_object(&j);
    json_put_string(&j, "error", message);
    json_out_object_end(&j);
}

void http_error(struct http_request *r, unsigned status, const char *code, const char *format, ...)
{
    char message[ERR_MSG_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    auto_buf body = BUF(ERROR_BYTES);
    enum http_shape shape = r->route ? r->route->shape : HTTP_PLAIN;
    if (shape == HTTP_OPENAI)
        write_openai(&body, words_of(status), code, message);
    else if (shape == HTTP_OCI)
        write_oci(&body, words_of(status), code, message);
    else if (shape == HTTP_NPM)
        write_npm(&body, message);
    else
        buf_printf(&body, "%s\n", message);
    http_answer(r, status, shape == HTTP_PLAIN ? "text/plain; charset=utf-8" : "application/json", &body);
}

void http_error_err(struct http_request *r, const struct err *e)
{
    unsigned status = (unsigned)err_http_status(e->code);
    char id[24];
    if (status < 500 || e->code == ERR_UNDECIDED || e->code == ERR_BUSY) {
        http_error(r, status, NULL, "%s", e->msg);
        return;
    }
    snprintf(id, sizeof(id), "%llu", (unsigned long long)r->id);
    log_event(EV_REQUEST_REFUSED, "request", id, "path", r->target.path, "reason", e->msg, NULL);
    http_error(r, status, NULL, "the server could not do it; its log says why under request %s", id);
}
