/* OCI distribution 1.1, pulling: base, manifests, blobs with ranges, tags, referrers. */
#include <string.h>
#include <unistd.h>

#include "registry/internal.h"
#include "ship/release.h"

#define LATEST "latest"

/* ── manifests ── */

static bool is_manifest(const char *media_type)
{
    return !strcmp(media_type, MEDIA_OCI_MANIFEST) || !strcmp(media_type, MEDIA_OCI_INDEX);
}

static void unknown(struct pull *p, const char *code, const char *what)
{
    (void)pull_record(p, 404, p->path.by_digest ? &p->path.digest : NULL, 0);
    http_error(p->r, 404, code, "%s/%s holds no such %s", p->path.environment, p->path.name, what);
}

/* The version of the release that the pointer names. */
static int present_version(struct pull *p, struct buf *names, struct release_row *row, struct err *e)
{
    return db_release_get(p->db, &p->release, row, names, e);
}

/* Which manifest a tag or digest means, and its media type. 1: found, 0: there is none, -1: error. */
static int find_manifest(struct pull *p, struct digest *id, struct buf *media_type, struct err *e)
{
    *id = p->path.digest;
    if (!p->path.by_digest) {
        auto_buf names = BUF(1024);
        struct release_row row;
        if (present_version(p, &names, &row, e) < 0)
            return -1;
        if (strcmp(p->path.tag, LATEST) != 0 && strcmp(p->path.tag, row.version) != 0)
            return 0;
        *id = p->release;
    }
    if (db_environment_blob(p->db, p->path.environment, p->path.name, id, NULL, media_type, e) < 0)
        return e->code == ERR_NOTFOUND ? 0 : -1;
    return is_manifest(buf_str(media_type));
}

/* A row names it, and the store has it not, or not its bytes: that is ours, not the client's. */
static void store_failed(struct pull *p, struct err *e)
{
    if (e->code == ERR_INPUT || e->code == ERR_NOTFOUND || e->code == ERR_LIMIT)
        e->code = ERR_IO;
    http_error_err(p->r, e);
}

static void content_headers(struct http_request *r, const struct digest *id, char etag[DIGEST_TEXT_SIZE + 2])
{
    http_put_header(r, "Docker-Content-Digest", digest_text(id).text);
    snprintf(etag, DIGEST_TEXT_SIZE + 2, "\"%s\"", digest_text(id).text);
}

/* A pull is recorded before it is answered. False when it could not be, and the request was answered so. */
static bool recorded(struct pull *p, const struct digest *id, uint64_t bytes)
{
    if (http_method(p->r) != HTTP_GET || pull_record(p, 200, id, bytes) == 0)
        return true;
    http_error(p->r, 503, NULL, "the access log cannot be written, so nothing is given");
    return false;
}

static void answer_manifest(struct pull *p)
{
    struct digest id;
    struct err e = {0};
    char etag[DIGEST_TEXT_SIZE + 2];
    auto_buf media_type = BUF(256);
    int found = find_manifest(p, &id, &media_type, &e);
    if (found == 0) {
        unknown(p, "MANIFEST_UNKNOWN", "manifest");
        return;
    }
    if (found > 0 && !http_accepts(p->r, buf_str(&media_type))) {
        http_error(p->r, 404, "MANIFEST_UNKNOWN", "the manifest is of type %s, which the Accept header does not name",
                   buf_str(&media_type));
        return;
    }
    struct buf bytes = BUF(MANIFEST_MAX);
    if (found < 0 || blob_read(p->g->o.blobs, &id, &bytes, &e) < 0) {
        buf_fini(&bytes);
        store_failed(p, &e);
        return;
    }
    if (!recorded(p, &id, bytes.len)) {
        buf_fini(&bytes);
        return;
    }
    content_headers(p->r, &id, etag);
    http_put_header(p->r, "ETag", etag);
    http_answer(p->r, 200, buf_str(&media_type), &bytes);
}

/* ── blobs ── */

static void answer_blob(struct pull *p)
{
    struct err e = {0};
    uint64_t size = 0;
    char etag[DIGEST_TEXT_SIZE + 2];
    if (db_environment_blob(p->db, p->path.environment, p->path.name, &p->path.digest, NULL, NULL, &e) < 0) {
        if (e.code == ERR_NOTFOUND)
            unknown(p, "BLOB_UNKNOWN", "blob");
        else
            http_error_err(p->r, &e);
        return;
    }
    int fd = blob_open(p->g->o.blobs, &p->path.digest, &size, &e);
    if (fd < 0) {
        store_failed(p, &e);
        return;
    }
    if (!recorded(p, &p->path.digest, size)) {
        close(fd);
        return;
    }
    content_headers(p->r, &p->path.digest, etag);
    http_answer_file(p->r, fd, size, "application/octet-stream", etag);
}

/* ── tags ── */

/* "latest" and the version, in order of bytes, from behind `last` on, at most n. */
static void answer_tags(struct pull *p)
{
    auto_buf names = BUF(1024);
    auto_buf link = BUF(512);
    struct release_row row;
    struct err e = {0};
    struct json_out w;
    struct buf body = BUF(4096);
    uint64_t n = UINT64_MAX, put = 0;
    const char *count = http_query(p->r, "n"), *last = http_query(p->r, "last"), *previous = NULL;
    if (count && !span_decimal(span_str(count), &n)) {
        http_error(p->r, 400, "UNSUPPORTED", "n: wanted a number");
        return;
    }
    if (present_version(p, &names, &row, &e) < 0) {
        http_error_err(p->r, &e);
        return;
    }
    const char *tags[] = {LATEST, row.version};
    json_out_init(&w, &body);
    json_out_object(&w);
    buf_printf(&link, "%s/%s", p->path.environment, p->path.name);
    json_put_string(&w, "name", buf_str(&link));
    json_put_array(&w, "tags");
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        if (last && strcmp(tags[i], last) <= 0)
            continue;
        if (put == n) {
            buf_clear(&link);
            if (previous) {
                buf_printf(&link, "</v2/%s/%s/tags/list?n=%s&last=%s>; rel=\"next\"", p->path.environment, p->path.name,
                           count, previous);
                http_put_header(p->r, "Link", buf_str(&link));
            }
            break;
        }
        json_out_string(&w, tags[i]);
        previous = tags[i];
        put++;
    }
    json_out_array_end(&w);
    json_out_object_end(&w);
    http_answer(p->r, 200, "application/json", &body);
}

/* ── in and out ── */

static void answer_base(struct http_request *r)
{
    struct buf body = BUF(16);
    buf_add_str(&body, "{}");
    http_answer(r, 200, "application/json", &body);
}

/* The database is asked once what the pointer names now; the whole request is answered by that. */
static void answer_repository(struct pull *p)
{
    struct err e = {0};
    p->db = callers_db_take(p->g->o.callers, &e);
    if (!p->db) {
        http_error_err(p->r, &e);
        return;
    }
    if (db_pointer_get(p->db, p->path.environment, p->path.name, &p->release, &e) < 0) {
        if (e.code != ERR_NOTFOUND)
            http_error_err(p->r, &e);
        else
            unknown(p,
                    p->path.what == OCI_BLOB   ? "BLOB_UNKNOWN"
                    : p->path.what == OCI_TAGS ? "NAME_UNKNOWN"
                                               : "MANIFEST_UNKNOWN",
                    "release");
    } else if (p->path.what == OCI_MANIFEST) {
        answer_manifest(p);
    } else if (p->path.what == OCI_BLOB) {
        answer_blob(p);
    } else if (p->path.what == OCI_TAGS) {
        answer_tags(p);
    } else {
        referrers_answer(p);
    }
    callers_db_give(p->g->o.callers, p->db);
}

void oci_handle(struct http_request *r, void *arg)
{
    struct pull p = {.g = arg, .r = r};
    struct digest token;
    const char *code, *why;
    http_put_header(r, "Docker-Distribution-API-Version", "registry/2.0");
    if (callers_admit(&p.g->o.identify, r, ABILITY_PULL, &p.who, &token) < 0)
        return;
    if (oci_path_parse(http_route_rest(r), &p.path, &code, &why) < 0)
        http_error(r, strcmp(code, "DIGEST_INVALID") == 0 ? 400 : 404, code, "%s", why);
    else if (p.path.what == OCI_BASE)
        answer_base(r);
    else if (!identity_may(&p.who, ABILITY_PULL, p.path.environment))
        http_error(r, 403, NULL, "this token is for the environment %s, not for %s", p.who.environment,
                   p.path.environment);
    else
        answer_repository(&p);
}
