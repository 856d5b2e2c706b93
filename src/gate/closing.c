/* Verdicts looked at again: is there one, is it ours, is everything that it lists still there? */
#include <string.h>

#include "gate/rules.h"
#include "util/clock.h"

static bool is_verdict_of(const struct evidence_line *line, enum gate g, const char *environment)
{
    if (!line->predicate || line->signer != SIGNER_CONTOUR || strcmp(line->type, PREDICATE_VSA) != 0)
        return false;
    const json_t *ours = json_object_get(line->predicate, VERDICT_MEMBER);
    return strcmp(json_get_string(ours, "gate", ""), gate_name(g)) == 0 && strcmp(line->environment, environment) == 0;
}

const struct evidence_line *closing_line(const struct evidence *ev, const char *environment)
{
    bool prod = strcmp(environment, ENVIRONMENT_PROD) == 0;
    const struct evidence_line *newest = NULL;
    for (size_t i = 0; i < ev->count; i++) {
        const struct evidence_line *line = &ev->lines[i];
        if (is_verdict_of(line, prod ? GATE_TRUST : GATE_INTAKE, prod ? ENVIRONMENT_PROD : ENVIRONMENT_SANDBOX) &&
            (!newest || line->time_s >= newest->time_s))
            newest = line;
    }
    return newest;
}

static const char *member_of(const json_t *object, const char *outer, const char *inner)
{
    const json_t *o = json_object_get(object, outer);
    return json_get_string(o, inner, "");
}

/* Every input that the verdict lists is here and verifies. */
static bool inputs_complete(const struct evidence *ev, const json_t *inputs, char *text, size_t size)
{
    size_t i;
    json_t *item;
    struct digest id;
    if (!json_is_array(inputs) || json_array_size(inputs) == 0) {
        snprintf(text, size, "the verdict lists no attestations");
        return false;
    }
    json_array_foreach((json_t *)inputs, i, item)
    {
        if (!digest_from_hex(span_str(member_of(item, "digest", "sha256")), &id)) {
            snprintf(text, size, "the verdict's list of attestations is malformed at %zu", i + 1);
            return false;
        }
        const struct evidence_line *line = evidence_find(ev, &id);
        if (!line || !line->predicate) {
            snprintf(text, size, "attestation %s, which the verdict rests on, is %s", digest_text(&id).text,
                     line ? "changed" : "gone");
            return false;
        }
    }
    return true;
}

static bool names_us(const struct facts *f, const struct evidence_line *line)
{
    auto_buf id = BUF(128), uri = BUF(512);
    bool prod = strcmp(f->env->name, ENVIRONMENT_PROD) == 0;
    verifier_id(f->contour, &id);
    resource_uri(f->contour, prod ? GATE_TRUST : GATE_INTAKE, prod ? ENVIRONMENT_PROD : ENVIRONMENT_SANDBOX, f->release,
                 &uri);
    return strcmp(member_of(line->predicate, "verifier", "id"), buf_str(&id)) == 0 &&
           strcmp(json_get_string(line->predicate, "resourceUri", ""), buf_str(&uri)) == 0;
}

bool closing_holds(const struct facts *f, const struct evidence_line *line, char *text, size_t size)
{
    const char *gate = strcmp(f->env->name, ENVIRONMENT_PROD) == 0 ? "trust" : "intake";
    if (strcmp(line->result, "PASSED") != 0) {
        snprintf(text, size,
                 "the newest verdict of gate %s is %s (%s): when its reasons are gone, airlock judge %s:%s --gate %s",
                 gate, line->result, time_text(line->time_s).text, f->release->name, f->release->version, gate);
        return false;
    }
    if (!names_us(f, line)) {
        snprintf(text, size, "the verdict is about another resource: %.200s",
                 json_get_string(line->predicate, "resourceUri", "none"));
        return false;
    }
    const json_t *policy = json_object_get(line->predicate, "policy");
    if (f->occasion == OCCASION_MOVE &&
        strcmp(member_of(policy, "digest", "sha256"), digest_hex(&f->policy->digest).text) != 0) {
        snprintf(text, size, "the policy was changed since gate %s judged: airlock judge %s:%s --gate %s", gate,
                 f->release->name, f->release->version, gate);
        return false;
    }
    if (!inputs_complete(f->ev, json_object_get(line->predicate, "inputAttestations"), text, size))
        return false;
    snprintf(text, size, "gate %s PASSED (%s), and all that it rests on is there", gate, time_text(line->time_s).text);
    return true;
}

/* ── what a check says against a release ── */

static void add_strings(const json_t *list, const char *what, struct buf *out)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        if (i == 3) {
            buf_printf(out, " and %zu more", json_array_size(list) - i);
            break;
        }
        buf_printf(out, "%s%s", i ? ", " : what, json_is_string(item) ? json_string_value(item) : "?");
    }
}

static void add_attempts(const json_t *list, struct buf *out)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        const char *name = json_get_string(item, "name", ""), *address = json_get_string(item, "address", "");
        long long port = json_integer_value(json_object_get(item, "port"));
        if (i == 4) {
            buf_printf(out, " and %zu more", json_array_size(list) - i);
            break;
        }
        buf_printf(out, "%s%s %s %s", i ? ", " : "", json_get_string(item, "program", "?"),
                   json_get_string(item, "op", "?"), name[0] ? name : address);
        if (port > 0 && !name[0])
            buf_printf(out, ":%lld", port);
    }
}

static void add_findings(const json_t *files, struct buf *out)
{
    size_t i, said = 0;
    json_t *file;
    json_array_foreach((json_t *)files, i, file)
    {
        const char *verdict = json_get_string(file, "verdict", "");
        if (strcmp(verdict, "clean") == 0 || strcmp(verdict, "opaque") == 0)
            continue;
        const json_t *finding = json_array_get(json_object_get(file, "findings"), 0);
        if (said++ < 3)
            buf_printf(out, "%s%s %s%s%s", said > 1 ? ", " : "", json_get_string(file, "path", "?"), verdict,
                       finding ? ": " : "", finding ? json_get_string(finding, "rule", "") : "");
    }
    if (said > 3)
        buf_printf(out, " and %zu more", said - 3);
}

/* "template-url at model/tiny.gguf until 2027-01-31T…: what is done instead (SEC-17)" */
static void add_waiver(const json_t *predicate, struct buf *out)
{
    const json_t *finding = json_object_get(predicate, "finding");
    buf_printf(out, "%s at %s", json_get_string(finding, "id", "?"),
               json_get_string(finding, "path", json_get_string(finding, "purl", "?")));
    const char *until = json_get_string(predicate, "notAfter", NULL);
    if (until)
        buf_printf(out, " until %s: %s (%s)", until, json_get_string(predicate, "compensation", "?"),
                   json_get_string(predicate, "ticket", "?"));
}

void line_detail(const struct evidence_line *line, char *text, size_t size)
{
    auto_buf out = BUF(65536);
    const json_t *p = line->predicate;
    if (p && strcmp(line->type, PREDICATE_TEST_RESULT) == 0)
        add_strings(json_object_get(p, "failedTests"), "failed ", &out);
    else if (p && strcmp(line->type, PREDICATE_SILENCE) == 0) {
        add_attempts(json_object_get(p, "attempts"), &out);
        if (out.len == 0)
            buf_add_str(&out, json_get_string(p, "reason", ""));
    } else if (p && strcmp(line->type, PREDICATE_SCAN) == 0)
        add_findings(json_object_get(p, "files"), &out);
    else if (p && strcmp(line->type, PREDICATE_WAIVER) == 0)
        add_waiver(p, &out);
    snprintf(text, size, "%.*s", (int)size - 1, buf_str(&out));
}
