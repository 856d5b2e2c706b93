/* A withdrawal is a Statement of the contour's key about the SHA-256 of the person's key, with the predicate {"name",
 * "key": PEM, "roles": [...], "withdrawn"}. It is for good: that name never counts with that key again, whatever rows
 * say. The key stays known, because what it signed before must still be told from forgery. Who takes the signed
 * withdrawal out of state.db has not taken the ledger's entry away: people_load looks there too. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "store/db_release.h"
#include "trust/people_internal.h"
#include "util/limits.h"

#define ENTRY_MARK "\"" PERSON_WITHDRAW "\""

void withdrawals_fini(struct withdrawals *w)
{
    free(w->list);
    *w = (struct withdrawals){0};
}

void people_refuse(struct people *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!p->undone[0])
        vsnprintf(p->undone, sizeof p->undone, format, args);
    va_end(args);
    p->refused++;
}

bool withdrawals_have(const struct withdrawals *w, const char *name, const struct digest *key)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->list[i].name, name) == 0 && digest_equal(&w->list[i].key, key))
            return true;
    return false;
}

static bool have_record(const struct withdrawals *w, const struct digest *id)
{
    for (size_t i = 0; i < w->count; i++)
        if (digest_equal(&w->list[i].id, id))
            return true;
    return false;
}

static void keep(struct withdrawals *w, const char *name, const struct digest *key, const struct digest *id)
{
    if (w->count == w->room) {
        w->room = w->room ? 2 * w->room : 8;
        w->list = reallocarray(w->list, w->room, sizeof *w->list);
        if (!w->list)
            abort();
    }
    struct withdrawal *one = &w->list[w->count++];
    *one = (struct withdrawal){.key = *key, .id = *id};
    snprintf(one->name, sizeof one->name, "%s", name);
}

/* ── writing ── */

int person_withdrawal(const struct people *p, const char *name, const struct public_key *key, int64_t now_s,
                      struct buf *predicate, struct err *e)
{
    struct json_out w;
    auto_buf pem = BUF(1024);
    if (public_key_pem(key, &pem, e) < 0)
        return -1;
    json_out_init(&w, predicate);
    json_out_object(&w);
    json_put_string(&w, "name", name);
    json_put_string(&w, "key", buf_str(&pem));
    json_put_array(&w, "roles");
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->list[i].name, name) == 0 && digest_equal(public_key_id(p->list[i].key), public_key_id(key)))
            json_out_string(&w, role_name(p->list[i].role));
    json_out_array_end(&w);
    json_put_time(&w, "withdrawn", now_s);
    json_out_object_end(&w);
    return buf_check(predicate, "a withdrawal", e);
}

/* ── reading ── */

struct loading {
    struct child *parser;
    const struct public_key *contour;
    struct withdrawals *out;
    struct people *people;
    struct err *e;
};

static void add_gone(struct people *p, const struct person *one)
{
    p->gone = reallocarray(p->gone, p->gone_count + 1, sizeof *p->gone);
    if (!p->gone)
        abort();
    p->gone[p->gone_count] = *one;
    p->gone[p->gone_count++].key = public_key_copy(one->key);
}

static int take_roles(const json_t *roles, struct person *one, struct people *p, struct err *e)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)roles, i, item)
    {
        const char *role = json_is_string(item) ? json_string_value(item) : "";
        if (!role_parse(role, &one->role))
            return err_set(e, ERR_INPUT, 0, "\"%.40s\" is no role", role);
        add_gone(p, one);
    }
    return 0;
}

static int take(const struct loading *l, const struct statement *s, const struct digest *id, struct err *e)
{
    struct person one = {.role = ROLE_VIEWER};
    const char *name = json_need_string(s->predicate, "name", "withdrawal: ", e);
    const char *pem = name ? json_need_string(s->predicate, "key", "withdrawal: ", e) : NULL;
    const json_t *roles = pem ? json_need_array(s->predicate, "roles", "withdrawal: ", e) : NULL;
    if (!roles || json_need_time(s->predicate, "withdrawn", "withdrawal: ", &one.withdrawn_s, e) < 0)
        return -1;
    if (!person_name_is_right(name))
        return err_set(e, ERR_INPUT, 0, "\"%.70s\" is no name", name);
    snprintf(one.name, sizeof one.name, "%s", name);
    auto_public_key key = public_key_parse(span_str(pem), name, e);
    if (!key)
        return -1;
    if (!digest_equal(public_key_id(key), &s->subject))
        return err_set(e, ERR_INPUT, 0, "its key is not the one that it is about");
    one.key = key;
    keep(l->out, name, public_key_id(key), id);
    return take_roles(roles, &one, l->people, e);
}

static int load_one(void *arg, const struct evidence_row *row)
{
    struct loading *l = arg;
    auto_statement s = {0};
    struct err wrong = {0};
    struct digest id = digest_of(row->envelope);
    if (statement_verify(l->parser, row->envelope, &l->contour, 1, NULL, PREDICATE_WITHDRAWAL, &s, &wrong) == 0 &&
        take(l, &s, &id, &wrong) == 0)
        return 0;
    if (wrong.code != ERR_INPUT && wrong.code != ERR_LIMIT)
        return err_set(l->e, wrong.code, wrong.sys_errno, "%s", wrong.msg);
    people_refuse(l->people, "withdrawal %s does not verify: %.200s", digest_text(&id).text, wrong.msg);
    return 0;
}

/* An entry whose signed withdrawal is gone withdraws all the same. */
static int look_at_entry(void *arg, uint64_t seq, struct span entry)
{
    struct loading *l = arg;
    struct err ignored = {0};
    struct digest key, id;
    if (!memmem(entry.ptr, entry.len, ENTRY_MARK, sizeof ENTRY_MARK - 1))
        return 0;
    auto_json j = json_parse(entry, LIMIT_LEDGER_ENTRY_BYTES, "ledger entry", &ignored);
    const char *name = json_get_string(j, "person", "");
    if (strcmp(json_get_string(j, "action", ""), PERSON_WITHDRAW) != 0 ||
        digest_parse(span_str(json_get_string(j, "key", "")), &key, &ignored) < 0 ||
        digest_parse(span_str(json_get_string(j, "evidence", "")), &id, &ignored) < 0 || have_record(l->out, &id))
        return 0;
    people_refuse(l->people, "the withdrawal of %.64s (%s, ledger entry %llu) is gone: somebody took it away", name,
                  digest_text(&id).text, (unsigned long long)seq);
    keep(l->out, name, &key, &id);
    return 0;
}

int withdrawals_load(struct db *db, struct child *parser, const struct public_key *contour, struct withdrawals *out,
                     struct people *out_people, struct err *e)
{
    struct err scratch = {0};
    struct loading l = {parser, contour, out, out_people, e ? e : &scratch};
    if (db_evidence_each(db, NULL, PREDICATE_WITHDRAWAL, load_one, &l, e) < 0)
        return -1;
    return db_rights_each(db, look_at_entry, &l, e) < 0 ? -1 : 0;
}
