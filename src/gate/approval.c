#include "gate/approval.h"

#include <stdlib.h>
#include <string.h>

#include "gate/rules.h"
#include "gate/signing.h"
#include "util/clock.h"
#include "util/limits.h"

/* ── the statements ── */

static void put_head(struct json_out *w, struct buf *out, const struct approval_statement *s)
{
    char action[32];
    snprintf(action, sizeof action, "promote:%s", s->environment);
    json_out_init(w, out);
    json_out_object(w);
    json_put_string(w, "action", action);
    json_put_string(w, "contour", s->contour);
    json_put_string(w, "person", s->person);
    json_put_string(w, "role", s->role);
    json_put_time(w, "timeCreated", s->created_s);
    if (s->reason)
        json_put_string(w, "reason", s->reason);
}

void request_predicate(const struct approval_statement *s, struct buf *out)
{
    struct json_out w;
    put_head(&w, out, s);
    json_out_object_end(&w);
}

void approval_predicate(const struct approval_statement *s, struct buf *out)
{
    struct json_out w;
    put_head(&w, out, s);
    json_put_string(&w, "decision", s->decision);
    if (s->requester)
        json_put_string(&w, "requester", s->requester);
    json_put_time(&w, "notAfter", s->not_after_s);
    json_put_array(&w, "evidence");
    for (size_t i = 0; i < s->id_count; i++) {
        json_out_object(&w);
        json_put_string(&w, "sha256", digest_hex(&s->ids[i]).text);
        json_out_object_end(&w);
    }
    json_out_array_end(&w);
    json_out_object_end(&w);
}

static struct approval_statement statement_of(const struct making *m, const char *role, const char *reason)
{
    return (struct approval_statement){.environment = m->env->name,
                                       .contour = m->s->config.id,
                                       .person = m->person,
                                       .role = role,
                                       .reason = reason,
                                       .created_s = m->s->entry_s};
}

/* ── requests ── */

static int request_in_transaction(struct making *m, const struct private_key *key, const char *reason,
                                  struct digest *id, struct err *e)
{
    auto_buf predicate = BUF(8192);
    if (making_person(m, key, e) < 0)
        return -1;
    const struct people *people = &m->ev.people;
    bool engineer = people_has_role(people, m->person, ROLE_ENGINEER);
    if (!engineer && !people_has_role(people, m->person, ROLE_PRODUCT_OWNER))
        return err_set(e, ERR_DENIED, 0, "%s can ask for no promotion: that is for engineers and product owners",
                       m->person);
    const char *role = role_name(engineer ? ROLE_ENGINEER : ROLE_PRODUCT_OWNER);
    struct approval_statement statement = statement_of(m, role, reason);
    request_predicate(&statement, &predicate);
    return making_store(m, PREDICATE_REQUEST, &predicate, "", key, role, "request", id, e);
}

int request_make(struct site *s, const struct release *r, const char *env, const struct private_key *key,
                 const char *reason, struct digest *id, struct err *e)
{
    AUTO(making_fini) struct making m = {0};
    if (making_text_check("reason", reason, e) < 0 || site_begin(s, e) < 0)
        return -1;
    if (making_begin(&m, s, r, env, e) == 0 && request_in_transaction(&m, key, reason, id, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

/* ── approvals ── */

static const struct evidence_line *request_of(const struct making *m)
{
    return evidence_newest(&m->ev, PREDICATE_REQUEST, m->env->name);
}

static int not_the_requester(const struct making *m, struct err *e)
{
    for (size_t i = 0; i < m->ev.count; i++) {
        const struct evidence_line *line = &m->ev.lines[i];
        if (line->predicate && strcmp(line->type, PREDICATE_REQUEST) == 0 && line->signer == SIGNER_PERSON &&
            strcmp(line->environment, m->env->name) == 0 && strcmp(line->person, m->person) == 0) {
            err_set(e, ERR_DENIED, 0, "%s asked for %s of %s, and whoever asks cannot approve", m->person, m->env->name,
                    m->name);
            return err_hint(e, "Two other people are needed");
        }
    }
    if (!request_of(m)) {
        err_set(e, ERR_DENIED, 0, "nobody has asked for %s of %s", m->env->name, m->name);
        return err_hint(e, "`airlock request %s %s --key FILE` asks", m->name, m->env->name);
    }
    return 0;
}

/* The role in which this person signs: the one named, or the one that the environment asks for. */
static int choose_role(const struct making *m, const char *wanted, enum role *out, struct err *e)
{
    if (wanted && !role_parse(wanted, out))
        return err_set(e, ERR_USAGE, 0, "--role: \"%.40s\" is no role", wanted);
    if (wanted) {
        if (!people_has_role(&m->ev.people, m->person, *out))
            return err_set(e, ERR_DENIED, 0, "%s is no %s", m->person, wanted);
        return 0;
    }
    for (size_t i = 0; i < m->env->approval_count; i++) {
        if (people_has_role(&m->ev.people, m->person, m->env->approvals[i])) {
            *out = m->env->approvals[i];
            return 0;
        }
    }
    err_set(e, ERR_DENIED, 0, "%s holds no role that approves for %s", m->person, m->env->name);
    if (m->env->approval_count == 0)
        return err_hint(e, "The policy asks for no approvals there");
    return err_hint(e, "The policy asks for a %s", role_name(m->env->approvals[0]));
}

/* What is missing apart from approvals and the verdict over them; "" when nothing is. */
static int missing_evidence(struct making *m, struct buf *out, struct err *e)
{
    struct verdict v;
    if (gate_evaluate(m->s, strcmp(m->env->name, ENVIRONMENT_SANDBOX) == 0 ? GATE_INTAKE : GATE_TRUST, m->r,
                      m->env->name, &m->ev, &v, e) < 0)
        return -1;
    for (size_t i = 0; i < v.count; i++)
        if (!v.reasons[i].ok && strcmp(v.reasons[i].rule, "approvals") != 0)
            buf_printf(out, "%s%s: %s", out->len ? "; " : "", v.reasons[i].rule, v.reasons[i].text);
    return 0;
}

static int evidence_there(struct making *m, struct err *e)
{
    auto_buf missing = BUF(8192);
    if (missing_evidence(m, &missing, e) < 0)
        return -1;
    if (missing.len == 0)
        return 0;
    err_set(e, ERR_DENIED, 0, "%s cannot be approved for %s yet: %s", m->name, m->env->name, buf_str(&missing));
    return -1;
}

static int approve_in_transaction(struct making *m, const struct approval_wish *wish, const struct private_key *key,
                                  struct digest *id, struct err *e)
{
    enum role role;
    auto_buf predicate = BUF(LIMIT_JSON_BYTES);
    uint64_t valid_s = wish->valid_s ? wish->valid_s : m->env->approval_age_s;
    if (making_person(m, key, e) < 0 || (!wish->reject && not_the_requester(m, e) < 0) ||
        choose_role(m, wish->role, &role, e) < 0)
        return -1;
    if (valid_s > m->env->approval_age_s)
        return err_set(e, ERR_DENIED, 0, "an approval for %s lasts at most %llu hours by the policy, asked for %llu",
                       m->env->name, (unsigned long long)m->env->approval_age_s / 3600,
                       (unsigned long long)valid_s / 3600);
    if (!wish->reject && evidence_there(m, e) < 0)
        return -1;
    const struct evidence_line *request = request_of(m);
    struct approval_statement statement = statement_of(m, role_name(role), wish->reason);
    struct digest *ids;
    evidence_set(&m->ev, m->env->name, &ids, &statement.id_count);
    statement.decision = wish->reject ? "REJECT" : "APPROVE";
    statement.requester = request ? request->person : NULL;
    statement.not_after_s = m->s->entry_s + (int64_t)valid_s;
    statement.ids = ids;
    approval_predicate(&statement, &predicate);
    free(ids);
    return making_store(m, PREDICATE_APPROVAL, &predicate, statement.decision, key, role_name(role), "approve", id, e);
}

/* One name for the whole set that a person was shown. */
static struct digest set_name(const struct making *m)
{
    struct digest *ids;
    size_t count;
    evidence_set(&m->ev, m->env->name, &ids, &count);
    struct digest name = digest_of(span_of(ids, count * sizeof *ids));
    free(ids);
    return name;
}

static int still_as_shown(const struct making *m, const struct digest *shown, struct err *e)
{
    struct digest now = set_name(m);
    if (!shown || digest_equal(shown, &now))
        return 0;
    err_set(e, ERR_DENIED, 0, "the evidence about %s was added to while it was being shown; nothing was signed",
            m->name);
    return err_hint(e, "Look again, and approve what there is now");
}

int approval_make(struct site *s, const struct release *r, const struct approval_wish *wish,
                  const struct private_key *key, struct digest *id, struct err *e)
{
    AUTO(making_fini) struct making m = {0};
    if (making_text_check("reason", wish->reason, e) < 0 || site_begin(s, e) < 0)
        return -1;
    if (making_begin(&m, s, r, wish->environment, e) == 0 && still_as_shown(&m, wish->shown, e) == 0 &&
        approve_in_transaction(&m, wish, key, id, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

/* ── what is shown ── */

static void summary_line(const struct evidence_line *line, struct buf *out)
{
    char detail[320];
    line_detail(line, detail, sizeof detail);
    buf_printf(out, "  %.16s…  %-9s %-42s %s%s%s%s%s\n", digest_hex(&line->id).text, signer_name(line->signer),
               line->type, line->result, line->environment[0] ? " in " : "", line->environment, detail[0] ? ": " : "",
               detail);
}

static void summary_write(struct making *m, const char *missing, struct buf *out)
{
    const struct evidence_line *request = request_of(m);
    struct digest *ids;
    size_t count;
    buf_printf(out, "release      %s\ndigest       %s\nowner        %s\nto stand in  %s of contour %s (%s)\n", m->name,
               digest_text(&m->r->digest).text, m->r->owner, m->env->name, m->s->config.name, m->s->config.id);
    buf_printf(out, "asked for by %s\n", request ? request->person : "nobody");
    evidence_set(&m->ev, m->env->name, &ids, &count);
    buf_printf(out, "evidence     %zu attestations:\n", count);
    for (size_t i = 0; i < m->ev.count; i++)
        for (size_t k = 0; k < count; k++)
            if (digest_equal(&m->ev.lines[i].id, &ids[k]))
                summary_line(&m->ev.lines[i], out);
    free(ids);
    buf_printf(out, "missing      %s\n", missing[0] ? missing : "nothing");
}

int approval_summary(struct site *s, const struct release *r, const char *env, struct buf *text, struct digest *shown,
                     struct err *e)
{
    AUTO(making_fini) struct making m = {0};
    auto_buf missing = BUF(8192);
    if (making_begin(&m, s, r, env, e) < 0 || missing_evidence(&m, &missing, e) < 0)
        return -1;
    summary_write(&m, buf_str(&missing), text);
    if (shown)
        *shown = set_name(&m);
    return 0;
}
