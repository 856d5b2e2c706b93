/* What takes long is done before the transaction: the release is read, and every signature about it verified. In the
 * transaction it is looked whether other evidence stands there now, and only that is verified again; so others wait for
 * a promotion some milliseconds, however much a release brings.
 *
 * Order of an admission: in the open transaction the evidence is evaluated, then every blob of the release is linked
 * from quarantine into the store and the directory synced, then rows, statement and ledger entry are written, then the
 * commit; the folder in quarantine goes last. A crash before the commit leaves blobs that no row names (the next
 * promotion uses them); a crash after it leaves a folder of an admitted shipment (contour_tidy removes it). */
#include "contour/promote.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gate/verdict.h"
#include "ship/release.h"
#include "ship/shipment.h"
#include "util/file.h"
#include "util/limits.h"

struct move {
    struct site *s;
    const struct release_row *row;
    const char *environment;
    struct blobs *blobs; /* where the release lies now */
    struct release *release;
    struct evidence ev;
    const struct promotion_watcher *watcher; /* NULL: nobody */
    struct promotion *out;
};

static void move_fini(struct move *m)
{
    evidence_fini(&m->ev);
    release_free(m->release);
    blobs_close(m->blobs);
}

static int move_read(struct move *m, struct site *s, const struct release_row *row, struct err *e)
{
    m->s = s;
    m->row = row;
    m->blobs = release_blobs(s, row, e);
    m->release = m->blobs ? release_of_row(s, m->blobs, row, e) : NULL;
    return m->release ? 0 : -1;
}

static int move_open(struct move *m, struct site *s, const struct release_row *row, const char *environment,
                     struct promotion *out, struct err *e)
{
    *m = (struct move){.environment = environment, .out = out};
    return move_read(m, s, row, e) < 0 ? -1 : evidence_load(s, &row->digest, &m->ev, e);
}

/* Names the rules that say no; what each says is in the verdict. */
static int denied(const struct move *m, const struct verdict *v, struct err *e)
{
    auto_buf rules = BUF(1024);
    for (size_t i = 0; i < v->count; i++)
        if (!v->reasons[i].ok)
            buf_printf(&rules, "%s%s", rules.len ? ", " : "", v->reasons[i].rule);
    m->out->refused = true;
    m->out->verdict = *v;
    return err_set(e, ERR_DENIED, 0, "%s:%s may not stand in %s; rules that say no: %s", m->row->name, m->row->version,
                   m->environment, buf_str(&rules));
}

/* ── admission ── */

struct blob_list {
    struct {
        struct digest id;
        uint64_t size;
    } * list;
    size_t count, room;
    struct err *e;
};

static void blob_list_fini(struct blob_list *l)
{
    free(l->list);
}

static int take_blob(void *arg, const struct digest *id, const char *media_type, uint64_t size)
{
    struct blob_list *l = arg;
    (void)media_type;
    if (l->count == LIMIT_RELEASE_PARTS)
        return err_set(l->e, ERR_LIMIT, 0, "a release of more than %u blobs", LIMIT_RELEASE_PARTS);
    if (l->count == l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->list = realloc(l->list, l->room * sizeof *l->list);
        if (!l->list)
            abort();
    }
    l->list[l->count].id = *id;
    l->list[l->count++].size = size;
    return 0;
}

static int link_blobs(struct move *m, const struct blob_list *l, struct err *e)
{
    blobs_batch_begin(m->s->blobs);
    int result = 0;
    for (size_t i = 0; result == 0 && i < l->count; i++)
        if (!blob_have(m->s->blobs, &l->list[i].id))
            result = blob_link(m->blobs, m->s->blobs, &l->list[i].id, e);
    struct err end = {0};
    if (blobs_batch_end(m->s->blobs, &end) < 0 && result == 0)
        return err_set(e, end.code, end.sys_errno, "%s", end.msg);
    return result;
}

struct waiting {
    uint64_t shipment;
    struct digest but;
    bool any;
};

static int still_waiting(void *arg, const struct release_row *row)
{
    struct waiting *w = arg;
    if (row->shipment == w->shipment && !row->admitted && !row->discarded && !digest_equal(&row->digest, &w->but))
        w->any = true;
    return 0;
}

/* Out of quarantine: blobs, rows. A shipment is done when none of its releases waits there any more. */
static int admit(struct move *m, struct err *e)
{
    AUTO(blob_list_fini) struct blob_list l = {.e = e};
    struct waiting waiting = {.shipment = m->row->shipment, .but = m->row->digest};
    if (db_release_blob_each(m->s->db, &m->row->digest, take_blob, &l, e) != 0 || link_blobs(m, &l, e) < 0)
        return -1;
    for (size_t i = 0; i < m->release->blob_count; i++)
        if (!blob_have(m->s->blobs, &m->release->blobs[i].digest))
            return err_set(e, ERR_IO, 0, "blob %s of %s:%s did not come out of quarantine",
                           digest_text(&m->release->blobs[i].digest).text, m->row->name, m->row->version);
    for (size_t i = 0; i < l.count; i++)
        if (db_blob_add(m->s->db, &l.list[i].id, l.list[i].size, e) < 0)
            return -1;
    if (db_release_admit(m->s->db, &m->row->digest, e) < 0 || db_release_each(m->s->db, still_waiting, &waiting, e) < 0)
        return -1;
    m->out->admitted = true;
    if (waiting.any || m->row->shipment == 0)
        return 0;
    return db_shipment_set_state(m->s->db, m->row->shipment, SHIPMENT_ADMITTED, e);
}

struct admitted_folder {
    char name[256];
    bool found;
    struct site *s;
};

/* One at a time, because a folder is not removed while rows are read. */
static int find_leftover(void *arg, const struct shipment_row *row)
{
    struct admitted_folder *f = arg;
    char path[300];
    struct stat st;
    snprintf(path, sizeof path, "quarantine/%s", row->folder);
    if (row->state == SHIPMENT_QUARANTINED || strchr(row->folder, '/') || row->folder[0] == '.' ||
        fstatat(f->s->dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    snprintf(f->name, sizeof f->name, "%s", row->folder);
    f->found = true;
    return 1;
}

int contour_tidy(struct site *s, struct err *e)
{
    for (;;) {
        struct admitted_folder f = {.s = s};
        char path[300];
        if (db_shipment_each(s->db, 0, find_leftover, &f, e) < 0)
            return -1;
        if (!f.found)
            return 0;
        snprintf(path, sizeof path, "quarantine/%s", f.name);
        if (tree_remove(s->dir, path, e) < 0)
            return -1;
    }
}

/* ── the move itself ── */

void promotion_predicate(const char *action, const char *environment, const char *contour, const struct digest *before,
                         const char *actor, int64_t time_s, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "action", action);
    json_put_string(&w, "environment", environment);
    json_put_string(&w, "contour", contour);
    if (before)
        json_put_digest(&w, "before", before);
    json_put_string(&w, "actor", actor);
    json_put_time(&w, "timeCreated", time_s);
    json_out_object_end(&w);
}

static int sign_move(struct move *m, const char *action, const char *name_version, struct digest *id, struct err *e)
{
    auto_buf predicate = BUF(4096);
    promotion_predicate(action, m->environment, m->s->config.id, m->out->had_before ? &m->out->before : NULL,
                        m->s->actor, m->s->entry_s, &predicate);
    if (buf_check(&predicate, "promotion", e) < 0)
        return -1;
    return site_evidence(m->s, name_version, &m->row->digest, PREDICATE_PROMOTION, m->environment, "",
                         buf_span(&predicate), id, e);
}

/* Pointer, history, statement, ledger entry, commit. */
static int move_pointer(struct move *m, const char *action, struct err *e)
{
    struct json_out w;
    struct digest statement;
    char name_version[128];
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    snprintf(name_version, sizeof name_version, "%s:%s", m->row->name, m->row->version);
    if (sign_move(m, action, name_version, &statement, e) < 0)
        return -1;
    site_event(m->s, &w, &entry, action);
    json_put_string(&w, "release", name_version);
    json_put_digest(&w, "digest", &m->row->digest);
    json_put_string(&w, "environment", m->environment);
    if (m->out->had_before)
        json_put_digest(&w, "before", &m->out->before);
    if (m->out->admitted)
        json_put_uint(&w, "admitted-from-shipment", m->row->shipment);
    json_put_digest(&w, "evidence", &statement);
    if (site_append(m->s, &w, &m->out->ledger_seq, e) < 0)
        return -1;
    struct pointer_row pointer = {.environment = m->environment,
                                  .name = m->row->name,
                                  .release = m->row->digest,
                                  .time_s = m->s->entry_s,
                                  .action = action,
                                  .ledger_seq = m->out->ledger_seq};
    if (m->watcher)
        m->watcher->moving(m->watcher->arg);
    if (db_pointer_set(m->s->db, &pointer, e) < 0)
        return -1;
    if (m->watcher)
        m->watcher->moved(m->watcher->arg);
    if (site_commit(m->s, NULL, NULL, e) < 0)
        return -1;
    m->out->moved = true;
    return 0;
}

static int stands_now(struct site *s, const char *environment, const char *name, struct promotion *out, struct err *e)
{
    struct err absent = {0};
    if (db_pointer_get(s->db, environment, name, &out->before, &absent) == 0) {
        out->had_before = true;
        return 0;
    }
    return absent.code == ERR_NOTFOUND ? 0 : err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
}

static void name_result(struct promotion *out, const struct release_row *row)
{
    out->now = row->digest;
    snprintf(out->name, sizeof out->name, "%s", row->name);
    snprintf(out->version, sizeof out->version, "%s", row->version);
}

/* In the transaction: what stands there now. The release itself cannot change; where it lies can, when another command
 * admitted or discarded it meanwhile. */
static int look_again(struct move *m, struct site *s, const struct release_row *row, const struct release_row *before,
                      struct err *e)
{
    struct evidence now = {0};
    m->row = row;
    if (row->admitted != before->admitted || row->discarded != before->discarded) {
        blobs_close(m->blobs);
        release_free(m->release);
        m->blobs = NULL;
        m->release = NULL;
        if (move_read(m, s, row, e) < 0)
            return -1;
    }
    int result = evidence_load_again(s, &row->digest, &m->ev, &now, e);
    evidence_fini(&m->ev);
    m->ev = now;
    return result;
}

static int promote_in_transaction(struct move *m, struct site *s, const struct release_row *before, struct err *e)
{
    struct verdict v;
    struct release_row row;
    auto_buf names = BUF(1024);
    /* read again: another command may have admitted it, or moved the pointer */
    if (db_release_get(s->db, &before->digest, &row, &names, e) < 0 ||
        stands_now(s, m->environment, row.name, m->out, e) < 0)
        return -1;
    if (m->out->had_before && digest_equal(&m->out->before, &row.digest)) {
        site_rollback(s);
        return 0;
    }
    if (look_again(m, s, &row, before, e) < 0 || gate_may_move(s, m->release, m->environment, &m->ev, &v, e) < 0)
        return -1;
    if (!v.passed)
        return denied(m, &v, e);
    if (!row.admitted && admit(m, e) < 0)
        return -1;
    return move_pointer(m, "promote", e);
}

/* 1: it stands there already. */
static int stands_already(struct site *s, const char *environment, const struct release_row *row, struct promotion *out,
                          struct err *e)
{
    name_result(out, row);
    if (stands_now(s, environment, row->name, out, e) < 0)
        return -1;
    bool there = out->had_before && digest_equal(&out->before, &row->digest);
    if (!there)
        out->had_before = false;
    return there;
}

/* What could not be read where it lay may have been admitted, or discarded, while it was looked at. */
static bool lies_elsewhere(struct site *s, const struct release_row *before)
{
    struct release_row now;
    struct err none = {0};
    auto_buf names = BUF(1024);
    return db_release_get(s->db, &before->digest, &now, &names, &none) == 0 &&
           (now.admitted != before->admitted || now.discarded != before->discarded);
}

/* 1: done, or it stood there already; 0: it lies elsewhere now, so that all of it must be looked at again; -1. */
static int promote_once(struct site *s, const struct digest *id, const char *environment,
                        const struct promotion_watcher *watcher, struct promotion *out, struct err *e)
{
    AUTO(move_fini) struct move m = {0};
    struct release_row row;
    auto_buf names = BUF(1024);
    if (site_check_live(s, e) < 0 || db_release_get(s->db, id, &row, &names, e) < 0)
        return -1;
    int already = stands_already(s, environment, &row, out, e);
    if (already)
        return already;
    if (move_open(&m, s, &row, environment, out, e) < 0)
        return lies_elsewhere(s, &row) ? 0 : -1;
    m.watcher = watcher;
    if (watcher)
        watcher->coming(watcher->arg, environment, row.name, id);
    if (site_begin(s, e) < 0)
        return -1;
    if (promote_in_transaction(&m, s, &row, e) == 0)
        return 1;
    site_rollback(s);
    return -1;
}

/* A release moves out of quarantine once; who finds it moving for ever is told what was found last. */
#define LOOKS 3

static int promote(struct site *s, const struct digest *id, const char *environment,
                   const struct promotion_watcher *watcher, struct promotion *out, struct err *e)
{
    int done = 0;
    for (int looks = 0; done == 0 && looks < LOOKS; looks++) {
        err_clear(e);
        done = promote_once(s, id, environment, watcher, out, e);
    }
    return done > 0 ? 0 : -1;
}

int contour_promote(struct site *s, const struct release_row *row, const char *environment,
                    const struct promotion_watcher *watcher, struct promotion *out, struct err *e)
{
    *out = (struct promotion){0};
    struct digest id = row->digest;
    if (!environment_known(environment))
        return err_set(e, ERR_USAGE, 0, "\"%.32s\" is no environment; wanted sandbox, test or prod", environment);
    if (contour_tidy(s, e) < 0 || promote(s, &id, environment, watcher, out, e) < 0)
        return -1;
    if (!out->admitted)
        return 0;
    struct err later = {0}; /* it is admitted; the folder can be removed by the next command as well */
    (void)contour_tidy(s, &later);
    return 0;
}

/* ── and back ── */

/* A promotion puts a release on top, a rollback takes one off: what stood before the present one is the second from
 * the top. Read from the newest backwards, it is found without reading the whole history. */
struct previous {
    size_t to_skip;
    bool found;
    struct digest release;
};

static int find_previous(void *arg, const struct pointer_row *row)
{
    struct previous *p = arg;
    if (strcmp(row->action, "rollback") == 0) {
        p->to_skip++;
        return 0;
    }
    if (p->to_skip > 0) {
        p->to_skip--;
        return 0;
    }
    p->release = row->release;
    p->found = true;
    return 1;
}

int contour_previous(struct site *s, const char *environment, const char *name, struct digest *out, struct err *e)
{
    struct previous previous = {.to_skip = 1};
    if (db_pointer_history(s->db, environment, name, find_previous, &previous, e) < 0)
        return -1;
    if (!previous.found)
        return err_set(e, ERR_NOTFOUND, 0, "no other release of %s stood in %s before", name, environment);
    *out = previous.release;
    return 0;
}

static int nothing_before(const char *environment, const char *name, bool stands, struct err *e)
{
    if (!stands)
        return err_set(e, ERR_NOTFOUND, 0, "nothing called %s stands in %s", name, environment);
    err_set(e, ERR_NOTFOUND, 0, "no other release of %s stood in %s before the present one", name, environment);
    return err_hint(e, "`airlock promote` moves forward");
}

static int rollback_in_transaction(struct site *s, const char *environment, const char *name, struct promotion *out,
                                   struct err *e)
{
    AUTO(move_fini) struct move m = {0};
    struct verdict v;
    struct release_row row;
    struct previous previous = {.to_skip = 1};
    auto_buf names = BUF(1024);
    if (stands_now(s, environment, name, out, e) < 0)
        return -1;
    if (out->had_before && db_pointer_history(s->db, environment, name, find_previous, &previous, e) < 0)
        return -1;
    if (!previous.found)
        return nothing_before(environment, name, out->had_before, e);
    if (db_release_get(s->db, &previous.release, &row, &names, e) < 0 ||
        move_open(&m, s, &row, environment, out, e) < 0 || gate_may_return(s, m.release, environment, &m.ev, &v, e) < 0)
        return -1;
    name_result(out, &row);
    if (!v.passed)
        return denied(&m, &v, e);
    return move_pointer(&m, "rollback", e);
}

int contour_rollback(struct site *s, const char *environment, const char *name, struct promotion *out, struct err *e)
{
    *out = (struct promotion){0};
    if (!environment_known(environment))
        return err_set(e, ERR_USAGE, 0, "\"%.32s\" is no environment; wanted sandbox, test or prod", environment);
    if (site_begin(s, e) < 0)
        return -1;
    if (rollback_in_transaction(s, environment, name, out, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}
