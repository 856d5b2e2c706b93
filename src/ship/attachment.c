#include "ship/attachment.h"

#include <string.h>

#include "ship/oci_write.h"
#include "store/db_release.h"
#include "util/limits.h"

struct collecting {
    const struct release_blob *index;
    struct attachment *list;
    size_t count;
    struct err *e;
};

static int collect(void *arg, const struct evidence_row *row)
{
    struct collecting *c = arg;
    if (strcmp(row->origin, "station") != 0)
        return 0;
    if (c->count == ATTACHMENTS_MAX) {
        err_set(c->e, ERR_LIMIT, 0, "release %s has more than %u attestations", digest_text(&row->subject).text,
                ATTACHMENTS_MAX);
        return -1;
    }
    struct attachment *a = &c->list[c->count];
    auto_buf manifest = BUF(LIMIT_JSON_BYTES);
    oci_attachment(c->index, &row->id, row->envelope.len, row->predicate_type, &manifest);
    *a = (struct attachment){.envelope = row->id, .envelope_size = row->envelope.len};
    snprintf(a->predicate_type, sizeof a->predicate_type, "%s", row->predicate_type);
    a->manifest = (struct release_blob){.digest = digest_of(buf_span(&manifest)),
                                        .size = manifest.len,
                                        .media_type = (char *)MEDIA_OCI_MANIFEST,
                                        .name = (char *)""};
    c->count++;
    return 0;
}

int attachments_of(struct site *station, const struct release_blob *index, struct attachment *out, size_t *count,
                   struct err *e)
{
    struct collecting c = {.index = index, .list = out, .e = e};
    if (db_evidence_each(station->db, &index->digest, NULL, collect, &c, e) != 0)
        return -1;
    *count = c.count;
    return 0;
}

static int take(const json_t *manifest, const struct digest *release, struct attachment *out, struct err *e)
{
    const char *type = json_need_string(manifest, "artifactType", "", e);
    const json_t *subject = type ? json_need_object(manifest, "subject", "", e) : NULL;
    const json_t *layers = subject ? json_need_array(manifest, "layers", "", e) : NULL;
    const json_t *layer = json_array_get(layers, 0);
    struct digest about;
    if (!layers || json_need_digest(subject, "digest", "/subject", &about, e) < 0)
        return -1;
    if (!digest_equal(&about, release))
        return err_set(e, ERR_INPUT, 0, "/subject/digest: it hangs on %s, not on the release %s",
                       digest_text(&about).text, digest_text(release).text);
    if (strcmp(type, MEDIA_INTOTO) != 0 || json_array_size(layers) != 1 ||
        strcmp(json_get_string(layer, "mediaType", ""), MEDIA_DSSE) != 0)
        return err_set(e, ERR_INPUT, 0, "wanted artifactType " MEDIA_INTOTO " and one layer " MEDIA_DSSE);
    snprintf(out->predicate_type, sizeof out->predicate_type, "%s",
             json_get_string(json_object_get(manifest, "annotations"), "in-toto.io/predicate-type", ""));
    if (json_need_digest(layer, "digest", "/layers/0", &out->envelope, e) < 0)
        return -1;
    return json_need_uint(layer, "size", "/layers/0", &out->envelope_size, e);
}

int attachment_read(const struct blobs *b, struct child *parser, const struct digest *manifest,
                    const struct digest *release, struct attachment *out, struct err *e)
{
    *out = (struct attachment){0};
    uint64_t size;
    auto_fd fd = blob_open(b, manifest, &size, e);
    if (fd < 0)
        return err_prefix(e, "attachment");
    out->manifest = (struct release_blob){
        .digest = *manifest, .size = size, .media_type = (char *)MEDIA_OCI_MANIFEST, .name = (char *)""};
    auto_json document = release_document(b, parser, &out->manifest, "attachment", e);
    if (!document)
        return -1;
    return take(document, release, out, e) < 0 ? err_prefix(e, "attachment %s", digest_text(manifest).text) : 0;
}
