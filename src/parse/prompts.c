#include "parse/prompts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parse/yaml.h"
#include "util/auto.h"
#include "util/json.h"

/* What a request may leave to the release, under the names of the OpenAI API. Only parameters that shape the answer:
 * nothing that names a model, a user or a place to fetch from. */
enum parameter_kind { PARAMETER_NUMBER, PARAMETER_COUNT, PARAMETER_TEXTS };
static const struct {
    const char *name;
    enum parameter_kind kind;
} PARAMETERS[] = {
    {"temperature", PARAMETER_NUMBER},
    {"top_p", PARAMETER_NUMBER},
    {"top_k", PARAMETER_COUNT},
    {"min_p", PARAMETER_NUMBER},
    {"presence_penalty", PARAMETER_NUMBER},
    {"frequency_penalty", PARAMETER_NUMBER},
    {"repeat_penalty", PARAMETER_NUMBER},
    {"seed", PARAMETER_COUNT},
    {"max_tokens", PARAMETER_COUNT},
    {"stop", PARAMETER_TEXTS},
};

static void free_yaml(struct yaml **y)
{
    yaml_free(*y);
}

static int put_number(struct json_out *w, const struct yaml *value, const char *key, const char *name, struct err *e)
{
    const char *text = value->kind == YAML_SCALAR && !value->quoted ? value->text : "";
    char *end = NULL;
    double number = strtod(text, &end);
    /* strtod also reads "inf", "nan" and hexadecimal, which are no JSON. */
    if (end == text || *end || !isfinite(number) || fabs(number) > 1e9 ||
        strspn(text, "+-0123456789.eE") != strlen(text))
        return err_set(e, ERR_INPUT, 0, "%s:%u: %s: wanted a number", name, value->line, key);
    json_out_key(w, key);
    json_out_double(w, number, 6);
    return 0;
}

static int put_count(struct json_out *w, const struct yaml *value, const char *key, const char *name, struct err *e)
{
    uint64_t count;
    if (value->kind != YAML_SCALAR || value->quoted || !span_decimal(span_str(value->text), &count) ||
        count > UINT32_MAX)
        return err_set(e, ERR_INPUT, 0, "%s:%u: %s: wanted a whole number, at most %u", name, value->line, key,
                       UINT32_MAX);
    json_put_uint(w, key, count);
    return 0;
}

static int put_texts(struct json_out *w, const struct yaml *list, const char *key, size_t max, const char *name,
                     struct err *e)
{
    if (list->kind != YAML_LIST || list->count > max)
        return err_set(e, ERR_INPUT, 0, "%s:%u: %s: wanted a list of at most %zu texts", name, list->line, key, max);
    json_put_array(w, key);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->kind != YAML_SCALAR || !list->items[i]->text[0])
            return err_set(e, ERR_INPUT, 0, "%s:%u: %s: wanted a text", name, list->items[i]->line, key);
        json_out_string(w, list->items[i]->text);
    }
    json_out_array_end(w);
    return 0;
}

static int put_parameter(struct json_out *w, const struct yaml *map, size_t i, const char *name, struct err *e)
{
    const char *key = map->keys[i];
    for (size_t k = 0; k < ARRAY_LEN(PARAMETERS); k++) {
        if (strcmp(PARAMETERS[k].name, key) != 0)
            continue;
        if (PARAMETERS[k].kind == PARAMETER_NUMBER)
            return put_number(w, map->items[i], key, name, e);
        if (PARAMETERS[k].kind == PARAMETER_COUNT)
            return put_count(w, map->items[i], key, name, e);
        return put_texts(w, map->items[i], key, 8, name, e);
    }
    auto_buf known = BUF(512);
    for (size_t k = 0; k < ARRAY_LEN(PARAMETERS); k++)
        buf_printf(&known, "%s%s", k ? ", " : "", PARAMETERS[k].name);
    return err_set(e, ERR_INPUT, 0, "%s:%u: \"%.64s\" is no parameter; known are: %s", name, map->items[i]->line, key,
                   buf_str(&known));
}

static int put_parameters(struct json_out *w, const struct yaml *root, const char *name, struct err *e)
{
    const struct yaml *map = yaml_get(root, "parameters");
    json_put_object(w, "parameters");
    if (map && (map->kind != YAML_MAP || map->count > PROMPTS_PARAMETERS_MAX))
        return err_set(e, ERR_INPUT, 0, "%s:%u: parameters: wanted at most %u names and values", name, map->line,
                       PROMPTS_PARAMETERS_MAX);
    for (size_t i = 0; map && i < map->count; i++)
        if (put_parameter(w, map, i, name, e) < 0)
            return -1;
    json_out_object_end(w);
    return 0;
}

int prompts_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    static const char *const keys[] = {"system", "warmup", "parameters", NULL};
    char name[128] = "prompts.yaml";
    if (arg.len && arg.len < sizeof name) {
        memcpy(name, arg.ptr, arg.len);
        name[arg.len] = '\0';
    }
    AUTO(free_yaml) struct yaml *root = yaml_parse(input, name, e);
    if (!root)
        return -1;
    if (root->kind != YAML_MAP)
        return err_set(e, ERR_INPUT, 0, "%s: wanted system, warmup and parameters at the top", name);
    const char *system;
    const struct yaml *warmup = yaml_need(root, "warmup", YAML_LIST, name, e);
    if (!warmup || yaml_only_keys(root, keys, name, e) < 0 || yaml_text_or(root, "system", "", &system, name, e) < 0)
        return -1;
    if (warmup->count == 0)
        return err_set(e, ERR_INPUT, 0,
                       "%s:%u: warmup: wanted at least one prompt; an engine is ready when it has answered it", name,
                       warmup->line);
    struct json_out w;
    json_out_init(&w, reply);
    json_out_object(&w);
    json_put_string(&w, "system", system);
    if (put_texts(&w, warmup, "warmup", PROMPTS_WARMUP_MAX, name, e) < 0 || put_parameters(&w, root, name, e) < 0)
        return -1;
    json_out_object_end(&w);
    return buf_check(reply, "prompts", e);
}
