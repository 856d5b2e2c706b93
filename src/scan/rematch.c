#include "scan/rematch.h"

#include <stdlib.h>
#include <string.h>

#include "trust/statement.h"
#include "util/clock.h"
#include "util/limits.h"

/* ── the inventory ── */

struct newest {
    struct buf envelope;
    bool found;
};

/* Rows come in order of arrival: the last one stays. What a station wrote is no inventory of ours. */
static int keep_newest(void *arg, const struct evidence_row *row)
{
    struct newest *n = arg;
    if (strcmp(row->origin, "contour") != 0)
        return 0;
    n->found = true;
    buf_clear(&n->envelope);
    buf_add_span(&n->envelope, row->envelope);
    return 0;
}

/* The predicate of the newest inventory, verified; as text for the reader of SBOMs. */
static int inventory_text(struct site *s, const struct digest *release, struct buf *out, struct err *e)
{
    struct newest n = {.envelope = BUF(LIMIT_MESSAGE_BYTES / 2)};
    auto_statement statement = {0};
    const struct public_key *key = s->public_key;
    struct child *parser = site_parser(s, e);
    int result = parser ? db_evidence_each(s->db, release, PREDICATE_CYCLONEDX, keep_newest, &n, e) : -1;
    if (result == 0 && !n.found) {
        err_set(e, ERR_NOTFOUND, 0, "no inventory of this contour: it was not scanned here");
        result = err_hint(e, "`airlock scan REF` makes one");
    }
    if (result == 0)
        result = buf_check(&n.envelope, "the inventory", e);
    if (result == 0)
        result = statement_verify(parser, buf_span(&n.envelope), &key, 1, release, PREDICATE_CYCLONEDX, &statement, e);
    if (result == 0) {
        auto_free char *text = json_dumps(statement.predicate, JSON_COMPACT);
        buf_add_str(out, text ? text : "");
        result = buf_check(out, "the inventory", e);
    }
    buf_fini(&n.envelope);
    return result;
}

/* ── one release ── */

static int write_entry(struct site *s, const struct release_row *row, const struct vulns *v,
                       const struct digest *evidence, struct err *e)
{
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    struct json_out w;
    site_event(s, &w, &entry, "match");
    json_put_digest(&w, "release", &row->digest);
    json_put_string(&w, "name", row->name);
    json_put_string(&w, "version", row->version);
    json_put_digest(&w, "advisories", &v->snapshot);
    json_put_string(&w, "result", vulns_result(v));
    json_put_uint(&w, "matches", v->count);
    json_put_uint(&w, "undecided", vulns_undecided(v));
    json_put_digest(&w, "evidence", evidence);
    return site_commit(s, &w, NULL, e);
}

static int record(struct site *s, const struct release_row *row, const char *name, struct vulns *v,
                  struct digest *evidence, struct err *e)
{
    auto_buf predicate = BUF(LIMIT_PREDICATE_BYTES);
    if (site_begin(s, e) < 0)
        return -1;
    v->time_s = s->entry_s;
    if (vulns_write(v, &predicate, e) == 0 &&
        site_evidence(s, name, &row->digest, PREDICATE_VULNS, "", vulns_result(v), buf_span(&predicate), evidence, e) ==
            0 &&
        write_entry(s, row, v, evidence, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

static int match_inventory(struct site *s, const struct advisories_in_force *f, const char *name, struct span text,
                           struct vulns *out, struct err *e)
{
    json_t *document = NULL;
    struct match_package *packages = NULL;
    size_t count, without_purl;
    struct child *parser = site_parser(s, e);
    if (!parser || advisories_packages_of(parser, -1, text, name, &document, &packages, &count, &without_purl, e) < 0)
        return -1;
    int result = advisories_match(parser, f->fd, packages, count, out, e);
    free(packages);
    json_decref(document);
    if (result == 0)
        out->snapshot = f->digest;
    return result;
}

int rematch_release(struct site *contour, const struct advisories_in_force *f, const struct release_row *row,
                    struct rematched *out, struct err *e)
{
    auto_buf text = BUF(LIMIT_MESSAGE_BYTES / 2);
    auto_vulns v = {0};
    *out = (struct rematched){.release = row->digest};
    snprintf(out->name, sizeof(out->name), "%s:%s", row->name, row->version);
    if (inventory_text(contour, &row->digest, &text, e) < 0 ||
        match_inventory(contour, f, out->name, buf_span(&text), &v, e) < 0 ||
        record(contour, row, out->name, &v, &out->evidence, e) < 0)
        return err_prefix(e, "%s", out->name);
    out->hits = v.count;
    out->undecided = vulns_undecided(&v);
    snprintf(out->result, sizeof(out->result), "%s", vulns_result(&v));
    return 0;
}

int rematch_scanned(struct site *contour, const struct release_row *row, struct rematched *out, struct err *e)
{
    auto_in_force f = {.fd = -1};
    if (advisories_in_force(contour, true, &f, e) < 0) {
        if (e->code != ERR_NOTFOUND)
            return -1;
        err_clear(e);
        return 0;
    }
    return rematch_release(contour, &f, row, out, e) < 0 ? -1 : 1;
}

/* ── all of them ── */

#define RELEASES_MAX 100000U

struct list {
    struct release_row *rows; /* owned; names owned too */
    size_t count, room;
};

static const char *copy_of(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

/* Copied first: the database must not be read while it is written. A discarded release has nothing left to be hit. */
static int add_row(void *arg, const struct release_row *row)
{
    struct list *l = arg;
    if (row->discarded || l->count == RELEASES_MAX)
        return 0;
    if (l->count == l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->rows = reallocarray(l->rows, l->room, sizeof(*l->rows));
        if (!l->rows)
            abort();
    }
    l->rows[l->count] = *row;
    l->rows[l->count].name = copy_of(row->name);
    l->rows[l->count++].version = copy_of(row->version);
    return 0;
}

int rematch_all(struct site *contour, const struct advisories_in_force *f,
                void (*each)(void *arg, const struct rematched *r), void *arg, struct err *e)
{
    struct list l = {0};
    int result = db_release_each(contour->db, add_row, &l, e);
    for (size_t i = 0; i < l.count; i++) {
        struct rematched r;
        struct err why = {0};
        if (result == 0 && rematch_release(contour, f, &l.rows[i], &r, &why) < 0) {
            snprintf(r.why, sizeof(r.why), "%s", why.msg);
            if (why.code == ERR_SYSTEM || why.code == ERR_IO || why.code == ERR_NOSPACE || why.code == ERR_DENIED)
                result = err_set(e, why.code, why.sys_errno, "%s", why.msg);
        }
        if (result == 0)
            each(arg, &r);
        free((char *)(uintptr_t)l.rows[i].name);
        free((char *)(uintptr_t)l.rows[i].version);
    }
    free(l.rows);
    return result;
}
