/* OCI distribution 1.1, pulling: manifests, and blobs with ranges. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "registry/oci.h"
#include "registry/push.h"
#include "ship/release.h"

#define LATEST "latest"

bool oci_is_manifest(const char *media_type)
{
    return !strcmp(media_type, MEDIA_OCI_MANIFEST) || !strcmp(media_type, MEDIA_OCI_INDEX);
}

/* ── finding ── */

/* 0, or -1 with ERR_NOTFOUND. */
static int to_sha256(struct oci *o, const struct oci_digest *d, struct digest *id, struct err *e)
{
    *id = d->sha256;
    return d->is_512 ? db_push_alias_get(o->db, &d->sha512, id, e) : 0;
}

/* `result` of a lookup as 1, 0 or -1. */
static int found_or_not(int result, struct err *e)
{
    if (result == 0)
        return 1;
    return e->code == ERR_NOTFOUND ? 0 : -1;
}

static int begin(struct oci *o, const struct oci_digest *d, struct oci_found *out, struct err *e)
{
    *out = (struct oci_found){0};
    snprintf(out->named, sizeof out->named, "%s", oci_digest_text(d).text);
    return found_or_not(to_sha256(o, d, &out->id, e), e);
}

int oci_find_standing(struct oci *o, struct oci_found *out, struct err *e)
{
    auto_buf media_type = BUF(256);
    if (!o->stands)
        return 0;
    int found = found_or_not(
        db_environment_blob(o->db, o->path.environment, o->path.name, &out->id, &out->size, &media_type, e), e);
    out->blobs = o->g->o.blobs;
    snprintf(out->media_type, sizeof out->media_type, "%s", buf_str(&media_type));
    return found;
}

int oci_find_blob(struct oci *o, const struct oci_digest *d, struct oci_found *out, struct err *e)
{
    int found = begin(o, d, out, e);
    if (found > 0)
        found = oci_find_standing(o, out, e);
    else
        return found;
    if (found != 0 || !o->pushed)
        return found;
    out->pushed = true;
    out->blobs = push_blobs(o->g);
    return found_or_not(db_push_blob_get(o->db, &o->view, &out->id, &out->size, e), e);
}

static int find_pushed_manifest(struct oci *o, struct oci_found *out, struct err *e)
{
    struct push_manifest_row row;
    auto_buf strings = BUF(2 * MANIFEST_MAX + 4096);
    if (!o->pushed)
        return 0;
    int found = found_or_not(db_push_manifest_get(o->db, &o->view, &out->id, &row, &strings, e), e);
    if (found <= 0)
        return found;
    out->pushed = true;
    out->blobs = push_blobs(o->g);
    out->size = row.size;
    snprintf(out->media_type, sizeof out->media_type, "%s", row.media_type);
    return 1;
}

int oci_find_manifest(struct oci *o, const struct oci_digest *d, struct oci_found *out, struct err *e)
{
    int found = begin(o, d, out, e);
    if (found <= 0)
        return found;
    found = oci_find_standing(o, out, e);
    if (found < 0 || (found > 0 && oci_is_manifest(out->media_type)))
        return found;
    return find_pushed_manifest(o, out, e);
}

int oci_find_tag(struct oci *o, const char *tag, struct oci_found *out, struct err *e)
{
    struct oci_digest d = {.sha256 = o->release};
    *out = (struct oci_found){0};
    if (o->stands) {
        auto_buf names = BUF(1024);
        struct release_row row;
        if (db_release_get(o->db, &o->release, &row, &names, e) < 0)
            return -1;
        if (!strcmp(tag, LATEST) || !strcmp(tag, row.version))
            return oci_find_manifest(o, &d, out, e);
    }
    if (!o->pushed)
        return 0;
    int found = found_or_not(db_push_tag_get(o->db, &o->view, tag, &out->id, out->named, e), e);
    return found > 0 ? find_pushed_manifest(o, out, e) : found;
}

/* ── answering ── */

static void put_etag(struct oci *o, const struct oci_found *found, char etag[DIGEST512_TEXT_SIZE + 2])
{
    oci_put_digest(o, found->named);
    snprintf(etag, DIGEST512_TEXT_SIZE + 2, "\"%s\"", found->named);
}

/* 304 to who has it: true. */
static bool answered_unchanged(struct oci *o, const struct oci_found *found)
{
    struct buf none = BUF(1);
    char etag[DIGEST512_TEXT_SIZE + 2];
    snprintf(etag, sizeof etag, "\"%s\"", found->named);
    if (http_plan_file(o->r, found->size, etag).status != 304)
        return false;
    if (!oci_recorded(o, 304, found, 0))
        return true;
    put_etag(o, found, etag);
    http_put_header(o->r, "ETag", etag);
    http_answer(o->r, 304, NULL, &none);
    return true;
}

void oci_answer_manifest(struct oci *o)
{
    struct oci_found found;
    struct err e = {0};
    char etag[DIGEST512_TEXT_SIZE + 2];
    int there = o->path.by_digest ? oci_find_manifest(o, &o->path.digest, &found, &e)
                                  : oci_find_tag(o, o->path.tag, &found, &e);
    if (there == 0) {
        oci_unknown(o, "MANIFEST_UNKNOWN", "manifest");
        return;
    }
    if (there > 0 && !http_accepts(o->r, found.media_type)) {
        (void)pull_record(o, 404, NULL, 0);
        http_error(o->r, 404, "MANIFEST_UNKNOWN", "the manifest is of type %s, which the Accept header does not name",
                   found.media_type);
        return;
    }
    if (there > 0 && answered_unchanged(o, &found))
        return;
    struct buf bytes = BUF(MANIFEST_MAX);
    if (there < 0 || blob_read(found.blobs, &found.id, &bytes, &e) < 0) {
        buf_fini(&bytes);
        oci_store_failed(o, &e);
        return;
    }
    put_etag(o, &found, etag);
    http_put_header(o->r, "ETag", etag);
    oci_answer_page(o, &found, found.media_type, &bytes);
}

void oci_answer_blob(struct oci *o)
{
    struct oci_found found;
    struct err e = {0};
    uint64_t size = 0;
    char etag[DIGEST512_TEXT_SIZE + 2];
    int there = oci_find_blob(o, &o->path.digest, &found, &e);
    if (there == 0) {
        oci_unknown(o, "BLOB_UNKNOWN", "blob");
        return;
    }
    int fd = there > 0 ? blob_open(found.blobs, &found.id, &size, &e) : -1;
    if (fd < 0) {
        oci_store_failed(o, &e);
        return;
    }
    put_etag(o, &found, etag);
    struct http_file_plan plan = http_plan_file(o->r, size, etag);
    if (!oci_recorded(o, plan.status, &found, plan.bytes)) {
        close(fd);
        return;
    }
    http_answer_file(o->r, fd, size, "application/octet-stream", etag);
}
