#include "registry/mirror.h"

#include <string.h>
#include <unistd.h>

#include "gate/policy.h"
#include "registry/cache.h"
#include "util/clock.h"
#include "util/log.h"

/* What was asked for is at most a head's length (http/server.c, POOL_BYTES), and JSON may double it. */
#define RECORD_BYTES 131072U

static void write_record(const struct mirror *m, unsigned status, const char *object, const struct digest *digest,
                         uint64_t bytes, struct buf *line)
{
    struct json_out w;
    json_out_init(&w, line);
    json_out_object(&w);
    json_put_time(&w, "time", clock_now_s());
    json_put_string(&w, "kind", "pull");
    json_put_string(&w, "person", m->who.person);
    json_put_string(&w, "role", m->who.role_name);
    json_put_string(&w, "environment", m->environment);
    json_put_string(&w, "repository", m->protocol);
    json_put_string(&w, "what", object);
    if (digest)
        json_put_digest(&w, "digest", digest);
    json_put_uint(&w, "status", status);
    json_put_uint(&w, "bytes", bytes);
    json_out_object_end(&w);
}

int mirror_record(const struct mirror *m, unsigned status, const char *object, const struct digest *digest,
                  uint64_t bytes)
{
    auto_buf line = BUF(RECORD_BYTES);
    struct err e = {0};
    write_record(m, status, object, digest, bytes, &line);
    if (m->g->o.record(m->g->o.arg, buf_span(&line), &e) == 0)
        return 0;
    log_event(EV_ACCESS_LOST, "repository", m->protocol, "reason", e.msg, NULL);
    return -1;
}

static void refuse_unrecorded(struct mirror *m)
{
    http_error(m->r, 503, NULL, "the access log cannot be written, so nothing is given");
}

static bool recorded(struct mirror *m, unsigned status, const char *object, const struct digest *digest, uint64_t bytes)
{
    if (mirror_record(m, status, object, digest, bytes) == 0)
        return true;
    refuse_unrecorded(m);
    return false;
}

/* Of a page: 200, and nothing of it goes out to a HEAD. */
static bool recorded_page(struct mirror *m, const char *object, uint64_t bytes)
{
    return recorded(m, 200, object, NULL, http_method(m->r) == HTTP_HEAD ? 0 : bytes);
}

bool mirror_record_file(struct mirror *m, const char *object, const struct digest *digest, uint64_t size,
                        const char *etag)
{
    struct http_file_plan plan = http_plan_file(m->r, size, etag);
    return recorded(m, plan.status, object, digest, plan.bytes);
}

/* An answer that is a header and no bytes. */
static void answer_short(struct mirror *m, const char *object, unsigned status, const char *header, const char *value)
{
    struct buf none = BUF(1);
    if (!recorded(m, status, object, NULL, 0))
        return;
    http_put_header(m->r, header, value);
    http_answer(m->r, status, NULL, &none);
}

void mirror_page(struct mirror *m, const char *object, const char *content_type, const char *etag, struct buf *body)
{
    if (!recorded_page(m, object, body->len)) {
        buf_fini(body);
        return;
    }
    if (etag)
        http_put_header(m->r, "ETag", etag);
    http_answer(m->r, 200, content_type, body);
}

void mirror_listing(struct mirror *m, const char *object, const char *content_type, struct buf *body)
{
    struct digest hash = digest_of(buf_span(body));
    char etag[DIGEST_TEXT_SIZE + 2];
    snprintf(etag, sizeof(etag), "\"%s\"", digest_text(&hash).text);
    http_put_header(m->r, "Cache-Control", "no-cache");
    const char *has = http_header(m->r, "If-None-Match");
    if (!buf_ok(body) || !has || !strstr(has, etag)) {
        if (!recorded_page(m, object, body->len)) {
            buf_fini(body);
            return;
        }
        auto_buf line = BUF(RECORD_BYTES);
        write_record(m, 200, object, NULL, body->len, &line);
        http_put_header(m->r, "ETag", etag);
        cache_answer_new(m->g->cache, m->r, m->generation, buf_span(&line), content_type, body);
        return;
    }
    buf_fini(body);
    answer_short(m, object, 304, "ETag", etag);
}

void mirror_redirect(struct mirror *m, const char *object, const char *location)
{
    answer_short(m, object, 301, "Location", location);
}

void mirror_blob(struct mirror *m, const char *object, const char *content_type, const struct digest *digest)
{
    struct err e = {0};
    uint64_t size = 0;
    char etag[DIGEST_TEXT_SIZE + 2];
    int fd = blob_open(m->g->o.blobs, digest, &size, &e);
    if (fd < 0) {
        if (e.code == ERR_NOTFOUND) /* a row names it, and the store has it not: that is ours, not the client's */
            e.code = ERR_IO;
        mirror_failed(m, &e);
        return;
    }
    snprintf(etag, sizeof(etag), "\"%s\"", digest_text(digest).text);
    if (!mirror_record_file(m, object, digest, size, etag)) {
        close(fd);
        return;
    }
    http_answer_file(m->r, fd, size, content_type, etag);
}

/* Where each protocol begins: nothing was named yet. */
static void refuse_nothing(struct mirror *m)
{
    static const struct {
        const char *protocol, *start;
    } STARTS[] = {{"pypi", "simple/"}, {"npm", "NAME"}, {"apt", "key.asc and dists/"}, {"hf", "NAME"}};
    const char *start = "NAME";
    for (size_t i = 0; i < ARRAY_LEN(STARTS); i++)
        if (strcmp(m->protocol, STARTS[i].protocol) == 0)
            start = STARTS[i].start;
    http_error(m->r, 404, NULL, "nothing was named: what %s holds begins at /%s/%s/%s", m->environment, m->protocol,
               m->environment, start);
}

/* The package that a page of PyPI is about; everything else is called as it was asked for. */
static struct span called(const struct mirror *m, const char *object)
{
    struct span text = span_str(object), name;
    if (strcmp(m->protocol, "pypi") == 0 && span_take_prefix(&text, SPAN_LIT("simple/")) &&
        span_take_until(&text, '/', &name) && name.len > 0 && text.len == 0)
        return name;
    return span_str(object);
}

void mirror_failed(struct mirror *m, const struct err *e)
{
    (void)mirror_record(m, (unsigned)err_http_status(e->code), m->rest, NULL, 0);
    http_error_err(m->r, e);
}

void mirror_unknown(struct mirror *m, const char *object)
{
    struct span name = called(m, object);
    (void)mirror_record(m, 404, object, NULL, 0);
    if (name.len == 0)
        refuse_nothing(m);
    else
        http_error(m->r, 404, NULL, "%s holds no %.*s: no release that stands there brings it", m->environment,
                   (int)name.len, (const char *)name.ptr);
}

/* ── what a view shows ── */

/* The file that was seen last, kept until it is known whether the next row is the same file with other bytes. */
struct held {
    struct mirror *m;
    struct package_row row;
    struct buf strings;
    bool any, contested;
    int (*each)(void *arg, const struct package_row *row);
    void *arg;
    struct err *e;
};

static int give_held(struct held *h)
{
    return h->any && !h->contested ? h->each(h->arg, &h->row) : 0;
}

static int hold(void *arg, const struct package_row *row)
{
    struct held *h = arg;
    if (h->any && !strcmp(h->row.name, row->name) && !strcmp(h->row.filename, row->filename)) {
        h->contested = h->contested || !digest_equal(&h->row.digest, &row->digest);
        h->m->left_out = h->m->left_out || h->contested;
        return 0;
    }
    int result = give_held(h);
    if (result)
        return result;
    h->any = true;
    h->contested = false;
    buf_clear(&h->strings);
    return package_row_copy(row, &h->row, &h->strings, h->e);
}

int mirror_each(struct mirror *m, const char *ecosystem, const char *name,
                int (*each)(void *arg, const struct package_row *row), void *arg, struct err *e)
{
    struct held h = {.m = m, .strings = BUF(MIRROR_ROW_BYTES), .each = each, .arg = arg, .e = e};
    int result = db_package_each(m->db, m->environment, ecosystem, name, hold, &h, e);
    if (result == 0)
        result = give_held(&h);
    buf_fini(&h.strings);
    return result;
}

void mirror_contested(struct mirror *m, const char *object, const struct package_row *one,
                      const struct package_row *other)
{
    auto_buf first = BUF(256), second = BUF(256);
    struct err e = {0};
    if (db_package_bringer(m->db, m->environment, one, &first, &e) < 0 ||
        db_package_bringer(m->db, m->environment, other, &second, &e) < 0) {
        if (e.code == ERR_NOTFOUND) /* a pointer moved meanwhile */
            mirror_unknown(m, object);
        else
            http_error_err(m->r, &e);
        return;
    }
    (void)mirror_record(m, 409, object, NULL, 0);
    http_error(m->r, 409, NULL,
               "%s: %s and %s, which both stand in %s, bring it with different bytes, so neither is given; promote "
               "releases that agree, or roll one of them back",
               object, buf_str(&first), buf_str(&second), m->environment);
}

/* The first two rows of one file. */
struct two_rows {
    struct package_row row[2];
    struct buf *strings[2];
    unsigned count;
    struct err *e;
};

static int keep_row(void *arg, const struct package_row *row)
{
    struct two_rows *t = arg;
    if (t->count > 0 && digest_equal(&t->row[0].digest, &row->digest))
        return 0;
    if (package_row_copy(row, &t->row[t->count], t->strings[t->count], t->e) < 0)
        return -1;
    return ++t->count == 2; /* more of them do not matter */
}

bool mirror_file(struct mirror *m, const char *object, const char *ecosystem, const char *name, const char *filename,
                 struct package_row *row, struct buf *strings)
{
    struct err e = {0};
    auto_buf other = BUF(MIRROR_ROW_BYTES);
    struct two_rows t = {.strings = {strings, &other}, .e = &e};
    if (db_package_file_each(m->db, m->environment, ecosystem, name, filename, keep_row, &t, &e) < 0)
        mirror_failed(m, &e);
    else if (t.count == 0)
        mirror_unknown(m, object);
    else if (t.count == 2)
        mirror_contested(m, object, &t.row[0], &t.row[1]);
    else {
        *row = t.row[0];
        return true;
    }
    return false;
}

void mirror_url_add(struct buf *out, const char *segment)
{
    for (const char *c = segment; *c; c++) {
        if ((*c >= '0' && *c <= '9') || ((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') || strchr("-._~", *c))
            buf_add_byte(out, (uint8_t)*c);
        else
            buf_printf(out, "%%%02X", (unsigned char)*c);
    }
}

/* ── a request ── */

/* "prod/simple/six/" → environment and the rest. */
static bool split(struct mirror *m, const char *path)
{
    const char *slash = strchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : strlen(path);
    if (length == 0 || length >= sizeof(m->environment))
        return false;
    memcpy(m->environment, path, length);
    m->environment[length] = 0;
    m->rest = slash ? slash + 1 : path + length;
    return environment_known(m->environment);
}

/* A mirror's packages stand in the repository of its name. False: answered. */
static bool let_in(struct mirror *m)
{
    if (identity_may_use(&m->who, ABILITY_PULL, m->environment, m->protocol))
        return true;
    (void)mirror_record(m, 403, m->rest, NULL, 0);
    if (identity_may(&m->who, ABILITY_PULL, m->environment))
        http_error(m->r, 403, NULL, "this token is for the repositories \"%s\", not for %s", m->who.repository,
                   m->protocol);
    else
        http_error(m->r, 403, NULL, "this token is for the environment %s, not for %s", m->who.environment,
                   m->environment);
    return false;
}

/* False: the view does not answer this method, and that was said. */
static bool method_is_answered(struct mirror *m, const struct mirror_view *view)
{
    if (mirror_methods(view) & (unsigned)http_method(m->r))
        return true;
    (void)mirror_record(m, 405, m->rest, NULL, 0);
    http_put_header(m->r, "Allow", mirror_methods(view) & HTTP_POST ? "GET, HEAD, POST" : "GET, HEAD");
    http_error(m->r, 405, NULL, "%s: this method is not answered here; what stands here comes in by shipment", m->rest);
    return false;
}

unsigned mirror_methods(const struct mirror_view *view)
{
    return view->methods ? view->methods : HTTP_GET | HTTP_HEAD;
}

void mirror_handle(struct http_request *r, void *arg)
{
    const struct mirror_route *route = arg;
    struct mirror m = {.g = route->g, .r = r, .protocol = route->view->name};
    struct digest token;
    struct err e = {0};
    if (callers_admit(&m.g->o.identify, r, ABILITY_PULL, &m.who, &token) < 0)
        return;
    if (!split(&m, http_route_rest(r))) {
        callers_record(&m.g->o.identify, r, 404, &m.who, NULL, 0);
        http_error(r, 404, NULL, "wanted /%s/ENVIRONMENT/…, with the environment sandbox, test or prod", m.protocol);
        return;
    }
    if (!let_in(&m) || !method_is_answered(&m, route->view))
        return;
    m.generation = cache_renew(m.g->cache);
    if (cache_answer(m.g->cache, r, &m.who))
        return;
    m.db = callers_db_take(m.g->o.callers, &e);
    if (!m.db) {
        mirror_failed(&m, &e);
        return;
    }
    route->view->answer(&m);
    callers_db_give(m.g->o.callers, m.db);
}

bool mirror_at_once(struct http_request *r, void *arg)
{
    const struct mirror_route *route = arg;
    struct mirror m = {.g = route->g, .r = r, .protocol = route->view->name};
    struct digest token;
    return http_method(r) == HTTP_GET && split(&m, http_route_rest(r)) &&
           callers_admit_at_once(&m.g->o.identify, r, ABILITY_PULL, &m.who, &token) &&
           identity_may_use(&m.who, ABILITY_PULL, m.environment, m.protocol) && cache_answer(m.g->cache, r, &m.who);
}
