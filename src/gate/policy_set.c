/* Changing the policy: two people sign, the contour signs over the text, and one transaction puts it in force. The
 * signed text stands in state.db, so that a policy.yaml that was not yet written is written later (policy_complete). */
#include "gate/policy_set.h"

#include <string.h>

#include "gate/policy_internal.h"
#include "gate/policy_proposal.h"
#include "store/db_release.h"
#include "trust/dsse.h"
#include "util/file.h"
#include "util/limits.h"

struct setting {
    struct site *s;
    struct span text;
    struct policy policy;
    struct people people;
    struct policy_change *out;
};

static void setting_fini(struct setting *t)
{
    people_fini(&t->people);
}

/* ── who may ── */

static const struct person *owner_of(const struct people *p, const struct private_key *key)
{
    for (size_t i = 0; i < p->count; i++)
        if (digest_equal(public_key_id(p->list[i].key), public_key_id(private_key_public(key))))
            return &p->list[i];
    return NULL;
}

static int check_person(struct setting *t, size_t i, const struct private_key *key, struct err *e)
{
    struct policy_signer *signer = &t->out->signers[i];
    const struct digest *id = public_key_id(private_key_public(key));
    const struct person *who = owner_of(&t->people, key);
    if (!who)
        return err_set(e, ERR_DENIED, 0, "the key %.16s… belongs to nobody of contour %s", digest_hex(id).text,
                       t->s->config.name);
    snprintf(signer->person, sizeof signer->person, "%s", who->name);
    signer->role = ROLE_SECURITY_OFFICER;
    if (people_has_role(&t->people, who->name, ROLE_SECURITY_OFFICER))
        return 0;
    signer->role = ROLE_PRODUCT_OWNER;
    if (people_has_role(&t->people, who->name, ROLE_PRODUCT_OWNER))
        return 0;
    return err_set(e, ERR_DENIED, 0, "%s can set no policy: that is for security officers and product owners",
                   who->name);
}

static int check_people(struct setting *t, const struct private_key *const keys[2], struct err *e)
{
    const struct policy_signer *signers = t->out->signers;
    struct child *parser = site_parser(t->s, e);
    if (!parser || people_load(t->s->db, parser, t->s->public_key, &t->people, e) < 0 ||
        check_person(t, 0, keys[0], e) < 0 || check_person(t, 1, keys[1], e) < 0)
        return -1;
    if (strcmp(signers[0].person, signers[1].person) == 0) {
        err_set(e, ERR_DENIED, 0, "both keys are %s's, and a policy is set by two people", signers[0].person);
        return err_hint(e, "One is a security officer, the other one too or a product owner");
    }
    if (signers[0].role != ROLE_SECURITY_OFFICER && signers[1].role != ROLE_SECURITY_OFFICER)
        return err_set(e, ERR_DENIED, 0, "neither %s nor %s is a security officer, and one of the two must be",
                       signers[0].person, signers[1].person);
    return 0;
}

/* ── what is signed ── */

static int sign_as(struct setting *t, size_t i, const struct private_key *key, struct err *e)
{
    struct json_out w;
    char origin[80];
    struct policy_signer *signer = &t->out->signers[i];
    auto_buf predicate = BUF(4096), line = BUF(65536);
    json_out_init(&w, &predicate);
    json_out_object(&w);
    json_put_string(&w, "contour", t->s->config.id);
    json_put_string(&w, "person", signer->person);
    json_put_string(&w, "role", role_name(signer->role));
    json_put_string(&w, "before", digest_text(&t->out->before).text);
    json_put_time(&w, "timeCreated", t->s->entry_s);
    json_out_object_end(&w);
    if (buf_check(&predicate, "a word for a policy", e) < 0 ||
        statement_sign(POLICY_FILE, &t->policy.digest, PREDICATE_POLICY, buf_span(&predicate), key, &line,
                       &signer->evidence, e) < 0)
        return -1;
    snprintf(origin, sizeof origin, "person:%s", signer->person);
    struct evidence_row row = {.id = signer->evidence,
                               .subject = t->policy.digest,
                               .predicate_type = PREDICATE_POLICY,
                               .environment = "",
                               .result = "",
                               .origin = origin,
                               .time_s = t->s->entry_s,
                               .envelope = buf_span(&line)};
    return db_evidence_add(t->s->db, &row, e);
}

static int put_in_force(struct setting *t, struct err *e)
{
    auto_buf envelope = BUF(2U * LIMIT_YAML_BYTES);
    const struct private_key *key = site_key(t->s, e);
    struct db *db = t->s->db;
    if (!key || dsse_sign(POLICY_TYPE, t->text, key, &envelope, e) < 0)
        return -1;
    if (db_meta_set(db, META_POLICY, span_str(digest_text(&t->policy.digest).text), e) < 0 ||
        db_meta_set(db, META_POLICY_BEFORE, span_str(digest_text(&t->out->before).text), e) < 0)
        return -1;
    return db_meta_set(db, META_POLICY_SIGNED, buf_span(&envelope), e);
}

/* Where the text came from, when a shipment brought it: 0 otherwise. */
static int find_shipment(struct setting *t, uint64_t *shipment, struct err *e)
{
    auto_policy_proposal p = {0};
    struct err none = {0};
    *shipment = 0;
    if (policy_proposal_of(t->s, &t->policy.digest, &p, &none) < 0)
        return none.code == ERR_NOTFOUND ? 0 : err_set(e, none.code, none.sys_errno, "%s", none.msg);
    *shipment = p.shipment;
    return 0;
}

static int commit(struct setting *t, struct err *e)
{
    struct json_out w;
    uint64_t shipment;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (find_shipment(t, &shipment, e) < 0)
        return -1;
    site_event(t->s, &w, &entry, "policy-set");
    if (shipment)
        json_put_uint(&w, "shipment", shipment);
    json_put_digest(&w, "policy", &t->policy.digest);
    json_put_digest(&w, "before", &t->out->before);
    json_put_array(&w, "people");
    for (size_t i = 0; i < 2; i++)
        json_out_string(&w, t->out->signers[i].person);
    json_out_array_end(&w);
    json_put_array(&w, "statements");
    for (size_t i = 0; i < 2; i++)
        json_out_string(&w, digest_text(&t->out->signers[i].evidence).text);
    json_out_array_end(&w);
    return site_commit(t->s, &w, &t->out->seq, e);
}

static int in_transaction(struct setting *t, const struct private_key *const keys[2], struct err *e)
{
    auto_buf before = BUF(DIGEST_TEXT_SIZE);
    if (db_meta_get(t->s->db, META_POLICY, &before, e) < 0 || digest_parse(buf_span(&before), &t->out->before, e) < 0 ||
        check_people(t, keys, e) < 0)
        return -1;
    if (sign_as(t, 0, keys[0], e) < 0 || sign_as(t, 1, keys[1], e) < 0 || put_in_force(t, e) < 0)
        return -1;
    return commit(t, e);
}

int policy_set(struct site *s, struct span text, const char *name, const struct private_key *const keys[2],
               struct policy_change *out, struct err *e)
{
    *out = (struct policy_change){.seq = 0};
    AUTO(setting_fini) struct setting t = {.s = s, .text = text, .out = out};
    struct child *parser = site_parser(s, e);
    if (!parser || policy_parse_apart(parser, text, name, &t.policy, e) < 0 || !site_key(s, e) || site_begin(s, e) < 0)
        return -1;
    if (in_transaction(&t, keys, e) < 0) {
        site_rollback(s);
        return -1;
    }
    out->policy = t.policy.digest;
    if (policy_write(s, e) == 0)
        return 0;
    return err_prefix(e, "the policy is in force, and its file is written at the next command");
}

/* ── who did ── */

struct search {
    struct child *parser;
    const struct people *people;
    const struct digest *policy;
    struct policy_change *out;
    size_t count;
};

static int look_at(void *arg, const struct evidence_row *row)
{
    struct search *l = arg;
    auto_statement s = {0};
    struct err wrong = {0};
    const struct person *who =
        people_signer(l->people, l->parser, row->envelope, l->policy, PREDICATE_POLICY, &s, &wrong);
    struct policy_signer *signer = &l->out->signers[l->count % 2];
    if (!who || json_need_time(s.predicate, "timeCreated", "", &signer->time_s, &wrong) < 0 ||
        !role_parse(json_get_string(s.predicate, "role", ""), &signer->role))
        return 0;
    snprintf(signer->person, sizeof signer->person, "%s", who->name);
    signer->evidence = row->id;
    l->count++;
    return 0;
}

int policy_setters(struct site *s, const struct digest *policy, struct policy_change *out, struct err *e)
{
    auto_people people = {0};
    *out = (struct policy_change){.policy = *policy};
    struct search l = {.parser = site_parser(s, e), .people = &people, .policy = policy, .out = out};
    if (!l.parser || people_load(s->db, l.parser, s->public_key, &people, e) < 0 ||
        db_evidence_each(s->db, policy, PREDICATE_POLICY, look_at, &l, e) < 0)
        return -1;
    return 0;
}
