/* One command, two ways: files and folders, anywhere; and a release of a contour, whose report is signed. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/print_clean.h"
#include "cli/with_release.h"
#include "contour/ref.h"
#include "gate/policy.h"
#include "scan/rematch.h"
#include "scan/scan.h"

/* Rows of a tree of some hundred thousand files. */
#define OUTPUT_MAX (1U << 30)

/* It changes no verdict (parse/report.h); every other finding blocks its file. */
static bool is_light(const struct scan_finding *x)
{
    return !x->not_scanned && (strcmp(x->severity, "low") == 0 || strcmp(x->severity, "info") == 0);
}

static void print_finding(const struct scan_file *f, const struct scan_finding *x)
{
    if (!is_light(x))
        printf("BLOCKS  ");
    print_clean(f->path);
    printf(": ");
    print_clean(x->severity);
    putchar(' ');
    print_clean(x->rule);
    if (x->at[0]) {
        printf(" (");
        print_clean(x->at);
        putchar(')');
    }
    printf(": ");
    print_clean(x->message);
    putchar('\n');
}

/* How often a file has light findings of the rule of its k-th; 0 when an earlier one has said it. */
static size_t count_rule(const struct scan_file *f, size_t k)
{
    size_t count = 0;
    for (size_t i = 0; i < f->finding_count; i++) {
        const struct scan_finding *x = &f->findings[i];
        if (!is_light(x) || strcmp(x->rule, f->findings[k].rule) != 0)
            continue;
        if (i < k)
            return 0;
        count++;
    }
    return count;
}

/* One line for each rule: what was found first, and how often; with `each` all of them. */
static void print_light(const struct scan_file *f, bool each)
{
    for (size_t k = 0; k < f->finding_count; k++) {
        const struct scan_finding *x = &f->findings[k];
        size_t count = !is_light(x) ? 0 : each ? 1 : count_rule(f, k);
        if (count == 1)
            print_finding(f, x);
        if (count < 2)
            continue;
        print_clean(f->path);
        printf(": ");
        print_clean(x->severity);
        putchar(' ');
        print_clean(x->rule);
        printf(": %zu findings, the first: ", count);
        print_clean(x->message);
        printf(" (--verbose shows them)\n");
    }
}

static void print_summary(const struct scan_report *r)
{
    size_t counts[VERDICT_MALICIOUS + 1] = {0};
    for (size_t i = 0; i < r->count; i++)
        counts[r->files[i].verdict]++;
    printf("%zu file%s:", r->count, r->count == 1 ? "" : "s");
    const char *separator = " ";
    for (size_t v = 0; v < ARRAY_LEN(counts); v++) {
        if (!counts[v])
            continue;
        printf("%s%zu %s", separator, counts[v], verdict_name((enum verdict)v));
        separator = ", ";
    }
    putchar('\n');
}

static void print_blocking(const struct scan_file *f)
{
    for (size_t k = 0; k < f->finding_count; k++)
        if (!is_light(&f->findings[k]))
            print_finding(f, &f->findings[k]);
}

/* What blocks stands last, where people look first. */
static void print_report(const struct invocation *in, const struct scan_report *r)
{
    for (size_t i = 0; i < r->count; i++)
        print_light(&r->files[i], in->verbose);
    for (size_t i = 0; i < r->count; i++)
        print_blocking(&r->files[i]);
    print_summary(r);
}

/* Without a helper nothing can be decided: that is an answer of its own. */
static int cannot(struct invocation *in, struct err *e)
{
    if (e->code == ERR_SYSTEM)
        e->code = ERR_UNDECIDED;
    return command_fail(in, e);
}

/* shipment:N, name:v1.2.3 and name@sha256:… can hardly be meant as files. */
static bool is_plain_ref(const char *ref)
{
    uint64_t number;
    const char *colon = strchr(ref, ':');
    return ref_is_shipment(ref, &number) || strchr(ref, '@') || (colon && release_version_ok(colon + 1));
}

/* What is neither a file nor a release may have been meant as either. */
static int no_such(struct invocation *in, const char *ref, struct err *e)
{
    if (is_plain_ref(ref))
        return command_fail(in, e);
    if (e->code == ERR_USAGE)
        e->code = ERR_NOTFOUND;
    if (e->code == ERR_NOTFOUND)
        err_prefix(e, "%s: there is no such file; as a release", ref);
    return command_fail(in, e);
}

/* What the advisories in force say of what was found in it; the scan itself stands, however that ended. */
static void put_matched(struct json_out *w, int matched, const struct rematched *m, const struct err *e)
{
    json_out_key(w, "advisories");
    if (matched == 0) {
        json_out_null(w);
        return;
    }
    json_out_object(w);
    if (matched > 0) {
        json_put_string(w, "result", m->result);
        json_put_uint(w, "matches", m->hits);
        json_put_uint(w, "undecided", m->undecided);
        json_put_digest(w, "evidence", &m->evidence);
    } else {
        json_put_string(w, "error", e->msg);
    }
    json_out_object_end(w);
}

static void print_matched(int matched, const struct rematched *m, const struct err *e)
{
    if (matched > 0)
        printf("  advisories %s: %zu matches, %llu undecided\n  matching %s\n", m->result, m->hits,
               (unsigned long long)m->undecided, digest_text(&m->evidence).text);
    else if (matched == 0)
        printf("  no advisories are in force: its packages were matched against nothing\n");
    else
        printf("  advisories: not matched: %s\n", e->msg);
}

static void step(void *arg, uint64_t bytes)
{
    progress_add(arg, bytes);
}

static uint64_t bytes_of(const struct release *r)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < r->blob_count; i++)
        bytes += r->blobs[i].size;
    return bytes;
}

static int scan_release_of(struct invocation *in, const char *ref)
{
    struct err e = {0};
    struct digest evidence;
    auto_with_release w = {0};
    auto_scan_report report = {0};
    struct rematched match = {0};
    struct policy policy;
    if (with_release_open(in, ref, &w, &e) < 0)
        return no_such(in, ref, &e);
    if (policy_load(w.site, &policy, &e) < 0)
        return command_fail(in, &e);
    auto_engines engines = {0};
    struct child *parser = site_parser(w.site, &e);
    if (!parser || engines_open(&engines, &policy.scanners, parser, &e) < 0)
        return cannot(in, &e);
    struct progress drawn;
    struct scan_options options = {.engines = engines_any(&engines) ? &engines : NULL,
                                   .templates = policy.templates,
                                   .template_count = policy.template_count,
                                   .fresh = option_get(in, "fresh") != NULL,
                                   .progress = step,
                                   .progress_arg = &drawn};
    progress_start(in, &drawn, "Scanning", bytes_of(w.release));
    int scanned = scan_release(w.site, w.blobs, w.release, &options, &report, &e);
    progress_end(&drawn);
    if (scanned < 0)
        return cannot(in, &e);
    if (scan_record(w.site, w.release, &report, &evidence, &e) < 0)
        return command_fail(in, &e);
    int matched = rematch_scanned(w.site, &w.row, &match, &e);
    if (in->json) {
        struct json_out j;
        auto_buf out = BUF(OUTPUT_MAX);
        command_json(&j, &out, "scan");
        json_put_string(&j, "release", w.name);
        json_put_digest(&j, "digest", &w.row.digest);
        json_put_string(&j, "result", scan_result(&report));
        json_put_digest(&j, "evidence", &evidence);
        json_put_uint(&j, "blobs", report.blobs);
        json_put_uint(&j, "remembered", report.remembered);
        put_matched(&j, matched, &match, &e);
        scan_write_files(&j, &report);
        command_json_end(&j);
    } else {
        print_report(in, &report);
        if (report.remembered)
            printf("remembered %zu of %zu blobs (--fresh looks at all of them again)\n", report.remembered,
                   report.blobs);
        printf("%s  scan %s\n  report %s\n", w.name, scan_result(&report), digest_text(&evidence).text);
        print_matched(matched, &match, &e);
    }
    return verdict_blocks(report.verdict) ? 1 : matched < 0 ? 6 : 0;
}

/* Without a policy, what is named is asked for every class of files. */
static int take_engines(struct invocation *in, struct engines_wanted *w, struct err *e)
{
    const char *clamd = option_get(in, "clamd"), *yara = option_get(in, "yara");
    if (clamd && !clamd_path_ok(clamd))
        return err_set(e, ERR_USAGE, 0,
                       "--clamd: \"%.100s\" is no path (from / on) of a local socket; no other is spoken "
                       "to",
                       clamd);
    if (yara && strlen(yara) >= sizeof w->yara)
        return err_set(e, ERR_USAGE, 0, "--yara: a path of less than %zu bytes", sizeof w->yara);
    snprintf(w->clamd, sizeof w->clamd, "%s", clamd ? clamd : "");
    snprintf(w->yara, sizeof w->yara, "%s", yara ? yara : "");
    memset(w->classes, (clamd ? 1 << ENGINE_CLAMAV : 0) | (yara ? 1 << ENGINE_YARA : 0), sizeof w->classes);
    return 0;
}

static int scan_paths_of(struct invocation *in)
{
    struct err e = {0};
    auto_scan_report report = {0};
    struct engines_wanted wanted = {0};
    auto_engines engines = {0};
    if (take_engines(in, &wanted, &e) < 0)
        return command_fail(in, &e);
    struct child *parser = child_start(ROLE_PARSE, &e);
    if (!parser || engines_open(&engines, &wanted, parser, &e) < 0) {
        child_stop(parser);
        return cannot(in, &e);
    }
    const struct scan_options options = {.engines = engines_any(&engines) ? &engines : NULL};
    int result = scan_paths(parser, in->argv, (size_t)in->argc, &options, &report, &e);
    child_stop(parser);
    if (result < 0)
        return cannot(in, &e);
    if (in->json) {
        struct json_out j;
        auto_buf out = BUF(OUTPUT_MAX);
        command_json(&j, &out, "scan");
        scan_write_files(&j, &report);
        if (buf_check(&out, "the report", &e) < 0)
            return command_fail(in, &e);
        command_json_end(&j);
    } else {
        print_report(in, &report);
    }
    return verdict_blocks(report.verdict) ? 1 : 0;
}

static int run(struct invocation *in)
{
    const char *first = in->argv[0];
    bool ref = strpbrk(first, ":@/") && first[0] != '/' && first[0] != '.';
    if (in->argc == 1 && ref && access(first, F_OK) < 0)
        return scan_release_of(in, in->argv[0]);
    return scan_paths_of(in);
}

const struct command CMD_SCAN = {
    .name = "scan",
    .usage = "REF | PATH...",
    .summary = "what is in a release, or in files, and what is wrong with it",
    .detail =
        "Each file is read in a process that can do nothing else, and gets a verdict: clean (understood to its end, "
        "nothing wrong), opaque (nothing executes, loads, interprets or unpacks it), suspicious, malicious, or "
        "not-scanned (needs a scanner that does not exist yet, or that did not get to the end).\nOf a release (REF) "
        "every blob is scanned and hashed; the report and an inventory (CycloneDX 1.6) are signed and become "
        "evidence for the gates. A blob that this contour has looked at before, with the same program, rules and "
        "options, is "
        "answered from memory (said in the report): its file is hashed again only when it is not as it was. Of paths "
        "the answer is printed, and nothing is changed; an existing path wins over "
        "a REF.\nFor people what blocks stands last and is marked; light findings (low, info) of one file and rule are "
        "one line, unless --verbose. --json has every one.\nA chat template that does more than chat templates may "
        "blocks, unless people have read it and put its digest into "
        "`templates` of the policy with `airlock policy set`.\nEnds with 0 when every file is clean or opaque, with 1 "
        "when one is not, with 6 when nothing could be scanned at all.",
    .options = {{"clamd", "SOCKET", "of paths: have ClamAV's daemon look at every file too, over its local socket",
                 false},
                {"yara", "PATH", "of paths: look with the YARA rules of this file or folder too", false},
                {"fresh", NULL, "look at every blob of a release again, whatever earlier scans said", false}},
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
