#include "registry/mirror.h"

#include <string.h>
#include <unistd.h>

#include "gate/policy.h"
#include "util/clock.h"
#include "util/log.h"

int mirror_record(const struct mirror *m, unsigned status, const char *object, const struct digest *digest,
                  uint64_t bytes)
{
    auto_buf line = BUF(8192);
    struct err e = {0};
    struct json_out w;
    json_out_init(&w, &line);
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
    if (m->g->o.record(m->g->o.arg, buf_span(&line), &e) == 0)
        return 0;
    log_event(EV_ACCESS_LOST, "repository", m->protocol, "reason", e.msg, NULL);
    return -1;
}

static bool recorded(struct mirror *m, const char *object, const struct digest *digest, uint64_t bytes)
{
    if (http_method(m->r) == HTTP_HEAD || mirror_record(m, 200, object, digest, bytes) == 0)
        return true;
    http_error(m->r, 503, NULL, "the access log cannot be written, so nothing is given");
    return false;
}

void mirror_page(struct mirror *m, const char *object, const char *content_type, const char *etag, struct buf *body)
{
    if (!recorded(m, object, NULL, body->len)) {
        buf_fini(body);
        return;
    }
    if (etag)
        http_put_header(m->r, "ETag", etag);
    http_answer(m->r, 200, content_type, body);
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
        http_error_err(m->r, &e);
        return;
    }
    if (!recorded(m, object, digest, size)) {
        close(fd);
        return;
    }
    snprintf(etag, sizeof(etag), "\"%s\"", digest_text(digest).text);
    http_answer_file(m->r, fd, size, content_type, etag);
}

void mirror_unknown(struct mirror *m, const char *object)
{
    (void)mirror_record(m, 404, object, NULL, 0);
    http_error(m->r, 404, NULL, "%s holds no %s", m->environment, object);
}

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

void mirror_handle(struct http_request *r, void *arg)
{
    const struct mirror_route *route = arg;
    struct mirror m = {.g = route->g, .r = r, .protocol = route->view->name};
    struct digest token;
    struct err e = {0};
    if (callers_admit(&m.g->o.identify, r, ABILITY_PULL, &m.who, &token) < 0)
        return;
    if (!split(&m, http_route_rest(r))) {
        http_error(r, 404, NULL, "wanted /%s/ENVIRONMENT/…, with the environment sandbox, test or prod", m.protocol);
        return;
    }
    if (!identity_may(&m.who, ABILITY_PULL, m.environment)) {
        (void)mirror_record(&m, 403, m.rest, NULL, 0);
        http_error(r, 403, NULL, "this token is for the environment %s, not for %s", m.who.environment, m.environment);
        return;
    }
    m.db = callers_db_take(m.g->o.callers, &e);
    if (!m.db) {
        http_error_err(r, &e);
        return;
    }
    route->view->answer(&m);
    callers_db_give(m.g->o.callers, m.db);
}
