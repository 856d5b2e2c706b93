#include "parse/yaml_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/config.h"
#include "parse/yaml.h"
#include "util/limits.h"

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

static void find_templates(const char *key, const struct yaml *y, const struct template_rules *templates,
                           struct report *r)
{
    check_text(key, y, templates, r);
    for (size_t i = 0; i < y->count; i++)
        find_templates(y->kind == YAML_MAP ? y->keys[i] : key, y->items[i], templates, r);
}

/* ── the same settings as JSON has them ── */

/* What a plain scalar means (YAML 1.2, core schema; yes, no, on, off as in 1.1, which PyYAML reads). */
static json_t *scalar(const struct yaml *y)
{
    static const char *const on[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"};
    static const char *const off[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"};
    static const char *const none[] = {"", "~", "null", "Null", "NULL"};
    char *end;
    for (size_t i = 0; !y->quoted && i < ARRAY_LEN(on); i++) {
        if (strcmp(y->text, on[i]) == 0)
            return json_true();
        if (strcmp(y->text, off[i]) == 0)
            return json_false();
        if (i < ARRAY_LEN(none) && strcmp(y->text, none[i]) == 0)
            return json_null();
    }
    errno = 0;
    long long number = strtoll(y->text, &end, 10);
    if (!y->quoted && *y->text && !*end && errno == 0)
        return json_integer(number);
    json_t *text = json_string(y->text);
    return text ? text : json_string("(no UTF-8)");
}

static json_t *as_json(const struct yaml *y)
{
    if (y->kind == YAML_SCALAR)
        return scalar(y);
    json_t *v = y->kind == YAML_MAP ? json_object() : json_array();
    for (size_t i = 0; i < y->count; i++) {
        if (y->kind == YAML_MAP)
            json_object_set_new(v, y->keys[i], as_json(y->items[i]));
        else
            json_array_append_new(v, as_json(y->items[i]));
    }
    return v;
}

static void check_settings(const struct yaml *y, struct report *r)
{
    auto_json root = as_json(y);
    config_settings_check(root, r);
}

int yaml_file_check(struct span file, const struct template_rules *templates, struct report *r)
{
    struct err e = {0};
    if (file.len > LIMIT_YAML_BYTES)
        return report_not_scanned(r, "yaml-size", "", "%zu bytes; at most %u are read", file.len, LIMIT_YAML_BYTES);
    struct yaml *root = yaml_parse(file, "line", &e);
    if (!root)
        return report_stop(r, SEVERITY_HIGH, "yaml-broken", "", "%s", e.msg);
    json_put_array(&r->facts, "templates");
    find_templates("", root, templates, r);
    check_settings(root, r);
    json_out_array_end(&r->facts);
    yaml_free(root);
    return 0;
}
