#include "parse/json_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/keras.h"
#include "parse/shard_index.h"
#include "parse/text.h"
#include "util/limits.h"

/* Digits of a number: a length limit of a tokenizer that means "none" has 31. */
#define LIMIT_NUMBER_DIGITS 40U

/* What fits into 64 bits for certain. */
#define SAFE_DIGITS 18U

struct walk {
    struct report *r;
    const char *base; /* the file's name without its folders */
    const struct template_rules *templates;
    char at[512]; /* JSON pointer */
};

static void hazard(struct walk *w, const char *rule, const char *what)
{
    report_finding(w->r, SEVERITY_HIGH, rule, w->at, "%s", what);
}

static bool is_set(const json_t *v)
{
    if (json_is_object(v))
        return json_object_size(v) > 0;
    if (json_is_array(v))
        return json_array_size(v) > 0;
    if (json_is_string(v))
        return json_string_value(v)[0] != '\0';
    return v && !json_is_null(v) && !json_is_false(v);
}

static bool text_has(const json_t *v, const char *characters)
{
    return json_is_string(v) && strpbrk(json_string_value(v), characters) != NULL;
}

/* ── rules for one member, wherever it stands ── */

static void rule_code(struct walk *w, const json_t *v)
{
    if (is_set(v))
        hazard(w, "config-code", "makes a loader import code that comes with the model, or from another repository");
}

static void rule_repository(struct walk *w, const json_t *v)
{
    if (text_has(v, "/:"))
        hazard(w, "config-code", "names a repository that code would be fetched from");
}

static void rule_dotted(struct walk *w, const json_t *v)
{
    if (text_has(v, "./\\:"))
        hazard(w, "config-class", "a class with a path; only plain names of known classes stand here");
}

static void rule_url(struct walk *w, const json_t *v)
{
    if (json_is_string(v) && strstr(json_string_value(v), "://"))
        hazard(w, "config-url", "a URL, which a loader would follow");
}

static void rule_suppress(struct walk *w, const json_t *v)
{
    if (json_array_size(v) > 256)
        hazard(w, "config-suppress", "suppresses so many tokens that little is left for the model to say");
}

static void rule_token_id(struct walk *w, const json_t *v)
{
    if (json_is_integer(v) && json_integer_value(v) < 0)
        hazard(w, "config-token", "a negative token number");
}

static void rule_template(struct walk *w, const json_t *v)
{
    char at[640];
    const json_t *item;
    size_t i;
    snprintf(at, sizeof(at), "%s", w->at);
    if (json_is_string(v))
        jinja_check(span_str(json_string_value(v)), "chat_template", at, w->templates, &w->r->facts, w->r);
    json_array_foreach((json_t *)(uintptr_t)v, i, item)
    {
        const char *text = json_get_string(item, "template", NULL);
        snprintf(at, sizeof(at), "%s/%zu/template", w->at, i);
        if (text)
            jinja_check(span_str(text), json_get_string(item, "name", ""), at, w->templates, &w->r->facts, w->r);
    }
}

static void rule_weight_map(struct walk *w, const json_t *v)
{
    const char *key;
    json_t *file;
    if (!json_is_object(v)) {
        hazard(w, "index-shard", "is no object of tensor names and files");
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)v, key, file)
    {
        if (json_is_string(file) && !text_has(file, "/\\:") && json_string_value(file)[0] != '.' &&
            json_string_value(file)[0] != '\0')
            continue;
        hazard(w, "index-shard", "a shard whose name is no plain file name");
        return;
    }
}

static void rule_pipeline(struct walk *w, const json_t *v)
{
    if (json_is_array(v))
        hazard(w, "config-code", "a pipeline class that comes from a module of its own");
}

static void rule_added_tokens(struct walk *w, const json_t *v)
{
    auto_json seen = json_object();
    const char *key;
    json_t *token;
    json_object_foreach((json_t *)(uintptr_t)v, key, token)
    {
        const char *content = json_get_string(token, "content", NULL);
        if (content && json_object_get(seen, content))
            hazard(w, "config-token", "two added tokens have the same text");
        if (content)
            json_object_set_new(seen, content, json_true());
    }
}

static const struct {
    const char *key;
    void (*rule)(struct walk *w, const json_t *v);
} RULES[] = {
    {"auto_map", rule_code},
    {"trust_remote_code", rule_code},
    {"custom_pipelines", rule_code},
    {"custom_generate", rule_code},
    {"auto_mapping", rule_code},
    {"_target_", rule_code},
    {"_attn_implementation_internal", rule_code},
    {"attn_implementation", rule_repository},
    {"_attn_implementation", rule_repository},
    {"tokenizer_class", rule_dotted},
    {"processor_class", rule_dotted},
    {"feature_extractor_type", rule_dotted},
    {"image_processor_type", rule_dotted},
    {"_name_or_path", rule_url},
    {"name_or_path", rule_url},
    {"base_model_name_or_path", rule_url},
    {"suppress_tokens", rule_suppress},
    {"eos_token_id", rule_token_id},
    {"bos_token_id", rule_token_id},
    {"pad_token_id", rule_token_id},
    {"chat_template", rule_template},
    {"weight_map", rule_weight_map},
    {"_class_name", rule_pipeline},
    {"added_tokens_decoder", rule_added_tokens},
};

static void apply_rules(struct walk *w, const char *key, const json_t *v)
{
    for (size_t i = 0; i < ARRAY_LEN(RULES); i++)
        if (strcmp(RULES[i].key, key) == 0)
            RULES[i].rule(w, v);
}

/* modules.json of sentence-transformers: "type" is imported. */
static void check_modules(struct walk *w, const json_t *root)
{
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)root, i, item)
    {
        const char *type = json_get_string(item, "type", ""), *path = json_get_string(item, "path", "");
        snprintf(w->at, sizeof(w->at), "/%zu", i);
        if (!span_starts(span_str(type), SPAN_LIT("sentence_transformers.models.")))
            hazard(w, "config-code", "a module type that is none of sentence_transformers.models");
        if (strstr(path, "..") || path[0] == '/')
            hazard(w, "config-path", "a path that leads out of the model's folder");
    }
}

/* A configuration is settings, not orders. URLs are left to the rules above. An image's tells the steps that built it:
 * those are image_config.h's. */
static void check_text(struct walk *w, const json_t *v)
{
    if (strcmp(w->base, "image-config.json") == 0)
        return;
    if (!json_is_string(v) || !span_ends(span_str(w->base), SPAN_LIT("config.json")) || json_string_length(v) > 1024)
        return;
    const char *what = text_hazard(span_str(json_string_value(v)));
    if (what && strcmp(what, "a URL") != 0)
        report_finding(w->r, SEVERITY_MEDIUM, "config-command", w->at, "holds %s: %.120s", what, json_string_value(v));
}

/* A text with tags under a name that speaks of templates: some program may render it. */
static void check_template(struct walk *w, const char *key, const json_t *v)
{
    struct span text = json_is_string(v) ? span_str(json_string_value(v)) : span_of("", 0);
    if (strcmp(key, "chat_template") != 0 && strstr(key, "template") && jinja_has_tags(text) &&
        strcmp(w->base, "tokenizer.json") != 0)
        jinja_check_text(text, key, w->at, w->templates, &w->r->facts, w->r);
}

static void walk(struct walk *w, const json_t *v);

static void walk_member(struct walk *w, const char *key, const json_t *v)
{
    size_t len = strlen(w->at);
    snprintf(w->at + len, sizeof(w->at) - len, "/%s", key);
    apply_rules(w, key, v);
    check_text(w, v);
    check_template(w, key, v);
    walk(w, v);
    w->at[len] = '\0';
}

static void walk(struct walk *w, const json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_object(v))
        json_object_foreach((json_t *)(uintptr_t)v, key, item) walk_member(w, key, item);
    if (!json_is_array(v))
        return;
    json_array_foreach((json_t *)(uintptr_t)v, i, item)
    {
        char number[24];
        if (!json_is_object(item) && !json_is_array(item))
            continue;
        snprintf(number, sizeof(number), "%zu", i);
        walk_member(w, number, item);
    }
}

/* ── the text ── */

/* jansson refuses numbers above 64 bits, which honest configurations hold (a length that means "no limit"). Of such
 * a number a copy keeps the first digit: nobody here asks for its value. NULL: a number is longer than any honest one.
 */
static char *shorten_numbers(struct span text)
{
    char *copy = malloc(text.len + 1);
    bool quoted = false;
    if (!copy)
        abort();
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    for (size_t i = 0; i < text.len; i++) {
        if (quoted && copy[i] == '\\') {
            i++;
        } else if (copy[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && copy[i] >= '1' && copy[i] <= '9') {
            size_t digits = strspn(copy + i, "0123456789");
            if (digits > LIMIT_NUMBER_DIGITS) {
                free(copy);
                return NULL;
            }
            bool fraction = i > 0 && (copy[i - 1] == '.' || copy[i - 1] == 'e' || copy[i - 1] == 'E');
            if (digits > SAFE_DIGITS && !fraction)
                memset(copy + i + 1, ' ', digits - 1);
            i += digits - 1;
        }
    }
    return copy;
}

static json_t *read_text(struct span text, const char *at, struct report *r)
{
    struct err e = {0};
    auto_free char *copy = NULL;
    if (text.len > LIMIT_JSON_FILE_BYTES) {
        report_not_scanned(r, "json-size", at, "%zu bytes; at most %u are read", text.len, LIMIT_JSON_FILE_BYTES);
        return NULL;
    }
    copy = shorten_numbers(text);
    if (!copy) {
        report_finding(r, SEVERITY_HIGH, "json-number", at, "a number of more than %u digits", LIMIT_NUMBER_DIGITS);
        return NULL;
    }
    json_t *root = json_parse(span_of(copy, text.len), LIMIT_JSON_FILE_BYTES, "JSON", &e);
    if (!root)
        report_finding(r, SEVERITY_HIGH, "json-broken", at, "%s", e.msg);
    return root;
}

/* Invisible characters in a text are looked for in the bytes: they stand there as they are. */
static void check_characters(struct span text, struct report *r)
{
    if (jinja_has_hidden(text))
        report_finding(r, SEVERITY_MEDIUM, "json-hidden", "",
                       "an invisible character, or one that changes the direction of reading");
}

static const char *base_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* Vocabularies hold every character there is. */
static bool is_vocabulary(const char *base)
{
    return strcmp(base, "tokenizer.json") == 0 || strcmp(base, "vocab.json") == 0 ||
           strcmp(base, "added_tokens.json") == 0;
}

static void check_document(const json_t *root, const char *base, const struct template_rules *templates,
                           struct report *r)
{
    struct walk w = {.r = r, .base = base, .templates = templates};
    if (strcmp(base, "modules.json") == 0)
        check_modules(&w, root);
    w.at[0] = '\0';
    if (strcmp(base, "vocab.json") != 0)
        walk(&w, root);
}

int json_file_check(struct span file, const char *name, const struct template_rules *templates, struct report *r)
{
    const char *base = base_of(name);
    auto_json root = read_text(file, "", r);
    if (!root)
        return -1;
    json_put_array(&r->facts, "templates");
    check_document(root, base, templates, r);
    json_out_array_end(&r->facts);
    if (keras_describes(root))
        keras_config_check(root, "", r);
    if (span_ends(span_str(base), SPAN_LIT(".index.json")) && json_is_object(json_object_get(root, "weight_map")))
        shard_index_facts(json_object_get(root, "weight_map"), r);
    if (!is_vocabulary(base))
        check_characters(file, r);
    return 0;
}

int json_lines_check(struct span file, const char *name, const struct template_rules *templates, struct report *r)
{
    struct span line;
    size_t number = 0;
    json_put_array(&r->facts, "templates");
    while (file.len > 0) {
        char at[48];
        if (!span_take_until(&file, '\n', &line)) {
            line = file;
            span_skip(&file, file.len);
        }
        snprintf(at, sizeof(at), "line %zu", ++number);
        if (line.len == 0 || (line.len == 1 && line.ptr[0] == '\r'))
            continue;
        auto_json root = read_text(line, at, r);
        if (!root)
            break;
        check_document(root, base_of(name), templates, r);
    }
    json_out_array_end(&r->facts);
    return file.len == 0 ? 0 : -1;
}
