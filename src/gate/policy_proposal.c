#include "gate/policy_proposal.h"

#include <string.h>

#include "gate/policy_internal.h"
#include "gate/policy_set.h"
#include "ship/station.h"
#include "store/db_release.h"
#include "util/clock.h"
#include "util/limits.h"

/* The text as a JSON string, and some words around it. */
#define PREDICATE_BYTES (8U * LIMIT_YAML_BYTES)

/* ── on the station ── */

int policy_propose(struct site *station, struct span text, const char *name, const char *contour, struct buf *out,
                   struct digest *digest, struct err *e)
{
    struct json_out w;
    struct policy policy;
    struct contour_identity made_for;
    auto_buf predicate = BUF(4096);
    int64_t expires_s = station->now_s + ARTIFACT_VALID_S;
    struct child *parser = site_parser(station, e);
    if (!parser || policy_parse_apart(parser, text, name, &policy, e) < 0 ||
        (contour && station_contour_get(station, contour, &made_for, e) < 0))
        return -1;
    json_out_init(&w, &predicate);
    json_out_object(&w);
    json_put_time(&w, "issued", station->now_s);
    json_put_time(&w, "expires", expires_s);
    if (contour)
        json_put_string(&w, "contour", made_for.id);
    json_out_object_end(&w);
    *digest = policy.digest;
    return station_sign(station, TUF_POLICY, POLICY_FILE, &policy.digest, PREDICATE_PROPOSAL, buf_span(&predicate),
                        expires_s, out, e);
}

/* ── what came ── */

void policy_proposal_fini(struct policy_proposal *p)
{
    json_decref(p->root);
    *p = (struct policy_proposal){0};
}

/* Rows come in order of arrival: the last one that fits stays. */
struct search {
    struct site *s;
    struct child *parser;
    uint64_t shipment;           /* 0: any */
    const struct digest *policy; /* NULL: any */
    struct policy_proposal *out;
    bool found;
    struct err *e;
};

static int read_predicate(const struct statement *st, struct policy_proposal *out, struct err *e)
{
    static const char at[] = "/predicate";
    const json_t *p = st->predicate, *station = json_need_object(p, "station", at, e);
    const char *root = station ? json_need_string(station, "root", at, e) : NULL;
    const char *name = root ? json_need_string(station, "name", at, e) : NULL;
    const char *text = name ? json_need_string(p, "text", at, e) : NULL;
    if (!text || json_need_uint(p, "shipment", at, &out->shipment, e) < 0 ||
        json_need_uint(p, "sequence", at, &out->sequence, e) < 0 ||
        json_need_time(p, "issued", at, &out->issued_s, e) < 0 ||
        json_need_time(p, "received", at, &out->received_s, e) < 0)
        return -1;
    out->digest = digest_of(span_str(text));
    if (!digest_equal(&out->digest, &st->subject))
        return err_set(e, ERR_INPUT, 0, "its text hashes to %s, and its subject is %s", digest_text(&out->digest).text,
                       digest_text(&st->subject).text);
    snprintf(out->station, sizeof out->station, "%s", root);
    snprintf(out->station_name, sizeof out->station_name, "%s", name);
    out->text = text;
    return 0;
}

static int look_at_row(void *arg, const struct evidence_row *row)
{
    struct search *l = arg;
    auto_statement st = {0};
    struct policy_proposal p = {0};
    const struct public_key *key = l->s->public_key;
    if (statement_verify(l->parser, row->envelope, &key, 1, &row->subject, PREDICATE_PROPOSAL, &st, l->e) < 0 ||
        read_predicate(&st, &p, l->e) < 0)
        return err_prefix(l->e, "state.db, evidence %s", digest_text(&row->id).text);
    if (l->shipment && p.shipment != l->shipment)
        return 0;
    p.root = json_incref(st.root);
    policy_proposal_fini(l->out);
    *l->out = p;
    l->found = true;
    return 0;
}

static int find(struct search *l, struct err *e)
{
    *l->out = (struct policy_proposal){0};
    l->e = e;
    l->parser = site_parser(l->s, e);
    if (!l->parser || db_evidence_each(l->s->db, l->policy, PREDICATE_PROPOSAL, look_at_row, l, e) < 0) {
        policy_proposal_fini(l->out);
        return -1;
    }
    if (l->found)
        return 0;
    if (l->shipment)
        err_set(e, ERR_NOTFOUND, 0, "shipment:%llu brought no policy", (unsigned long long)l->shipment);
    else
        err_set(e, ERR_NOTFOUND, 0, "no shipment brought such a policy");
    return err_hint(e, "`airlock status` says which policy waits; `airlock show shipment:N` what a shipment brought");
}

int policy_proposal_get(struct site *s, uint64_t shipment, struct policy_proposal *out, struct err *e)
{
    struct search l = {.s = s, .shipment = shipment, .out = out};
    return find(&l, e);
}

int policy_proposal_of(struct site *s, const struct digest *policy, struct policy_proposal *out, struct err *e)
{
    struct search l = {.s = s, .policy = policy, .out = out};
    return find(&l, e);
}

/* When two people set the policy that is in force; 0: init did. */
static int last_set(struct site *s, struct digest *policy, int64_t *time_s, struct err *e)
{
    auto_buf newest = BUF(DIGEST_TEXT_SIZE);
    struct policy_change by;
    if (db_meta_get(s->db, META_POLICY, &newest, e) < 0 || digest_parse(buf_span(&newest), policy, e) < 0 ||
        policy_setters(s, policy, &by, e) < 0)
        return -1;
    *time_s = by.signers[0].time_s > by.signers[1].time_s ? by.signers[0].time_s : by.signers[1].time_s;
    return 0;
}

int policy_proposal_waits(struct site *s, struct policy_proposal *out, struct err *e)
{
    struct err none = {0};
    struct digest in_force;
    int64_t set_s;
    if (policy_proposal_get(s, 0, out, &none) < 0)
        return none.code == ERR_NOTFOUND ? 0 : err_set(e, none.code, none.sys_errno, "%s", none.msg);
    if (last_set(s, &in_force, &set_s, e) < 0) {
        policy_proposal_fini(out);
        return -1;
    }
    if (!digest_equal(&in_force, &out->digest) && set_s <= out->received_s)
        return 1;
    policy_proposal_fini(out);
    return 0;
}

/* ── arriving ── */

/* Older than the newest that came: somebody brings back what was replaced. The same text once more is fine. */
static int check_order(struct site *s, const struct received_artifact *a, struct err *e)
{
    auto_policy_proposal newest = {0};
    struct err none = {0};
    if (policy_proposal_get(s, 0, &newest, &none) < 0)
        return none.code == ERR_NOTFOUND ? 0 : err_set(e, none.code, none.sys_errno, "%s", none.msg);
    if (a->issued_s >= newest.issued_s)
        return 0;
    err_set(e, ERR_DENIED, 0, "older than the policy that came in shipment:%llu: signed %s; that one: signed %s",
            (unsigned long long)newest.shipment, time_text(a->issued_s).text, time_text(newest.issued_s).text);
    return err_hint(e,
                    "Ask the station for its newest; if it is the older one that is wanted, it has to be signed again");
}

static int read_text(const struct received_artifact *a, struct buf *text, struct err *e)
{
    if (a->listed->size > LIMIT_YAML_BYTES)
        return err_set(e, ERR_LIMIT, 0, "%llu bytes; a policy has at most %u", (unsigned long long)a->listed->size,
                       LIMIT_YAML_BYTES);
    return blob_read(a->blobs, &a->listed->digest, text, e);
}

static int look_at_received(struct site *s, struct received_artifact *a, struct err *e)
{
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    struct policy policy;
    struct child *parser = site_parser(s, e);
    if (!parser || read_text(a, &text, e) < 0 ||
        policy_parse_apart(parser, buf_span(&text), "the policy that came", &policy, e) < 0)
        return -1;
    if (strlen(buf_str(&text)) != text.len)
        return err_set(e, ERR_INPUT, 0, "the policy that came has a NUL in it");
    return check_order(s, a, e);
}

static int write_evidence(struct site *s, const struct received_artifact *a, struct digest *id, struct err *e)
{
    struct json_out w;
    auto_buf predicate = BUF(PREDICATE_BYTES), text = BUF(LIMIT_YAML_BYTES);
    if (read_text(a, &text, e) < 0)
        return -1;
    json_out_init(&w, &predicate);
    json_out_object(&w);
    json_put_string(&w, "contour", s->config.id);
    json_put_uint(&w, "shipment", a->shipment);
    json_put_object(&w, "station");
    json_put_string(&w, "name", a->station_name);
    json_put_string(&w, "root", a->station);
    json_out_object_end(&w);
    json_put_uint(&w, "sequence", a->sequence);
    json_put_time(&w, "issued", a->issued_s);
    json_put_time(&w, "expires", a->expires_s);
    json_put_time(&w, "received", s->entry_s);
    json_put_string(&w, "text", buf_str(&text));
    json_out_object_end(&w);
    if (buf_check(&predicate, "what is said of the policy", e) < 0)
        return -1;
    return site_evidence(s, POLICY_FILE, &a->listed->digest, PREDICATE_PROPOSAL, "", "", buf_span(&predicate), id, e);
}

static int keep_received(struct site *s, const struct received_artifact *a, struct err *e)
{
    struct json_out w;
    struct digest evidence;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (check_order(s, a, e) < 0 || write_evidence(s, a, &evidence, e) < 0)
        return -1;
    site_event(s, &w, &entry, "policy-proposal");
    json_put_digest(&w, "policy", &a->listed->digest);
    json_put_string(&w, "station", a->station);
    json_put_uint(&w, "shipment", a->shipment);
    json_put_time(&w, "issued", a->issued_s);
    json_put_digest(&w, "evidence", &evidence);
    return site_append(s, &w, NULL, e);
}

const struct receive_taker POLICY_TAKER = {.role = TUF_POLICY, .look = look_at_received, .keep = keep_received};
