#include "parse/config.h"

#include <stdio.h>
#include <string.h>

#include "parse/text.h"
#include "parse/tokenizer.h"

bool config_is_set(const json_t *v)
{
    if (json_is_object(v))
        return json_object_size(v) > 0;
    if (json_is_array(v))
        return json_array_size(v) > 0;
    if (json_is_string(v))
        return json_string_value(v)[0] != '\0';
    return v && !json_is_null(v) && !json_is_false(v);
}

bool config_is_dotted(const char *text)
{
    bool first = true;
    for (; *text; text++) {
        bool letter = *text == '_' || (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
        bool digit = *text >= '0' && *text <= '9';
        if (!letter && (first || (!digit && *text != '.')))
            return false;
        first = *text == '.';
    }
    return !first;
}

bool config_is_in(const char *name, const char *package)
{
    size_t len = strlen(package);
    return config_is_dotted(name) && strncmp(name, package, len) == 0 && (name[len] == '\0' || name[len] == '.');
}

bool config_leads_out(const char *text)
{
    return strstr(text, "://") || strcmp(text, "..") == 0 || strstr(text, "../") || strstr(text, "/..") ||
           strchr(text, '\\');
}

/* A configuration is settings, not orders. URLs are left to the rules of their members; an image's configuration tells
 * the steps that built it, and image_config.h reads those. */
static void check_text(struct config *c, const json_t *v)
{
    if (!json_is_string(v) || !span_ends(span_str(c->base), SPAN_LIT("config.json")) || json_string_length(v) > 1024 ||
        strcmp(c->base, "image-config.json") == 0)
        return;
    const char *what = text_hazard(span_str(json_string_value(v)));
    if (what && strcmp(what, "a URL") != 0)
        report_finding(c->r, SEVERITY_MEDIUM, "config-command", c->at, "holds %s: %.120s", what, json_string_value(v));
}

/* A text with tags under a name that speaks of templates: some program may render it. */
static void check_template(struct config *c, const char *key, const json_t *v)
{
    struct span text = json_is_string(v) ? span_str(json_string_value(v)) : span_of("", 0);
    if (strcmp(key, "chat_template") != 0 && strstr(key, "template") && jinja_has_tags(text))
        jinja_check_text(text, key, c->at, c->templates, &c->r->facts, c->r);
}

static void walk(struct config *c, const json_t *v);

static void walk_member(struct config *c, const char *key, const json_t *v)
{
    size_t len = strlen(c->at);
    snprintf(c->at + len, sizeof(c->at) - len, "/%s", key);
    if (!c->settings_only || strcmp(key, "chat_template") != 0)
        config_member_check(c, key, v);
    check_text(c, v);
    if (!c->settings_only)
        check_template(c, key, v);
    walk(c, v);
    c->at[len] = '\0';
}

static void walk(struct config *c, const json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_object(v))
        json_object_foreach((json_t *)(uintptr_t)v, key, item) walk_member(c, key, item);
    if (!json_is_array(v))
        return;
    json_array_foreach((json_t *)(uintptr_t)v, i, item)
    {
        char number[24];
        if (!json_is_object(item) && !json_is_array(item))
            continue;
        snprintf(number, sizeof(number), "%zu", i);
        walk_member(c, number, item);
    }
}

void config_check(const json_t *root, const char *base, const struct template_rules *templates, struct report *r)
{
    struct config c = {.root = root, .base = base, .templates = templates, .r = r};
    config_file_check(&c);
    c.at[0] = '\0';
    if (tokenizer_is(root, base))
        tokenizer_check(root, r);
    else if (strcmp(base, "vocab.json") != 0 && strcmp(base, "added_tokens.json") != 0)
        walk(&c, root);
}

void config_settings_check(const json_t *root, struct report *r)
{
    struct config c = {.root = root, .base = "", .settings_only = true, .r = r};
    walk(&c, root);
}
