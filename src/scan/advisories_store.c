#include "scan/advisories_store.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ship/station.h"
#include "site/room.h"
#include "store/db_advisories.h"
#include "store/db_release.h"
#include "trust/role_document.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/limits.h"

#define PREDICATE_BYTES (1U << 20)

/* ── what is signed ── */

static void put_member(struct json_out *w, const json_t *from, const char *key)
{
    auto_free char *text = json_dumps(json_object_get(from, key), JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        return;
    json_out_key(w, key);
    json_out_raw(w, span_str(text));
}

/* What people and gates want to know of a snapshot without opening it. */
static void put_facts(struct json_out *w, const json_t *shown)
{
    static const char *const keys[] = {"date", "oldest", "records", "packages", "kev", "sources", "coverage"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        put_member(w, shown, keys[i]);
}

int advisories_sign(struct site *station, int fd, const struct digest *id, struct buf *out, struct err *e)
{
    struct json_out w;
    auto_buf predicate = BUF(PREDICATE_BYTES);
    int64_t expires_s = station->now_s + ARTIFACT_VALID_S;
    struct child *parser = site_parser(station, e);
    auto_json shown = parser ? advisories_show(parser, fd, true, e) : NULL;
    if (!shown)
        return -1;
    json_out_init(&w, &predicate);
    json_out_object(&w);
    json_put_time(&w, "issued", station->now_s);
    json_put_time(&w, "expires", expires_s);
    put_facts(&w, shown);
    json_out_object_end(&w);
    if (buf_check(&predicate, "what is said of the snapshot", e) < 0)
        return -1;
    return station_sign(station, TUF_ADVISORIES, "advisories", id, PREDICATE_ADVISORIES, buf_span(&predicate),
                        expires_s, out, e);
}

/* ── what is in force ── */

void advisories_in_force_fini(struct advisories_in_force *f)
{
    if (f->fd >= 0)
        close(f->fd);
    json_decref(f->said);
    *f = (struct advisories_in_force){.fd = -1};
}

static int open_bytes(struct site *s, struct advisories_in_force *out, struct err *e)
{
    struct digest is;
    out->fd = blob_open(s->blobs, &out->digest, NULL, e);
    if (out->fd < 0 || advisories_hash(out->fd, &is, e) < 0)
        return err_prefix(e, "advisories");
    if (digest_equal(&is, &out->digest))
        return 0;
    err_set(e, ERR_INPUT, 0, "advisories: the snapshot in the store is damaged: its bytes hash to %s, wanted %s",
            digest_text(&is).text, digest_text(&out->digest).text);
    return err_hint(e, "Take it in again: `airlock advisories import FILE`");
}

static int read_said(const json_t *said, struct advisories_in_force *out, struct err *e)
{
    const char *station = json_need_string(said, "station", "", e);
    if (!station || json_need_time(said, "issued", "", &out->issued_s, e) < 0 ||
        json_need_time(said, "imported", "", &out->imported_s, e) < 0)
        return -1;
    snprintf(out->station, sizeof(out->station), "%s", station);
    out->shipment = (uint64_t)json_integer_value(json_object_get(said, "shipment"));
    out->said = json_incref((json_t *)(uintptr_t)said);
    return 0;
}

int advisories_in_force(struct site *contour, bool open, struct advisories_in_force *out, struct err *e)
{
    auto_buf envelope = BUF(LIMIT_MESSAGE_BYTES / 2);
    auto_statement statement = {0};
    const struct public_key *key = contour->public_key;
    *out = (struct advisories_in_force){.fd = -1};
    if (db_advisories_newest(contour->db, &out->digest, &out->evidence, &envelope, e) < 0) {
        if (e->code == ERR_NOTFOUND)
            err_hint(e, "`airlock advisories import FILE` takes a snapshot that a station signed");
        return -1;
    }
    struct child *parser = site_parser(contour, e);
    if (!parser ||
        statement_verify(parser, buf_span(&envelope), &key, 1, &out->digest, PREDICATE_ADVISORIES, &statement, e) < 0)
        return err_prefix(e, "advisories");
    if (read_said(statement.predicate, out, e) < 0 || (open && open_bytes(contour, out, e) < 0)) {
        advisories_in_force_fini(out);
        return -1;
    }
    return 0;
}

/* ── taking one in ── */

struct taking {
    struct site *s;
    int fd;
    struct digest id;
    uint64_t size, shipment; /* shipment 0: from files */
    json_t *shown;           /* owned: what is in it */
    const json_t *said;      /* what the station's role signed about it */
    char station[DIGEST_HEX_SIZE];
    int64_t issued_s, date_s;
    bool known; /* it is in force already: nothing is to be written */
};

static void taking_fini(struct taking *t)
{
    json_decref(t->shown);
}

/* The station signed what is in it, too: a snapshot that says otherwise of itself is not the one that was meant. */
static int check_inside(const struct taking *t, struct err *e)
{
    static const char *const keys[] = {"date", "oldest", "records", "packages", "kev"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        json_t *inside = json_object_get(t->shown, keys[i]), *said = json_object_get(t->said, keys[i]);
        if (inside && json_equal(inside, said))
            continue;
        auto_free char *found = inside ? json_dumps(inside, JSON_ENCODE_ANY) : NULL;
        auto_free char *signed_for = said ? json_dumps(said, JSON_ENCODE_ANY) : NULL;
        return err_set(e, ERR_INPUT, 0, "the snapshot and its signature disagree: %s is %.60s inside, %.60s was signed",
                       keys[i], found ? found : "nothing", signed_for ? signed_for : "nothing");
    }
    return 0;
}

/* Neither the signature nor what it holds may be older than what is in force. */
static int check_order(struct taking *t, struct err *e)
{
    auto_in_force now = {.fd = -1};
    struct err none = {0};
    int64_t date_s;
    if (advisories_in_force(t->s, false, &now, &none) < 0) {
        if (none.code == ERR_NOTFOUND)
            return 0;
        return err_set(e, none.code, none.sys_errno, "%s", none.msg);
    }
    if (digest_equal(&now.digest, &t->id)) {
        t->known = true;
        return 0;
    }
    if (json_need_time(now.said, "date", "", &date_s, e) < 0)
        return -1;
    if (t->issued_s >= now.issued_s && t->date_s >= date_s)
        return 0;
    err_set(e, ERR_DENIED, 0, "older than the one in force: signed %s, advisories of %s; in force: signed %s, of %s",
            time_text(t->issued_s).text, time_text(t->date_s).text, time_text(now.issued_s).text,
            time_text(date_s).text);
    return err_hint(e, "Ask the station for its newest");
}

static int write_predicate(const struct taking *t, struct buf *out, struct err *e)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "station", t->station);
    json_put_time(&w, "issued", t->issued_s);
    json_put_time(&w, "imported", t->s->entry_s);
    if (t->shipment)
        json_put_uint(&w, "shipment", t->shipment);
    put_facts(&w, t->shown);
    json_out_object_end(&w);
    return buf_check(out, "what is said of the snapshot", e);
}

static int write_entry(struct taking *t, const struct digest *evidence, struct err *e)
{
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    struct json_out w;
    site_event(t->s, &w, &entry, "advisories-import");
    json_put_digest(&w, "advisories", &t->id);
    json_put_string(&w, "station", t->station);
    if (t->shipment)
        json_put_uint(&w, "shipment", t->shipment);
    json_put_time(&w, "date", t->date_s);
    json_put_time(&w, "issued", t->issued_s);
    put_member(&w, t->shown, "records");
    json_put_digest(&w, "evidence", evidence);
    return site_append(t->s, &w, NULL, e);
}

/* Inside the transaction: what is in force may be another one by now. */
static int write_rows(struct taking *t, struct err *e)
{
    auto_buf predicate = BUF(PREDICATE_BYTES);
    struct digest evidence;
    int64_t issued_s = t->issued_s < t->s->now_s ? t->issued_s : t->s->now_s;
    if (check_order(t, e) < 0)
        return -1;
    if (t->known)
        return 0;
    if (write_predicate(t, &predicate, e) < 0 || db_blob_add(t->s->db, &t->id, t->size, e) < 0 ||
        site_raise_floor(t->s, issued_s, e) < 0 ||
        site_evidence(t->s, "advisories", &t->id, PREDICATE_ADVISORIES, "", "", buf_span(&predicate), &evidence, e) < 0)
        return -1;
    return write_entry(t, &evidence, e);
}

static int commit_rows(struct taking *t, struct err *e)
{
    if (site_begin(t->s, e) < 0)
        return -1;
    if (write_rows(t, e) == 0 && site_commit(t->s, NULL, NULL, e) == 0)
        return 0;
    site_rollback(t->s);
    return -1;
}

/* `id` of the bytes in the store is that of the bytes that were looked at: both went through one hash. */
static int keep_bytes(struct taking *t, struct err *e)
{
    struct stat st;
    if (fstat(t->fd, &st) < 0)
        return err_set(e, ERR_IO, errno, "the snapshot");
    if (room_check(t->s->dir, t->s->config.reserve_bytes, (uint64_t)st.st_size, "the snapshot of advisories", e) < 0)
        return -1;
    return blob_put_fd(t->s->blobs, t->fd, &t->id, &t->id, &t->size, e);
}

/* Everything that is asked of the bytes, and of what is in force. */
static int look(struct taking *t, struct child *parser, struct err *e)
{
    t->shown = advisories_show(parser, t->fd, true, e);
    if (!t->shown || check_inside(t, e) < 0 || json_need_time(t->shown, "date", "", &t->date_s, e) < 0)
        return -1;
    return check_order(t, e);
}

static int take(struct taking *t, struct span signature, struct err *e)
{
    auto_statement statement = {0};
    struct artifact_times times;
    struct child *parser = site_parser(t->s, e);
    if (!parser || site_clock_check(t->s, e) < 0 || site_check_live(t->s, e) < 0 ||
        advisories_hash(t->fd, &t->id, e) < 0)
        return -1;
    if (role_document_verify(t->s->db, parser, t->s->public_key, signature, TUF_ADVISORIES, &t->id,
                             PREDICATE_ADVISORIES, t->s->now_s, &statement, t->station, e) < 0 ||
        artifact_times(TUF_ADVISORIES, statement.predicate, t->s->config.id, t->s->now_s, &times, e) < 0)
        return -1;
    t->issued_s = times.issued_s;
    t->said = statement.predicate;
    if (look(t, parser, e) < 0 || keep_bytes(t, e) < 0)
        return -1;
    return t->known ? 0 : commit_rows(t, e);
}

int advisories_take(struct site *contour, int fd, struct span signature, struct advisories_in_force *out, struct err *e)
{
    AUTO(taking_fini) struct taking t = {.s = contour, .fd = fd};
    *out = (struct advisories_in_force){.fd = -1};
    if (take(&t, signature, e) < 0)
        return -1;
    return advisories_in_force(contour, true, out, e);
}

/* ── out of a shipment ── */

static struct taking taking_of(struct site *s, const struct received_artifact *a)
{
    struct taking t = {.s = s,
                       .fd = -1,
                       .id = a->listed->digest,
                       .size = a->listed->size,
                       .shipment = a->shipment,
                       .said = a->said,
                       .issued_s = a->issued_s,
                       .date_s = a->listed->date_s};
    snprintf(t.station, sizeof t.station, "%s", a->station);
    return t;
}

static int look_at_received(struct site *s, struct received_artifact *a, struct err *e)
{
    struct taking t = taking_of(s, a);
    struct child *parser = site_parser(s, e);
    auto_fd fd = parser ? blob_open(a->blobs, &t.id, NULL, e) : -1;
    if (fd < 0)
        return -1;
    if (!advisories_is_snapshot(fd))
        return err_set(e, ERR_INPUT, 0, "it is no snapshot of advisories");
    t.fd = fd;
    int result = look(&t, parser, e);
    a->facts = t.shown;
    return result;
}

/* A link, and no copy: both lie on one file system. */
static int keep_received(struct site *s, const struct received_artifact *a, struct err *e)
{
    struct taking t = taking_of(s, a);
    t.shown = a->facts;
    if (!blob_have(s->blobs, &t.id) && blob_link(a->blobs, s->blobs, &t.id, e) < 0)
        return -1;
    return write_rows(&t, e);
}

const struct receive_taker ADVISORIES_TAKER = {.role = TUF_ADVISORIES, .look = look_at_received, .keep = keep_received};
