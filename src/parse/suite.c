#include "parse/suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parse/yaml.h"
#include "util/auto.h"
#include "util/json.h"

#define SCHEMA_DEPTH_MAX 16U
#define LATENCY_MS_MAX   3600000U
#define MAX_TOKENS_MAX   1000000U

static void free_yaml(struct yaml **y)
{
    yaml_free(*y);
}

/* What a plain scalar means: the JSON schema of YAML 1.2 (10.2), quoted ones are strings. */
static void put_scalar(struct json_out *w, const struct yaml *y)
{
    char *end = NULL;
    double number = 0;
    bool looks = !y->quoted && y->text[0] && strspn(y->text, "-0123456789.eE+") == strlen(y->text) &&
                 (y->text[0] == '-' || (y->text[0] >= '0' && y->text[0] <= '9'));
    if (looks)
        number = strtod(y->text, &end);
    if (looks && *end == '\0' && end != y->text && isfinite(number) && fabs(number) < 1e15) {
        if (number == (double)(int64_t)number)
            json_out_int(w, (int64_t)number);
        else
            json_out_double(w, number, 9);
    } else if (!y->quoted && (strcmp(y->text, "true") == 0 || strcmp(y->text, "false") == 0)) {
        json_out_bool(w, y->text[0] == 't');
    } else if (!y->quoted && strcmp(y->text, "null") == 0) {
        json_out_null(w);
    } else {
        json_out_string(w, y->text);
    }
}

static int put_any(struct json_out *w, const struct yaml *y, unsigned depth, const char *name, struct err *e)
{
    if (depth > SCHEMA_DEPTH_MAX)
        return err_set(e, ERR_LIMIT, 0, "%s:%u: json-schema: deeper than %u", name, y->line, SCHEMA_DEPTH_MAX);
    if (y->kind == YAML_SCALAR) {
        put_scalar(w, y);
        return 0;
    }
    (y->kind == YAML_MAP ? json_out_object : json_out_array)(w);
    for (size_t i = 0; i < y->count; i++) {
        if (y->kind == YAML_MAP)
            json_out_key(w, y->keys[i]);
        if (put_any(w, y->items[i], depth + 1, name, e) < 0)
            return -1;
    }
    (y->kind == YAML_MAP ? json_out_object_end : json_out_array_end)(w);
    return 0;
}

static int put_assertion(struct json_out *w, const struct yaml *map, const char *name, struct err *e)
{
    static const char *const keys[] = {"equals",     "contains", "not-contains", "regex", "json-schema",
                                       "latency-ms", NULL};
    uint64_t ms;
    if (map->kind != YAML_MAP || map->count != 1)
        return err_set(e, ERR_INPUT, 0, "%s:%u: assert: wanted one kind and its value a line", name, map->line);
    if (yaml_only_keys(map, keys, name, e) < 0)
        return -1;
    const struct yaml *value = map->items[0];
    json_out_object(w);
    json_out_key(w, map->keys[0]);
    if (strcmp(map->keys[0], "json-schema") == 0) {
        if (value->kind != YAML_MAP)
            return err_set(e, ERR_INPUT, 0, "%s:%u: json-schema: wanted a schema", name, value->line);
        if (put_any(w, value, 0, name, e) < 0)
            return -1;
    } else if (strcmp(map->keys[0], "latency-ms") == 0) {
        if (yaml_uint_or(map, "latency-ms", 0, &ms, name, e) < 0)
            return -1;
        if (ms == 0 || ms > LATENCY_MS_MAX)
            return err_set(e, ERR_INPUT, 0, "%s:%u: latency-ms: wanted 1 to %u", name, value->line, LATENCY_MS_MAX);
        json_out_uint(w, ms);
    } else {
        if (value->kind != YAML_SCALAR || (value->text[0] == '\0' && strcmp(map->keys[0], "equals") != 0))
            return err_set(e, ERR_INPUT, 0, "%s:%u: %s: wanted a text", name, value->line, map->keys[0]);
        json_out_string(w, value->text);
    }
    json_out_object_end(w);
    return 0;
}

static int put_assertions(struct json_out *w, const struct yaml *map, const char *name, struct err *e)
{
    const struct yaml *list = yaml_need(map, "assert", YAML_LIST, name, e);
    if (!list)
        return -1;
    if (list->count == 0 || list->count > SUITE_ASSERTIONS_MAX)
        return err_set(e, ERR_INPUT, 0, "%s:%u: assert: wanted 1 to %u assertions; a case without one proves nothing",
                       name, list->line, SUITE_ASSERTIONS_MAX);
    json_put_array(w, "assert");
    for (size_t i = 0; i < list->count; i++)
        if (put_assertion(w, list->items[i], name, e) < 0)
            return -1;
    json_out_array_end(w);
    return 0;
}

static void put_message(struct json_out *w, const char *role, const char *content)
{
    json_out_object(w);
    json_put_string(w, "role", role);
    json_put_string(w, "content", content);
    json_out_object_end(w);
}

static int put_messages(struct json_out *w, const struct yaml *list, const char *name, struct err *e)
{
    static const char *const keys[] = {"role", "content", NULL};
    if (list->kind != YAML_LIST || list->count == 0 || list->count > SUITE_MESSAGES_MAX)
        return err_set(e, ERR_INPUT, 0, "%s:%u: messages: wanted a list of 1 to %u", name, list->line,
                       SUITE_MESSAGES_MAX);
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *map = list->items[i];
        if (map->kind != YAML_MAP)
            return err_set(e, ERR_INPUT, 0, "%s:%u: messages: wanted role and content", name, map->line);
        const char *role, *content;
        if (yaml_only_keys(map, keys, name, e) < 0 || !(role = yaml_need_text(map, "role", name, e)) ||
            !(content = yaml_need_text(map, "content", name, e)))
            return -1;
        if (strcmp(role, "user") != 0 && strcmp(role, "assistant") != 0)
            return err_set(e, ERR_INPUT, 0, "%s:%u: role: wanted user or assistant (system is the prompt set's)", name,
                           map->line);
        put_message(w, role, content);
    }
    return 0;
}

static int put_case(struct json_out *w, const struct yaml *map, const char *name, struct err *e)
{
    static const char *const keys[] = {"name", "prompt", "messages", "max_tokens", "assert", NULL};
    if (map->kind != YAML_MAP)
        return err_set(e, ERR_INPUT, 0, "%s:%u: cases: wanted name, prompt and assert", name, map->line);
    const char *title = yaml_need_text(map, "name", name, e), *prompt;
    uint64_t tokens;
    if (!title || yaml_only_keys(map, keys, name, e) < 0 || yaml_text_or(map, "prompt", "", &prompt, name, e) < 0 ||
        yaml_uint_or(map, "max_tokens", 0, &tokens, name, e) < 0)
        return -1;
    const struct yaml *messages = yaml_get(map, "messages");
    if (!title[0] || strlen(title) > 120)
        return err_set(e, ERR_INPUT, 0, "%s:%u: name: wanted 1 to 120 bytes", name, map->line);
    if (!messages == !prompt[0])
        return err_set(e, ERR_INPUT, 0, "%s:%u: case \"%s\": wanted either prompt or messages", name, map->line, title);
    if (tokens > MAX_TOKENS_MAX)
        return err_set(e, ERR_INPUT, 0, "%s:%u: max_tokens: at most %u", name, map->line, MAX_TOKENS_MAX);
    json_out_object(w);
    json_put_string(w, "name", title);
    json_put_array(w, "messages");
    if (messages && put_messages(w, messages, name, e) < 0)
        return -1;
    if (!messages)
        put_message(w, "user", prompt);
    json_out_array_end(w);
    if (tokens)
        json_put_uint(w, "max_tokens", tokens);
    if (put_assertions(w, map, name, e) < 0)
        return -1;
    json_out_object_end(w);
    return 0;
}

static int unique_names(const struct yaml *cases, const char *name, struct err *e)
{
    for (size_t i = 0; i < cases->count; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct yaml *a = yaml_get(cases->items[i], "name"), *b = yaml_get(cases->items[k], "name");
            if (strcmp(a->text, b->text) == 0)
                return err_set(e, ERR_INPUT, 0, "%s:%u: case \"%s\" stands twice (first in line %u)", name, a->line,
                               a->text, b->line);
        }
    }
    return 0;
}

int suite_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    static const char *const keys[] = {"cases", NULL};
    char name[128] = "suite.yaml";
    if (arg.len && arg.len < sizeof name) {
        memcpy(name, arg.ptr, arg.len);
        name[arg.len] = '\0';
    }
    AUTO(free_yaml) struct yaml *root = yaml_parse(input, name, e);
    if (!root)
        return -1;
    if (root->kind != YAML_MAP)
        return err_set(e, ERR_INPUT, 0, "%s: wanted `cases:` at the top", name);
    const struct yaml *cases = yaml_need(root, "cases", YAML_LIST, name, e);
    if (!cases || yaml_only_keys(root, keys, name, e) < 0)
        return -1;
    if (cases->count == 0 || cases->count > SUITE_CASES_MAX)
        return err_set(e, ERR_INPUT, 0, "%s:%u: cases: wanted 1 to %u", name, cases->line, SUITE_CASES_MAX);
    struct json_out w;
    json_out_init(&w, reply);
    json_out_object(&w);
    json_put_array(&w, "cases");
    for (size_t i = 0; i < cases->count; i++)
        if (put_case(&w, cases->items[i], name, e) < 0)
            return -1;
    json_out_array_end(&w);
    json_out_object_end(&w);
    return unique_names(cases, name, e) < 0 ? -1 : buf_check(reply, "suite", e);
}
