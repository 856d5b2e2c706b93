/* Rows: releases have their blobs, pointers stand where the ledger moved them, and what is signed verifies. */
#include <stdio.h>
#include <string.h>

#include "contour/fsck_internal.h"
#include "gate/evidence.h"
#include "ship/shipment.h"
#include "store/db_people.h"
#include "store/db_release.h"
#include "util/limits.h"

/* ── releases ── */

struct release_check {
    struct checking *c;
    const struct release_row *row;
    struct blobs *blobs;
};

static int check_release_blob(void *arg, const struct digest *id, const char *media_type, uint64_t size)
{
    struct release_check *r = arg;
    struct err why = {0};
    uint64_t found = 0;
    auto_fd fd = blob_open(r->blobs, id, &found, &why);
    if (fd < 0)
        fsck_problem(r->c->f, "release %s:%s needs %s (%s): %s", r->row->name, r->row->version, digest_text(id).text,
                     media_type, why.msg);
    else if (found != size)
        fsck_problem(r->c->f, "release %s:%s needs %s: it has %llu bytes; state.db says %llu", r->row->name,
                     r->row->version, digest_text(id).text, (unsigned long long)found, (unsigned long long)size);
    return 0;
}

static int check_release_blobs(struct checking *c, const struct release_row *row, struct err *why)
{
    struct release_check r = {c, row, release_blobs(c->s, row, why)};
    if (!r.blobs)
        return -1;
    if (!blob_have(r.blobs, &row->digest))
        fsck_problem(c->f, "release %s:%s: its index %s is missing", row->name, row->version,
                     digest_text(&row->digest).text);
    int result = db_release_blob_each(c->s->db, &row->digest, check_release_blob, &r, why);
    struct err unread = {0};
    auto_release whole = release_of_row(c->s, r.blobs, row, &unread);
    if (!whole)
        fsck_problem(c->f, "release %s:%s: %s", row->name, row->version, unread.msg);
    else if (result == 0)
        result = fsck_packages(c, whole, r.blobs, why);
    blobs_close(r.blobs);
    return result;
}

/* The signatures of everything that was said about it. */
static int check_release_evidence(struct checking *c, const struct release_row *row, struct err *why)
{
    auto_evidence ev = {0};
    if (evidence_load_all(c->s, &row->digest, &ev, why) < 0)
        return -1;
    for (size_t i = 0; i < ev.count; i++)
        if (ev.lines[i].problem[0])
            fsck_problem(c->f, "state.db, evidence %s (%s about %s:%s): %s", digest_text(&ev.lines[i].id).text,
                         ev.lines[i].row_type, row->name, row->version, ev.lines[i].problem);
    if (ev.missing)
        fsck_problem(c->f, "state.db, evidence %s about %s:%s: gone; ledger entry %llu names it (%zu such in all)",
                     digest_text(&ev.first_missing).text, row->name, row->version,
                     (unsigned long long)ev.first_missing_entry, ev.missing);
    return 0;
}

static int check_release(void *arg, const struct release_row *row)
{
    struct checking *c = arg;
    struct err why = {0};
    char what[200];
    c->f->releases++;
    snprintf(what, sizeof what, "release %.64s:%.64s", row->name, row->version);
    if (!row->discarded && fsck_part(c, check_release_blobs(c, row, &why), what, &why) < 0)
        return -1;
    return fsck_part(c, check_release_evidence(c, row, &why), what, &why);
}

/* ── pointers ── */

static int copy_entry(void *arg, uint64_t seq, int64_t time_s, struct span entry)
{
    (void)seq;
    (void)time_s;
    buf_add_span(arg, entry);
    return 1;
}

static const char *differs(const json_t *entry, const struct pointer_row *row)
{
    if (strcmp(json_get_string(entry, "action", ""), row->action) != 0)
        return "another action";
    if (strcmp(json_get_string(entry, "environment", ""), row->environment) != 0)
        return "another environment";
    if (strcmp(json_get_string(entry, "digest", ""), digest_text(&row->release).text) != 0)
        return "another release";
    return NULL;
}

/* A pointer moves with a ledger entry, and the entry says the same. */
static int check_move(struct checking *c, const struct pointer_row *row, struct err *why)
{
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    int found = ledger_each(c->s->ledger, row->ledger_seq, row->ledger_seq + 1, copy_entry, &entry, why);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set(why, ERR_NOTFOUND, 0, "there is no ledger entry %llu, which it says moved it",
                       (unsigned long long)row->ledger_seq);
    auto_json j = json_parse(buf_span(&entry), LIMIT_LEDGER_ENTRY_BYTES, "its ledger entry", why);
    if (!j)
        return -1;
    const char *what = differs(j, row);
    return what ? err_set(why, ERR_INPUT, 0, "it points at %s, by %s; ledger entry %llu says %s",
                          digest_text(&row->release).text, row->action, (unsigned long long)row->ledger_seq, what)
                : 0;
}

static int newest_step(void *arg, const struct pointer_row *row)
{
    *(struct digest *)arg = row->release;
    return 1;
}

static int check_pointer_row(struct checking *c, const struct pointer_row *row, struct err *why)
{
    struct digest newest;
    struct release_row release;
    auto_buf names = BUF(4096);
    if (check_move(c, row, why) < 0 || db_release_get(c->s->db, &row->release, &release, &names, why) < 0)
        return -1;
    if (!release.admitted)
        return err_set(why, ERR_INPUT, 0, "%s:%s is in quarantine", release.name, release.version);
    if (strcmp(release.name, row->name) != 0)
        return err_set(why, ERR_INPUT, 0, "it points at a release of %s", release.name);
    int found = db_pointer_history(c->s->db, row->environment, row->name, newest_step, &newest, why);
    if (found < 0)
        return -1;
    if (!found || !digest_equal(&newest, &row->release))
        return err_set(why, ERR_INPUT, 0, "its history ends at another release");
    return 0;
}

static int check_step(void *arg, const struct pointer_row *row)
{
    struct checking *c = arg;
    struct err why = {0};
    char what[200];
    snprintf(what, sizeof what, "history of %.32s/%.64s, ledger entry %llu", row->environment, row->name,
             (unsigned long long)row->ledger_seq);
    return fsck_part(c, check_move(c, row, &why), what, &why);
}

static int check_pointer(void *arg, const struct pointer_row *row)
{
    struct checking *c = arg;
    struct err why = {0};
    char what[160];
    snprintf(what, sizeof what, "pointer %.32s/%.64s", row->environment, row->name);
    if (fsck_part(c, check_pointer_row(c, row, &why), what, &why) < 0)
        return -1;
    int steps = db_pointer_history(c->s->db, row->environment, row->name, check_step, c, &why);
    return steps < 0 && why.code == ERR_NONE ? -1 : fsck_part(c, steps, what, &why);
}

/* Runs over rows: an error of the database, or one that a callback has set in c->e. */
int fsck_rows(struct checking *c, int result, const char *what, const struct err *why)
{
    return result < 0 && why->code == ERR_NONE ? -1 : fsck_part(c, result, what, why);
}

int fsck_releases(struct checking *c)
{
    struct err why = {0};
    if (fsck_rows(c, db_release_each(c->s->db, check_release, c, &why), "state.db, releases", &why) < 0)
        return -1;
    return fsck_rows(c, db_pointer_each(c->s->db, NULL, check_pointer, c, &why), "state.db, pointers", &why);
}

/* ── what is signed ── */

static int check_envelope(void *arg, const struct evidence_row *row)
{
    struct checking *c = arg;
    struct digest found = digest_of(row->envelope);
    c->f->evidence++;
    if (!digest_equal(&found, &row->id))
        fsck_problem(c->f, "state.db, evidence %s (%s): damaged: the envelope's bytes hash to %s",
                     digest_text(&row->id).text, row->predicate_type, digest_text(&found).text);
    return 0;
}

struct people_check {
    struct checking *c;
    struct child *parser;
};

static int check_person(void *arg, const struct person_row *row)
{
    struct people_check *p = arg;
    struct person person = {.key = NULL};
    struct err why = {0};
    char what[200];
    p->c->f->people++;
    snprintf(what, sizeof what, "state.db, person %.64s, role %.32s", row->name, row->role);
    int result = person_verify(p->parser, row, p->c->s->public_key, &person, &why);
    public_key_free(person.key);
    return fsck_part(p->c, result, what, &why);
}

int fsck_signed(struct checking *c)
{
    struct err why = {0};
    struct people_check p = {c, site_parser(c->s, c->e)};
    struct policy policy;
    if (!p.parser)
        return -1;
    if (fsck_rows(c, db_evidence_each(c->s->db, NULL, NULL, check_envelope, c, &why), "state.db, evidence", &why) < 0 ||
        fsck_rows(c, db_person_each(c->s->db, NULL, check_person, &p, &why), "state.db, people", &why) < 0)
        return -1;
    if (c->s->config.kind != SITE_CONTOUR)
        return 0;
    if (fsck_rights(c, p.parser) < 0)
        return -1;
    return fsck_part(c, policy_load(c->s, &policy, &why), POLICY_FILE, &why);
}
