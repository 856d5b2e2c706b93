/* An SBOM against advisories, anywhere, without a contour. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/print_clean.h"
#include "cli/snapshot.h"
#include "util/clock.h"
#include "util/file.h"

#define OUTPUT_MAX  (1U << 30)
#define SOURCES_MAX 32U

struct matching {
    struct child *parser;
    json_t *sbom;                   /* owned */
    struct match_package *packages; /* owned */
    size_t count, without_purl;
    struct vulns vulns;
};

static void matching_fini(struct matching *m)
{
    child_stop(m->parser);
    json_decref(m->sbom);
    free(m->packages);
    vulns_fini(&m->vulns);
}

static int read_sbom(struct matching *m, const char *path, struct err *e)
{
    auto_fd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return file_open_failed(AT_FDCWD, path, "open", e);
    return advisories_packages_of(m->parser, fd, span_of(NULL, 0), path, &m->sbom, &m->packages, &m->count,
                                  &m->without_purl, e);
}

/* Two helpers: the advisories are searched in one that never saw the SBOM's bytes as a document. */
static int match(struct invocation *in, struct matching *m, struct err *e)
{
    char *paths[SOURCES_MAX];
    size_t count = 0;
    for (const char *path; count < SOURCES_MAX && (path = option_nth(in, "advisories", count));)
        paths[count++] = (char *)(uintptr_t)path;
    if (option_nth(in, "advisories", SOURCES_MAX))
        return err_set(e, ERR_USAGE, 0, "more than %u sources of advisories", SOURCES_MAX);
    m->parser = child_start(ROLE_PARSE, e);
    if (!m->parser || read_sbom(m, in->argv[0], e) < 0)
        return -1;
    auto_fd snapshot = snapshot_open(in, m->parser, paths, count, e);
    if (snapshot < 0)
        return -1;
    if (advisories_match(m->parser, snapshot, m->packages, m->count, &m->vulns, e) < 0)
        return err_prefix(e, "%s", paths[0]);
    m->vulns.time_s = clock_now_s();
    return 0;
}

/* ── the answer ── */

static void put_match(struct json_out *w, const struct vuln *v)
{
    const json_t *alias;
    size_t i;
    json_out_object(w);
    json_put_string(w, "purl", v->purl);
    json_put_string(w, "advisory", v->id);
    json_put_array(w, "aliases");
    json_array_foreach(v->aliases, i, alias) json_out_string(w, json_string_value(alias));
    json_out_array_end(w);
    json_put_string(w, "severity", advisory_severity_name(v->severity));
    json_out_key(w, "fixed");
    if (v->fixed[0])
        json_out_string(w, v->fixed);
    else
        json_out_null(w);
    if (v->score >= 0) {
        json_out_key(w, "score");
        json_out_double(w, v->score, 1);
        json_put_string(w, "vector", v->vector);
    }
    json_put_bool(w, "malicious", v->malicious);
    json_put_bool(w, "kev", v->kev);
    json_out_object_end(w);
}

static int print_json(const struct invocation *in, const struct matching *m, struct err *e)
{
    struct json_out w;
    auto_buf out = BUF(OUTPUT_MAX);
    const struct vulns *v = &m->vulns;
    command_json(&w, &out, "match");
    json_put_string(&w, "sbom", in->argv[0]);
    json_put_uint(&w, "packages", v->packages);
    json_put_uint(&w, "without_purl", m->without_purl);
    json_put_object(&w, "advisories");
    json_put_uint(&w, "records", v->records);
    json_put_time(&w, "date", v->snapshot_date_s);
    json_put_time(&w, "oldest", v->oldest_source_s);
    json_out_object_end(&w);
    json_put_array(&w, "matches");
    for (size_t i = 0; i < v->count; i++)
        put_match(&w, &v->list[i]);
    json_out_array_end(&w);
    json_put_array(&w, "undecided");
    for (size_t i = 0; i < v->gap_count; i++) {
        json_out_object(&w);
        json_put_string(&w, "purl", v->gaps[i].purl);
        json_put_string(&w, "reason", v->gaps[i].reason);
        json_out_object_end(&w);
    }
    json_out_array_end(&w);
    if (buf_check(&out, "the answer", e) < 0)
        return -1;
    command_json_end(&w);
    return 0;
}

static void print_match(const struct vuln *v)
{
    const json_t *alias;
    size_t i;
    printf("%-8s  ", advisory_severity_name(v->severity));
    print_clean(v->purl);
    printf("  ");
    print_clean(v->id);
    json_array_foreach(v->aliases, i, alias)
    {
        printf(i ? " " : " (");
        print_clean(json_string_value(alias));
    }
    if (json_array_size(v->aliases) > 0)
        putchar(')');
    if (v->malicious)
        printf("  malicious package");
    if (v->kev)
        printf("  known to be exploited");
    if (v->fixed[0]) {
        printf("  fixed in ");
        print_clean(v->fixed);
    }
    putchar('\n');
}

static void print_people(const struct matching *m)
{
    const struct vulns *v = &m->vulns;
    for (size_t i = 0; i < v->count; i++)
        print_match(&v->list[i]);
    for (size_t i = 0; i < v->gap_count; i++) {
        printf("undecided ");
        print_clean(v->gaps[i].purl);
        printf("  ");
        print_clean(v->gaps[i].reason);
        putchar('\n');
    }
    printf("%llu packages, %zu matches, %zu undecided", (unsigned long long)v->packages, v->count, v->gap_count);
    if (m->without_purl)
        printf(", %zu without a package URL", m->without_purl);
    printf("; %llu advisories, the oldest source is %s old\n", (unsigned long long)v->records,
           age_text(v->oldest_source_s, v->time_s).text);
}

/* --fail-on: 1 when something is as severe, 6 when something could not be decided. */
static int status_of(const struct vulns *v, enum advisory_severity least)
{
    for (size_t i = 0; i < v->count; i++)
        if (v->list[i].severity >= least || v->list[i].severity == ADVISORY_UNKNOWN || v->list[i].kev)
            return 1;
    return v->gap_count > 0 ? 6 : 0;
}

static int run(struct invocation *in)
{
    struct err e = {0};
    AUTO(matching_fini) struct matching m = {0};
    enum advisory_severity least = ADVISORY_NONE;
    const char *fail_on = option_get(in, "fail-on");
    if (!option_given(in, "advisories"))
        return command_usage(in, "wanted --advisories FILE: a snapshot, or an OSV export");
    if (fail_on && (!advisory_severity_from_name(fail_on, &least) || least == ADVISORY_UNKNOWN))
        return command_usage(in, "--fail-on %.40s: wanted low, medium, high or critical", fail_on);
    if (match(in, &m, &e) < 0)
        return command_fail(in, &e);
    if (!in->json)
        print_people(&m);
    else if (print_json(in, &m, &e) < 0)
        return command_fail(in, &e);
    return fail_on ? status_of(&m.vulns, least) : 0;
}

const struct command CMD_MATCH = {
    .name = "match",
    .usage = "SBOM --advisories FILE",
    .summary = "which advisories hit the packages of an SBOM",
    .detail =
        "SBOM is CycloneDX 1.4 to 1.6 or SPDX 2.2, 2.3 JSON; its package URLs are matched. FILE is a snapshot that "
        "`airlock advisories import` wrote, or what a database exports (a zip, a folder or a record of OSV, the Debian "
        "tracker's JSON, KEV), which is then compiled in memory; several go together.\nVersions are compared by the "
        "rules of their ecosystem. Packages of Debian, Ubuntu and Alpine are looked up by their source package, in the "
        "release that the package URL names. Withdrawn advisories do not count. A package that could not be decided "
        "(no "
        "version, a version without a place in the order, an ecosystem that the advisories do not cover) is listed as "
        "undecided, with the reason.\nEnds with 0 when the matching was carried out, whatever was found; with "
        "--fail-on SEVERITY, ends with 1 when a match is at least so severe, of unknown severity, or known to be "
        "exploited, and else with 6 when a package was undecided. Ends with 3 when SBOM or advisories cannot be read.",
    .options = {{"advisories", "FILE", "snapshot or export; may be repeated", true},
                {"fail-on", "SEVERITY", "low, medium, high or critical: end with 1 when a match is as severe", false}},
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
