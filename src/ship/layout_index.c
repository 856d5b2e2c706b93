#include "ship/layout_index.h"

#include "ship/attachment.h"
#include "ship/oci_write.h"
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

int layout_index_write(struct site *station, struct err *e)
{
    auto_buf text = BUF(INDEX_MAX);
    struct listing l = {.station = station, .e = e};
    json_out_init(&l.w, &text);
    json_out_object(&l.w);
    json_put_uint(&l.w, "schemaVersion", 2);
    json_put_string(&l.w, "mediaType", MEDIA_OCI_INDEX);
    json_put_array(&l.w, "manifests");
    if (db_release_each(station->db, put_release, &l, e) != 0)
        return -1;
    json_out_array_end(&l.w);
    json_out_object_end(&l.w);
    if (buf_check(&text, "store/index.json", e) < 0)
        return -1;
    return file_write(station->dir, "store/index.json", buf_span(&text), 0644, e);
}
