/* From files in the store to a collection: packages document → manifest → signed record with its attachment → one
 * transaction. Blobs come before rows, so that an interrupted collecting leaves blobs that nobody names, and again
 * completes it. The record is new each time (it says when, and who was asked), the manifest is not. */
#include <stdlib.h>
#include <string.h>

#include "collect/collecting.h"
#include "ship/layout_index.h"
#include "ship/oci_write.h"
#include "store/db_collection.h"
#include "store/db_release.h"
#include "trust/statement.h"
#include "util/limits.h"

/* What becomes a row each. Names and media types are borrowed. */
struct blobs_of {
    struct release_blob *list; /* owned */
    size_t count;
};

static void auto_free_blobs(struct blobs_of *b)
{
    free(b->list);
}

static void add_blob(struct blobs_of *b, const struct digest *id, uint64_t size, const char *media_type,
                     const char *name)
{
    b->list[b->count++] = (struct release_blob){
        .digest = *id, .size = size, .media_type = (char *)(uintptr_t)media_type, .name = (char *)(uintptr_t)name};
}

/* A named one first, so that it is the one that stays when a digest comes twice. */
static int by_digest(const void *a, const void *b)
{
    const struct release_blob *x = a, *y = b;
    int order = digest_compare(&x->digest, &y->digest);
    return order ? order : -strcmp(x->name, y->name);
}

static void list_layers(const struct collecting *c, struct blobs_of *out)
{
    const struct packages *p = &c->packages;
    *out = (struct blobs_of){.list =
                                 calloc(2 * p->count + p->evidence_count + c->image_blob_count + 8, sizeof *out->list)};
    if (!out->list)
        abort();
    for (size_t i = 0; i < p->count; i++) {
        struct digest id;
        uint64_t size;
        add_blob(out, &p->items[i].digest, p->items[i].size, MEDIA_PACKAGE, p->items[i].filename);
        if (package_metadata(&p->items[i], &id, &size))
            add_blob(out, &id, size, MEDIA_PACKAGE_METADATA, "");
    }
    for (size_t i = 0; i < p->evidence_count; i++)
        add_blob(out, &p->evidence[i].digest, p->evidence[i].size, MEDIA_PACKAGE_EVIDENCE, "");
    for (size_t i = 0; i < c->image_blob_count; i++)
        out->list[out->count++] = c->image_blobs[i];
    qsort(out->list, out->count, sizeof *out->list, by_digest);
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++)
        if (i == 0 || !digest_equal(&out->list[i].digest, &out->list[i - 1].digest))
            out->list[kept++] = out->list[i];
    out->count = kept;
}

static int put(struct collecting *c, struct buf *text, const char *media_type, struct blobs_of *all, struct err *e)
{
    struct digest id;
    if (buf_check(text, media_type, e) < 0 || blob_put(c->s->blobs, buf_span(text), &id, e) < 0)
        return -1;
    add_blob(all, &id, text->len, media_type, "");
    return 0;
}

static int put_manifest(struct collecting *c, struct blobs_of *all, struct digest *out, struct err *e)
{
    auto_buf document = BUF(LIMIT_PACKAGES_BYTES), manifest = BUF(LIMIT_JSON_BYTES);
    size_t layers = all->count;
    if (packages_write(&c->packages, &document, e) < 0 || put(c, &document, MEDIA_PACKAGES, all, e) < 0)
        return -1;
    oci_manifest(MEDIA_COLLECTION, &all->list[layers], all->list, NULL, layers, &manifest);
    if (put(c, &manifest, MEDIA_OCI_MANIFEST, all, e) < 0)
        return -1;
    *out = all->list[all->count - 1].digest;
    return 0;
}

/* The envelope is evidence about the manifest; its attachment makes it a referrer there. */
struct signed_record {
    struct buf envelope; /* owned */
    struct digest id;
};

static int put_record(struct collecting *c, struct blobs_of *all, struct signed_record *out, struct err *e)
{
    auto_buf predicate = BUF(LIMIT_JSON_BYTES), attachment = BUF(LIMIT_JSON_BYTES), empty = BUF(16);
    const struct release_blob manifest = all->list[all->count - 1];
    const struct private_key *key = site_key(c->s, e);
    record_write(c, &manifest.digest, &predicate);
    if (!key || buf_check(&predicate, "the record of a collection", e) < 0 ||
        statement_sign(c->spec->name, &manifest.digest, PREDICATE_COLLECTION, buf_span(&predicate), key, &out->envelope,
                       &out->id, e) < 0)
        return -1;
    buf_add_str(&empty, OCI_EMPTY_TEXT);
    if (put(c, &out->envelope, MEDIA_DSSE, all, e) < 0 || put(c, &empty, MEDIA_OCI_EMPTY, all, e) < 0)
        return -1;
    oci_attachment(&manifest, &out->id, out->envelope.len, PREDICATE_COLLECTION, &attachment);
    return put(c, &attachment, MEDIA_OCI_MANIFEST, all, e);
}

/* ── rows ── */

static int add_rows(struct collecting *c, const struct blobs_of *all, const struct digest *id,
                    const struct signed_record *record, struct err *e)
{
    struct db *db = c->s->db;
    const struct collection_row row = {.name = c->spec->name, .digest = *id, .time_s = c->s->now_s};
    const struct evidence_row evidence = {.id = record->id,
                                          .subject = *id,
                                          .predicate_type = PREDICATE_COLLECTION,
                                          .environment = "",
                                          .result = "",
                                          .origin = "station",
                                          .time_s = c->s->now_s,
                                          .envelope = buf_span(&record->envelope)};
    if (db_collection_add(db, &row, e) < 0 || db_evidence_add(db, &evidence, e) < 0)
        return -1;
    for (size_t i = 0; i < all->count; i++) {
        const struct release_blob *b = &all->list[i];
        if (db_blob_add(db, &b->digest, b->size, e) < 0 ||
            db_collection_blob_add(db, id, &b->digest, b->media_type, b->size, e) < 0)
            return -1;
    }
    return 0;
}

static int commit(struct collecting *c, const struct blobs_of *all, const struct digest *id,
                  const struct signed_record *record, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (site_begin(c->s, e) < 0)
        return -1;
    site_event(c->s, &w, &entry, "collect");
    json_put_string(&w, "name", c->spec->name);
    json_put_digest(&w, "collection", id);
    json_put_uint(&w, "packages", c->packages.count);
    if (add_rows(c, all, id, record, e) == 0 && site_commit(c->s, &w, NULL, e) == 0)
        return 0;
    site_rollback(c->s);
    return -1;
}

int collection_store(struct collecting *c, struct collect_result *out, struct err *e)
{
    AUTO(auto_free_blobs) struct blobs_of all = {0};
    struct signed_record record = {.envelope = BUF(2 * LIMIT_JSON_BYTES)};
    struct err absent = {0};
    int64_t before;
    if (packages_sort(&c->packages, e) < 0)
        return -1;
    list_layers(c, &all);
    int result = put_manifest(c, &all, &out->digest, e);
    if (result == 0) {
        out->already = db_collection_find(c->s->db, c->spec->name, &out->digest, &before, &absent) == 0;
        result = put_record(c, &all, &record, e) < 0 || commit(c, &all, &out->digest, &record, e) < 0
                     ? -1
                     : layout_index_write(c->s, e);
    }
    buf_fini(&record.envelope);
    return result;
}
