/* What a policy says before anybody signs it: explained, tried on its own examples, and held against what is in store.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/policy_text.h"
#include "gate/policy_diff.h"
#include "parse/advisory_row.h"
#include "util/file.h"
#include "util/limits.h"

/* Reads FILE. A text that is no policy is the answer "no", with its line. Returns 0, or the exit status. */
static int read_policy(struct invocation *in, struct policy *out)
{
    struct err e = {0};
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    if (policy_text(in, NULL, in->argv[0], &text, &e) < 0)
        return command_fail(in, &e);
    struct child *parser = child_start(ROLE_PARSE, &e);
    int result = parser ? policy_parse_apart(parser, buf_span(&text), in->argv[0], out, &e) : -1;
    child_stop(parser);
    if (result == 0)
        return 0;
    if (e.code != ERR_INPUT)
        return command_fail(in, &e);
    if (in->json) {
        struct json_out w;
        auto_buf doc = BUF(65536);
        command_json(&w, &doc, "policy-check");
        json_put_bool(&w, "valid", false);
        json_put_string(&w, "problem", e.msg);
        command_json_end(&w);
    } else {
        printf("%s\n", e.msg);
    }
    return 1;
}

/* ── policy check ── */

static void say_days(const char *what, uint64_t seconds)
{
    printf("  %-28s %llu %s\n", what, (unsigned long long)(seconds % 86400 ? seconds / 3600 : seconds / 86400),
           seconds % 86400 ? "hours" : "days");
}

static void explain_environment(const struct policy_environment *env)
{
    printf("\nTo stand in %s a release needs\n", env->name);
    for (unsigned r = 0; r < REQUIREMENTS; r++)
        if (env->require & 1U << r)
            printf("  %s\n", requirement_name((enum requirement)r));
    for (size_t i = 0; i < env->approval_count; i++)
        printf("  %-28s %s\n", "an approval, each its person:", role_name(env->approvals[i]));
    say_days("the scan not older than", env->scan_age_s);
    if (env->approval_count)
        say_days("approvals used within", env->approval_age_s);
}

static void explain_findings(const struct policy *p)
{
    const struct policy_findings *f = &p->findings;
    printf("\nWhat was found blocks\n  every finding of a scan of medium, high or critical severity, and what was not "
           "scanned\n  advisories of severity");
    for (unsigned s = ADVISORY_LOW; s < ADVISORY_SEVERITIES; s++)
        if (f->block & 1U << s)
            printf(" %s", advisory_severity_name((enum advisory_severity)s));
    printf(", of none, known to be exploited, or of a malicious package\n");
    say_days("advisories not older than", f->advisories_age_s);
    printf("  %-28s %llu\n", "and at least so many", (unsigned long long)f->advisories_least);
    printf("\nA waiver, by a security officer and one more\n");
    say_days("lasts at most", f->waiver_longest_s);
    say_days("is announced before its end", f->waiver_warn_s);
    printf("  when it ends, what runs on it %s\n", f->waiver_end_stops ? "ends too" : "runs on, and starts no more");
    printf("  of something critical counts in %s%s%s\n", f->critical ? "" : "no environment",
           f->critical & 1U << POLICY_SANDBOX ? "sandbox " : "", f->critical & 1U << POLICY_TEST ? "test" : "");
}

/* Engines of a class, or what our readers are without them. */
static void name_engines(unsigned bits, struct buf *out)
{
    buf_add_str(out, "built-in");
    for (int g = 0; g < ENGINES; g++)
        if (bits & 1U << g)
            buf_printf(out, ", %s", engine_name((enum scan_engine)g));
}

static void explain_engine(const char *what, const char *path, uint64_t age_s)
{
    printf("  %-28s %s\n", what, path);
    say_days("with data not older than", age_s);
}

static void explain_scanners(const struct engines_wanted *w)
{
    printf("\nEvery file is read by our own readers; what none of them understood to its end blocks\n");
    if (engines_asked(w, ENGINE_CLAMAV))
        explain_engine("ClamAV answers at", w->clamd, w->age_s[ENGINE_CLAMAV]);
    if (engines_asked(w, ENGINE_YARA))
        explain_engine("YARA rules are those of", w->yara, w->age_s[ENGINE_YARA]);
    for (int c = 0; c < FILE_CLASSES; c++) {
        auto_buf names = BUF(128);
        unsigned bits = engines_of_class(w, (enum file_class)c);
        name_engines(bits, &names);
        if (bits)
            printf("  %-28s %s\n", file_class_name((enum file_class)c), buf_str(&names));
    }
}

static void put_scanners(struct json_out *w, const struct engines_wanted *wanted)
{
    json_put_object(w, "scanners");
    for (int c = 0; c < FILE_CLASSES; c++) {
        json_put_array(w, file_class_name((enum file_class)c));
        json_out_string(w, "built-in");
        for (int g = 0; g < ENGINES; g++)
            if (engines_of_class(wanted, (enum file_class)c) & 1U << g)
                json_out_string(w, engine_name((enum scan_engine)g));
        json_out_array_end(w);
    }
    json_out_object_end(w);
}

static void explain_licences(const struct policy *p)
{
    printf("\nLicences\n");
    for (size_t i = 0; i < LICENCE_CLASSES; i++) {
        const struct policy_licences *l = &p->licences[i];
        printf("  of %-8s %s%s%s%s; unknown ones %s\n", licence_class_name((enum licence_class)i),
               l->allow[0] ? "only " : "all", l->allow, l->deny[0] ? ", never " : "", l->deny,
               l->unknown_blocks ? "block" : "pass");
    }
}

static void put_items(struct json_out *w, const char *key, const char *list)
{
    struct span item, rest = span_str(list);
    json_put_array(w, key);
    while (rest.len) {
        if (!span_take_until(&rest, ',', &item)) {
            item = rest;
            rest.len = 0;
        }
        json_out_span(w, item);
    }
    json_out_array_end(w);
}

static void put_licences(struct json_out *w, const struct policy *p)
{
    json_put_object(w, "licences");
    for (size_t i = 0; i < LICENCE_CLASSES; i++) {
        json_put_object(w, licence_class_name((enum licence_class)i));
        put_items(w, "allow", p->licences[i].allow);
        put_items(w, "deny", p->licences[i].deny);
        json_put_string(w, "unknown", p->licences[i].unknown_blocks ? "block" : "remark");
        json_out_object_end(w);
    }
    json_out_object_end(w);
}

static void put_environment(struct json_out *w, const struct policy_environment *env)
{
    json_put_object(w, env->name);
    json_put_array(w, "require");
    for (unsigned r = 0; r < REQUIREMENTS; r++)
        if (env->require & 1U << r)
            json_out_string(w, requirement_name((enum requirement)r));
    json_out_array_end(w);
    json_put_array(w, "approvals");
    for (size_t i = 0; i < env->approval_count; i++)
        json_out_string(w, role_name(env->approvals[i]));
    json_out_array_end(w);
    json_put_uint(w, "scan-max-age-seconds", env->scan_age_s);
    json_put_uint(w, "approval-max-age-seconds", env->approval_age_s);
    json_out_object_end(w);
}

static void put_policy(const struct policy *p)
{
    struct json_out w;
    auto_buf doc = BUF(65536);
    command_json(&w, &doc, "policy-check");
    json_put_bool(&w, "valid", true);
    json_put_digest(&w, "policy", &p->digest);
    json_put_object(&w, "environments");
    for (size_t i = 0; i < POLICY_ENVIRONMENTS; i++)
        put_environment(&w, &p->environments[i]);
    json_out_object_end(&w);
    put_scanners(&w, &p->scanners);
    put_licences(&w, p);
    json_put_uint(&w, "examples", p->example_count);
    command_json_end(&w);
}

static int check_run(struct invocation *in)
{
    struct policy p;
    int status = read_policy(in, &p);
    if (status)
        return status;
    if (in->json) {
        put_policy(&p);
        return 0;
    }
    printf("policy %s: it can be put in force (airlock policy set)\n", digest_text(&p.digest).text);
    for (size_t i = 0; i < POLICY_ENVIRONMENTS; i++)
        explain_environment(&p.environments[i]);
    explain_findings(&p);
    explain_licences(&p);
    explain_scanners(&p.scanners);
    printf("\n%zu chat templates may pass that people have read; %zu examples (airlock policy test)\n",
           p.template_count, p.example_count);
    return 0;
}

const struct command CMD_POLICY_CHECK = {
    .name = "policy check",
    .usage = "FILE | shipment:N",
    .summary = "is this a policy, and what does it say in plain words",
    .detail = "Reads FILE as strictly as `policy set` does, on any machine. A text that is no policy, or that asks for "
              "less than the floor, ends with status 1 and the line.",
    .min_args = 1,
    .max_args = 1,
    .run = check_run,
};

/* ── policy test ── */

static int test_run(struct invocation *in)
{
    struct policy p;
    struct json_out w;
    auto_buf doc = BUF(1U << 18);
    size_t failed = 0;
    int status = read_policy(in, &p);
    if (status)
        return status;
    command_json(&w, &doc, "policy-test");
    json_put_array(&w, "examples");
    for (size_t i = 0; i < p.example_count; i++) {
        const struct policy_example *x = &p.examples[i];
        char why[200];
        bool holds = policy_example_holds(&p, x, why, sizeof why);
        failed += !holds;
        json_out_object(&w);
        json_put_string(&w, "name", x->name);
        json_put_uint(&w, "line", x->line);
        json_put_bool(&w, "holds", holds);
        json_put_string(&w, "why", why);
        json_out_object_end(&w);
        if (!in->json)
            printf("%s %s:%u %s: %s, expected that it %s\n", holds ? "yes" : "NO ", in->argv[0], x->line, x->name, why,
                   x->passes ? "passes" : "blocks");
    }
    json_out_array_end(&w);
    json_put_uint(&w, "failed", failed);
    if (in->json)
        command_json_end(&w);
    else
        printf("%zu examples hold, %zu do not\n", p.example_count - failed, failed);
    if (p.example_count == 0 && !in->json)
        printf("The policy has no `examples`, so nothing was tried.\n");
    return failed ? 1 : p.example_count == 0 ? 6 : 0;
}

const struct command CMD_POLICY_TEST = {
    .name = "policy test",
    .usage = "FILE | shipment:N",
    .summary = "does a policy decide its own examples as they say",
    .detail = "`examples` in the policy are situations with what is expected: `{name: …, environment: prod, advisory: "
              "critical, waiver: 30d, expect: blocks}`; `finding` is a severity or not-scanned, `advisory` a severity "
              "or malicious, `licence` an SPDX expression or unknown (`of: models, packages or images`), `without` the "
              "name of a "
              "requirement. A policy without examples cannot be tried: status 6.",
    .min_args = 1,
    .max_args = 1,
    .run = test_run,
};

/* ── policy diff ── */

struct differences {
    struct invocation *in;
    struct json_out w;
    size_t count;
};

/* The rules that say no in one and yes in the other. */
static void changed_rules(const struct policy_difference *d, struct buf *out)
{
    const struct verdict *no = d->after->passed ? d->before : d->after;
    verdict_why(no, out);
}

static int show_difference(void *arg, const struct policy_difference *d)
{
    struct differences *all = arg;
    auto_buf why = BUF(16384);
    changed_rules(d, &why);
    all->count++;
    json_out_object(&all->w);
    json_put_string(&all->w, "release", d->release);
    json_put_digest(&all->w, "digest", &d->digest);
    json_put_string(&all->w, "environment", d->environment);
    json_put_bool(&all->w, "stands", d->stands);
    json_put_string(&all->w, "before", d->before->passed ? "PASSED" : "FAILED");
    json_put_string(&all->w, "after", d->after->passed ? "PASSED" : "FAILED");
    json_put_string(&all->w, "why", buf_str(&why));
    json_out_object_end(&all->w);
    if (!all->in->json)
        printf("%s for %s%s: %s now, %s then\n  %s: %s\n", d->release, d->environment,
               d->stands ? " (where it stands)" : "", d->before->passed ? "PASSED" : "FAILED",
               d->after->passed ? "PASSED" : "FAILED", d->after->passed ? "no longer asked" : "because", buf_str(&why));
    return 0;
}

static int diff_run(struct invocation *in)
{
    struct err e = {0};
    struct policy p;
    struct differences all = {.in = in};
    auto_buf doc = BUF(64U << 20);
    size_t releases;
    int status = read_policy(in, &p);
    if (status)
        return status;
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s)
        return command_fail(in, &e);
    command_json(&all.w, &doc, "policy-diff");
    json_put_array(&all.w, "differences");
    if (policy_diff(s, &p, show_difference, &all, &releases, &e) < 0)
        return command_fail(in, &e);
    json_out_array_end(&all.w);
    json_put_uint(&all.w, "releases", releases);
    if (in->json)
        command_json_end(&all.w);
    else
        printf("%zu releases looked at in three environments, %zu decisions would be others\n", releases, all.count);
    return 0;
}

const struct command CMD_POLICY_DIFF = {
    .name = "policy diff",
    .usage = "FILE | shipment:N",
    .summary = "what another policy would decide about everything in store",
    .detail =
        "Each release is held against the rules for sandbox, test and prod twice, under the policy in force and "
        "under FILE, or the policy that shipment:N brought; what would come out otherwise is printed with the rules "
        "that say no. Nothing is signed or changed, and what stands stays where it is.",
    .min_args = 1,
    .max_args = 1,
    .run = diff_run,
};
