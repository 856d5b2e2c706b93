/* The part of a policy that says what blocks of what is known to be wrong, and what people may let pass for a time. */
#include <string.h>

#include "gate/policy_internal.h"
#include "parse/advisory_row.h"

static int severities_parse(const struct yaml *map, const char *file, uint32_t *out, struct err *e)
{
    const struct yaml *list = yaml_get(map, "block");
    if (!list)
        return 0;
    if (list->kind != YAML_LIST)
        return policy_bad(e, file, list->line, "block: wanted a list of severities");
    *out = 1U << ADVISORY_CRITICAL; /* the floor */
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *item = list->items[i];
        enum advisory_severity severity;
        if (item->kind != YAML_SCALAR || !advisory_severity_from_name(item->text, &severity) || severity < ADVISORY_LOW)
            return policy_bad(e, file, item->line, "block: wanted critical, high, medium or low");
        *out |= 1U << severity;
    }
    return 0;
}

static int advisories_parse(const struct yaml *map, const char *file, struct policy_findings *out, struct err *e)
{
    static const char *const keys[] = {"block", "max-age", "min-records", NULL};
    if (yaml_only_keys(map, keys, file, e) < 0 || severities_parse(map, file, &out->block, e) < 0 ||
        policy_age_or(map, "max-age", "30d", file, &out->advisories_age_s, e) < 0 ||
        yaml_uint_or(map, "min-records", 1, &out->advisories_least, file, e) < 0)
        return -1;
    return out->advisories_least > 0
               ? 0
               : policy_bad(e, file, policy_line(map, "min-records"),
                            "min-records: wanted at least 1: a snapshot without records knows nothing");
}

static int critical_parse(const struct yaml *map, const char *file, uint32_t *out, struct err *e)
{
    const struct yaml *list = yaml_get(map, "critical");
    if (!list)
        return 0;
    if (list->kind != YAML_LIST)
        return policy_bad(e, file, list->line, "critical: wanted a list of environments");
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *item = list->items[i];
        const char *name = item->kind == YAML_SCALAR ? item->text : "";
        if (strcmp(name, ENVIRONMENT_PROD) == 0)
            return policy_bad(e, file, item->line, "critical: in prod nothing critical can be waived");
        if (!environment_known(name))
            return policy_bad(e, file, item->line, "critical: wanted sandbox or test");
        *out |= 1U << (strcmp(name, ENVIRONMENT_SANDBOX) == 0 ? POLICY_SANDBOX : POLICY_TEST);
    }
    return 0;
}

static int waivers_parse(const struct yaml *map, const char *file, struct policy_findings *out, struct err *e)
{
    static const char *const keys[] = {"longest", "warn", "ended", "critical", NULL};
    const char *ended;
    if (yaml_only_keys(map, keys, file, e) < 0 ||
        policy_age_or(map, "longest", "90d", file, &out->waiver_longest_s, e) < 0 ||
        policy_age_or(map, "warn", "14d", file, &out->waiver_warn_s, e) < 0 ||
        yaml_text_or(map, "ended", "keep", &ended, file, e) < 0)
        return -1;
    if (strcmp(ended, "keep") != 0 && strcmp(ended, "stop") != 0)
        return policy_bad(e, file, policy_line(map, "ended"),
                          "ended: \"%.32s\"; wanted keep (what runs goes on, and starts no more) or stop", ended);
    out->waiver_end_stops = strcmp(ended, "stop") == 0;
    return critical_parse(map, file, &out->critical, e);
}

int policy_findings_parse(const struct yaml *root, const char *file, struct policy_findings *out, struct err *e)
{
    const struct yaml *advisories = yaml_get(root, "advisories"), *waivers = yaml_get(root, "waivers");
    *out = (struct policy_findings){.block = 1U << ADVISORY_CRITICAL | 1U << ADVISORY_HIGH,
                                    .advisories_age_s = 30ULL * 86400,
                                    .advisories_least = 1,
                                    .waiver_longest_s = 90ULL * 86400,
                                    .waiver_warn_s = 14ULL * 86400};
    if (advisories && advisories->kind != YAML_MAP)
        return policy_bad(e, file, advisories->line, "advisories: wanted keys and values");
    if (waivers && waivers->kind != YAML_MAP)
        return policy_bad(e, file, waivers->line, "waivers: wanted keys and values");
    if (advisories && advisories_parse(advisories, file, out, e) < 0)
        return -1;
    return waivers ? waivers_parse(waivers, file, out, e) : 0;
}
