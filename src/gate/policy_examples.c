/* A policy's own examples: what each says of a situation, and what the policy makes of it. An example builds the one
 * objection that it describes and asks the same code that a gate asks. */
#include <stdio.h>
#include <string.h>

#include "gate/policy_internal.h"
#include "gate/waiver_count.h"
#include "parse/advisory_row.h"
#include "parse/spdx_licence.h"

/* ── reading ── */

static int environment_of(const struct yaml *map, const char *file, unsigned *out, struct err *e)
{
    static const char *const names[] = {ENVIRONMENT_SANDBOX, ENVIRONMENT_TEST, ENVIRONMENT_PROD};
    const char *name = yaml_need_text(map, "environment", file, e);
    if (!name)
        return -1;
    for (*out = 0; *out < ARRAY_LEN(names); ++*out)
        if (strcmp(name, names[*out]) == 0)
            return 0;
    return policy_bad(e, file, policy_line(map, "environment"), "environment: wanted sandbox, test or prod");
}

/* "high", or the words that are no severity. */
static int severity_of(const struct yaml *map, const char *key, const char *other, const char *file, bool *there,
                       bool *is_other, unsigned *out, struct err *e)
{
    const char *text;
    enum advisory_severity severity;
    if (yaml_text_or(map, key, "", &text, file, e) < 0)
        return -1;
    *there = text[0] != '\0';
    *is_other = strcmp(text, other) == 0;
    if (!*there || *is_other)
        return 0;
    if (!advisory_severity_from_name(text, &severity) || severity < ADVISORY_LOW)
        return policy_bad(e, file, policy_line(map, key), "%s: \"%.32s\"; wanted low, medium, high, critical or %s",
                          key, text, other);
    *out = severity;
    return 0;
}

static int expectation_of(const struct yaml *map, const char *file, bool *passes, struct err *e)
{
    const char *text = yaml_need_text(map, "expect", file, e);
    if (!text)
        return -1;
    *passes = strcmp(text, "passes") == 0;
    return *passes || strcmp(text, "blocks") == 0
               ? 0
               : policy_bad(e, file, policy_line(map, "expect"), "expect: wanted passes or blocks, found \"%.32s\"",
                            text);
}

/* `licence`: an expression, or unknown; `of`: models, packages or images. */
static int licence_of(const struct yaml *map, const char *file, struct policy_example *out, struct err *e)
{
    const char *text, *of;
    if (yaml_text_or(map, "licence", "", &text, file, e) < 0 ||
        yaml_text_or(map, "of", licence_class_name(LICENCE_PACKAGES), &of, file, e) < 0)
        return -1;
    if (!text[0])
        return yaml_get(map, "of") ? policy_bad(e, file, policy_line(map, "of"), "of: stands beside licence only") : 0;
    bool known = strcmp(text, "unknown") != 0;
    if (known && (strlen(text) >= sizeof out->expression || !spdx_licence_check(span_str(text), NULL)))
        return policy_bad(e, file, policy_line(map, "licence"),
                          "licence: \"%.60s\" is no expression of SPDX licences, nor unknown", text);
    snprintf(out->expression, sizeof out->expression, "%s", known ? text : "");
    out->licence = true;
    for (out->class = 0; out->class < LICENCE_CLASSES; out->class ++)
        if (strcmp(of, licence_class_name(out->class)) == 0)
            return 0;
    return policy_bad(e, file, policy_line(map, "of"), "of: wanted models, packages or images");
}

static int example_parse(const struct yaml *map, const char *file, struct policy_example *out, struct err *e)
{
    static const char *const keys[] = {"name",    "environment", "without", "finding", "advisory",
                                       "licence", "of",          "waiver",  "expect",  NULL};
    const char *name, *without, *waiver;
    unsigned requirement;
    *out = (struct policy_example){.without = -1};
    if (map->kind != YAML_MAP)
        return policy_bad(e, file, map->line, "examples: wanted keys and values");
    out->line = map->line;
    if (yaml_only_keys(map, keys, file, e) < 0 || !(name = yaml_need_text(map, "name", file, e)) ||
        environment_of(map, file, &out->environment, e) < 0 ||
        yaml_text_or(map, "without", "", &without, file, e) < 0 ||
        yaml_text_or(map, "waiver", "", &waiver, file, e) < 0 ||
        severity_of(map, "finding", "not-scanned", file, &out->finding, &out->not_scanned, &out->severity, e) < 0 ||
        severity_of(map, "advisory", "malicious", file, &out->advisory, &out->malicious, &out->severity, e) < 0 ||
        expectation_of(map, file, &out->passes, e) < 0)
        return -1;
    snprintf(out->name, sizeof out->name, "%s", name);
    if (waiver[0] && !yaml_duration(waiver, &out->waiver_s))
        return policy_bad(e, file, policy_line(map, "waiver"),
                          "waiver: \"%.32s\" is no length of time; wanted for example 30d", waiver);
    if (without[0] && !policy_requirement(without, &requirement))
        return policy_bad(e, file, policy_line(map, "without"),
                          "without: \"%.40s\" is nothing that a policy can ask for", without);
    if (without[0])
        out->without = (int)requirement;
    if (licence_of(map, file, out, e) < 0)
        return -1;
    if ((without[0] != '\0') + out->finding + out->advisory + out->licence != 1)
        return policy_bad(e, file, map->line, "an example has one of without, finding and advisory, or licence");
    return 0;
}

int policy_examples_parse(const struct yaml *root, const char *file, struct policy *out, struct err *e)
{
    const struct yaml *list = yaml_get(root, "examples");
    if (!list)
        return 0;
    if (list->kind != YAML_LIST || list->count > POLICY_EXAMPLES)
        return policy_bad(e, file, list->line, "examples: wanted a list of at most %u", POLICY_EXAMPLES);
    for (size_t i = 0; i < list->count; i++)
        if (example_parse(list->items[i], file, &out->examples[i], e) < 0)
            return -1;
    out->example_count = list->count;
    return 0;
}

/* ── deciding ── */

static bool is_missed(const struct policy *p, const struct policy_example *x, char *why, size_t size)
{
    const struct policy_environment *env = &p->environments[x->environment];
    const char *name = requirement_name((enum requirement)x->without);
    bool asked = env->require & 1U << x->without;
    snprintf(why, size, asked ? "%s asks for %s" : "%s does not ask for %s", env->name, name);
    return asked;
}

static bool blocks_unwaived(const struct policy *p, const struct policy_example *x)
{
    if (x->licence)
        return policy_licence_objection(&p->licences[x->class], x->expression) != NULL;
    if (x->finding)
        return x->not_scanned || x->severity >= ADVISORY_MEDIUM;
    return x->malicious || p->findings.block & 1U << x->severity;
}

static bool is_waived(const struct policy *p, const struct policy_example *x, char *why, size_t size)
{
    struct objection o = {.kind = x->licence   ? OBJECTION_LICENCE
                                  : x->finding ? OBJECTION_FINDING
                                               : OBJECTION_ADVISORY,
                          .id = "example",
                          .critical =
                              !x->licence && !x->not_scanned && !x->malicious && x->severity == ADVISORY_CRITICAL,
                          .never = x->not_scanned ? "it was not scanned"
                                   : x->malicious ? "the package itself is the harm"
                                                  : NULL};
    if (x->waiver_s == 0) {
        snprintf(why, size, "it blocks, and nobody waived it");
        return false;
    }
    if (x->waiver_s > p->findings.waiver_longest_s) {
        snprintf(why, size, "a waiver lasts at most %llu days",
                 (unsigned long long)p->findings.waiver_longest_s / 86400);
        return false;
    }
    if (waiver_forbidden(p, p->environments[x->environment].name, &o, why, size))
        return false;
    snprintf(why, size, "it is waived");
    return true;
}

bool policy_example_holds(const struct policy *p, const struct policy_example *x, char *why, size_t size)
{
    bool passes;
    if (x->without >= 0) {
        passes = !is_missed(p, x, why, size);
    } else if (!blocks_unwaived(p, x)) {
        passes = true;
        snprintf(why, size, x->licence ? "that licence does not block" : "that severity does not block");
    } else {
        passes = is_waived(p, x, why, size);
    }
    return passes == x->passes;
}
