/* Is it a shipment, from a station that is trusted here, for this contour, newer than the last, and in time? Everything
 * that is asked before a byte of a volume is read. */
#include <string.h>

#include "ship/receive_internal.h"
#include "store/db_release.h"
#include "util/clock.h"
#include "util/limits.h"

/* Two machines' clocks differ a little. */
#define CLOCK_SKEW_S 300

/* ── which station ── */

struct known {
    char fingerprint[65];
    bool found;
};

static int compare_station(void *arg, const char *station, const char *file, uint64_t version)
{
    struct known *k = arg;
    (void)file;
    (void)version;
    k->found = k->found || strcmp(station, k->fingerprint) == 0;
    return 0;
}

/* A root that we do not know: is it another station's, or a damaged one? Its own signatures tell. Nothing is kept. */
static int refuse_root(struct receiving *r, struct span root, const char *file, const char *fingerprint, struct err *e)
{
    struct err bad = {0};
    if (db_begin(r->s->db, e) < 0)
        return -1;
    int result = tuf_root_add(r->s->db, r->parser, root, fingerprint, &bad);
    db_rollback(r->s->db);
    if (result < 0)
        return err_set(e, bad.code == ERR_DENIED ? ERR_INPUT : bad.code, 0, "metadata/%s: %s", file, bad.msg);
    err_set(e, ERR_DENIED, 0, "this shipment comes from a station that is not trusted here: its root is %s",
            fingerprint);
    return err_hint(e, "If the people of that station confirm this fingerprint: `airlock trust root add FILE "
                       "--fingerprint HEX`");
}

/* Fingerprint of root number `version` on the medium. 1: there; 0: there is none. */
static int root_fingerprint(struct receiving *r, uint64_t version, struct buf *root, char out[65], struct err *e)
{
    char file[40];
    struct digest fingerprint;
    struct err absent = {0};
    snprintf(file, sizeof file, "%llu.root.json", (unsigned long long)version);
    buf_clear(root);
    if (medium_read(&r->medium, r->medium.metadata, file, root, &absent) < 0)
        return absent.code == ERR_NOTFOUND ? 0 : err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
    if (tuf_root_fingerprint(r->parser, buf_span(root), &fingerprint, e) < 0)
        return err_prefix(e, "metadata/%s", file);
    snprintf(out, 65, "%s", digest_hex(&fingerprint).text);
    return 1;
}

/* The medium carries every version of the station's root; one of them is the one that people compared. */
static int find_station(struct receiving *r, struct err *e)
{
    auto_buf root = BUF(LIMIT_TUF_ROOT_BYTES);
    struct known k = {.found = false};
    int there = 1;
    for (uint64_t version = 1; version <= LIMIT_TUF_ROOT_ROTATIONS && !k.found; version++) {
        there = root_fingerprint(r, version, &root, k.fingerprint, e);
        if (there < 0 || (there > 0 && db_trust_each(r->s->db, compare_station, &k, e) < 0))
            return -1;
        if (there == 0 && version == 1)
            return err_set(e, ERR_INPUT, 0, "metadata/1.root.json is missing from the medium");
        if (there == 0)
            break;
    }
    if (!k.found) {
        if (root_fingerprint(r, 1, &root, k.fingerprint, e) <= 0)
            return -1;
        return refuse_root(r, buf_span(&root), "1.root.json", k.fingerprint, e);
    }
    snprintf(r->station, sizeof r->station, "%s", k.fingerprint);
    return tuf_root_endorsed(r->s->db, r->station, r->parser, r->s->public_key, e);
}

/* The root on the medium need not be used: what is trusted stands in the database. It is still looked at, because a
 * medium on which anything is damaged is not accepted. */
static int check_roots(struct receiving *r, struct err *e)
{
    auto_buf known = BUF(LIMIT_TUF_ROOT_BYTES), found = BUF(LIMIT_TUF_ROOT_BYTES);
    uint64_t version;
    struct err absent = {0};
    if (db_trust_get(r->s->db, r->station, "1.root.json", &version, &known, &absent) < 0)
        return absent.code == ERR_NOTFOUND ? 0 : err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
    if (medium_read(&r->medium, r->medium.metadata, "1.root.json", &found, e) < 0)
        return -1;
    if (span_equal(buf_span(&known), buf_span(&found)))
        return 0;
    return err_set(e, ERR_INPUT, 0,
                   "metadata/1.root.json is damaged: it is the root that is trusted here, but not in the same bytes");
}

/* ── what was received before ── */

struct last {
    const char *station;
    uint64_t number, sequence;
    int64_t received_s;
};

static int keep_last(void *arg, const struct shipment_row *row)
{
    struct last *l = arg;
    if (strcmp(row->station, l->station) == 0 && row->sequence >= l->sequence) {
        l->number = row->number;
        l->sequence = row->sequence;
        l->received_s = row->received_s;
    }
    return 0;
}

static int explain_replay(struct receiving *r, const char *what, struct err *e)
{
    struct last l = {.station = r->station};
    struct err ignored = {0};
    auto_buf reason = BUF(ERR_MSG_MAX);
    buf_add_str(&reason, e ? e->msg : "");
    if (db_shipment_each(r->s->db, 0, keep_last, &l, &ignored) != 0 || l.number == 0)
        return err_prefix(e, "%s", what);
    return err_set(e, ERR_DENIED, 0,
                   "%s: the last one received from this station is number %llu, as shipment:%llu on %s (%s)", what,
                   (unsigned long long)l.sequence, (unsigned long long)l.number, time_text(l.received_s).text,
                   buf_str(&reason));
}

/* ── shipment.json ── */

static int foreign(const struct receiving *r, const struct shipment_doc *d, struct err *e)
{
    err_set(e, ERR_DENIED, 0,
            "this shipment is addressed to another contour: its id is %s; this is \"%s\", whose id is %s", d->contour,
            r->s->config.name, r->s->config.id);
    return err_hint(e, "Ask the station for one that is addressed to this contour; nothing was changed");
}

static int read_document(struct receiving *r, const struct digest *digest, struct shipment_doc *out, struct err *e)
{
    auto_buf text = BUF(SHIPMENT_BYTES_MAX);
    char file[100];
    snprintf(file, sizeof file, "%s." SHIPMENT_TARGET, digest_hex(digest).text);
    if (medium_read(&r->medium, r->medium.targets, file, &text, e) < 0)
        return e && e->code == ERR_NOTFOUND ? err_set(e, ERR_INPUT, 0, "targets/%s is missing from the medium", file)
                                            : -1;
    struct digest found = digest_of(buf_span(&text));
    if (!digest_equal(&found, digest))
        return err_set(e, ERR_INPUT, 0,
                       "targets/%s is damaged: its %zu bytes hash to %s, wanted %s. Copy it again from the station",
                       file, text.len, digest_text(&found).text, digest_text(digest).text);
    struct child_request request = {.op = "json", .fd = -1, .input = buf_span(&text), .timeout_ms = 20000};
    auto_json root = child_call_json(r->parser, &request, SHIPMENT_TARGET, e);
    return root ? shipment_doc_read(root, out, e) : -1;
}

static int check_document(struct receiving *r, struct err *e)
{
    const struct shipment_doc *d = &r->doc;
    int64_t now_s = r->s->now_s;
    if (strcmp(d->contour, r->s->config.id) != 0)
        return foreign(r, d, e);
    if (d->sequence != tuf_update_timestamp_version(r->update))
        return err_set(e, ERR_INPUT, 0, "shipment.json says number %llu, but the metadata's timestamp is version %llu",
                       (unsigned long long)d->sequence, (unsigned long long)tuf_update_timestamp_version(r->update));
    if (d->expires_s <= now_s) {
        err_set(e, ERR_DENIED, 0, "shipment %llu expired on %s; it is now %s", (unsigned long long)d->sequence,
                time_text(d->expires_s).text, time_text(now_s).text);
        return err_hint(e, "Ask the station to ship again");
    }
    if (d->issued_s > now_s + CLOCK_SKEW_S) {
        err_set(e, ERR_DENIED, 0, "shipment %llu was issued on %s, which has not come yet: it is now %s",
                (unsigned long long)d->sequence, time_text(d->issued_s).text, time_text(now_s).text);
        return err_hint(e, "The clock of this machine or of the station is wrong; set it right");
    }
    return receive_check_ledger(r, e);
}

static int check_versions(struct receiving *r, struct err *e)
{
    for (size_t i = 0; i < r->doc.release_count; i++) {
        const struct shipment_release *x = &r->doc.releases[i];
        struct release_row row;
        struct err absent = {0};
        auto_buf names = BUF(4096);
        if (db_release_find(r->s->db, x->name, x->version, &row, &names, &absent) < 0) {
            if (absent.code != ERR_NOTFOUND)
                return err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
        } else if (!digest_equal(&row.digest, &x->digest)) {
            err_set(e, ERR_DENIED, 0, "%s:%s is known here as %s, but this shipment brings %s under that name", x->name,
                    x->version, digest_text(&row.digest).text, digest_text(&x->digest).text);
            return err_hint(e, "Versions are immutable: the station has to give it a new one");
        }
    }
    return 0;
}

/* ── the way ── */

/* The name of shipment.json as it lies on the medium holds its digest. Looked at only to explain a refusal. */
static bool claims_other_contour(struct receiving *r, struct shipment_doc *claim)
{
    static const char suffix[] = "." SHIPMENT_TARGET;
    char name[100];
    struct digest digest;
    struct err ignored = {0};
    if (!medium_find_target(&r->medium, suffix, name, sizeof name) ||
        !digest_from_hex(span_of(name, strlen(name) - (sizeof suffix - 1)), &digest) ||
        read_document(r, &digest, claim, &ignored) < 0)
        return false;
    if (strcmp(claim->contour, r->s->config.id) != 0)
        return true;
    shipment_doc_fini(claim);
    return false;
}

static int refused(struct receiving *r, struct err *e)
{
    struct shipment_doc claim = {0};
    enum err_code code = e ? e->code : ERR_INPUT;
    if (code == ERR_NOTFOUND) {
        e->code = ERR_INPUT; /* a file of the medium is missing */
        err_prefix(e, "%s is no shipment, or not the whole of one", r->medium.path);
        return err_hint(
            e, "Beside its volumes there belong in it, as `airlock ship` wrote them: metadata/ with the roots, "
               "timestamp.json, and a snapshot and targets with their numbers in front; and targets/");
    }
    if ((code == ERR_EXISTS || code == ERR_DENIED) && claims_other_contour(r, &claim)) {
        int result = foreign(r, &claim, e);
        shipment_doc_fini(&claim);
        return result;
    }
    if (code == ERR_EXISTS)
        return explain_replay(r, "this very shipment was received before; nothing was changed", e);
    err_prefix(e, "%s", r->medium.path);
    if (code != ERR_INPUT)
        return -1;
    return err_hint(
        e, "The file is damaged, or another station signed it: copy the media again, or look at `airlock trust "
           "show`");
}

int receive_trust(struct receiving *r, struct err *e)
{
    struct tuf_source source = {.fetch = medium_fetch, .arg = &r->medium};
    if (find_station(r, e) < 0 || check_roots(r, e) < 0)
        return -1;
    r->update = tuf_refresh(r->s->db, r->station, r->parser, &source, r->s->now_s, e);
    if (!r->update)
        return refused(r, e);
    const struct tuf_target *target = tuf_update_find(r->update, SHIPMENT_TARGET);
    if (!target || target->role != TUF_TARGETS || target->length > SHIPMENT_BYTES_MAX)
        return err_set(e, ERR_INPUT, 0, "the metadata names no " SHIPMENT_TARGET "; it is no Airlock shipment");
    if (read_document(r, &target->digest, &r->doc, e) < 0)
        return -1;
    return check_document(r, e) < 0 ? -1 : check_versions(r, e);
}
