/* The rules about what was found: by the contour's own scan, and by matching its packages with advisories. What is
 * found may be covered by waivers, for a time. */
#include <stdio.h>
#include <string.h>

#include "gate/rules.h"
#include "gate/waiver.h"
#include "util/clock.h"

static struct waiver_place here(const struct facts *f)
{
    return (struct waiver_place){f->ev, f->policy, f->contour, f->env->name, f->now_s};
}

/* ── the scan ── */

bool scan_passes(const struct facts *f, const struct evidence_line *scan, int64_t *ends_s, char *why, size_t size)
{
    auto_objections all = {0};
    struct waiver_place place = here(f);
    *ends_s = INT64_MAX;
    if (strcmp(scan->result, "PASSED") == 0)
        return true;
    objections_of_scan(scan->predicate, &all);
    if (all.count == 0) {
        snprintf(why, size, "it does not say what it found");
        return false;
    }
    return waivers_cover_all(&place, &all, ends_s, why, size);
}

bool rule_scan(const struct facts *f, char *text, size_t size)
{
    const struct evidence_line *line = evidence_newest_ours(f->ev, PREDICATE_SCAN, NULL);
    int64_t ends_s;
    char why[400], detail[200], when[TIME_TEXT_SIZE];
    if (!line) {
        snprintf(text, size, "not scanned here: airlock scan %s:%s", f->release->name, f->release->version);
        return false;
    }
    snprintf(when, sizeof when, "%s", time_text(line->time_s).text);
    if (!scan_passes(f, line, &ends_s, why, sizeof why)) {
        line_detail(line, detail, sizeof detail);
        snprintf(text, size, "scan %s (%s): %s%s%.200s", line->result[0] ? line->result : "without a result", when,
                 detail, detail[0] ? "; stays: " : "", why);
        return false;
    }
    int64_t age = f->now_s - line->time_s;
    if (f->occasion != OCCASION_RUN && age > (int64_t)f->env->scan_age_s) {
        snprintf(text, size, "the newest scan is of %s, older than the %llu hours that %s allows: airlock scan %s:%s",
                 when, (unsigned long long)f->env->scan_age_s / 3600, f->env->name, f->release->name,
                 f->release->version);
        return false;
    }
    if (ends_s == INT64_MAX)
        snprintf(text, size, "scan PASSED (%s)", when);
    else
        snprintf(text, size, "all that the scan of %s found is waived, until %s", when, time_text(ends_s).text);
    return true;
}

/* ── advisories ── */

static bool old_or_empty(const struct facts *f, const struct vulns *v, char *text, size_t size)
{
    int64_t age = f->now_s - v->oldest_source_s;
    if (v->records < f->policy->findings.advisories_least) {
        snprintf(text, size, "the advisories hold %llu records, and the policy wants at least %llu",
                 (unsigned long long)v->records, (unsigned long long)f->policy->findings.advisories_least);
        return true;
    }
    if (f->occasion == OCCASION_RUN || age <= (int64_t)f->policy->findings.advisories_age_s)
        return false;
    snprintf(text, size,
             "the advisories are of %s, %lld days old, and the policy allows %llu: bring newer ones in (airlock "
             "advisories import)",
             time_text(v->oldest_source_s).text, (long long)age / 86400,
             (unsigned long long)f->policy->findings.advisories_age_s / 86400);
    return true;
}

/* What a yes does not cover: packages of which nothing is known. "" where each was decided. */
static void put_undecided(const struct vulns *v, char *out, size_t size)
{
    uint64_t undecided = vulns_undecided(v);
    out[0] = '\0';
    if (undecided > 0)
        snprintf(out, size,
                 ", %llu of them undecided (their ecosystem or version is not covered: airlock match SBOM --advisories "
                 "FILE lists them)",
                 (unsigned long long)undecided);
}

bool rule_advisories(const struct facts *f, char *text, size_t size)
{
    const struct evidence_line *line = evidence_newest_ours(f->ev, PREDICATE_VULNS, NULL);
    bool asked = f->env->require & 1U << REQUIRE_ADVISORIES;
    auto_objections all = {0};
    struct waiver_place place = here(f);
    struct err e = {0};
    int64_t ends_s;
    char why[300], undecided[200];
    if (!line) {
        snprintf(text, size,
                 asked ? "its packages were not held against advisories: airlock advisories import FILE"
                       : "no advisories are here, and the policy does not ask for any");
        return !asked;
    }
    if (objections_of_vulns(line->predicate, f->policy, &all, &e) < 0) {
        snprintf(text, size, "the match with advisories cannot be read: %.300s", e.msg);
        return false;
    }
    if (asked && old_or_empty(f, &all.vulns, text, size))
        return false;
    if (!waivers_cover_all(&place, &all, &ends_s, why, sizeof why)) {
        snprintf(text, size, "%zu advisories block, the first is %s", all.count, why);
        return false;
    }
    put_undecided(&all.vulns, undecided, sizeof undecided);
    if (all.count > 0)
        snprintf(text, size, "%zu advisories hit its %llu packages%s; %zu block and are waived, until %s",
                 all.vulns.count, (unsigned long long)all.vulns.packages, undecided, all.count, time_text(ends_s).text);
    else
        snprintf(text, size, "%zu advisories hit its %llu packages%s, none that blocks (of %s)", all.vulns.count,
                 (unsigned long long)all.vulns.packages, undecided, time_text(all.vulns.snapshot_date_s).text);
    return true;
}
