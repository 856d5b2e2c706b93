/* What the blobs are, and making them known: the releases are read, the station's statements verified, the folder gets
 * its name, and one transaction makes all of it true. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "ship/receive_internal.h"
#include "ship/shipment.h"
#include "store/db_release.h"
#include "trust/statement.h"
#include "util/file.h"
#include "util/limits.h"
#include "util/sys.h"

#define KEY_PEM_MAX 16384

/* ── the station's keys and statements ── */

static int load_keys(struct receiving *r, struct err *e)
{
    for (size_t i = 0; i < r->doc.key_count; i++) {
        const struct digest *id = &r->doc.attestation_keys[i];
        const struct signed_blob *b = receive_find_blob(r, id);
        auto_buf pem = BUF(KEY_PEM_MAX);
        if (!b || strncmp(b->name, "policy/", 7) != 0)
            return err_set(e, ERR_INPUT, 0, SHIPMENT_TARGET ": /keys/attestation: %s is no target policy/…",
                           digest_text(id).text);
        if (blob_read(r->out, id, &pem, e) < 0)
            return -1;
        r->keys[i] = public_key_parse(buf_span(&pem), b->name, e);
        if (!r->keys[i])
            return -1;
    }
    return 0;
}

static int add_statement(struct receiving *r, const struct attachment *a, const struct release *release, struct err *e)
{
    auto_statement st = {0};
    struct received_statement *grown = reallocarray(r->statements, r->statement_count + 1, sizeof *grown);
    if (!grown)
        abort();
    r->statements = grown;
    struct received_statement *s = &r->statements[r->statement_count++];
    *s = (struct received_statement){
        .id = a->envelope, .subject = release->digest, .envelope = BUF(LIMIT_MESSAGE_BYTES / 2)};
    if (blob_read(r->out, &a->envelope, &s->envelope, e) < 0 ||
        statement_verify(r->parser, buf_span(&s->envelope), (const struct public_key *const *)r->keys, r->doc.key_count,
                         &release->digest, NULL, &st, e) < 0)
        return err_prefix(e, "%s:%s: attestation %s", release->name, release->version, digest_text(&a->envelope).text);
    if (strlen(st.predicate_type) >= sizeof s->predicate_type)
        return err_set(e, ERR_LIMIT, 0, "attestation %s: its predicate type is too long",
                       digest_text(&a->envelope).text);
    snprintf(s->predicate_type, sizeof s->predicate_type, "%s", st.predicate_type);
    return 0;
}

static int read_release(struct receiving *r, size_t i, struct err *e)
{
    const struct shipment_release *wanted = &r->doc.releases[i];
    struct release *found = release_read(r->out, r->parser, &wanted->digest, e);
    r->releases[i] = found;
    if (!found)
        return -1;
    if (strcmp(found->name, wanted->name) != 0 || strcmp(found->version, wanted->version) != 0)
        return err_set(e, ERR_INPUT, 0, "release %s calls itself %s:%s, but " SHIPMENT_TARGET " calls it %s:%s",
                       digest_text(&wanted->digest).text, found->name, found->version, wanted->name, wanted->version);
    if (release_packages(r->out, r->parser, found, &r->packages[i], e) < 0)
        return err_prefix(e, "%s:%s", found->name, found->version);
    for (size_t k = 0; k < wanted->attachment_count; k++) {
        struct attachment a;
        if (attachment_read(r->out, r->parser, &wanted->attachments[k], &wanted->digest, &a, e) < 0 ||
            add_statement(r, &a, found, e) < 0)
            return -1;
    }
    return 0;
}

int receive_read_releases(struct receiving *r, struct err *e)
{
    r->releases = calloc(r->doc.release_count + 1, sizeof *r->releases);
    r->packages = calloc(r->doc.release_count + 1, sizeof *r->packages);
    if (!r->releases || !r->packages)
        abort();
    if (load_keys(r, e) < 0)
        return -1;
    for (size_t i = 0; i < r->doc.release_count; i++)
        if (read_release(r, i, e) < 0)
            return -1;
    return 0;
}

/* ── the folder ── */

/* Quarantine keeps the very bytes that were verified, for whoever wants to look with other tools. */
static int keep_metadata(struct receiving *r, struct err *e)
{
    auto_fd dir = dir_open(r->quarantine, r->partial, e);
    if (dir < 0 || dir_make(dir, "metadata", 0700, e) < 0)
        return -1;
    for (size_t i = 0; i < r->medium.file_count; i++) {
        char path[128];
        snprintf(path, sizeof path, "metadata/%s", r->medium.files[i].name);
        if (file_write(dir, path, buf_span(&r->medium.files[i].bytes), 0600, e) < 0)
            return -1;
    }
    auto_buf text = BUF(SHIPMENT_BYTES_MAX);
    if (shipment_doc_write(&r->doc, &text, e) < 0)
        return -1;
    return file_write(dir, SHIPMENT_TARGET, buf_span(&text), 0600, e); /* syncs the folder too, metadata/ in it */
}

static int name_folder(struct receiving *r, struct err *e)
{
    if (keep_metadata(r, e) < 0)
        return -1;
    if (sys.renameat2(r->quarantine, r->partial, r->quarantine, r->folder, 0) < 0)
        return err_set(e, ERR_IO, errno, "rename quarantine/%s to %s", r->partial, r->folder);
    return dir_sync(r->quarantine, "quarantine", e);
}

/* ── rows ── */

static int put_keys(struct receiving *r, struct json_out *w, struct err *e)
{
    json_put_array(w, "keys");
    for (size_t i = 0; i < r->doc.key_count; i++) {
        auto_buf pem = BUF(KEY_PEM_MAX);
        if (public_key_pem(r->keys[i], &pem, e) < 0)
            return -1;
        json_out_object(w);
        json_put_string(w, "use", "attestation");
        json_put_string(w, "pem", buf_str(&pem));
        json_out_object_end(w);
    }
    json_out_array_end(w);
    return 0;
}

int receive_write_receipt(struct receiving *r, uint64_t number, struct buf *out, struct err *e)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "result", "PASSED");
    json_put_object(&w, "contour");
    json_put_string(&w, "name", r->s->config.name);
    json_put_string(&w, "id", r->s->config.id);
    json_out_object_end(&w);
    json_put_uint(&w, "shipment", number);
    json_put_object(&w, "station");
    json_put_string(&w, "name", r->doc.station);
    json_put_string(&w, "root", r->station);
    json_out_object_end(&w);
    json_put_uint(&w, "sequence", r->doc.sequence);
    json_put_time(&w, "issued", r->doc.issued_s);
    json_put_time(&w, "expires", r->doc.expires_s);
    json_put_time(&w, "received", r->s->now_s);
    if (put_keys(r, &w, e) < 0)
        return -1;
    json_out_object_end(&w);
    return buf_check(out, "receipt", e);
}

static int add_receipt(struct receiving *r, const struct release *release, uint64_t number, struct err *e)
{
    auto_buf predicate = BUF(LIMIT_JSON_BYTES), subject = BUF(256);
    buf_printf(&subject, "%s:%s", release->name, release->version);
    if (receive_write_receipt(r, number, &predicate, e) < 0)
        return -1;
    return site_evidence(r->s, buf_str(&subject), &release->digest, PREDICATE_RECEIPT, "", "PASSED",
                         buf_span(&predicate), NULL, e);
}

static int add_blob_row(struct receiving *r, const struct digest *release, const struct digest *id,
                        const char *media_type, uint64_t size, struct err *e)
{
    return db_release_blob_add(r->s->db, release, id, media_type, size, e);
}

static int add_attachment_rows(struct receiving *r, size_t i, struct err *e)
{
    const struct shipment_release *x = &r->doc.releases[i];
    struct digest empty = digest_of(SPAN_LIT("{}"));
    for (size_t k = 0; k < x->attachment_count; k++) {
        const struct signed_blob *b = receive_find_blob(r, &x->attachments[k]);
        if (!b)
            return err_set(e, ERR_INPUT, 0, "attachment %s is no target", digest_text(&x->attachments[k]).text);
        if (add_blob_row(r, &x->digest, &b->digest, MEDIA_OCI_MANIFEST, b->length, e) < 0)
            return -1;
    }
    for (size_t k = 0; k < r->statement_count; k++) {
        const struct received_statement *s = &r->statements[k];
        if (!digest_equal(&s->subject, &x->digest))
            continue;
        struct evidence_row row = {.id = s->id,
                                   .subject = s->subject,
                                   .predicate_type = s->predicate_type,
                                   .environment = "",
                                   .result = "",
                                   .origin = "station",
                                   .time_s = r->s->now_s,
                                   .envelope = buf_span(&s->envelope)};
        if (db_evidence_add(r->s->db, &row, e) < 0 ||
            add_blob_row(r, &x->digest, &s->id, MEDIA_DSSE, s->envelope.len, e) < 0)
            return -1;
    }
    if (x->attachment_count && receive_find_blob(r, &empty))
        return add_blob_row(r, &x->digest, &empty, MEDIA_OCI_EMPTY, 2, e);
    return 0;
}

/* A release that came in an earlier shipment keeps its row. 1: it is known. */
static int is_known(struct receiving *r, const struct digest *release, struct err *e)
{
    struct release_row row;
    struct err absent = {0};
    auto_buf names = BUF(4096);
    if (db_release_get(r->s->db, release, &row, &names, &absent) == 0)
        return !row.discarded;
    return absent.code == ERR_NOTFOUND ? 0 : err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
}

static int add_release_rows(struct receiving *r, size_t i, uint64_t number, struct receive_release *out, struct err *e)
{
    const struct release *x = r->releases[i];
    int known = is_known(r, &x->digest, e);
    if (known < 0)
        return -1;
    struct release_row row = {.digest = x->digest,
                              .name = x->name,
                              .version = x->version,
                              .shipment = number,
                              .admitted = false,
                              .time_s = r->s->now_s};
    *out = (struct receive_release){.digest = x->digest, .known = known};
    snprintf(out->name, sizeof out->name, "%s", x->name);
    snprintf(out->version, sizeof out->version, "%s", x->version);
    if (!known) {
        if (db_release_add(r->s->db, &row, e) < 0)
            return -1;
        for (size_t k = 0; k < x->blob_count; k++)
            if (add_blob_row(r, &x->digest, &x->blobs[k].digest, x->blobs[k].media_type, x->blobs[k].size, e) < 0)
                return -1;
        if (add_attachment_rows(r, i, e) < 0 || release_add_rows(r->s->db, x, &r->packages[i], e) < 0)
            return -1;
    }
    return add_receipt(r, x, number, e);
}

static int add_shipment_rows(struct receiving *r, uint64_t *number, struct err *e)
{
    struct shipment_row row = {.folder = r->folder,
                               .station = r->station,
                               .sequence = r->doc.sequence,
                               .issued_s = r->doc.issued_s,
                               .expires_s = r->doc.expires_s,
                               .received_s = r->s->now_s,
                               .state = SHIPMENT_QUARANTINED};
    int64_t issued_s = r->doc.issued_s < r->s->now_s ? r->doc.issued_s : r->s->now_s;
    if (tuf_commit(r->s->db, r->station, r->update, e) < 0 || db_shipment_add(r->s->db, &row, number, e) < 0 ||
        site_raise_floor(r->s, issued_s, e) < 0)
        return -1;
    for (size_t i = 0; i < r->blob_count; i++)
        if (db_shipment_blob_add(r->s->db, *number, &r->blobs[i].digest, r->blobs[i].length, e) < 0)
            return -1;
    return 0;
}

static void put_entry(struct receiving *r, const struct receive_result *out, struct json_out *w)
{
    json_put_uint(w, "shipment", out->number);
    json_put_string(w, "station", r->station);
    json_put_uint(w, "sequence", r->doc.sequence);
    json_put_array(w, "releases");
    for (size_t i = 0; i < r->doc.release_count; i++) {
        json_out_object(w);
        json_put_string(w, "name", r->releases[i]->name);
        json_put_string(w, "version", r->releases[i]->version);
        json_put_digest(w, "digest", &r->releases[i]->digest);
        json_out_object_end(w);
    }
    json_out_array_end(w);
    shipment_doc_put_artifacts(w, &r->doc);
    const struct tuf_target *document = tuf_update_find(r->update, SHIPMENT_TARGET);
    json_put_digest(w, "document", &document->digest);
}

/* Nothing of it waits in quarantine when it brought no release that is new here: what else came is kept elsewhere. */
static int close_shipment(struct receiving *r, const struct receive_result *out, struct err *e)
{
    for (size_t i = 0; i < out->release_count; i++)
        if (!out->releases[i].known)
            return 0;
    return db_shipment_set_state(r->s->db, out->number, SHIPMENT_ADMITTED, e);
}

static int write_rows(struct receiving *r, struct receive_result *out, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (add_shipment_rows(r, &out->number, e) < 0)
        return -1;
    for (size_t i = 0; i < r->doc.release_count; i++)
        if (add_release_rows(r, i, out->number, &out->releases[out->release_count++], e) < 0)
            return -1;
    if (close_shipment(r, out, e) < 0)
        return -1;
    site_event(r->s, &w, &entry, "receive");
    put_entry(r, out, &w);
    if (site_append(r->s, &w, NULL, e) < 0 || receive_keep_artifacts(r, out->number, e) < 0)
        return -1;
    return site_commit(r->s, NULL, NULL, e);
}

int receive_commit(struct receiving *r, struct receive_result *out, struct err *e)
{
    if (name_folder(r, e) < 0 || site_begin(r->s, e) < 0)
        return -1;
    if (write_rows(r, out, e) == 0)
        return 0;
    site_rollback(r->s);
    return -1;
}
