#include "gate/signing.h"

#include <string.h>

#include "store/db_release.h"
#include "util/limits.h"

#define REASON_MAX 500U

void making_fini(struct making *m)
{
    evidence_fini(&m->ev);
}

int making_begin(struct making *m, struct site *s, const struct release *r, const char *env, struct err *e)
{
    *m = (struct making){.s = s, .r = r};
    snprintf(m->name, sizeof m->name, "%s:%s", r->name, r->version);
    if (policy_load(s, &m->policy, e) < 0 || (env && !(m->env = policy_environment(&m->policy, env, e))))
        return -1;
    return evidence_load(s, &r->digest, &m->ev, e);
}

int making_person(struct making *m, const struct private_key *key, struct err *e)
{
    const struct digest *id = public_key_id(private_key_public(key));
    for (size_t i = 0; i < m->ev.people.count; i++) {
        if (digest_equal(public_key_id(m->ev.people.list[i].key), id)) {
            snprintf(m->person, sizeof m->person, "%s", m->ev.people.list[i].name);
            return 0;
        }
    }
    err_set(e, ERR_DENIED, 0, "this key (%.16s…) belongs to nobody of contour %s", digest_hex(id).text,
            m->s->config.name);
    return err_hint(e, "`airlock person add NAME --role ROLE --key FILE` makes a person known by the public key");
}

int making_text_check(const char *option, const char *text, struct err *e)
{
    if (text && (strlen(text) > REASON_MAX || !span_is_utf8(span_str(text))))
        return err_set(e, ERR_USAGE, 0, "--%s: at most %u bytes of UTF-8 text", option, REASON_MAX);
    return 0;
}

int making_store(struct making *m, const char *type, const struct buf *predicate, const char *result,
                 const struct private_key *key, const char *role, const char *word, struct digest *id, struct err *e)
{
    struct json_out w;
    struct digest line;
    char origin[80];
    auto_buf envelope = BUF(2U * LIMIT_JSON_BYTES), entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (buf_check(predicate, word, e) < 0 ||
        statement_sign(m->name, &m->r->digest, type, buf_span(predicate), key, &envelope, &line, e) < 0)
        return -1;
    snprintf(origin, sizeof origin, "person:%s", m->person);
    struct evidence_row row = {.id = line,
                               .subject = m->r->digest,
                               .predicate_type = type,
                               .environment = m->env ? m->env->name : "",
                               .result = result,
                               .origin = origin,
                               .time_s = m->s->entry_s,
                               .envelope = buf_span(&envelope)};
    if (db_evidence_add(m->s->db, &row, e) < 0)
        return -1;
    if (id)
        *id = line;
    snprintf(m->s->actor, sizeof m->s->actor, "person:%s", m->person);
    site_event(m->s, &w, &entry, word);
    json_put_string(&w, "release", m->name);
    json_put_digest(&w, "digest", &m->r->digest);
    if (m->env)
        json_put_string(&w, "environment", m->env->name);
    json_put_string(&w, "role", role);
    if (result[0])
        json_put_string(&w, "decision", result);
    json_put_digest(&w, "evidence", &line);
    return site_commit(m->s, &w, NULL, e);
}
