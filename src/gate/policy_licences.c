/* The key `licences` of a policy: which licences models, packages and what is in images may have, and what an unknown
 * one means. Without the key nothing blocks. */
#include <string.h>

#include "gate/policy_internal.h"
#include "parse/licence_judge.h"

static const char *const CLASSES[LICENCE_CLASSES] = {"models", "packages", "images"};

const char *licence_class_name(enum licence_class c)
{
    return CLASSES[c];
}

bool licence_class_asked(const struct policy_licences *l)
{
    return l->allow[0] || l->deny[0] || l->unknown_blocks;
}

/* The list replaces one that stood above. */
static int list_parse(const struct yaml *map, const char *key, const char *file, char out[POLICY_LICENCES_SIZE],
                      struct err *e)
{
    const struct yaml *list = yaml_get(map, key);
    size_t used = 0;
    if (!list)
        return 0;
    if (list->kind != YAML_LIST || list->count == 0)
        return policy_bad(e, file, list->line, "%s: wanted a list of licences, for example [MIT, Apache-2.0]", key);
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *item = list->items[i];
        const char *text = item->kind == YAML_SCALAR ? item->text : "";
        if (!licence_item_is_right(span_str(text))) {
            policy_bad(e, file, item->line, "%s: \"%.60s\" is no licence of the SPDX list", key, text);
            return err_hint(e, "Wanted for example MIT, LGPL-2.1+ (that version and later ones), \"GPL-3.0-only WITH "
                               "GCC-exception-3.1\", LicenseRef-NAME; one licence an item");
        }
        size_t len = strlen(text);
        if (used + len + 2 > POLICY_LICENCES_SIZE)
            return policy_bad(e, file, item->line, "%s: more licences than a policy holds", key);
        if (used)
            out[used++] = ',';
        memcpy(out + used, text, len + 1);
        used += len;
    }
    return 0;
}

static int rules_parse(const struct yaml *map, const char *file, struct policy_licences *out, struct err *e)
{
    const char *unknown;
    if (list_parse(map, "allow", file, out->allow, e) < 0 || list_parse(map, "deny", file, out->deny, e) < 0 ||
        yaml_text_or(map, "unknown", out->unknown_blocks ? "block" : "remark", &unknown, file, e) < 0)
        return -1;
    out->unknown_blocks = strcmp(unknown, "block") == 0;
    return out->unknown_blocks || strcmp(unknown, "remark") == 0
               ? 0
               : policy_bad(e, file, policy_line(map, "unknown"), "unknown: \"%.32s\"; wanted block or remark",
                            unknown);
}

int policy_licences_parse(const struct yaml *root, const char *file, struct policy_licences out[LICENCE_CLASSES],
                          struct err *e)
{
    static const char *const top[] = {"allow", "deny", "unknown", "models", "packages", "images", NULL};
    static const char *const keys[] = {"allow", "deny", "unknown", NULL};
    const struct yaml *map = yaml_get(root, "licences");
    struct policy_licences all = {.unknown_blocks = false};
    memset(out, 0, LICENCE_CLASSES * sizeof *out);
    if (!map)
        return 0;
    if (map->kind != YAML_MAP)
        return policy_bad(e, file, map->line, "licences: wanted keys and values");
    if (yaml_only_keys(map, top, file, e) < 0 || rules_parse(map, file, &all, e) < 0)
        return -1;
    for (size_t i = 0; i < LICENCE_CLASSES; i++) {
        const struct yaml *own = yaml_get(map, CLASSES[i]);
        out[i] = all;
        if (own && own->kind != YAML_MAP)
            return policy_bad(e, file, own->line, "%s: wanted keys and values", CLASSES[i]);
        if (own && (yaml_only_keys(own, keys, file, e) < 0 || rules_parse(own, file, &out[i], e) < 0))
            return -1;
    }
    return 0;
}

const char *policy_licence_objection(const struct policy_licences *l, const char *expression)
{
    if (!expression[0])
        return l->unknown_blocks ? "licence-unknown" : NULL;
    switch (licence_judge(span_str(expression), span_str(l->allow), span_str(l->deny))) {
    case LICENCE_ALLOWED:
        return NULL;
    case LICENCE_NOT_ALLOWED:
        return "licence-not-allowed";
    case LICENCE_DENIED:
        break;
    }
    return "licence-denied";
}
