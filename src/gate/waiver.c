#include "gate/waiver.h"

#include <string.h>

#include "gate/signing.h"
#include "gate/waiver_count.h"
#include "util/clock.h"
#include "util/limits.h"

/* ── the statement ── */

/* OpenVEX 0.2.0: one statement about one product. */
static void put_vex(struct json_out *w, const struct waiver_statement *s)
{
    const struct objection *o = s->objection;
    char author[160], id[160];
    snprintf(author, sizeof author, "%s (%s) of contour %s", s->person, s->role, s->contour);
    snprintf(id, sizeof id, "urn:airlock:waiver:%s:%lld", digest_hex(s->release_digest).text, (long long)s->created_s);
    json_put_object(w, "openvex");
    json_put_string(w, "@context", "https://openvex.dev/ns/v0.2.0");
    json_put_string(w, "@id", id);
    json_put_string(w, "author", author);
    json_put_time(w, "timestamp", s->created_s);
    json_put_uint(w, "version", 1);
    json_put_array(w, "statements");
    json_out_object(w);
    json_put_object(w, "vulnerability");
    json_put_string(w, "name", o->id);
    json_out_object_end(w);
    json_put_array(w, "products");
    json_out_object(w);
    json_put_string(w, "@id", o->kind == OBJECTION_FINDING ? o->digest : o->place);
    json_out_object_end(w);
    json_out_array_end(w);
    json_put_string(w, "status", "affected");
    json_put_string(w, "action_statement", s->compensation);
    json_put_time(w, "action_statement_timestamp", s->created_s);
    json_out_object_end(w);
    json_out_array_end(w);
    json_out_object_end(w);
}

static void put_finding(struct json_out *w, const struct objection *o)
{
    json_put_object(w, "finding");
    json_put_string(w, "kind", objection_kind_name(o->kind));
    json_put_string(w, "id", o->id);
    json_put_string(w, o->kind != OBJECTION_FINDING && strncmp(o->place, "pkg:", 4) == 0 ? "purl" : "path", o->place);
    if (o->digest[0])
        json_put_string(w, "digest", o->digest);
    if (o->licence)
        json_put_string(w, "licence", o->licence);
    json_put_string(w, "severity", o->severity);
    json_out_object_end(w);
}

void waiver_predicate(const struct waiver_statement *s, struct buf *out)
{
    struct json_out w;
    bool waives = strcmp(s->decision, "WAIVE") == 0;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "contour", s->contour);
    json_put_string(&w, "person", s->person);
    json_put_string(&w, "role", s->role);
    json_put_string(&w, "decision", s->decision);
    json_put_string(&w, "environment", s->environment);
    json_put_time(&w, "timeCreated", s->created_s);
    put_finding(&w, s->objection);
    if (waives) {
        json_put_time(&w, "notBefore", s->from_s);
        json_put_time(&w, "notAfter", s->until_s);
        json_put_string(&w, "compensation", s->compensation);
        json_put_string(&w, "ticket", s->ticket);
        put_vex(&w, s);
    }
    json_out_object_end(&w);
}

/* ── which finding is meant ── */

static int not_the_one(const struct objections *all, const struct waiver_wish *wish, size_t found, struct err *e)
{
    auto_buf list = BUF(2048);
    for (size_t i = 0; i < all->count && list.len < 1024; i++)
        if (found == 0 || objection_is(&all->list[i], wish->finding, wish->place))
            buf_printf(&list, "%s%s at %s", list.len ? ", " : "", all->list[i].id, all->list[i].place);
    if (found > 1) {
        err_set(e, ERR_USAGE, 0, "\"%.80s\" speaks against it in %zu places: %s", wish->finding, found, buf_str(&list));
        return err_hint(e, "--at PATH (or the purl) says which of them is meant");
    }
    err_set(e, ERR_NOTFOUND, 0, "no \"%.80s\"%s%.120s speaks against this release; what does: %s", wish->finding,
            wish->place ? " at " : "", wish->place ? wish->place : "", list.len ? buf_str(&list) : "nothing");
    return err_hint(e, "Findings and licences are named by their rule, advisories by their id or an alias; `airlock "
                       "scan` and `airlock show` list them");
}

/* Rules that hit one file several times are one finding of it. */
static bool same(const struct objection *a, const struct objection *b)
{
    return a->kind == b->kind && strcmp(a->id, b->id) == 0 && strcmp(a->place, b->place) == 0 &&
           strcmp(a->digest, b->digest) == 0 && (a->kind != OBJECTION_LICENCE || strcmp(a->licence, b->licence) == 0);
}

static const struct objection *the_one(const struct objections *all, const struct waiver_wish *wish, struct err *e)
{
    const struct objection *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct objection *o = &all->list[i];
        if (!objection_is(o, wish->finding, wish->place) || (found && same(found, o)))
            continue;
        found = o;
        count++;
    }
    if (count == 1)
        return found;
    (void)not_the_one(all, wish, count, e);
    return NULL;
}

/* ── making one ── */

static int check_wish(const struct making *m, const struct waiver_wish *wish, const struct objection *o, int64_t from_s,
                      struct err *e)
{
    char why[160];
    if (waiver_forbidden(&m->policy, wish->environment ? wish->environment : "", o, why, sizeof why))
        return err_set(e, ERR_DENIED, 0, "%s at %s cannot be waived: %s", o->id, o->place, why);
    if (wish->withdraw)
        return 0;
    if (wish->until_s <= from_s || wish->until_s <= m->s->entry_s)
        return err_set(e, ERR_USAGE, 0, "--until: %s is over before it begins", time_text(wish->until_s).text);
    if (wish->until_s - m->s->entry_s > (int64_t)m->policy.findings.waiver_longest_s)
        return err_set(e, ERR_DENIED, 0, "by the policy a waiver ends within %llu days, at %s at the latest",
                       (unsigned long long)m->policy.findings.waiver_longest_s / 86400,
                       time_text(m->s->entry_s + (int64_t)m->policy.findings.waiver_longest_s).text);
    return 0;
}

static int choose_role(const struct making *m, enum role *out, struct err *e)
{
    *out = ROLE_SECURITY_OFFICER;
    if (people_has_role(&m->ev.people, m->person, *out))
        return 0;
    *out = ROLE_PRODUCT_OWNER;
    if (people_has_role(&m->ev.people, m->person, *out))
        return 0;
    return err_set(e, ERR_DENIED, 0,
                   "%s can waive nothing: that is for security officers, with a second one or a product owner",
                   m->person);
}

static int in_transaction(struct making *m, const struct waiver_wish *wish, const struct private_key *key,
                          struct objections *all, struct waiver_made *out, struct err *e)
{
    enum role role;
    auto_buf predicate = BUF(16384);
    if (making_person(m, key, e) < 0 || choose_role(m, &role, e) < 0 ||
        waiver_objections(&m->ev, &m->policy, all, e) < 0)
        return -1;
    const struct objection *o = the_one(all, wish, e);
    int64_t from_s = wish->from_s ? wish->from_s : m->s->entry_s;
    if (!o || check_wish(m, wish, o, from_s, e) < 0)
        return -1;
    struct waiver_statement s = {.contour = m->s->config.id,
                                 .person = m->person,
                                 .role = role_name(role),
                                 .decision = wish->withdraw ? "WITHDRAW" : "WAIVE",
                                 .environment = wish->environment ? wish->environment : "",
                                 .release = m->name,
                                 .release_digest = &m->r->digest,
                                 .objection = o,
                                 .compensation = wish->compensation,
                                 .ticket = wish->ticket,
                                 .created_s = m->s->entry_s,
                                 .from_s = from_s,
                                 .until_s = wish->until_s};
    waiver_predicate(&s, &predicate);
    *out = (struct waiver_made){.objection = *o, .from_s = from_s, .until_s = wish->until_s};
    return making_store(m, PREDICATE_WAIVER, &predicate, s.decision, key, role_name(role), "waive", &out->id, e);
}

/* How far it is now, from what is stored. */
static int count_people(struct site *s, const struct release *r, const char *environment, struct waiver_made *out,
                        struct err *e)
{
    AUTO(making_fini) struct making m = {0};
    if (making_begin(&m, s, r, NULL, e) < 0)
        return -1;
    struct waiver_place place = {&m.ev, &m.policy, s->config.id, environment ? environment : ENVIRONMENT_SANDBOX,
                                 out->from_s};
    out->people = waiver_people(&place, &out->objection);
    return 0;
}

int waiver_make(struct site *s, const struct release *r, const struct waiver_wish *wish, const struct private_key *key,
                struct objections *objections, struct waiver_made *out, struct err *e)
{
    AUTO(making_fini) struct making m = {0};
    if (making_text_check("compensation", wish->compensation, e) < 0 ||
        making_text_check("ticket", wish->ticket, e) < 0 || site_begin(s, e) < 0)
        return -1;
    if (making_begin(&m, s, r, NULL, e) < 0 || in_transaction(&m, wish, key, objections, out, e) < 0) {
        site_rollback(s);
        return -1;
    }
    return count_people(s, r, wish->environment, out, e);
}
