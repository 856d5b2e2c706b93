#include "contour/identity_change.h"

#include <stdlib.h>
#include <string.h>

#include "store/db_people.h"
#include "util/limits.h"

#define PREDICATE_BYTES 4096U

int identity_rights(struct site *s, struct rights *out, struct err *e)
{
    struct child *parser = site_parser(s, e);
    *out = (struct rights){0};
    return parser ? rights_load(s->db, parser, s->public_key, out, e) : -1;
}

/* A change: begins the transaction, loads what stands, does it, commits or takes it back. */
static int change(struct site *s, int (*step)(struct site *s, const struct rights *r, void *arg, struct err *e),
                  void *arg, struct err *e)
{
    auto_rights rights = {0};
    if (!site_key(s, e) || site_begin(s, e) < 0)
        return -1;
    if (identity_rights(s, &rights, e) == 0 && step(s, &rights, arg, e) == 0 && site_commit(s, NULL, NULL, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

/* Signs and stores a record of a right; the entry of it is begun in *w, with "evidence". */
static int give(struct site *s, const char *about, const char *type, struct buf *predicate, const char *action,
                struct json_out *w, struct buf *entry, struct err *e)
{
    struct digest id, subject = right_subject(about);
    if (buf_check(predicate, type, e) < 0 ||
        site_evidence(s, about, &subject, type, "", "", buf_span(predicate), &id, e) < 0)
        return -1;
    site_event(s, w, entry, action);
    json_put_digest(w, "evidence", &id);
    return 0;
}

static int end(struct site *s, const char *what, const char *name, const struct digest *subject, const char *action,
               struct json_out *w, struct buf *entry, struct err *e)
{
    struct digest id;
    auto_buf predicate = BUF(PREDICATE_BYTES);
    revocation_predicate(what, name, s->entry_s, &predicate);
    if (site_evidence(s, name, subject, PREDICATE_REVOCATION, "", "", buf_span(&predicate), &id, e) < 0)
        return -1;
    site_event(s, w, entry, action);
    json_put_digest(w, "evidence", &id);
    return 0;
}

static int not_for_gone(const struct rights *r, const char *person, struct err *e)
{
    if (!rights_gone(r, person))
        return 0;
    err_set(e, ERR_DENIED, 0, "%s was withdrawn", person);
    return err_hint(e, "`airlock person add` gives the name a new key first");
}

/* Approvers do not publish, and who publishes does not approve. */
int identity_not_both(const struct rights *r, const char *person, enum role role, struct err *e)
{
    const char *other = rights_conflict(r, person, role);
    if (!other)
        return 0;
    err_set(e, ERR_DENIED, 0, "%s is %s here; who approves does not publish, so nobody is both that and %s", person,
            other, role_name(role));
    return err_hint(e, "Publishing is for a name of its own, such as that of the pipeline");
}

/* ── tokens ── */

struct token_change {
    struct token *t;
    struct token_text *text;
};

/* Whoever may only look and ask needs no key and no grant: then the token's record gives the role by itself. */
static int check_holder(const struct rights *r, struct token *t, struct err *e)
{
    if (not_for_gone(r, t->person, e) < 0 || identity_not_both(r, t->person, t->role, e) < 0)
        return -1;
    if (rights_hold(r, t->person, t->role, t->environment, t->repository))
        return 0;
    t->alone = t->role == ROLE_VIEWER || t->role == ROLE_CONSUMER;
    if (t->alone)
        return 0;
    bool everywhere = strcmp(t->environment, "*") == 0 && strcmp(t->repository, "*") == 0;
    err_set(e, ERR_DENIED, 0, "%s is no %s here%s%s%s%s, so no token can be one", t->person, role_name(t->role),
            everywhere ? "" : " for environment ", everywhere ? "" : t->environment, everywhere ? "" : ", repository ",
            everywhere ? "" : t->repository);
    return err_hint(e, "`airlock person add` and `airlock grant add` give roles; consumers and viewers need none");
}

static int put_token(struct site *s, const struct rights *r, void *arg, struct err *e)
{
    struct json_out w;
    struct token_change *c = arg;
    struct token *t = c->t;
    auto_buf record = BUF(PREDICATE_BYTES * 4), entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    t->created_s = s->entry_s;
    if (check_holder(r, t, e) < 0 || token_new(c->text, &t->hash, e) < 0 ||
        token_record(t, site_key(s, e), &record, e) < 0)
        return -1;
    struct token_row row = {.hash = t->hash,
                            .person = t->person,
                            .role = role_name(t->role),
                            .environment = t->environment,
                            .created_s = t->created_s,
                            .expires_s = t->expires_s,
                            .repository = t->repository,
                            .record = buf_span(&record)};
    site_event(s, &w, &entry, "token-new");
    json_put_string(&w, "token", digest_hex(&t->hash).text);
    json_put_string(&w, "person", t->person);
    json_put_string(&w, "role", role_name(t->role));
    json_put_string(&w, "environment", t->environment);
    json_put_string(&w, "repository", t->repository);
    if (t->expires_s)
        json_put_time(&w, "expires", t->expires_s);
    return db_token_add(s->db, &row, e) < 0 ? -1 : site_append(s, &w, NULL, e);
}

int token_give(struct site *s, struct token *t, struct token_text *text, struct err *e)
{
    struct token_change c = {t, text};
    return change(s, put_token, &c, e);
}

static int end_token(struct site *s, const struct digest *hash, const char *person, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (end(s, "token", person, hash, TOKEN_REVOKE, &w, &entry, e) < 0)
        return -1;
    json_put_string(&w, "token", digest_hex(hash).text);
    json_put_string(&w, "person", person);
    return db_token_revoke(s->db, hash, e) < 0 ? -1 : site_append(s, &w, NULL, e);
}

int token_end(struct site *s, const struct digest *hash, const char *person, struct err *e)
{
    if (!site_key(s, e) || site_begin(s, e) < 0)
        return -1;
    if (end_token(s, hash, person, e) == 0 && site_commit(s, NULL, NULL, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

/* ── groups ── */

static int put_group(struct site *s, const struct rights *r, void *arg, struct err *e)
{
    struct json_out w;
    char about[80];
    struct group *g = arg;
    auto_buf predicate = BUF(PREDICATE_BYTES), entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (rights_group(r, g->name))
        return err_set(e, ERR_EXISTS, 0, "there is a group %s already; `airlock group list` shows it", g->name);
    g->made_s = s->entry_s;
    group_predicate(g, &predicate);
    snprintf(about, sizeof about, GROUP_MARK "%s", g->name);
    if (give(s, about, PREDICATE_GROUP, &predicate, "group-new", &w, &entry, e) < 0)
        return -1;
    json_put_string(&w, "group", g->name);
    return site_append(s, &w, NULL, e);
}

int group_make(struct site *s, const char *name, struct err *e)
{
    struct group g = {0};
    if (!person_name_is_right(name))
        return err_set(e, ERR_DENIED, 0,
                       "\"%.70s\" cannot be a group's name; wanted a small letter, then small letters, digits and "
                       "hyphens, at most %u in all",
                       name, LIMIT_NAME_CHARS);
    snprintf(g.name, sizeof g.name, "%s", name);
    return change(s, put_group, &g, e);
}

static int need_group(const struct rights *r, const char *name, struct err *e)
{
    if (rights_group(r, name))
        return 0;
    err_set(e, ERR_NOTFOUND, 0, "there is no group %.64s", name);
    return err_hint(e, "`airlock group list` shows all; `airlock group new` makes one");
}

/* With the group come its roles: an approver gets no publisher's, and the other way round. */
static int check_roles_of_group(const struct rights *r, const struct member *m, struct err *e)
{
    for (size_t i = 0; i < r->grant_count; i++)
        if (strncmp(r->grants[i].to, GROUP_MARK, sizeof GROUP_MARK - 1) == 0 &&
            strcmp(r->grants[i].to + sizeof GROUP_MARK - 1, m->group) == 0 &&
            identity_not_both(r, m->person, r->grants[i].role, e) < 0)
            return -1;
    return 0;
}

static int put_member(struct site *s, const struct rights *r, void *arg, struct err *e)
{
    struct json_out w;
    struct member *m = arg;
    char about[80];
    auto_buf predicate = BUF(PREDICATE_BYTES), entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (need_group(r, m->group, e) < 0 || not_for_gone(r, m->person, e) < 0 || check_roles_of_group(r, m, e) < 0)
        return -1;
    if (rights_member(r, m->group, m->person))
        return err_set(e, ERR_EXISTS, 0, "%s is in %s already", m->person, m->group);
    m->added_s = s->entry_s;
    snprintf(about, sizeof about, GROUP_MARK "%s", m->group);
    if (right_id_new(m->id, e) < 0)
        return -1;
    member_predicate(m, &predicate);
    if (give(s, about, PREDICATE_MEMBER, &predicate, "group-add", &w, &entry, e) < 0)
        return -1;
    json_put_string(&w, "group", m->group);
    json_put_string(&w, "person", m->person);
    json_put_string(&w, "record", m->id);
    return site_append(s, &w, NULL, e);
}

static int name_member(const char *group, const char *person, struct member *m, struct err *e)
{
    if (!person_name_is_right(group) || !person_name_is_right(person))
        return err_set(e, ERR_NOTFOUND, 0, "\"%.70s\" is no name; wanted a-z first, then a-z, 0-9 and -",
                       person_name_is_right(group) ? person : group);
    snprintf(m->group, sizeof m->group, "%s", group);
    snprintf(m->person, sizeof m->person, "%s", person);
    return 0;
}

int group_put(struct site *s, const char *group, const char *person, struct err *e)
{
    struct member m = {0};
    return name_member(group, person, &m, e) < 0 ? -1 : change(s, put_member, &m, e);
}

static int end_member(struct site *s, const struct member *m, struct err *e)
{
    struct json_out w;
    struct digest subject = right_subject(m->id);
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (end(s, "member", m->person, &subject, GROUP_REMOVE, &w, &entry, e) < 0)
        return -1;
    json_put_string(&w, "group", m->group);
    json_put_string(&w, "person", m->person);
    json_put_string(&w, "record", m->id);
    return site_append(s, &w, NULL, e);
}

static int take_member(struct site *s, const struct rights *r, void *arg, struct err *e)
{
    const struct member *m = arg;
    if (need_group(r, m->group, e) < 0)
        return -1;
    size_t found = 0;
    for (size_t i = 0; i < r->member_count; i++)
        if (strcmp(r->members[i].group, m->group) == 0 && strcmp(r->members[i].person, m->person) == 0) {
            found++;
            if (end_member(s, &r->members[i], e) < 0)
                return -1;
        }
    return found ? 0 : err_set(e, ERR_NOTFOUND, 0, "%s is not in %s", m->person, m->group);
}

int group_leave(struct site *s, const char *group, const char *person, struct err *e)
{
    struct member m = {0};
    return name_member(group, person, &m, e) < 0 ? -1 : change(s, take_member, &m, e);
}

/* ── grants ── */

static const char *group_of(const struct grant *g)
{
    return strncmp(g->to, GROUP_MARK, sizeof GROUP_MARK - 1) == 0 ? g->to + sizeof GROUP_MARK - 1 : NULL;
}

static int check_person(const struct rights *r, const struct grant *g, struct err *e)
{
    if (not_for_gone(r, g->to, e) < 0 || identity_not_both(r, g->to, g->role, e) < 0)
        return -1;
    if (rights_person(r, g->to) || g->role == ROLE_VIEWER || g->role == ROLE_CONSUMER)
        return 0;
    err_set(e, ERR_NOTFOUND, 0, "nobody with a key is called %s here; without one a person can be viewer or consumer",
            g->to);
    return err_hint(e, "`airlock person list` shows all; `airlock person add` adds a key");
}

static int check_group(const struct rights *r, const struct grant *g, const char *group, struct err *e)
{
    if (need_group(r, group, e) < 0)
        return -1;
    for (size_t i = 0; i < r->member_count; i++)
        if (strcmp(r->members[i].group, group) == 0 && identity_not_both(r, r->members[i].person, g->role, e) < 0)
            return -1;
    return 0;
}

static int put_grant(struct site *s, const struct rights *r, void *arg, struct err *e)
{
    struct json_out w;
    struct grant *g = arg;
    const char *group = group_of(g);
    auto_buf predicate = BUF(PREDICATE_BYTES), entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if ((group ? check_group(r, g, group, e) : check_person(r, g, e)) < 0)
        return -1;
    for (size_t i = 0; i < r->grant_count; i++)
        if (r->grants[i].role == g->role && strcmp(r->grants[i].to, g->to) == 0 &&
            strcmp(r->grants[i].environment, g->environment) == 0 &&
            strcmp(r->grants[i].repository, g->repository) == 0)
            return err_set(e, ERR_EXISTS, 0, "that is granted already, as %s", r->grants[i].id);
    g->granted_s = s->entry_s;
    if (right_id_new(g->id, e) < 0)
        return -1;
    grant_predicate(g, &predicate);
    if (give(s, g->to, PREDICATE_GRANT, &predicate, "grant-add", &w, &entry, e) < 0)
        return -1;
    json_put_string(&w, "role", role_name(g->role));
    json_put_string(&w, "to", g->to);
    json_put_string(&w, "environment", g->environment);
    json_put_string(&w, "repository", g->repository);
    json_put_string(&w, "record", g->id);
    return site_append(s, &w, NULL, e);
}

int grant_give(struct site *s, struct grant *g, struct err *e)
{
    return change(s, put_grant, g, e);
}

static int end_grant(struct site *s, const struct grant *g, struct err *e)
{
    struct json_out w;
    struct digest subject = right_subject(g->id);
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (end(s, "grant", g->to, &subject, GRANT_WITHDRAW, &w, &entry, e) < 0)
        return -1;
    json_put_string(&w, "role", role_name(g->role));
    json_put_string(&w, "to", g->to);
    json_put_string(&w, "record", g->id);
    return site_append(s, &w, NULL, e);
}

struct grant_change {
    const char *id;
    struct grant *out;
};

static int take_grant(struct site *s, const struct rights *r, void *arg, struct err *e)
{
    struct grant_change *c = arg;
    size_t found = 0;
    for (size_t i = 0; i < r->grant_count; i++)
        if (strncmp(r->grants[i].id, c->id, strlen(c->id)) == 0) {
            *c->out = r->grants[i];
            found++;
        }
    if (found == 1)
        return end_grant(s, c->out, e);
    if (found > 1)
        return err_set(e, ERR_NOTFOUND, 0, "%zu grants begin with %.16s; give more of the id", found, c->id);
    return err_set(e, ERR_NOTFOUND, 0, "there is no grant %.16s; `airlock grant list` shows all", c->id);
}

int grant_end(struct site *s, const char *id, struct grant *out, struct err *e)
{
    struct grant_change c = {id, out};
    return change(s, take_grant, &c, e);
}

/* ── everything of one person ── */

struct tokens {
    const char *person;
    struct digest *list; /* owned */
    size_t count, room;
};

static int collect_token(void *arg, const struct token_row *row)
{
    struct tokens *t = arg;
    if (row->revoked || strcmp(row->person, t->person) != 0)
        return 0;
    if (t->count == t->room) {
        t->room = t->room ? 2 * t->room : 16;
        t->list = reallocarray(t->list, t->room, sizeof *t->list);
        if (!t->list)
            abort();
    }
    t->list[t->count++] = row->hash;
    return 0;
}

static int end_tokens(struct site *s, const char *person, size_t *count, struct err *e)
{
    struct tokens t = {.person = person};
    int result = db_token_each(s->db, collect_token, &t, e);
    for (size_t i = 0; result == 0 && i < t.count; i++)
        result = end_token(s, &t.list[i], person, e);
    *count = t.count;
    free(t.list);
    return result;
}

int identity_end_all(struct site *s, const char *person, size_t *tokens, struct err *e)
{
    auto_rights r = {0};
    if (identity_rights(s, &r, e) < 0 || end_tokens(s, person, tokens, e) < 0)
        return -1;
    for (size_t i = 0; i < r.member_count; i++)
        if (strcmp(r.members[i].person, person) == 0 && end_member(s, &r.members[i], e) < 0)
            return -1;
    for (size_t i = 0; i < r.grant_count; i++)
        if (strcmp(r.grants[i].to, person) == 0 && end_grant(s, &r.grants[i], e) < 0)
            return -1;
    return 0;
}
