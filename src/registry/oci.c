/* OCI distribution 1.1: who asks for what, and which file answers it. */
#include "registry/oci.h"

#include <stdio.h>
#include <string.h>

#include "gate/policy.h"
#include "registry/cache.h"
#include "registry/push_internal.h"
#include "util/clock.h"

void oci_unknown(struct oci *o, const char *code, const char *what)
{
    (void)pull_record(o, 404, NULL, 0);
    http_error(o->r, 404, code, "%s holds no such %s", o->path.repository, what);
}

void oci_failed(struct oci *o, const struct err *e)
{
    (void)pull_record(o, (unsigned)err_http_status(e->code), NULL, 0);
    http_error_err(o->r, e);
}

void oci_store_failed(struct oci *o, struct err *e)
{
    if (e->code == ERR_INPUT || e->code == ERR_NOTFOUND || e->code == ERR_LIMIT)
        e->code = ERR_IO;
    oci_failed(o, e);
}

void oci_put_digest(struct oci *o, const char *named)
{
    http_put_header(o->r, "Docker-Content-Digest", named);
}

void oci_look(struct oci *o)
{
    const char *environment = o->path.environment, *name = o->path.name;
    o->reads = identity_may_use(&o->who, ABILITY_PULL, environment, name);
    o->pushed = push_blobs(o->g) && !strcmp(environment, ENVIRONMENT_SANDBOX) &&
                identity_may_use(&o->who, ABILITY_OWN, environment, name);
    o->view = (struct push_view){o->path.repository, o->who.person};
}

int oci_db_take(struct oci *o, struct err *e)
{
    o->db = callers_db_take(o->g->o.callers, e);
    if (!o->db)
        return -1;
    if (!o->reads)
        return 0;
    if (db_pointer_get(o->db, o->path.environment, o->path.name, &o->release, e) == 0) {
        o->stands = true;
        return 0;
    }
    return e->code == ERR_NOTFOUND ? 0 : -1;
}

static void answer_base(struct oci *o)
{
    struct buf body = BUF(16);
    buf_add_str(&body, "{}");
    callers_record(&o->g->o.identify, o->r, 200, &o->who, NULL, http_method(o->r) == HTTP_HEAD ? 0 : body.len);
    http_answer(o->r, 200, "application/json", &body);
}

/* ── pulling ── */

/* Nobody's own things are among what this caller may see. */
static bool is_common(const struct oci *o)
{
    return o->reads && !o->pushed;
}

bool oci_recorded(struct oci *o, unsigned status, const struct oci_found *found, uint64_t bytes)
{
    if (pull_record(o, status, found, bytes) == 0)
        return true;
    http_error(o->r, 503, NULL, "the access log cannot be written, so nothing is given");
    return false;
}

void oci_answer_page(struct oci *o, const struct oci_found *found, const char *content_type, struct buf *body)
{
    auto_buf line = BUF(4096);
    if (!oci_recorded(o, 200, found, http_method(o->r) == HTTP_HEAD ? 0 : body->len)) {
        buf_fini(body);
        return;
    }
    if (!is_common(o) || !o->stands) {
        http_answer(o->r, 200, content_type, body);
        return;
    }
    pull_record_write(o, clock_now_s(), 200, found, body->len, &line);
    cache_answer_new(o->g->cache, o->r, o->generation, buf_span(&line), content_type, body);
}

/* A repository is there when a pointer names a release of it, or when the caller may push into it: they may begin with
 * a question. */
static bool is_there(const struct oci *o)
{
    return o->stands || (o->pushed && identity_may_use(&o->who, ABILITY_PUSH, o->path.environment, o->path.name));
}

static void answer_pull(struct oci *o)
{
    struct err e = {0};
    o->generation = cache_renew(o->g->cache);
    if (is_common(o) && cache_answer(o->g->cache, o->r, &o->who))
        return;
    if (oci_db_take(o, &e) < 0)
        oci_failed(o, &e);
    else if (!is_there(o) && o->path.what != OCI_REFERRERS) /* of which there may always be none */
        oci_unknown(o,
                    o->path.what == OCI_BLOB   ? "BLOB_UNKNOWN"
                    : o->path.what == OCI_TAGS ? "NAME_UNKNOWN"
                                               : "MANIFEST_UNKNOWN",
                    "release");
    else if (o->path.what == OCI_MANIFEST)
        oci_answer_manifest(o);
    else if (o->path.what == OCI_BLOB)
        oci_answer_blob(o);
    else if (o->path.what == OCI_TAGS)
        oci_answer_tags(o);
    else
        oci_answer_referrers(o);
}

/* ── pushing ── */

static void answer_push(struct oci *o)
{
    enum http_method method = http_method(o->r);
    if (o->path.what == OCI_UPLOAD && !o->path.upload[0] && method == HTTP_POST)
        push_upload_begin(o);
    else if (o->path.what == OCI_UPLOAD && o->path.upload[0] && method != HTTP_POST)
        push_upload_answer(o);
    else if (o->path.what == OCI_MANIFEST && method == HTTP_PUT)
        push_manifest_answer(o);
    else if ((o->path.what == OCI_MANIFEST || o->path.what == OCI_BLOB) && method == HTTP_DELETE)
        push_delete_answer(o);
    else
        push_refuse(o, push_action(o), "", 405, "UNSUPPORTED", "this path does not take this method");
}

/* Where things may be pushed, and that it is said where not. */
static void answer_push_here(struct oci *o)
{
    if (o->pushed) {
        answer_push(o);
        return;
    }
    (void)push_record(o, push_action(o), 403, "", 0);
    if (!push_blobs(o->g))
        http_error(o->r, 403, "DENIED", "this registry takes no pushes");
    else
        http_error(o->r, 403, "DENIED", "%s takes no pushes: push into %s, from where releases are promoted",
                   o->path.environment, ENVIRONMENT_SANDBOX);
}

/* ── in and out ── */

static bool is_push(const struct oci *o)
{
    enum http_method method = http_method(o->r);
    return (method != HTTP_GET && method != HTTP_HEAD) || o->path.what == OCI_UPLOAD;
}

static void refuse_right(struct oci *o, bool push)
{
    if (push)
        (void)push_record(o, push_action(o), 403, "", 0);
    else
        (void)pull_record(o, 403, NULL, 0);
    http_error(o->r, 403, "DENIED", "this token is for %s in the environment %s, not for %s", o->who.repository,
               o->who.environment, o->path.repository);
}

/* What names no repository has no record of a pull or push. */
static void refuse_path(struct oci *o, unsigned status, const char *code, const char *why)
{
    callers_record(&o->g->o.identify, o->r, status, &o->who, NULL, 0);
    http_error(o->r, status, code, "%s", why);
}

/* The path was understood: is it for this caller? */
static void answer_repository(struct oci *o)
{
    char why[100];
    bool push = is_push(o);
    oci_look(o);
    snprintf(why, sizeof(why), "%s is no environment; wanted sandbox, test or prod", o->path.environment);
    if (push) /* who pushes builds on what they pushed, and on nothing else */
        o->reads = false;
    if (!environment_known(o->path.environment))
        refuse_path(o, 404, "NAME_UNKNOWN", why);
    else if (push ? !identity_may_use(&o->who, ABILITY_PUSH, o->path.environment, o->path.name)
                  : !o->reads && !o->pushed)
        refuse_right(o, push);
    else if (push)
        answer_push_here(o);
    else
        answer_pull(o);
}

void oci_handle(struct http_request *r, void *arg)
{
    struct oci o = {.g = arg, .r = r};
    struct digest token;
    const char *code, *why;
    enum http_method method = http_method(r);
    http_put_header(r, "Docker-Distribution-API-Version", "registry/2.0");
    enum ability what = method == HTTP_GET || method == HTTP_HEAD ? ABILITY_OWN : ABILITY_PUSH;
    if (callers_admit(&o.g->o.identify, r, what, &o.who, &token) < 0)
        return;
    if (oci_path_parse(http_route_rest(r), &o.path, &code, &why) < 0)
        refuse_path(&o, strcmp(code, "DIGEST_INVALID") == 0 ? 400 : 404, code, why);
    else if (o.path.what == OCI_BASE && what == ABILITY_OWN)
        answer_base(&o);
    else if (o.path.what == OCI_BASE)
        refuse_path(&o, 405, "UNSUPPORTED", "this path does not take this method");
    else
        answer_repository(&o);
    callers_db_give(o.g->o.callers, o.db);
}

bool oci_at_once(struct http_request *r, void *arg)
{
    struct oci o = {.g = arg, .r = r};
    struct digest token;
    const char *code, *why;
    if (http_method(r) != HTTP_GET || oci_path_parse(http_route_rest(r), &o.path, &code, &why) < 0 ||
        !environment_known(o.path.environment) ||
        !callers_admit_at_once(&o.g->o.identify, r, ABILITY_OWN, &o.who, &token))
        return false;
    oci_look(&o);
    return is_common(&o) && cache_answer(o.g->cache, r, &o.who);
}
