/* Which waivers count: whose statements, about what, until when. */
#include "gate/waiver_count.h"

#include <stdio.h>
#include <string.h>

#include "util/clock.h"

#define SIGNERS_MAX 16U

/* ── what nobody can waive ── */

static uint32_t bit_of(const char *environment)
{
    static const char *const names[] = {ENVIRONMENT_SANDBOX, ENVIRONMENT_TEST, ENVIRONMENT_PROD};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(environment, names[i]) == 0)
            return 1U << i;
    return 0;
}

bool waiver_forbidden(const struct policy *p, const char *environment, const struct objection *o, char *why,
                      size_t size)
{
    if (o->never) {
        snprintf(why, size, "%s", o->never);
        return true;
    }
    uint32_t allowed = p->findings.critical, here = environment[0] ? bit_of(environment) : allowed;
    if (!o->critical || (here && (allowed & here) == here))
        return false;
    snprintf(why, size, "it is critical, and the policy lets nothing critical pass in %s",
             environment[0] ? environment : "any environment");
    return true;
}

/* ── the statements of people ── */

struct word {
    const struct evidence_line *line;
    bool officer;
    int64_t from_s, until_s;
};

static bool about(const json_t *predicate, const struct objection *o)
{
    const json_t *finding = json_object_get(predicate, "finding");
    if (strcmp(json_get_string(finding, "kind", ""), objection_kind_name(o->kind)) != 0)
        return false;
    if (o->kind == OBJECTION_LICENCE)
        return strcmp(json_get_string(finding, "id", ""), o->id) == 0 &&
               strcmp(json_get_string(finding, "licence", "?"), o->licence) == 0 &&
               strcmp(json_get_string(finding, "purl", json_get_string(finding, "path", "")), o->place) == 0;
    if (o->kind == OBJECTION_ADVISORY)
        return vuln_is(o->hit, json_get_string(finding, "id", "")) &&
               strcmp(json_get_string(finding, "purl", ""), o->place) == 0;
    return strcmp(json_get_string(finding, "id", ""), o->id) == 0 && o->digest[0] &&
           strcmp(json_get_string(finding, "digest", ""), o->digest) == 0;
}

/* Is this a person's word about it, for here? */
static bool is_word(const struct waiver_place *p, const struct objection *o, const struct evidence_line *line)
{
    const json_t *x = line->predicate;
    if (!x || line->signer != SIGNER_PERSON || strcmp(line->type, PREDICATE_WAIVER) != 0 || !about(x, o))
        return false;
    const char *environment = json_get_string(x, "environment", "");
    return strcmp(json_get_string(x, "contour", ""), p->contour) == 0 &&
           strcmp(json_get_string(x, "person", ""), line->person) == 0 &&
           (!environment[0] || strcmp(environment, p->environment) == 0);
}

/* Each person's newest word. */
static size_t collect(const struct waiver_place *p, const struct objection *o, struct word list[SIGNERS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < p->ev->count; i++) {
        const struct evidence_line *line = &p->ev->lines[i];
        if (!is_word(p, o, line))
            continue;
        size_t at = 0;
        while (at < count && strcmp(list[at].line->person, line->person) != 0)
            at++;
        if (at == SIGNERS_MAX)
            continue;
        if (at == count || line->time_s >= list[at].line->time_s)
            list[at] = (struct word){.line = line};
        count += at == count;
    }
    return count;
}

static const char ENDED[] = "has ended";

/* NULL: it stands. */
static const char *void_because(const struct waiver_place *p, struct word *s)
{
    const json_t *x = s->line->predicate;
    struct err ignored = {0};
    int64_t created;
    if (strcmp(json_get_string(x, "decision", ""), "WAIVE") != 0)
        return "was withdrawn";
    if (json_need_time(x, "timeCreated", "", &created, &ignored) < 0 ||
        json_need_time(x, "notBefore", "", &s->from_s, &ignored) < 0 ||
        json_need_time(x, "notAfter", "", &s->until_s, &ignored) < 0)
        return "has no times";
    s->officer = people_has_role(&p->ev->people, s->line->person, ROLE_SECURITY_OFFICER);
    if (s->line->withdrawn_s || (!s->officer && !people_has_role(&p->ev->people, s->line->person, ROLE_PRODUCT_OWNER)))
        return "is of somebody who may not";
    if (created > p->now_s)
        return "is of the future";
    if (s->until_s - created > (int64_t)p->policy->findings.waiver_longest_s)
        return "lasts longer than the policy allows";
    if (p->now_s < s->from_s)
        return "has not begun";
    return p->now_s > s->until_s ? ENDED : NULL;
}

static size_t standing(const struct waiver_place *p, const struct objection *o, struct word list[SIGNERS_MAX],
                       const char **fault, const struct evidence_line **faulty)
{
    size_t count = collect(p, o, list), kept = 0;
    for (size_t i = 0; i < count; i++) {
        const char *why = void_because(p, &list[i]);
        if (!why) {
            list[kept++] = list[i];
            continue;
        }
        *fault = why;
        *faulty = list[i].line;
    }
    return kept;
}

unsigned waiver_people(const struct waiver_place *p, const struct objection *o)
{
    struct word list[SIGNERS_MAX];
    const char *fault = NULL;
    const struct evidence_line *faulty = NULL;
    return (unsigned)standing(p, o, list, &fault, &faulty);
}

/* Of two people, one an officer: the pair that lasts longest. */
static bool pair(const struct word *list, size_t count, struct waiver *out)
{
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; list[i].officer && k < count; k++) {
            int64_t until = list[i].until_s < list[k].until_s ? list[i].until_s : list[k].until_s;
            if (i == k || (found && until <= out->until_s))
                continue;
            found = true;
            *out = (struct waiver){.person = {list[i].line->person, list[k].line->person},
                                   .from_s = list[i].from_s > list[k].from_s ? list[i].from_s : list[k].from_s,
                                   .until_s = until,
                                   .compensation = json_get_string(list[i].line->predicate, "compensation", ""),
                                   .ticket = json_get_string(list[i].line->predicate, "ticket", "")};
        }
    }
    return found;
}

bool waiver_covers(const struct waiver_place *p, const struct objection *o, struct waiver *out, char *why, size_t size)
{
    struct word list[SIGNERS_MAX];
    const char *fault = NULL;
    const struct evidence_line *faulty = NULL;
    if (waiver_forbidden(p->policy, p->environment, o, why, size))
        return false;
    size_t count = standing(p, o, list, &fault, &faulty);
    if (pair(list, count, out))
        return true;
    if (count > 0)
        snprintf(why, size, "waived by %s alone, and it takes a security officer and one more", list[0].line->person);
    else if (fault)
        snprintf(why, size, "its waiver of %s %s", faulty->person, fault);
    else
        snprintf(why, size, "no waiver");
    return false;
}

bool waiver_ever(const struct waiver_place *p, const struct objection *o, struct waiver *out)
{
    struct word list[SIGNERS_MAX];
    char why[160];
    if (waiver_forbidden(p->policy, p->environment, o, why, sizeof why))
        return false;
    size_t count = collect(p, o, list), kept = 0;
    for (size_t i = 0; i < count; i++) {
        const char *fault = void_because(p, &list[i]);
        if (!fault || fault == ENDED)
            list[kept++] = list[i];
    }
    return pair(list, kept, out);
}

/* ── all of them ── */

int waiver_objections(const struct evidence *ev, const struct policy *p, struct objections *out, struct err *e)
{
    const struct evidence_line *scan = evidence_newest_ours(ev, PREDICATE_SCAN, NULL);
    const struct evidence_line *vulns = evidence_newest_ours(ev, PREDICATE_VULNS, NULL);
    const struct evidence_line *inventory = evidence_newest_ours(ev, PREDICATE_CYCLONEDX, NULL);
    if (scan)
        objections_of_scan(scan->predicate, out);
    if (inventory)
        objections_of_licences(inventory->predicate, p, out);
    return vulns ? objections_of_vulns(vulns->predicate, p, out, e) : 0;
}

bool waivers_cover_all(const struct waiver_place *p, const struct objections *o, int64_t *ends_s, char *why,
                       size_t size)
{
    char reason[200];
    *ends_s = INT64_MAX;
    for (size_t i = 0; i < o->count; i++) {
        const struct objection *one = &o->list[i];
        struct waiver w;
        if (!waiver_covers(p, one, &w, reason, sizeof reason)) {
            snprintf(why, size, "%.120s at %.160s: %s", one->id, one->place, reason);
            return false;
        }
        if (w.until_s < *ends_s)
            *ends_s = w.until_s;
    }
    return true;
}

int waiver_standing(struct site *s, const struct digest *release, const char *environment, struct waiver_standing *out,
                    struct err *e)
{
    struct policy policy;
    auto_evidence ev = {0};
    auto_objections all = {0};
    if (policy_load(s, &policy, e) < 0 || evidence_load(s, release, &ev, e) < 0 ||
        waiver_objections(&ev, &policy, &all, e) < 0)
        return -1;
    struct waiver_place place = {&ev, &policy, s->config.id, environment, s->now_s};
    *out = (struct waiver_standing){.end_stops = policy.findings.waiver_end_stops,
                                    .warn_s = (int64_t)policy.findings.waiver_warn_s};
    out->holds = waivers_cover_all(&place, &all, &out->ends_s, out->why, sizeof out->why);
    return 0;
}
