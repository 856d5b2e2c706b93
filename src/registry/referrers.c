/* What hangs on a manifest: distribution-spec 1.1, "Listing Referrers". The manifests of the release are few (tens), so
 * each is read, in the parse process, and asked for its subject. */
#include <string.h>

#include "registry/internal.h"
#include "ship/release.h"

#define REFERRERS_BYTES (4U << 20)

struct search {
    struct pull *p;
    const char *artifact_type; /* wanted; NULL: any */
    struct json_out *w;
    struct err *e;
};

static bool is_manifest(const char *media_type)
{
    return !strcmp(media_type, MEDIA_OCI_MANIFEST) || !strcmp(media_type, MEDIA_OCI_INDEX);
}

static json_t *read_manifest(const struct search *s, const struct digest *id)
{
    struct registry *g = s->p->g;
    auto_buf bytes = BUF(MANIFEST_MAX);
    if (blob_read(g->o.blobs, id, &bytes, s->e) < 0)
        return NULL;
    struct child_request request = {.op = "json", .fd = -1, .input = buf_span(&bytes), .timeout_ms = 10000};
    pthread_mutex_lock(&g->parser_lock);
    json_t *manifest = child_call_json(g->parser, &request, "manifest", s->e);
    pthread_mutex_unlock(&g->parser_lock);
    return manifest;
}

static void put_descriptor(struct json_out *w, const json_t *manifest, const char *media_type, const struct digest *id,
                           uint64_t size, const char *artifact_type)
{
    const json_t *annotations = json_object_get(manifest, "annotations");
    const char *key;
    json_t *value;
    json_out_object(w);
    json_put_string(w, "mediaType", media_type);
    json_put_digest(w, "digest", id);
    json_put_uint(w, "size", size);
    json_put_string(w, "artifactType", artifact_type);
    if (json_is_object(annotations)) {
        json_put_object(w, "annotations");
        json_object_foreach((json_t *)(uintptr_t)annotations, key, value) if (json_is_string(value))
            json_put_string(w, key, json_string_value(value));
        json_out_object_end(w);
    }
    json_out_object_end(w);
}

static int look(void *arg, const struct digest *id, const char *media_type, uint64_t size)
{
    struct search *s = arg;
    if (!is_manifest(media_type))
        return 0;
    auto_json manifest = read_manifest(s, id);
    if (!manifest)
        return -1;
    char subject[DIGEST_TEXT_SIZE];
    const char *found = json_get_string(json_object_get(manifest, "subject"), "digest", "");
    memcpy(subject, digest_text(&s->p->path.digest).text, sizeof(subject));
    const char *type = json_get_string(manifest, "artifactType",
                                       json_get_string(json_object_get(manifest, "config"), "mediaType", ""));
    if (!strcmp(found, subject) && (!s->artifact_type || !strcmp(s->artifact_type, type)))
        put_descriptor(s->w, manifest, media_type, id, size, type);
    return 0;
}

void referrers_answer(struct pull *p)
{
    struct buf body = BUF(REFERRERS_BYTES);
    struct json_out w;
    struct err e = {0};
    struct search s = {.p = p, .artifact_type = http_query(p->r, "artifactType"), .w = &w, .e = &e};
    json_out_init(&w, &body);
    json_out_object(&w);
    json_put_uint(&w, "schemaVersion", 2);
    json_put_string(&w, "mediaType", MEDIA_OCI_INDEX);
    json_put_array(&w, "manifests");
    int result = db_release_blob_each(p->db, &p->release, look, &s, &e);
    json_out_array_end(&w);
    json_out_object_end(&w);
    if (result < 0) {
        buf_fini(&body);
        http_error_err(p->r, &e);
        return;
    }
    if (s.artifact_type)
        http_put_header(p->r, "OCI-Filters-Applied", "artifactType");
    http_answer(p->r, 200, MEDIA_OCI_INDEX, &body);
}
