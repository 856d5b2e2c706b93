/* What hangs on a manifest: distribution-spec 1.1, "Listing Referrers". Of a release that stands the manifests are few
 * (tens), so each is read, in the parse process, and asked for its subject; of what the caller pushed rows say it. */
#include <stdio.h>
#include <string.h>

#include "registry/mirror.h"
#include "registry/oci.h"
#include "ship/release.h"

/* A page is full at this size, and then holds one more at most, with its annotations. */
#define PAGE_BYTES MANIFEST_MAX
#define BODY_MAX   (PAGE_BYTES + 2 * MANIFEST_MAX + 65536U)

struct search {
    struct oci *o;
    const char *artifact_type; /* wanted; NULL: any */
    const char *subject;
    struct json_out *w;
    bool full;
    char last[DIGEST512_TEXT_SIZE]; /* of what was pushed: given last */
    struct err *e;
};

static json_t *read_manifest(const struct search *s, const struct digest *id)
{
    struct registry *g = s->o->g;
    auto_buf bytes = BUF(MANIFEST_MAX);
    if (blob_read(g->o.blobs, id, &bytes, s->e) < 0)
        return NULL;
    struct child_request request = {.op = "json", .fd = -1, .input = buf_span(&bytes), .timeout_ms = 10000};
    pthread_mutex_lock(&g->parser_lock);
    json_t *manifest = child_call_json(g->parser, &request, "manifest", s->e);
    pthread_mutex_unlock(&g->parser_lock);
    return manifest;
}

static void put_descriptor(struct json_out *w, const char *media_type, const char *digest, uint64_t size,
                           const char *artifact_type)
{
    json_out_object(w);
    json_put_string(w, "mediaType", media_type);
    json_put_string(w, "digest", digest);
    json_put_uint(w, "size", size);
    if (artifact_type[0])
        json_put_string(w, "artifactType", artifact_type);
}

static void put_annotations(struct json_out *w, const json_t *annotations)
{
    const char *key;
    json_t *value;
    if (!json_is_object(annotations))
        return;
    json_put_object(w, "annotations");
    json_object_foreach((json_t *)(uintptr_t)annotations, key, value)
    {
        if (json_is_string(value))
            json_put_string(w, key, json_string_value(value));
    }
    json_out_object_end(w);
}

/* ── of the release that stands ── */

static int look(void *arg, const struct digest *id, const char *media_type, uint64_t size)
{
    struct search *s = arg;
    if (!oci_is_manifest(media_type))
        return 0;
    auto_json manifest = read_manifest(s, id);
    if (!manifest)
        return -1;
    const char *found = json_get_string(json_object_get(manifest, "subject"), "digest", "");
    const char *type = json_get_string(manifest, "artifactType",
                                       json_get_string(json_object_get(manifest, "config"), "mediaType", ""));
    if (strcmp(found, s->subject) != 0 || (s->artifact_type && strcmp(s->artifact_type, type) != 0))
        return 0;
    put_descriptor(s->w, media_type, digest_text(id).text, size, type);
    put_annotations(s->w, json_object_get(manifest, "annotations"));
    json_out_object_end(s->w);
    return 0;
}

/* ── of what was pushed ── */

static int give_pushed(void *arg, const struct push_manifest_row *row)
{
    struct search *s = arg;
    struct oci_found standing = {.id = row->digest};
    if (oci_find_standing(s->o, &standing, s->e) > 0)
        return 0; /* it was given with the release, which was admitted since */
    if (s->w->out->len > PAGE_BYTES) {
        s->full = true;
        return 1;
    }
    put_descriptor(s->w, row->media_type, row->named, row->size, row->artifact_type);
    if (row->annotations[0]) { /* JSON of our own parse process, written by us */
        json_out_key(s->w, "annotations");
        json_out_raw(s->w, span_str(row->annotations));
    }
    json_out_object_end(s->w);
    snprintf(s->last, sizeof s->last, "%s", row->named);
    return 0;
}

/* ── the answer ── */

/* A later page has only what was pushed: what stands is given with the first. */
static int list(struct search *s, const char *after)
{
    struct oci *o = s->o;
    if (o->stands && !after[0] && db_release_blob_each(o->db, &o->release, look, s, s->e) < 0)
        return -1;
    if (!o->pushed)
        return 0;
    return db_push_referrer_each(o->db, &o->view, s->subject, s->artifact_type, after, give_pushed, s, s->e) < 0 ? -1
                                                                                                                 : 0;
}

static void put_link(const struct search *s)
{
    auto_buf link = BUF(1024);
    buf_printf(&link, "</v2/%s/referrers/%s?last=%s", s->o->path.repository, s->subject, s->last);
    if (s->artifact_type) {
        buf_add_str(&link, "&artifactType=");
        mirror_url_add(&link, s->artifact_type);
    }
    buf_add_str(&link, ">; rel=\"next\"");
    http_put_header(s->o->r, "Link", buf_str(&link));
}

void oci_answer_referrers(struct oci *o)
{
    struct buf body = BUF(BODY_MAX);
    struct json_out w;
    struct err e = {0};
    struct digest512_text subject = oci_digest_text(&o->path.digest);
    const char *after = http_query(o->r, "last");
    struct search s = {
        .o = o, .artifact_type = http_query(o->r, "artifactType"), .subject = subject.text, .w = &w, .e = &e};
    json_out_init(&w, &body);
    json_out_object(&w);
    json_put_uint(&w, "schemaVersion", 2);
    json_put_string(&w, "mediaType", MEDIA_OCI_INDEX);
    json_put_array(&w, "manifests");
    int result = list(&s, after ? after : "");
    json_out_array_end(&w);
    json_out_object_end(&w);
    if (result < 0) {
        buf_fini(&body);
        oci_failed(o, &e);
        return;
    }
    if (s.artifact_type)
        http_put_header(o->r, "OCI-Filters-Applied", "artifactType");
    if (s.full)
        put_link(&s);
    oci_answer_page(o, NULL, MEDIA_OCI_INDEX, &body);
}
