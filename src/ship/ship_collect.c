#include <string.h>

#include "ship/oci_write.h"
#include "ship/ship_internal.h"
#include "store/db_release.h"
#include "util/limits.h"

#define KEY_PEM_MAX 16384

/* The first role that a release gives a blob is the one that signs for it. */
static int add_blob(struct shipping *p, const struct digest *id, uint64_t size, enum tuf_role role, struct err *e)
{
    for (size_t i = 0; i < p->blob_count; i++)
        if (digest_equal(&p->blobs[i].digest, id))
            return 0;
    if (p->blob_count == LIMIT_RELEASE_PARTS)
        return err_set(e, ERR_LIMIT, 0, "more than %u blobs in one shipment; ship fewer releases", LIMIT_RELEASE_PARTS);
    struct ship_blob *grown = reallocarray(p->blobs, p->blob_count + 1, sizeof *grown);
    if (!grown)
        abort();
    p->blobs = grown;
    p->blobs[p->blob_count++] = (struct ship_blob){.digest = *id, .size = size, .role = role};
    p->blob_bytes += size;
    return 0;
}

int ship_add_blob(struct shipping *p, const struct digest *id, uint64_t size, enum tuf_role role, struct err *e)
{
    if (add_blob(p, id, size, role, e) < 0)
        return -1;
    for (size_t i = 0; i < p->blob_count; i++)
        if (digest_equal(&p->blobs[i].digest, id) && p->blobs[i].role != role)
            return err_set(e, ERR_INPUT, 0, "the same bytes travel as a part of a release, under the role %s",
                           tuf_role_name(p->blobs[i].role));
    return 0;
}

static enum tuf_role role_of(const char *part)
{
    if (strcmp(part, "model") == 0)
        return TUF_MODELS;
    return strcmp(part, "engine") == 0 || strcmp(part, "packages") == 0 ? TUF_SOFTWARE : TUF_POLICY;
}

/* Names that a message lists; the rest is counted. */
#define NAMES_SHOWN 5

struct standing {
    struct buf names;
    size_t count;
};

static int add_name(void *arg, const struct release_row *row)
{
    struct standing *there = arg;
    if (there->count < NAMES_SHOWN)
        buf_printf(&there->names, "%s%s:%s", there->count ? ", " : "", row->name, row->version);
    there->count++;
    return 0;
}

static int no_release(struct shipping *p, const char *ref, struct err *e)
{
    struct standing there = {.names = BUF(1024)};
    if (db_release_each(p->s->db, add_name, &there, e) < 0) {
        buf_fini(&there.names);
        return -1;
    }
    err_set(e, ERR_NOTFOUND, 0, "there is no release %.200s in this station", ref);
    if (there.count > NAMES_SHOWN)
        err_hint(e, "There are %s and %zu more", buf_str(&there.names), there.count - NAMES_SHOWN);
    else if (there.count)
        err_hint(e, "There %s %s", there.count == 1 ? "is" : "are", buf_str(&there.names));
    else
        err_hint(e, "There is none yet; `airlock pack FILE` makes one");
    buf_fini(&there.names);
    return -1;
}

static int find_release(struct shipping *p, const char *ref, struct release_row *row, struct buf *names, struct err *e)
{
    const char *colon = strchr(ref, ':'), *at = strchr(ref, '@');
    struct digest id;
    char name[65];
    size_t len = at ? (size_t)(at - ref) : colon ? (size_t)(colon - ref) : 0;
    if (len == 0 || len >= sizeof name)
        return err_set(e, ERR_USAGE, 0, "\"%.100s\" is no release; wanted name:v1.0.0 or name@sha256:…", ref);
    memcpy(name, ref, len);
    name[len] = '\0';
    if (at && digest_parse(span_str(at + 1), &id, e) < 0)
        return -1;
    int result = at ? db_release_get(p->s->db, &id, row, names, e)
                    : db_release_find(p->s->db, name, ref + len + 1, row, names, e);
    if (result == 0 && strcmp(row->name, name) != 0)
        return err_set(e, ERR_NOTFOUND, 0, "%s: this digest is %s:%s", ref, row->name, row->version);
    return result < 0 && e && e->code == ERR_NOTFOUND ? no_release(p, ref, e) : result;
}

static int add_attachments(struct shipping *p, const struct release *r, struct shipment_release *out, struct err *e)
{
    struct attachment list[ATTACHMENTS_MAX];
    struct digest empty = digest_of(SPAN_LIT(OCI_EMPTY_TEXT));
    const struct release_blob index = r->blobs[0];
    if (attachments_of(p->s, &index, list, &out->attachment_count, e) < 0)
        return -1;
    for (size_t i = 0; i < out->attachment_count; i++) {
        out->attachments[i] = list[i].manifest.digest;
        if (add_blob(p, &list[i].manifest.digest, list[i].manifest.size, TUF_POLICY, e) < 0 ||
            add_blob(p, &list[i].envelope, list[i].envelope_size, TUF_POLICY, e) < 0)
            return -1;
    }
    return out->attachment_count ? add_blob(p, &empty, sizeof OCI_EMPTY_TEXT - 1, TUF_POLICY, e) : 0;
}

static int add_release(struct shipping *p, const char *ref, struct shipment_release *out, struct err *e)
{
    struct release_row row;
    auto_buf names = BUF(4096);
    struct child *parser = site_parser(p->s, e);
    if (!parser || find_release(p, ref, &row, &names, e) < 0)
        return -1;
    auto_release r = release_read(p->s->blobs, parser, &row.digest, e);
    if (!r)
        return err_prefix(e, "%s", ref);
    snprintf(out->name, sizeof out->name, "%s", r->name);
    snprintf(out->version, sizeof out->version, "%s", r->version);
    out->digest = r->digest;
    for (size_t i = 0; i < r->blob_count; i++) {
        const struct release_blob *b = &r->blobs[i];
        if (add_blob(p, &b->digest, b->size, role_of(release_part_of(r, &b->digest)), e) < 0)
            return -1;
    }
    return add_attachments(p, r, out, e);
}

/* The key that signed the attestations travels as a target: it is believed because the station's root is. */
static int add_key(struct shipping *p, struct err *e)
{
    auto_buf pem = BUF(KEY_PEM_MAX);
    struct digest id;
    if (public_key_pem(p->s->public_key, &pem, e) < 0 || blob_put(p->s->blobs, buf_span(&pem), &id, e) < 0)
        return -1;
    p->doc.attestation_keys[p->doc.key_count++] = id;
    return add_blob(p, &id, pem.len, TUF_POLICY, e);
}

/* Small things first, then what is large: a receiver meets every document in the first volume. */
static int by_size(const void *a, const void *b)
{
    const struct ship_blob *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return digest_compare(&x->digest, &y->digest);
}

static int add_releases(struct shipping *p, struct err *e)
{
    size_t count = p->order->release_count;
    p->doc.releases = calloc(count + 1, sizeof *p->doc.releases);
    if (!p->doc.releases)
        abort();
    for (size_t i = 0; i < count; i++) {
        struct shipment_release *r = &p->doc.releases[p->doc.release_count];
        if (add_release(p, p->order->releases[i], r, e) < 0)
            return -1;
        for (size_t k = 0; k < p->doc.release_count; k++)
            if (digest_equal(&p->doc.releases[k].digest, &r->digest))
                return err_set(e, ERR_USAGE, 0, "%s is named twice", p->order->releases[i]);
        p->doc.release_count++;
    }
    return count ? add_key(p, e) : 0;
}

int ship_collect(struct shipping *p, struct err *e)
{
    const struct ship_order *o = p->order;
    if (o->release_count > SHIPMENT_RELEASES_MAX || (o->release_count == 0 && !o->policy && !o->advisories))
        return err_set(e, ERR_USAGE, 0, "wanted 1 to %u releases, a policy or advisories; found %zu releases",
                       SHIPMENT_RELEASES_MAX, o->release_count);
    if (add_releases(p, e) < 0 || (o->policy && ship_artifact(p, TUF_POLICY, o->policy, e) < 0) ||
        (o->advisories && ship_artifact(p, TUF_ADVISORIES, o->advisories, e) < 0))
        return -1;
    qsort(p->blobs, p->blob_count, sizeof *p->blobs, by_size);
    return 0;
}
