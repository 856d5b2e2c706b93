/* A package's document is made for each request out of what the pointers name at that moment. npm wants absolute
 * addresses of tarballs, so they carry the Host that the client came with. */
#include "registry/npm.h"

#include <stdlib.h>
#include <string.h>

#include "registry/npm_path.h"
#include "registry/npm_version.h"
#include "util/limits.h"

#define TYPE_ABBREVIATED "application/vnd.npm.install-v1+json"
#define TYPE_FULL        "application/json"

/* One version has some kilobytes; the longest histories of the real registry have some thousands. */
#define DOCUMENT_BYTES (32U << 20)

/* What npm sends of a tree before it asks about advisories: a name and its versions a package; 10,000 packages are
 * below this even uncompressed. */
#define AUDIT_BYTES (1U << 20)

/* ── the versions of a package ── */

struct version {
    struct package_row row;
    struct buf strings;
};

struct package {
    struct version *versions; /* in order of npm_version_compare, then of digest; one a digest */
    size_t count, room;
    struct err *e;
};

static int add_version(void *arg, const struct package_row *row)
{
    struct package *p = arg;
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : 16;
        p->versions = realloc(p->versions, p->room * sizeof(*p->versions));
        if (!p->versions)
            abort();
    }
    struct version *v = &p->versions[p->count++];
    *v = (struct version){.strings = BUF(MIRROR_ROW_BYTES)};
    return package_row_copy(row, &v->row, &v->strings, p->e);
}

static int by_version(const void *a, const void *b)
{
    const struct package_row *x = &((const struct version *)a)->row, *y = &((const struct version *)b)->row;
    int order = npm_version_compare(x->version, y->version);
    return order ? order : digest_compare(&x->digest, &y->digest);
}

static int package_read(struct package *p, struct mirror *m, const char *name, struct err *e)
{
    *p = (struct package){.e = e};
    if (db_package_each(m->db, m->environment, "npm", name, add_version, p, e) < 0)
        return -1;
    if (p->count)
        qsort(p->versions, p->count, sizeof(*p->versions), by_version);
    return 0;
}

static void package_fini(struct package *p)
{
    for (size_t i = 0; i < p->count; i++)
        buf_fini(&p->versions[i].strings);
    free(p->versions);
}
#define auto_package AUTO(package_fini) struct package

/* Where the rows of the version that begins at `i` end, and another row of it with other bytes (NULL: there is none).
 */
static size_t version_end(const struct package *p, size_t i, const struct package_row **other)
{
    size_t end = i + 1;
    while (end < p->count && !strcmp(p->versions[end].row.version, p->versions[i].row.version))
        end++;
    *other =
        digest_equal(&p->versions[i].row.digest, &p->versions[end - 1].row.digest) ? NULL : &p->versions[end - 1].row;
    return end;
}

/* ── documents ── */

static void add_tarball(struct buf *out, struct mirror *m, const struct package_row *row)
{
    const char *slash = strchr(row->name, '/'), *base = slash ? slash + 1 : row->name;
    buf_printf(out, "%s://%s/npm/%s/", http_secure(m->r) ? "https" : "http", http_header(m->r, "Host"), m->environment);
    if (slash) {
        auto_buf scope = BUF(NPM_NAME_MAX);
        buf_add(&scope, row->name, (size_t)(slash - row->name));
        mirror_url_add(out, buf_str(&scope));
        buf_add_byte(out, '/');
    }
    mirror_url_add(out, base);
    buf_add_str(out, "/-/");
    mirror_url_add(out, base);
    buf_add_byte(out, '-');
    mirror_url_add(out, row->version);
    buf_add_str(out, ".tgz");
}

static void put_dist(struct json_out *w, struct mirror *m, const struct package_row *row, const json_t *about)
{
    auto_buf tarball = BUF(8192);
    add_tarball(&tarball, m, row);
    json_put_object(w, "dist");
    json_put_string(w, "tarball", buf_str(&tarball));
    static const char *const hashes[] = {"shasum", "integrity"};
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
        if (json_get_string(about, hashes[i], NULL))
            json_put_string(w, hashes[i], json_get_string(about, hashes[i], NULL));
    json_out_object_end(w);
}

static void put_manifest(struct json_out *w, const json_t *manifest)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)manifest, key, value)
    {
        if (!strcmp(key, "name") || !strcmp(key, "version") || !strcmp(key, "dist"))
            continue; /* these three are ours to say */
        auto_free char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (!text)
            abort();
        json_out_key(w, key);
        json_out_raw(w, span_str(text));
    }
}

static int put_version(struct json_out *w, struct mirror *m, const struct package_row *row, struct err *e)
{
    auto_json about = json_parse(span_str(row->about), LIMIT_JSON_BYTES, row->filename, e);
    if (!about)
        return -1;
    json_put_object(w, row->version);
    json_put_string(w, "name", row->name);
    json_put_string(w, "version", row->version);
    put_manifest(w, json_object_get(about, "manifest"));
    put_dist(w, m, row, about);
    json_out_object_end(w);
    return 0;
}

/* The highest that is no pre-release, or the highest. */
static void put_tags(struct json_out *w, const char *highest, const char *highest_release)
{
    json_put_object(w, "dist-tags");
    json_put_string(w, "latest", highest_release ? highest_release : highest);
    json_out_object_end(w);
}

/* *given: how many versions it has. *one, *other: rows of a version that was left out because they disagree. */
struct written {
    size_t given;
    const struct package_row *one, *other;
};

static int write_document(struct buf *out, struct mirror *m, const char *name, const struct package *p,
                          struct written *written, struct err *e)
{
    struct json_out w;
    const char *highest = NULL, *highest_release = NULL;
    const struct package_row *other;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "name", name);
    json_put_object(&w, "versions");
    for (size_t i = 0, end; i < p->count; i = end) {
        const struct package_row *row = &p->versions[i].row;
        end = version_end(p, i, &other);
        if (other) {
            *written = (struct written){.given = written->given, .one = row, .other = other};
            continue;
        }
        if (put_version(&w, m, row, e) < 0)
            return -1;
        highest = row->version;
        if (!npm_version_is_prerelease(highest))
            highest_release = highest;
        written->given++;
    }
    json_out_object_end(&w);
    if (highest)
        put_tags(&w, highest, highest_release);
    json_out_object_end(&w);
    return 0;
}

/* The abbreviated document for who asks for it by name and likes it better; both have the same members here, since a
 * release brings no more about a package than what installing needs. */
static const char *content_type_for(struct mirror *m)
{
    unsigned abbreviated = http_accept_quality(m->r, TYPE_ABBREVIATED), full = http_accept_quality(m->r, TYPE_FULL);
    http_put_header(m->r, "Vary", "Accept");
    if (abbreviated > full)
        return TYPE_ABBREVIATED;
    if (full > 0)
        return TYPE_FULL;
    (void)mirror_record(m, 406, m->rest, NULL, 0);
    http_error(m->r, 406, NULL, "this document is given as " TYPE_ABBREVIATED " or " TYPE_FULL);
    return NULL;
}

static void answer_document(struct mirror *m, const char *name)
{
    struct err e = {0};
    auto_package p = {0};
    auto_buf body = BUF(DOCUMENT_BYTES);
    struct written written = {0};
    const char *content_type = content_type_for(m);
    if (!content_type)
        return;
    if (package_read(&p, m, name, &e) < 0 || write_document(&body, m, name, &p, &written, &e) < 0)
        mirror_failed(m, &e);
    else if (written.given > 0)
        mirror_listing(m, m->rest, content_type, &body);
    else if (written.one)
        mirror_contested(m, m->rest, written.one, written.other);
    else
        mirror_unknown(m, m->rest);
}

/* ── tarballs ── */

static void answer_tarball(struct mirror *m, const struct npm_path *path)
{
    struct err e = {0};
    auto_package p = {0};
    const struct package_row *other = NULL;
    if (package_read(&p, m, path->name, &e) < 0) {
        mirror_failed(m, &e);
        return;
    }
    size_t i = 0;
    while (i < p.count && strcmp(p.versions[i].row.version, path->version) != 0)
        i++;
    if (i == p.count) {
        mirror_unknown(m, m->rest);
        return;
    }
    version_end(&p, i, &other);
    if (other) {
        mirror_contested(m, m->rest, &p.versions[i].row, other);
        return;
    }
    http_put_header(m->r, "Cache-Control", "no-cache");
    mirror_blob(m, m->rest, "application/octet-stream", &p.versions[i].row.digest);
}

/* ── what npm asks besides ── */

static void answer_text(struct mirror *m, const char *json)
{
    struct buf body = BUF(4096);
    buf_add_str(&body, json);
    mirror_page(m, m->rest, TYPE_FULL, NULL, &body);
}

static void answer_whoami(struct mirror *m)
{
    struct buf body = BUF(4096);
    struct json_out w;
    json_out_init(&w, &body);
    json_out_object(&w);
    json_put_string(&w, "username", m->who.person);
    json_out_object_end(&w);
    mirror_page(m, m->rest, TYPE_FULL, NULL, &body);
}

/* There are no advisories here yet. An empty answer lets an installation go on, and the notice, which npm prints, keeps
 * anybody from reading it as "nothing is known to be wrong". */
static void answer_audit(struct mirror *m, const char *json)
{
    http_put_header(m->r, "npm-notice",
                    "This registry holds no advisories: nothing was checked for known vulnerabilities.");
    answer_text(m, json);
}

#define NO_FINDINGS                                                                                                \
    "{\"actions\":[],\"advisories\":{},\"muted\":[],\"metadata\":{\"vulnerabilities\":{\"info\":0,\"low\":0,"      \
    "\"moderate\":0,\"high\":0,\"critical\":0},\"dependencies\":0,\"devDependencies\":0,\"optionalDependencies\":" \
    "0,\"totalDependencies\":0}}"

static void npm_answer(struct mirror *m)
{
    struct npm_path path;
    npm_path_parse(m->rest, &path);
    bool audit = path.what == NPM_BULK || path.what == NPM_QUICK;
    if (path.what != NPM_UNKNOWN && audit != (http_method(m->r) == HTTP_POST)) {
        (void)mirror_record(m, 405, m->rest, NULL, 0);
        http_put_header(m->r, "Allow", audit ? "POST" : "GET, HEAD");
        http_error(m->r, 405, NULL, "%s: this method is not answered here; packages come in by shipment", m->rest);
        return;
    }
    switch (path.what) {
    case NPM_DOCUMENT:
        answer_document(m, path.name);
        break;
    case NPM_TARBALL:
        answer_tarball(m, &path);
        break;
    case NPM_PING:
        answer_text(m, "{}");
        break;
    case NPM_WHOAMI:
        answer_whoami(m);
        break;
    case NPM_BULK:
        answer_audit(m, "{}");
        break;
    case NPM_QUICK:
        answer_audit(m, NO_FINDINGS);
        break;
    case NPM_UNKNOWN:
        mirror_unknown(m, m->rest);
        break;
    }
}

const struct mirror_view NPM_VIEW = {
    .name = "npm",
    .answer = npm_answer,
    .methods = HTTP_GET | HTTP_HEAD | HTTP_POST,
    .body_max = AUDIT_BYTES,
    .shape = HTTP_NPM,
    .encoded_slash = true,
};
