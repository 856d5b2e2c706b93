#include "gate/rules.h"

#include <string.h>

#include "ship/shipment.h"
#include "util/clock.h"

static bool said(char *text, size_t size, bool ok, const char *format, ...) __attribute__((format(printf, 4, 5)));
static bool said(char *text, size_t size, bool ok, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(text, size, format, args);
    va_end(args);
    return ok;
}

static bool rule_signatures(const struct facts *f, char *text, size_t size)
{
    const struct evidence_line *wrong = NULL;
    size_t count = 0;
    for (size_t i = 0; i < f->ev->count; i++) {
        if (f->ev->lines[i].problem[0] == '\0')
            continue;
        count++;
        if (!wrong)
            wrong = &f->ev->lines[i];
    }
    if (f->ev->people.refused > 0)
        return said(text, size, false,
                    "%zu people's records in state.db do not verify: somebody changed them; run "
                    "`airlock fsck`",
                    f->ev->people.refused);
    if (f->ev->missing > 0)
        return said(text, size, false,
                    "%zu attestations that the ledger names are gone, the first is %s (entry %llu): somebody took them "
                    "away; run `airlock fsck`",
                    f->ev->missing, digest_text(&f->ev->first_missing).text,
                    (unsigned long long)f->ev->first_missing_entry);
    if (!wrong)
        return said(text, size, f->ev->count > 0, "%zu attestations, every signature verifies", f->ev->count);
    return said(text, size, false, "%zu of %zu attestations do not verify, the first is %s (%s): %s", count,
                f->ev->count, digest_text(&wrong->id).text, wrong->row_type, wrong->problem);
}

static const char *const CHECKS[] = {PREDICATE_SCAN, PREDICATE_TEST_RESULT, PREDICATE_SILENCE};
static const char *const CHECK_WORDS[] = {"scan", "test", "silence"};
static const enum requirement CHECK_REQUIREMENTS[] = {REQUIRE_SCAN, REQUIRE_TEST, REQUIRE_SILENCE};

bool asks_for_check(const struct policy_environment *env, const char *type)
{
    for (size_t i = 0; i < ARRAY_LEN(CHECKS); i++)
        if (strcmp(type, CHECKS[i]) == 0)
            return env->require & 1U << CHECK_REQUIREMENTS[i];
    return false;
}

static bool passed(const struct evidence_line *line)
{
    return strcmp(line->result, "PASSED") == 0;
}

static bool not_passed(char *text, size_t size, const char *word, const struct evidence_line *line)
{
    char detail[320];
    line_detail(line, detail, sizeof detail);
    return said(text, size, false, "%s %s%s%s (%s)%s%s", word, line->result[0] ? line->result : "without a result",
                line->environment[0] ? " in " : "", line->environment, time_text(line->time_s).text,
                detail[0] ? ": " : "", detail);
}

/* Checks that the environment does not ask for, but that were made and speak against the release. A failed run in
 * sandbox or test does not keep an engine from starting there again: how else could it be repeated? */
static bool rule_adverse(const struct facts *f, char *text, size_t size)
{
    if (f->occasion == OCCASION_RUN && strcmp(f->env->name, ENVIRONMENT_PROD) != 0)
        return said(text, size, true, "%s is where checks are made and repeated", f->env->name);
    for (size_t i = 0; i < ARRAY_LEN(CHECKS); i++) {
        const struct evidence_line *line = evidence_newest_ours(f->ev, CHECKS[i], NULL);
        if (line && !passed(line) && !(f->env->require & 1U << CHECK_REQUIREMENTS[i]))
            return not_passed(text, size, CHECK_WORDS[i], line);
    }
    return said(text, size, true, "no newest check speaks against it");
}

static const struct evidence_line *signed_by(const struct facts *f, const char *type, enum signer signer)
{
    for (size_t i = f->ev->count; i-- > 0;) {
        const struct evidence_line *line = &f->ev->lines[i];
        if (line->predicate && line->signer == signer && strcmp(line->type, type) == 0)
            return line;
    }
    return NULL;
}

static bool by_station(const struct facts *f, const char *type, const char *what, char *text, size_t size)
{
    const struct evidence_line *line = signed_by(f, type, SIGNER_STATION);
    if (line)
        return said(text, size, true, "%s, signed by the station (%.19s…)", what, digest_text(&line->id).text);
    return said(text, size, false, "no %s that a trusted station signed came with the shipment", what);
}

static bool rule_station_signature(const struct facts *f, char *text, size_t size)
{
    if (!signed_by(f, PREDICATE_RECEIPT, SIGNER_CONTOUR))
        return said(text, size, false, "no receipt of this contour says which station it came from");
    return by_station(f, PREDICATE_RELEASE, "release statement", text, size);
}

static bool rule_provenance(const struct facts *f, char *text, size_t size)
{
    return by_station(f, PREDICATE_PROVENANCE, "provenance", text, size);
}

static bool rule_sbom(const struct facts *f, char *text, size_t size)
{
    return by_station(f, PREDICATE_CYCLONEDX, "inventory (CycloneDX)", text, size);
}

static bool rule_stood_before(const struct facts *f, char *text, size_t size)
{
    for (size_t i = f->ev->count; i-- > 0;) {
        const struct evidence_line *line = &f->ev->lines[i];
        if (line->predicate && line->signer == SIGNER_CONTOUR && strcmp(line->type, PREDICATE_PROMOTION) == 0 &&
            strcmp(line->environment, f->env->before) == 0)
            return said(text, size, true, "stood in %s (%s)", f->env->before, time_text(line->time_s).text);
    }
    return said(text, size, false, "never stood in %s: airlock promote %s:%s %s", f->env->before, f->release->name,
                f->release->version, f->env->before);
}

/* Same engine, same hardware: what was tested is what will run. */
static bool same_machine(const struct facts *f, const char *word, const struct evidence_line *line, char *text,
                         size_t size)
{
    struct digest engine, hardware;
    struct err e;
    if (json_need_digest(line->predicate, "engine", "", &engine, &e) < 0 ||
        hardware_id(line->predicate, &hardware, &e) < 0)
        return said(text, size, false, "%s does not say what it ran on: %.200s", word, e.msg);
    if (!digest_equal(&engine, &f->release->engine.manifest))
        return said(text, size, false, "%s ran another engine (%.19s…) than the release has (%.19s…)", word,
                    digest_text(&engine).text, digest_text(&f->release->engine.manifest).text);
    if (f->elsewhere) {
        bool same = digest_equal(&hardware, &f->host.id);
        return said(text, size, same, "%s PASSED in %s%s (%s)", word, line->environment,
                    same ? "" : ", on other hardware than the newest check", time_text(line->time_s).text);
    }
    if (!digest_equal(&hardware, &f->host.id)) {
        const json_t *its = json_object_get(line->predicate, "hardware");
        return said(text, size, false, "%s ran on other hardware (%.60s), this host is %.60s: run it again here", word,
                    json_get_string(its, "processor", "?"), f->host.processor);
    }
    return said(text, size, true, "%s PASSED in %s on this hardware (%s)", word, line->environment,
                time_text(line->time_s).text);
}

static bool rule_run(const struct facts *f, size_t check, char *text, size_t size)
{
    const char *word = CHECK_WORDS[check];
    const struct evidence_line *newest = evidence_newest_ours(f->ev, CHECKS[check], NULL);
    if (newest && !passed(newest))
        return not_passed(text, size, word, newest);
    const struct evidence_line *line = evidence_newest_ours(f->ev, CHECKS[check], f->env->before);
    if (!line)
        return said(text, size, false, "no %s ran in %s: airlock %s %s/%s", word, f->env->before, word, f->env->before,
                    f->release->name);
    if (!passed(line))
        return not_passed(text, size, word, line);
    return same_machine(f, word, line, text, size);
}

static bool rule_test(const struct facts *f, char *text, size_t size)
{
    return rule_run(f, 1, text, size);
}

static bool rule_silence(const struct facts *f, char *text, size_t size)
{
    return rule_run(f, 2, text, size);
}

static bool rule_verdict(const struct facts *f, char *text, size_t size)
{
    const char *gate = strcmp(f->env->name, ENVIRONMENT_PROD) == 0 ? "trust" : "intake";
    const struct evidence_line *line = closing_line(f->ev, f->env->name);
    if (!line)
        return said(text, size, false, "gate %s has not judged it: airlock judge %s:%s --gate %s", gate,
                    f->release->name, f->release->version, gate);
    return closing_holds(f, line, text, size);
}

static bool rule_promoted_here(const struct facts *f, char *text, size_t size)
{
    for (size_t i = f->ev->count; i-- > 0;) {
        const struct evidence_line *line = &f->ev->lines[i];
        if (line->predicate && line->signer == SIGNER_CONTOUR && strcmp(line->type, PREDICATE_PROMOTION) == 0 &&
            strcmp(line->environment, f->env->name) == 0)
            return said(text, size, true, "promoted to %s (%s)", f->env->name, time_text(line->time_s).text);
    }
    return said(text, size, false, "no promotion to %s that this contour signed; a row in state.db alone is none",
                f->env->name);
}

#define ALWAYS 0xffU
#define MOVE   (1U << OCCASION_MOVE)
#define RUN    (1U << OCCASION_RUN)

/* The table. A rule with a requirement applies where the policy asks for it, the others on their occasions. */
static const struct rule {
    const char *name;
    int requirement; /* enum requirement, or -1 */
    unsigned occasions;
    bool (*run)(const struct facts *f, char *text, size_t size);
} RULES[] = {
    {"signatures", -1, ALWAYS, rule_signatures},
    {"nothing-adverse", -1, ALWAYS, rule_adverse},
    {"station-signature", REQUIRE_STATION_SIGNATURE, ALWAYS, rule_station_signature},
    {"provenance", REQUIRE_PROVENANCE, ALWAYS, rule_provenance},
    {"sbom", REQUIRE_SBOM, ALWAYS, rule_sbom},
    {"scan", REQUIRE_SCAN, ALWAYS, rule_scan},
    {"scanners", -1, ALWAYS, rule_scanners},
    {"licences", -1, ALWAYS, rule_licences},
    {"advisories", -1, ALWAYS, rule_advisories},
    {"stood-before", REQUIRE_STOOD_BEFORE, ALWAYS, rule_stood_before},
    {"test", REQUIRE_TEST, ALWAYS, rule_test},
    {"silence", REQUIRE_SILENCE, ALWAYS, rule_silence},
    {"request", REQUIRE_REQUEST, ALWAYS, rule_request},
    {"approvals", REQUIRE_APPROVALS, ALWAYS, rule_approvals},
    {"verdict", -1, MOVE | RUN, rule_verdict},
    {"promoted-here", -1, RUN, rule_promoted_here},
};

static bool applies(const struct rule *rule, const struct facts *f)
{
    if (!(rule->occasions & 1U << f->occasion))
        return false;
    /* test has no gate of its own: its pointer moves on the rules of the table alone */
    if (rule->run == rule_verdict && f->occasion == OCCASION_MOVE && strcmp(f->env->name, ENVIRONMENT_TEST) == 0)
        return false;
    /* most sites have none; then there is nothing to say */
    if (rule->run == rule_scanners && !engines_asked(&f->policy->scanners, ENGINE_CLAMAV) &&
        !engines_asked(&f->policy->scanners, ENGINE_YARA))
        return false;
    return rule->requirement < 0 || f->env->require & 1U << rule->requirement;
}

void rules_run(const struct facts *f, struct verdict *out)
{
    _Static_assert(ARRAY_LEN(RULES) <= VERDICT_REASONS_MAX, "a verdict has room for every rule");
    out->count = 0;
    out->passed = true;
    for (size_t i = 0; i < ARRAY_LEN(RULES); i++) {
        if (!applies(&RULES[i], f))
            continue;
        struct verdict_reason *reason = &out->reasons[out->count++];
        reason->rule = RULES[i].name;
        reason->ok = RULES[i].run(f, reason->text, sizeof reason->text);
        out->passed = out->passed && reason->ok;
    }
}
