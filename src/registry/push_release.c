/* A release that was pushed goes the way of one that was shipped: a row, evidence, quarantine (which is pushed/), scan,
 * gates, promotion. The row needs nobody's signature; the evidence does: an attestation counts as the station's when a
 * key of a station that this contour trusts verifies it, and then the contour's receipt says whose key that was.
 * Without it the intake gate refuses the release. Rows, receipt and ledger entry are one transaction. */
#include <stdio.h>
#include <string.h>

#include "registry/push_internal.h"
#include "registry/push_keys.h"
#include "ship/attachment.h"
#include "ship/packages.h"
#include "ship/shipment.h"
#include "trust/statement.h"
#include "util/limits.h"
#include "util/log.h"

#define ENVELOPE_MAX (2 * LIMIT_JSON_BYTES)
#define KEY_PEM_MAX  16384U

/* ── may this be a release of this repository? ── */

static int check_version(struct oci *o, const struct digest *id, const char *version, struct err *e)
{
    struct release_row row;
    struct err none = {0};
    auto_buf names = BUF(1024);
    if (db_release_find(o->db, o->path.name, version, &row, &names, &none) < 0)
        return none.code == ERR_NOTFOUND ? 0 : err_set(e, none.code, none.sys_errno, "%s", none.msg);
    if (digest_equal(&row.digest, id))
        return 0;
    return err_set(e, ERR_EXISTS, 0, "%s:%s is there already, as %s: a version is for ever, so give this one another",
                   o->path.name, version, digest_text(&row.digest).text);
}

static int check_names(const struct release *r, const struct oci *o, const char *version, struct err *e)
{
    if (strcmp(r->name, o->path.name) == 0 && strcmp(r->version, version) == 0)
        return 0;
    return err_set(e, ERR_INPUT, 0, "the release calls itself %s:%s, and was pushed as %s:%s", r->name, r->version,
                   o->path.name, version);
}

/* The bytes are not stored yet, and the reader reads blobs: they become one. What is refused, nobody's row needs. */
static int check_whole(struct oci *o, const struct digest *id, struct span bytes, const char *version, struct err *e)
{
    struct registry *g = o->g;
    struct blobs *b = push_blobs(g);
    auto_packages packages = {0};
    if (blob_put(b, bytes, NULL, e) < 0)
        return -1;
    pthread_mutex_lock(&g->parser_lock);
    auto_release r = release_read(b, g->parser, id, e);
    int result = r ? release_packages(b, g->parser, r, &packages, e) : -1;
    pthread_mutex_unlock(&g->parser_lock);
    return result < 0 ? -1 : check_names(r, o, version, e);
}

int push_release_check(struct oci *o, const struct digest *id, bool release, struct span bytes, const char *version,
                       struct err *e)
{
    struct err ignored = {0};
    struct pushing *p = o->g->pushing;
    if (check_version(o, id, version, e) < 0)
        return -1;
    if (!release)
        return 0;
    pthread_rwlock_rdlock(&p->files);
    int result = check_whole(o, id, bytes, version, e);
    pthread_rwlock_unlock(&p->files);
    if (result == 0)
        return 0;
    (void)push_file_drop(p, o->db, id, &ignored); /* the next tidying sees to it otherwise */
    if (e->code == ERR_NOTFOUND || e->code == ERR_LIMIT)
        e->code = ERR_INPUT; /* it is the release that is wrong, not the request */
    return err_prefix(e, "as a release");
}

/* ── taking it in ── */

struct taking {
    struct oci *o;
    struct site *s;
    struct child *parser;
    struct blobs *b;
    const struct digest *index;
    struct release *release; /* NULL: its row is there */
    struct packages packages;
    char name[200]; /* "assistant:v1.0.0" */

    struct digest attachments[ATTACHMENTS_MAX]; /* manifests that hang on it */
    size_t attachment_count;
    struct station_keys_known known;
    const struct station_key *key; /* the one that verified; NULL: none yet */
    size_t added;                  /* attestations that are new */
    struct err *e;
};

static void taking_fini(struct taking *t)
{
    release_free(t->release);
    packages_fini(&t->packages);
    station_keys_known_fini(&t->known);
    site_close(t->s);
}

static int keep_attachment(void *arg, const struct push_manifest_row *row)
{
    struct taking *t = arg;
    if (t->attachment_count == ATTACHMENTS_MAX)
        return 1; /* a station makes three; the others are no evidence */
    t->attachments[t->attachment_count++] = row->digest;
    return 0;
}

/* 1: there is a row, and the release waits in quarantine; 0: none; -1. *done: nothing is to do. */
static int look_for_row(struct taking *t, bool *done, struct err *e)
{
    struct release_row row;
    struct err none = {0};
    auto_buf names = BUF(1024);
    *done = false;
    if (db_release_get(t->o->db, t->index, &row, &names, &none) < 0)
        return none.code == ERR_NOTFOUND ? 0 : err_set(e, none.code, none.sys_errno, "%s", none.msg);
    if (row.discarded)
        return 0;
    *done = row.admitted || row.shipment != 0;
    snprintf(t->name, sizeof t->name, "%s:%s", row.name, row.version);
    return 1;
}

/* Did the caller push a release of this digest? Otherwise *done. */
static int look_for_push(struct taking *t, bool *done, struct err *e)
{
    struct push_manifest_row row;
    auto_buf strings = BUF(2 * MANIFEST_MAX + 4096);
    *done = true;
    if (db_push_manifest_get(t->o->db, &t->o->view, t->index, &row, &strings, e) < 0)
        return e->code == ERR_NOTFOUND ? 0 : -1;
    *done = strcmp(row.artifact_type, MEDIA_RELEASE) != 0;
    return 0;
}

/* A release is taken in when its own version is a tag of it. *done when it is not that far. */
static int read_new(struct taking *t, bool *done, struct err *e)
{
    struct digest tagged;
    char named[DIGEST512_TEXT_SIZE];
    *done = true;
    t->release = release_read(t->b, t->parser, t->index, e);
    if (!t->release) /* what only looks like a release can be pushed, without its tag */
        return e->code == ERR_INPUT || e->code == ERR_NOTFOUND || e->code == ERR_LIMIT ? 0 : -1;
    if (db_push_tag_get(t->o->db, &t->o->view, t->release->version, &tagged, named, e) < 0)
        return e->code == ERR_NOTFOUND ? 0 : -1;
    if (!digest_equal(&tagged, t->index) || strcmp(t->release->name, t->o->path.name) != 0)
        return 0;
    snprintf(t->name, sizeof t->name, "%s:%s", t->release->name, t->release->version);
    *done = false;
    return release_packages(t->b, t->parser, t->release, &t->packages, e);
}

static int add_release_rows(struct taking *t, struct err *e)
{
    const struct release *r = t->release;
    struct release_row row = {.digest = *t->index,
                              .name = r->name,
                              .version = r->version,
                              .shipment = 0,
                              .admitted = false,
                              .time_s = t->s->entry_s};
    if (db_release_add(t->s->db, &row, e) < 0)
        return -1;
    for (size_t i = 0; i < r->blob_count; i++)
        if (db_release_blob_add(t->s->db, t->index, &r->blobs[i].digest, r->blobs[i].media_type, r->blobs[i].size, e) <
            0)
            return -1;
    return release_add_rows(t->s->db, r, &t->packages, e);
}

/* ── what is signed about it ── */

static const struct station_key *verifies(struct taking *t, struct span envelope, struct statement *st)
{
    for (size_t i = 0; i < t->known.count; i++) {
        const struct station_key *k = &t->known.keys[i];
        const struct public_key *keys[] = {k->key};
        struct err ignored = {0};
        if (t->key && k != t->key)
            continue; /* one release, one station */
        if (statement_verify(t->parser, envelope, keys, 1, t->index, NULL, st, &ignored) == 0)
            return k;
    }
    return NULL;
}

static bool is_new(struct taking *t, const struct digest *id)
{
    auto_buf envelope = BUF(ENVELOPE_MAX);
    struct err none = {0};
    return db_evidence_get(t->s->db, id, &envelope, &none) < 0 && none.code == ERR_NOTFOUND;
}

static int add_evidence(struct taking *t, const struct attachment *a, struct span envelope, const char *type,
                        struct err *e)
{
    struct digest empty = digest_of(SPAN_LIT("{}"));
    struct evidence_row row = {.id = a->envelope,
                               .subject = *t->index,
                               .predicate_type = type,
                               .environment = "",
                               .result = "",
                               .origin = "station",
                               .time_s = t->s->entry_s,
                               .envelope = envelope};
    t->added++;
    if (db_evidence_add(t->s->db, &row, e) < 0 ||
        db_release_blob_add(t->s->db, t->index, &a->manifest.digest, MEDIA_OCI_MANIFEST, a->manifest.size, e) < 0 ||
        db_release_blob_add(t->s->db, t->index, &a->envelope, MEDIA_DSSE, envelope.len, e) < 0)
        return -1;
    return blob_have(t->b, &empty) ? db_release_blob_add(t->s->db, t->index, &empty, MEDIA_OCI_EMPTY, 2, e) : 0;
}

/* What is no attestation of the release that a trusted station signed is no evidence, and no error either: it stays
 * what somebody pushed. */
static int take_attachment(struct taking *t, const struct digest *manifest, struct err *e)
{
    struct attachment a;
    struct err none = {0};
    auto_buf envelope = BUF(ENVELOPE_MAX);
    auto_statement st = {0};
    if (attachment_read(t->b, t->parser, manifest, t->index, &a, &none) < 0 ||
        blob_read(t->b, &a.envelope, &envelope, &none) < 0)
        return none.code == ERR_INPUT || none.code == ERR_NOTFOUND || none.code == ERR_LIMIT
                   ? 0
                   : err_set(e, none.code, none.sys_errno, "%s", none.msg);
    const struct station_key *key = verifies(t, buf_span(&envelope), &st);
    if (!key || !is_new(t, &a.envelope))
        return 0;
    t->key = key;
    return add_evidence(t, &a, buf_span(&envelope), st.predicate_type, e);
}

/* ── the contour's word ── */

static int write_receipt(struct taking *t, struct buf *out, struct err *e)
{
    struct json_out w;
    auto_buf pem = BUF(KEY_PEM_MAX);
    if (public_key_pem(t->key->key, &pem, e) < 0)
        return -1;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "result", "PASSED");
    json_put_object(&w, "contour");
    json_put_string(&w, "name", t->s->config.name);
    json_put_string(&w, "id", t->s->config.id);
    json_out_object_end(&w);
    json_put_object(&w, "pushed");
    json_put_string(&w, "repository", t->o->path.repository);
    json_put_string(&w, "person", t->o->who.person);
    json_out_object_end(&w);
    json_put_object(&w, "station");
    json_put_string(&w, "name", t->key->station);
    json_put_string(&w, "root", t->key->root);
    json_out_object_end(&w);
    json_put_time(&w, "received", t->s->entry_s);
    json_put_array(&w, "keys");
    json_out_object(&w);
    json_put_string(&w, "use", "attestation");
    json_put_string(&w, "pem", buf_str(&pem));
    json_out_object_end(&w);
    json_out_array_end(&w);
    json_out_object_end(&w);
    return buf_check(out, "receipt", e);
}

static int add_receipt(struct taking *t, struct err *e)
{
    auto_buf predicate = BUF(LIMIT_JSON_BYTES);
    if (write_receipt(t, &predicate, e) < 0)
        return -1;
    return site_evidence(t->s, t->name, t->index, PREDICATE_RECEIPT, "", "PASSED", buf_span(&predicate), NULL, e);
}

/* A receipt that is there names the key that counts: the rest must be signed by it. */
static int find_receipt(struct taking *t, bool *there, struct err *e)
{
    struct err none = {0};
    auto_public_key key = release_station_key(t->s, t->index, &none);
    *there = key != NULL;
    if (!key)
        return none.code == ERR_NOTFOUND ? 0 : err_set(e, none.code, none.sys_errno, "%s", none.msg);
    for (size_t i = 0; i < t->known.count; i++)
        if (digest_equal(public_key_id(t->known.keys[i].key), public_key_id(key)))
            t->key = &t->known.keys[i];
    if (!t->key)
        t->attachment_count = 0; /* that station is not trusted any more */
    return 0;
}

static int write_rows(struct taking *t, struct err *e)
{
    struct json_out w;
    bool receipt;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (find_receipt(t, &receipt, e) < 0 || (t->release && add_release_rows(t, e) < 0))
        return -1;
    for (size_t i = 0; i < t->attachment_count; i++)
        if (take_attachment(t, &t->attachments[i], e) < 0)
            return -1;
    if (!t->release && t->added == 0) {
        site_rollback(t->s);
        return 0;
    }
    if (t->added > 0 && !receipt && add_receipt(t, e) < 0)
        return -1;
    site_event(t->s, &w, &entry, "push");
    json_put_string(&w, "release", t->name);
    json_put_digest(&w, "digest", t->index);
    json_put_string(&w, "repository", t->o->path.repository);
    json_put_string(&w, "person", t->o->who.person);
    json_put_uint(&w, "attestations", t->added);
    return site_commit(t->s, &w, NULL, e);
}

static int take(struct taking *t, struct err *e)
{
    bool done;
    int there = look_for_row(t, &done, e);
    if (there < 0 || (there == 0 && look_for_push(t, &done, e) < 0))
        return -1;
    if (done)
        return 0;
    t->s = site_open(t->o->g->pushing->home, SITE_CONTOUR, e);
    t->parser = t->s ? site_parser(t->s, e) : NULL;
    if (!t->parser)
        return -1;
    if (there == 0 && read_new(t, &done, e) < 0)
        return -1;
    if (done)
        return 0;
    if (db_push_referrer_each(t->o->db, &t->o->view, digest_text(t->index).text, MEDIA_INTOTO, "", keep_attachment, t,
                              e) < 0 ||
        station_keys_known(t->s, t->parser, &t->known, e) < 0 || site_begin(t->s, e) < 0)
        return -1;
    if (write_rows(t, e) == 0)
        return 0;
    site_rollback(t->s);
    return -1;
}

int push_release_take(struct oci *o, const struct digest *index, struct err *e)
{
    struct pushing *p = o->g->pushing;
    AUTO(taking_fini) struct taking t = {.o = o, .b = p->blobs, .index = index, .e = e};
    pthread_mutex_lock(&p->intake);
    pthread_rwlock_rdlock(&p->files); /* what it needs stays until its rows say so */
    int result = take(&t, e);
    pthread_rwlock_unlock(&p->files);
    pthread_mutex_unlock(&p->intake);
    return result;
}
