#include "ship/layout_index.h"

#include <string.h>

#include "ship/attachment.h"
#include "ship/oci_write.h"
#include "store/db_collection.h"
#include "util/file.h"

#define INDEX_MAX (64U << 20)

struct listing {
    struct site *station;
    struct json_out w;
    struct err *e;
};

static int put_attachments(struct listing *l, const struct release_blob *index)
{
    struct attachment list[ATTACHMENTS_MAX];
    size_t count;
    if (attachments_of(l->station, index, list, &count, l->e) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        oci_descriptor(&l->w, &list[i].manifest, MEDIA_INTOTO, NULL);
    return 0;
}

static int put_release(void *arg, const struct release_row *row)
{
    struct listing *l = arg;
    struct release_blob index = {.digest = row->digest, .media_type = (char *)MEDIA_OCI_INDEX, .name = (char *)""};
    auto_fd fd = blob_open(l->station->blobs, &row->digest, &index.size, l->e);
    if (fd < 0)
        return -1;
    auto_buf name = BUF(256);
    buf_printf(&name, "%s:%s", row->name, row->version);
    json_out_object(&l->w);
    json_put_string(&l->w, "mediaType", MEDIA_OCI_INDEX);
    json_put_digest(&l->w, "digest", &index.digest);
    json_put_uint(&l->w, "size", index.size);
    json_put_string(&l->w, "artifactType", MEDIA_RELEASE);
    json_put_object(&l->w, "annotations");
    json_put_string(&l->w, ANNOTATION_REF_NAME, buf_str(&name));
    json_out_object_end(&l->w);
    json_out_object_end(&l->w);
    return put_attachments(l, &index);
}

/* ── collections ── */

static void put_named(struct json_out *w, const struct release_blob *b, const char *artifact_type, const char *name)
{
    json_out_object(w);
    json_put_string(w, "mediaType", b->media_type);
    json_put_digest(w, "digest", &b->digest);
    json_put_uint(w, "size", b->size);
    if (artifact_type)
        json_put_string(w, "artifactType", artifact_type);
    json_put_object(w, "annotations");
    json_put_string(w, ANNOTATION_REF_NAME, name);
    json_out_object_end(w);
    json_out_object_end(w);
}

/* An image of a collection is a layer with a name and the media type of a manifest (docs/formats/collection.md). */
static int put_image(struct listing *l, const json_t *layer)
{
    const char *name = json_get_string(json_object_get(layer, "annotations"), ANNOTATION_TITLE, "");
    const char *media_type = json_get_string(layer, "mediaType", "");
    struct release_blob b = {.media_type = (char *)(uintptr_t)media_type};
    if (!strchr(name, '@') || (strcmp(media_type, MEDIA_OCI_MANIFEST) != 0 &&
                               strcmp(media_type, MEDIA_OCI_INDEX) != 0 && !strstr(media_type, ".manifest.")))
        return 0;
    if (json_need_digest(layer, "digest", "/layers", &b.digest, l->e) < 0 ||
        json_need_uint(layer, "size", "/layers", &b.size, l->e) < 0)
        return -1;
    put_named(&l->w, &b, NULL, name);
    return 0;
}

static int put_images(struct listing *l, const struct release_blob *manifest)
{
    size_t i;
    json_t *layer;
    struct child *parser = site_parser(l->station, l->e);
    auto_json document = parser ? release_document(l->station->blobs, parser, manifest, "collection", l->e) : NULL;
    if (!document)
        return -1;
    json_array_foreach(json_object_get(document, "layers"), i, layer)
    {
        if (put_image(l, layer) < 0)
            return -1;
    }
    return 0;
}

static int put_collection(void *arg, const struct collection_row *row)
{
    struct listing *l = arg;
    struct release_blob manifest = {
        .digest = row->digest, .media_type = (char *)MEDIA_OCI_MANIFEST, .name = (char *)""};
    auto_fd fd = blob_open(l->station->blobs, &row->digest, &manifest.size, l->e);
    if (fd < 0)
        return -1;
    auto_buf name = BUF(256);
    buf_printf(&name, "%s@%s", row->name, digest_text(&row->digest).text);
    put_named(&l->w, &manifest, MEDIA_COLLECTION, buf_str(&name));
    return put_images(l, &manifest);
}

int layout_index_write(struct site *station, struct err *e)
{
    auto_buf text = BUF(INDEX_MAX);
    struct listing l = {.station = station, .e = e};
    json_out_init(&l.w, &text);
    json_out_object(&l.w);
    json_put_uint(&l.w, "schemaVersion", 2);
    json_put_string(&l.w, "mediaType", MEDIA_OCI_INDEX);
    json_put_array(&l.w, "manifests");
    if (db_release_each(station->db, put_release, &l, e) != 0 ||
        db_collection_each(station->db, put_collection, &l, e) != 0)
        return -1;
    json_out_array_end(&l.w);
    json_out_object_end(&l.w);
    if (buf_check(&text, "store/index.json", e) < 0)
        return -1;
    return file_write(station->dir, "store/index.json", buf_span(&text), 0644, e);
}
