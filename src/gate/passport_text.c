/* The passport for a person and for a program: what it is, where it came from, who did what, what was found, what was
 * decided and why. Both forms tell the same facts in the same order; the page to print (passport_html.c) tells them
 * again. */
#include <string.h>

#include "gate/passport_internal.h"
#include "gate/rules.h"
#include "scan/vulns.h"
#include "ship/release.h"
#include "ship/shipment.h"
#include "util/clock.h"

static const struct {
    const char *type, *words;
} WORDS[] = {
    {PREDICATE_RELEASE, "release statement"},
    {PREDICATE_COLLECTION, "how its packages were collected"},
    {PREDICATE_PROVENANCE, "provenance"},
    {PREDICATE_CYCLONEDX, "inventory (CycloneDX)"},
    {PREDICATE_RECEIPT, "receipt"},
    {PREDICATE_SCAN, "scan"},
    {PREDICATE_TEST_RESULT, "regression suite"},
    {PREDICATE_SILENCE, "silence test"},
    {PREDICATE_REQUEST, "request"},
    {PREDICATE_APPROVAL, "approval"},
    {PREDICATE_VULNS, "match with advisories"},
    {PREDICATE_WAIVER, "waiver"},
    {PREDICATE_PROMOTION, "promotion"},
    {PREDICATE_VSA, "verdict"},
};

const char *passport_words(const char *type)
{
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++)
        if (strcmp(type, WORDS[i].type) == 0)
            return WORDS[i].words;
    return type;
}

const char *passport_who(const struct evidence_line *line)
{
    return line->signer == SIGNER_PERSON ? line->person : signer_name(line->signer);
}

const char *passport_gate(const struct evidence_line *line)
{
    return json_get_string(json_object_get(line->predicate, VERDICT_MEMBER), "gate", "");
}

bool passport_after(const struct evidence_line *closing, const struct evidence_line *line)
{
    return closing && line != closing && !passport_lists(closing, &line->id);
}

bool passport_against(const struct evidence_line *line)
{
    return line->predicate && line->result[0] && strcmp(line->result, "PASSED") != 0 &&
           strcmp(line->result, "APPROVE") != 0;
}

int passport_gather(struct site *s, const struct release *r, struct passport *out, struct err *e)
{
    if (release_packages_of(s, r, &out->packages, e) < 0 || evidence_load_all(s, &r->digest, &out->ev, e) < 0)
        return -1;
    out->release = r;
    out->closing = passport_closing(&out->ev);
    out->receipt = evidence_newest(&out->ev, PREDICATE_RECEIPT, NULL);
    out->contour = s->config.id;
    out->now_s = s->now_s;
    struct err none = {0};
    return policy_load(s, &out->policy, &none) == 0
               ? 0
               : policy_parse(span_str(POLICY_DEFAULT), POLICY_FILE, &out->policy, e);
}

void passport_fini(struct passport *p)
{
    packages_fini(&p->packages);
    evidence_fini(&p->ev);
}

/* ── text ── */

static void text_head(const struct passport *p, struct buf *out)
{
    const struct release *r = p->release;
    char packages[160];
    packages_say(&p->packages, packages, sizeof packages);
    buf_printf(out, "%s:%s\n  digest    %s\n  owner     %s\n  licence   %s\n", r->name, r->version,
               digest_text(&r->digest).text, r->owner, r->licence);
    if (r->description[0])
        buf_printf(out, "  what      %s\n", r->description);
    buf_printf(out, "  model     %s, %s\n            %s, %llu bytes\n", r->model_name, r->model.name,
               digest_text(&r->model.digest).text, (unsigned long long)r->model.size);
    buf_printf(out, "  engine    %s\n", digest_text(&r->engine.manifest).text);
    buf_printf(out, "  prompts   %s\n  suite     %s\n", digest_text(&r->prompts.digest).text,
               digest_text(&r->suite.digest).text);
    buf_printf(out, "  packages  %s\n", packages);
    if (r->packages.there)
        buf_printf(out, "            %s\n", digest_text(&r->packages.config).text);
}

static void text_origin(const struct evidence_line *receipt, struct buf *out)
{
    if (!receipt)
        return;
    const json_t *station = json_object_get(receipt->predicate, "station");
    const json_t *pushed = json_object_get(receipt->predicate, "pushed");
    buf_printf(out, "\nCame from\n  station   %s (root %.16s…)\n", json_get_string(station, "name", "?"),
               json_get_string(station, "root", "?"));
    if (pushed)
        buf_printf(out, "  pushed    by %s into %s, %s\n", json_get_string(pushed, "person", "?"),
                   json_get_string(pushed, "repository", "?"), time_text(receipt->time_s).text);
    else
        buf_printf(out, "  shipment  %lld of that station, received %s\n",
                   (long long)json_integer_value(json_object_get(receipt->predicate, "sequence")),
                   time_text(receipt->time_s).text);
}

static void text_line(const struct evidence_line *line, struct buf *out)
{
    char detail[320];
    if (!line->predicate) {
        buf_printf(out, "  %s  DOES NOT VERIFY: %s (%s)\n            %s\n", time_text(line->time_s).text,
                   line->row_type, line->problem, digest_text(&line->id).text);
        return;
    }
    line_detail(line, detail, sizeof detail);
    const char *gate = passport_gate(line);
    const char *action =
        strcmp(line->type, PREDICATE_PROMOTION) == 0 ? json_get_string(line->predicate, "action", "") : "";
    buf_printf(out, "  %s  %s%s%s%s%s%s%s, by %s%s%s%s%s", time_text(line->time_s).text, passport_words(line->type),
               gate[0] ? " of gate " : "", gate, line->environment[0] ? " for " : "", line->environment,
               action[0] ? ": " : "", action, passport_who(line), line->result[0] ? ": " : "", line->result,
               detail[0] ? " — " : "", detail);
    const char *role = json_get_string(line->predicate, "role", ""),
               *reason = line->signer == SIGNER_PERSON ? json_get_string(line->predicate, "reason", "") : "";
    buf_printf(out, "%s%s%s%s%s%s\n            %s\n", role[0] ? " (" : "", role, role[0] ? ")" : "",
               reason[0] ? " \"" : "", reason, reason[0] ? "\"" : "", digest_text(&line->id).text);
}

static void text_reasons(const struct evidence_line *closing, struct buf *out)
{
    size_t i;
    json_t *reason;
    const json_t *ours = json_object_get(closing->predicate, VERDICT_MEMBER);
    json_array_foreach(json_object_get(ours, "reasons"), i, reason)
    {
        buf_printf(out, "  %s %-18s %s\n", json_is_true(json_object_get(reason, "ok")) ? "yes" : "NO ",
                   json_get_string(reason, "rule", "?"), json_get_string(reason, "text", ""));
    }
}

static void text_story(const struct evidence *ev, const struct evidence_line *closing, struct buf *out)
{
    size_t after = 0;
    buf_add_str(out, "\nWhat was attested, in order\n");
    for (size_t i = 0; i < ev->count; i++) {
        after += passport_after(closing, &ev->lines[i]);
        if (!passport_after(closing, &ev->lines[i]) && &ev->lines[i] != closing)
            text_line(&ev->lines[i], out);
    }
    if (!closing) {
        buf_add_str(out, "\nNo gate has judged it.\n");
        return;
    }
    const json_t *policy = json_object_get(json_object_get(closing->predicate, "policy"), "digest");
    buf_printf(out, "\nDecided: gate %s for %s %s (%s), over %zu attestations\n", passport_gate(closing),
               closing->environment, closing->result, time_text(closing->time_s).text,
               json_array_size(json_object_get(closing->predicate, "inputAttestations")));
    buf_printf(out, "  verdict   %s\n  policy    sha256:%s\n", digest_text(&closing->id).text,
               json_get_string(policy, "sha256", "?"));
    text_reasons(closing, out);
    if (after > 0)
        buf_add_str(out, "\nSince then\n");
    for (size_t i = 0; after > 0 && i < ev->count; i++)
        if (passport_after(closing, &ev->lines[i]))
            text_line(&ev->lines[i], out);
}

int passport_text(struct site *s, const struct release *r, struct buf *out, struct err *e)
{
    auto_passport p = {0};
    if (passport_gather(s, r, &p, e) < 0)
        return -1;
    text_head(&p, out);
    text_origin(p.receipt, out);
    text_story(&p.ev, p.closing, out);
    return buf_check(out, "passport", e);
}

/* ── JSON ── */

static void json_head(struct json_out *w, const struct passport *p)
{
    const struct release *r = p->release;
    json_put_string(w, "name", r->name);
    json_put_string(w, "version", r->version);
    json_put_digest(w, "digest", &r->digest);
    json_put_string(w, "owner", r->owner);
    json_put_string(w, "licence", r->licence);
    json_put_object(w, "model");
    json_put_string(w, "name", r->model_name);
    json_put_string(w, "file", r->model.name);
    json_put_digest(w, "digest", &r->model.digest);
    json_put_uint(w, "size", r->model.size);
    json_out_object_end(w);
    json_put_digest(w, "engine", &r->engine.manifest);
    json_put_digest(w, "prompts", &r->prompts.digest);
    json_put_digest(w, "suite", &r->suite.digest);
    packages_put(w, &p->packages);
}

static void json_raw_of(struct json_out *w, const char *key, const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    json_out_key(w, key);
    if (text)
        json_out_raw(w, span_str(text));
    else
        json_out_null(w);
    free(text);
}

static void json_line(struct json_out *w, const struct evidence_line *line, const struct evidence_line *closing)
{
    char detail[320];
    json_out_object(w);
    json_put_digest(w, "id", &line->id);
    json_put_string(w, "predicateType", line->type);
    json_put_string(w, "what", passport_words(line->type));
    json_put_bool(w, "verified", line->predicate);
    json_put_string(w, "signer", passport_who(line));
    json_put_time(w, "time", line->time_s);
    json_put_string(w, "environment", line->environment);
    json_put_string(w, "result", line->result);
    json_put_bool(w, "listed", line == closing || (closing && passport_lists(closing, &line->id)));
    if (!line->predicate) {
        json_put_string(w, "problem", line->problem);
    } else {
        line_detail(line, detail, sizeof detail);
        if (detail[0])
            json_put_string(w, "detail", detail);
        if (line->signer == SIGNER_PERSON)
            json_put_string(w, "role", json_get_string(line->predicate, "role", ""));
        if (passport_gate(line)[0])
            json_put_string(w, "gate", passport_gate(line));
    }
    json_out_object_end(w);
}

static void json_closing(struct json_out *w, const struct evidence_line *closing)
{
    if (!closing) {
        json_out_null(w);
        return;
    }
    const json_t *ours = json_object_get(closing->predicate, VERDICT_MEMBER);
    const json_t *policy = json_object_get(json_object_get(closing->predicate, "policy"), "digest");
    json_out_object(w);
    json_put_digest(w, "id", &closing->id);
    json_put_string(w, "gate", passport_gate(closing));
    json_put_string(w, "environment", closing->environment);
    json_put_string(w, "result", closing->result);
    json_put_time(w, "time", closing->time_s);
    json_put_string(w, "policy", json_get_string(policy, "sha256", ""));
    json_put_uint(w, "attestations", json_array_size(json_object_get(closing->predicate, "inputAttestations")));
    json_raw_of(w, "reasons", json_object_get(ours, "reasons"));
    json_out_object_end(w);
}

int passport_json(struct site *s, const struct release *r, struct json_out *w, struct err *e)
{
    auto_passport p = {0};
    if (passport_gather(s, r, &p, e) < 0)
        return -1;
    json_put_object(w, "release");
    json_head(w, &p);
    json_out_object_end(w);
    if (p.receipt) {
        json_raw_of(w, "station", json_object_get(p.receipt->predicate, "station"));
        const char *way = json_object_get(p.receipt->predicate, "pushed") ? "pushed" : "sequence";
        json_raw_of(w, way, json_object_get(p.receipt->predicate, way));
    }
    json_put_array(w, "attestations");
    for (size_t i = 0; i < p.ev.count; i++)
        json_line(w, &p.ev.lines[i], p.closing);
    json_out_array_end(w);
    json_out_key(w, "verdict");
    json_closing(w, p.closing);
    return 0;
}
