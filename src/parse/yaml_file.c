#include "parse/yaml_file.h"

#include <stdio.h>
#include <string.h>

#include "parse/yaml.h"
#include "util/limits.h"

/* Keys whose value is imported or called. */
static const char *const HAZARDS[] = {"_target_",         "auto_map",        "trust_remote_code",
                                      "custom_pipelines", "custom_generate", "auto_mapping"};

/* A text with tags of a template in it, wherever it stands. What is a chat template is rendered for certain. */
static void check_text(const char *key, const struct yaml *y, const struct template_rules *templates, struct report *r)
{
    char at[32];
    if (y->kind != YAML_SCALAR || !jinja_has_tags(span_str(y->text)))
        return;
    snprintf(at, sizeof(at), "line %u", y->line);
    if (strcmp(key, "chat_template") == 0)
        jinja_check(span_str(y->text), key, at, templates, &r->facts, r);
    else
        jinja_check_text(span_str(y->text), "template", at, templates, &r->facts, r);
}

static void walk(const char *key, const struct yaml *y, const struct template_rules *templates, struct report *r)
{
    check_text(key, y, templates, r);
    for (size_t i = 0; i < y->count; i++) {
        for (size_t k = 0; y->kind == YAML_MAP && k < ARRAY_LEN(HAZARDS); k++) {
            char at[32];
            if (strcmp(y->keys[i], HAZARDS[k]) != 0)
                continue;
            snprintf(at, sizeof(at), "line %u", y->items[i]->line);
            if (y->items[i]->kind != YAML_SCALAR || strcmp(y->items[i]->text, "false") != 0)
                report_finding(r, SEVERITY_HIGH, "config-code", at, "%s makes a loader import or run something",
                               HAZARDS[k]);
        }
        walk(y->kind == YAML_MAP ? y->keys[i] : key, y->items[i], templates, r);
    }
}

int yaml_file_check(struct span file, const struct template_rules *templates, struct report *r)
{
    struct err e = {0};
    if (file.len > LIMIT_YAML_BYTES)
        return report_not_scanned(r, "yaml-size", "", "%zu bytes; at most %u are read", file.len, LIMIT_YAML_BYTES);
    struct yaml *root = yaml_parse(file, "line", &e);
    if (!root)
        return report_finding(r, SEVERITY_HIGH, "yaml-broken", "", "%s", e.msg);
    json_put_array(&r->facts, "templates");
    walk("", root, templates, r);
    json_out_array_end(&r->facts);
    yaml_free(root);
    return 0;
}
