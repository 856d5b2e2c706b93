#include "gate/verdict.h"

#include <string.h>

#include "gate/rules.h"
#include "util/limits.h"
#include "version.h"

#define VERDICT_BYTES_MAX LIMIT_JSON_BYTES

static const char *const GATE_NAMES[GATES] = {"intake", "trust", "deploy"};
static const char *const GATE_LEVELS[GATES] = {"AIRLOCK_INTAKE", "AIRLOCK_TRUST", "AIRLOCK_DEPLOY"};

const char *gate_name(enum gate g)
{
    return GATE_NAMES[g];
}

bool gate_parse(const char *text, enum gate *out)
{
    for (unsigned g = 0; g < GATES; g++) {
        if (strcmp(text, GATE_NAMES[g]) == 0) {
            *out = (enum gate)g;
            return true;
        }
    }
    return false;
}

void verdict_why(const struct verdict *v, struct buf *out)
{
    bool first = true;
    for (size_t i = 0; i < v->count; i++) {
        if (v->reasons[i].ok)
            continue;
        buf_printf(out, "%s%s: %s", first ? "" : "; ", v->reasons[i].rule, v->reasons[i].text);
        first = false;
    }
}

static int evaluate_under(struct site *s, const struct policy *policy, enum occasion occasion, const struct release *r,
                          const char *env, const struct evidence *ev, struct verdict *out, struct err *e)
{
    const struct policy_environment *wanted = policy_environment(policy, env, e);
    if (!wanted)
        return -1;
    struct facts f = {.occasion = occasion,
                      .release = r,
                      .policy = policy,
                      .env = wanted,
                      .ev = ev,
                      .contour = s->config.id,
                      .now_s = s->entry_s > s->now_s ? s->entry_s : s->now_s};
    if (hardware_read("", &f.host, e) < 0)
        return -1;
    out->policy = policy->digest;
    snprintf(out->environment, sizeof out->environment, "%s", wanted->name);
    rules_run(&f, out);
    return 0;
}

static int evaluate(struct site *s, enum occasion occasion, const struct release *r, const char *env,
                    const struct evidence *ev, struct verdict *out, struct err *e)
{
    struct policy policy;
    return policy_load(s, &policy, e) < 0 ? -1 : evaluate_under(s, &policy, occasion, r, env, ev, out, e);
}

int gate_evaluate_under(struct site *s, const struct policy *p, const struct release *r, const char *env,
                        const struct evidence *ev, struct verdict *out, struct err *e)
{
    *out = (struct verdict){.gate = strcmp(env, ENVIRONMENT_SANDBOX) == 0 ? GATE_INTAKE : GATE_TRUST};
    return evaluate_under(s, p, OCCASION_JUDGE, r, env, ev, out, e);
}

int gate_evaluate(struct site *s, enum gate g, const struct release *r, const char *env, const struct evidence *ev,
                  struct verdict *out, struct err *e)
{
    *out = (struct verdict){.gate = g};
    if (!env && g == GATE_DEPLOY)
        return err_set(e, ERR_USAGE, 0, "gate deploy judges for an environment: --env sandbox, test or prod");
    if (!env)
        env = g == GATE_INTAKE ? ENVIRONMENT_SANDBOX : ENVIRONMENT_PROD;
    if ((g == GATE_INTAKE) != (strcmp(env, ENVIRONMENT_SANDBOX) == 0) && g != GATE_DEPLOY)
        return err_set(e, ERR_USAGE, 0,
                       "gate intake judges for sandbox, and gate trust for test or prod; asked was %s "
                       "for %.32s",
                       gate_name(g), env);
    return evaluate(s, g == GATE_DEPLOY ? OCCASION_RUN : OCCASION_JUDGE, r, env, ev, out, e);
}

int gate_may_move(struct site *s, const struct release *r, const char *env, const struct evidence *ev,
                  struct verdict *out, struct err *e)
{
    *out = (struct verdict){.gate = strcmp(env, ENVIRONMENT_SANDBOX) == 0 ? GATE_INTAKE : GATE_TRUST};
    return evaluate(s, OCCASION_MOVE, r, env, ev, out, e);
}

int gate_may_return(struct site *s, const struct release *r, const char *env, const struct evidence *ev,
                    struct verdict *out, struct err *e)
{
    *out = (struct verdict){.gate = GATE_DEPLOY};
    return evaluate(s, OCCASION_RUN, r, env, ev, out, e);
}

/* ── the signed form ── */

void verifier_id(const char *contour, struct buf *out)
{
    buf_printf(out, "urn:airlock:contour:%s", contour);
}

void resource_uri(const char *contour, enum gate g, const char *environment, const struct release *r, struct buf *out)
{
    buf_printf(out, "urn:airlock:release:%s:%s:%s:%s:%s", contour, gate_name(g), environment, r->name, r->version);
}

static void put_hex(struct json_out *w, const struct digest *d)
{
    json_put_object(w, "digest");
    json_put_string(w, "sha256", digest_hex(d).text);
    json_out_object_end(w);
}

/* What a verdict rests on: every line but earlier decisions of later gates, which rest on the same. */
static bool is_input(const struct evidence_line *line)
{
    if (strcmp(line->type, PREDICATE_VSA) != 0)
        return true;
    const json_t *ours = line->predicate ? json_object_get(line->predicate, VERDICT_MEMBER) : NULL;
    return strcmp(json_get_string(ours, "gate", ""), "intake") == 0;
}

static void put_inputs(struct json_out *w, const struct evidence *ev)
{
    char uri[64];
    size_t n = 0;
    json_put_array(w, "inputAttestations");
    for (size_t i = 0; i < ev->count; i++) {
        if (!is_input(&ev->lines[i]))
            continue;
        snprintf(uri, sizeof uri, "passport.intoto.jsonl#%zu", ++n);
        json_out_object(w);
        json_put_string(w, "uri", uri);
        put_hex(w, &ev->lines[i].id);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

static void put_reasons(struct json_out *w, const struct verdict *v)
{
    json_put_object(w, VERDICT_MEMBER);
    json_put_string(w, "gate", gate_name(v->gate));
    json_put_string(w, "environment", v->environment);
    json_put_array(w, "reasons");
    for (size_t i = 0; i < v->count; i++) {
        json_out_object(w);
        json_put_string(w, "rule", v->reasons[i].rule);
        json_put_bool(w, "ok", v->reasons[i].ok);
        json_put_string(w, "text", v->reasons[i].text);
        json_out_object_end(w);
    }
    json_out_array_end(w);
    json_out_object_end(w);
}

void verdict_predicate(const char *contour, int64_t now_s, const struct release *r, const struct evidence *ev,
                       const struct verdict *v, struct buf *out)
{
    struct json_out w;
    auto_buf id = BUF(128), uri = BUF(512);
    verifier_id(contour, &id);
    resource_uri(contour, v->gate, v->environment, r, &uri);
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_object(&w, "verifier");
    json_put_string(&w, "id", buf_str(&id));
    json_put_object(&w, "version");
    json_put_string(&w, "airlock", AIRLOCK_VERSION);
    json_out_object_end(&w);
    json_out_object_end(&w);
    json_put_time(&w, "timeVerified", now_s);
    json_put_string(&w, "resourceUri", buf_str(&uri));
    json_put_object(&w, "policy");
    json_put_string(&w, "uri", POLICY_FILE);
    put_hex(&w, &v->policy);
    json_out_object_end(&w);
    put_inputs(&w, ev);
    json_put_string(&w, "verificationResult", v->passed ? "PASSED" : "FAILED");
    json_put_array(&w, "verifiedLevels");
    json_out_string(&w, v->passed ? GATE_LEVELS[v->gate] : "FAILED");
    json_out_array_end(&w);
    json_put_string(&w, "slsaVersion", "1.0");
    put_reasons(&w, v);
    json_out_object_end(&w);
}

/* Inside the open transaction. */
static int store_verdict(struct site *s, const struct release *r, const struct evidence *ev, struct verdict *v,
                         struct err *e)
{
    auto_buf predicate = BUF(VERDICT_BYTES_MAX), subject = BUF(128), entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    auto_buf row = BUF(64);
    struct json_out w;
    buf_printf(&row, "%s%s", v->gate == GATE_DEPLOY ? EVIDENCE_OF_RUN : "", v->environment);
    buf_printf(&subject, "%s:%s", r->name, r->version);
    verdict_predicate(s->config.id, s->entry_s, r, ev, v, &predicate);
    if (buf_check(&predicate, "verdict", e) < 0 ||
        site_evidence(s, buf_str(&subject), &r->digest, PREDICATE_VSA, buf_str(&row), v->passed ? "PASSED" : "FAILED",
                      buf_span(&predicate), &v->id, e) < 0)
        return -1;
    site_event(s, &w, &entry, "verdict");
    json_put_string(&w, "gate", gate_name(v->gate));
    json_put_string(&w, "release", buf_str(&subject));
    json_put_digest(&w, "digest", &r->digest);
    json_put_string(&w, "environment", v->environment);
    json_put_string(&w, "result", v->passed ? "PASSED" : "FAILED");
    json_put_digest(&w, "evidence", &v->id);
    return site_commit(s, &w, NULL, e);
}

int gate_judge(struct site *s, enum gate g, const struct release *r, const char *env, struct verdict *out,
               struct err *e)
{
    auto_evidence ev = {0};
    if (site_begin(s, e) < 0)
        return -1;
    if (evidence_load(s, &r->digest, &ev, e) == 0 && gate_evaluate(s, g, r, env, &ev, out, e) == 0 &&
        store_verdict(s, r, &ev, out, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

/* With a clock that was set back nothing new is decided or written, and what was approved before keeps running. */
static int deploy_unstored(struct site *s, const struct release *r, const char *env, struct verdict *out, struct err *e)
{
    auto_evidence ev = {0};
    if (evidence_load(s, &r->digest, &ev, e) < 0 || gate_evaluate(s, GATE_DEPLOY, r, env, &ev, out, e) < 0)
        return -1;
    return 0;
}

int gate_deploy(struct site *s, const struct release *r, const char *env, bool standby, struct verdict *out,
                struct err *e)
{
    (void)standby; /* the way back to a loaded release asks the same: only the bytes are not hashed again */
    struct err clock = {0};
    if (gate_judge(s, GATE_DEPLOY, r, env, out, e) == 0)
        return 0;
    if (e->code != ERR_DENIED || site_clock_check(s, &clock) == 0 || clock.code != ERR_DENIED)
        return -1;
    return deploy_unstored(s, r, env, out, e);
}
