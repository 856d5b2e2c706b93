#include <string.h>

#include "ship/ship_internal.h"
#include "util/file.h"
#include "util/limits.h"

static int emit(void *arg, const char *file, struct span bytes, struct err *e)
{
    struct shipping *p = arg;
    char path[128];
    snprintf(path, sizeof path, "metadata/%.100s", file);
    p->media_bytes += bytes.len;
    return file_write(p->out, path, bytes, 0644, e);
}

/* shipment.json, as the target that its digest names. */
static int put_document(struct shipping *p, struct tuf_new_target *target, struct err *e)
{
    auto_buf text = BUF(SHIPMENT_BYTES_MAX);
    char path[128];
    if (shipment_doc_write(&p->doc, &text, e) < 0)
        return -1;
    *target = (struct tuf_new_target){.role = TUF_TARGETS, .digest = digest_of(buf_span(&text)), .length = text.len};
    snprintf(target->name, sizeof target->name, SHIPMENT_TARGET);
    snprintf(path, sizeof path, "targets/%s." SHIPMENT_TARGET, digest_hex(&target->digest).text);
    p->media_bytes += text.len;
    return file_write(p->out, path, buf_span(&text), 0644, e);
}

static void put_blob_target(const struct ship_blob *b, struct tuf_new_target *target)
{
    *target = (struct tuf_new_target){.role = b->role, .digest = b->digest, .length = b->size};
    snprintf(target->name, sizeof target->name, "%s/%s", tuf_role_name(b->role), digest_hex(&b->digest).text);
}

/* Every version of the root that there is, so that a contour that trusts an old one finds its way. */
static int put_roots(struct shipping *p, struct err *e)
{
    auto_buf root = BUF(LIMIT_TUF_ROOT_BYTES);
    if (file_read(p->s->dir, "root.json", &root, e) < 0)
        return err_hint(e, "`airlock station init` makes it");
    return emit(p, "1.root.json", buf_span(&root), e);
}

const struct station_keys *ship_keys(struct shipping *p, struct err *e)
{
    if (!p->keys.key[0] && station_keys_load(p->s, &p->keys, e) < 0)
        return NULL;
    return &p->keys;
}

static int put_set(struct shipping *p, const struct tuf_new_target *targets, size_t count, struct err *e)
{
    struct tuf_signer signer;
    const struct station_keys *keys = ship_keys(p, e);
    if (!keys)
        return -1;
    for (int r = 0; r < TUF_ROLES; r++)
        signer.keys[r] = keys->key[r];
    return tuf_write_set(&signer, p->doc.sequence, p->doc.expires_s, targets, count, emit, p, e);
}

int ship_metadata(struct shipping *p, struct err *e)
{
    auto_free struct tuf_new_target *targets = calloc(p->blob_count + 1, sizeof *targets);
    if (!targets)
        abort();
    if (dir_make(p->out, "targets", 0755, e) < 0 || dir_make(p->out, "metadata", 0755, e) < 0 ||
        put_document(p, &targets[0], e) < 0)
        return -1;
    for (size_t i = 0; i < p->blob_count; i++)
        put_blob_target(&p->blobs[i], &targets[i + 1]);
    if (put_roots(p, e) < 0)
        return -1;
    return put_set(p, targets, p->blob_count + 1, e);
}
