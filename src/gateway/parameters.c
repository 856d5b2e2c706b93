#include "gateway/parameters.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FOUND_MAX 60 /* characters of a wrong value that a message repeats */

enum kind { INTEGER, NUMBER, BOOLEAN, OBJECT, LIST, TEXT_OR_LIST, TEXT_OR_OBJECT, TEXT };

static const char *const KINDS[] = {
    [BOOLEAN] = "true or false",
    [OBJECT] = "an object",
    [LIST] = "a list",
    [TEXT_OR_LIST] = "a string or a list of strings",
    [TEXT_OR_OBJECT] = "a string or an object",
    [TEXT] = "a string",
};

/* Ranges are those of the OpenAI API (reference, "Create chat completion"); of what is not in it, those of
 * llama-server's and vLLM's own documentation, where -1 switches top_k off and leaves the seed to chance. A count of
 * tokens is an int in both. */
static const struct parameter {
    const char *name;
    enum kind kind;
    double min, max;
} PARAMETERS[] = {
    {"frequency_penalty", NUMBER, -2, 2},
    {"logit_bias", OBJECT, 0, 0},
    {"logprobs", BOOLEAN, 0, 0},
    {"max_completion_tokens", INTEGER, 1, INT32_MAX},
    {"max_tokens", INTEGER, 1, INT32_MAX},
    {"min_p", NUMBER, 0, 1},
    {"n", INTEGER, 1, 128},
    {"parallel_tool_calls", BOOLEAN, 0, 0},
    {"presence_penalty", NUMBER, -2, 2},
    {"reasoning_effort", TEXT, 0, 0},
    {"repeat_penalty", NUMBER, 0, 10},
    {"response_format", OBJECT, 0, 0},
    {"seed", INTEGER, -1, UINT32_MAX},
    {"stop", TEXT_OR_LIST, 0, 0},
    {"temperature", NUMBER, 0, 2},
    {"tool_choice", TEXT_OR_OBJECT, 0, 0},
    {"tools", LIST, 0, 0},
    {"top_k", INTEGER, -1, INT32_MAX},
    {"top_logprobs", INTEGER, 0, 20},
    {"top_p", NUMBER, 0, 1},
};

static const struct parameter *find(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(PARAMETERS); i++)
        if (!strcmp(PARAMETERS[i].name, key))
            return &PARAMETERS[i];
    return NULL;
}

bool parameter_known(const char *key)
{
    return find(key) != NULL;
}

static bool strings_only(const json_t *list)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item))
            return false;
    }
    return true;
}

static bool fits(const struct parameter *p, const json_t *value)
{
    double number = json_number_value(value);
    switch (p->kind) {
    case INTEGER:
        return json_is_integer(value) && number >= p->min && number <= p->max;
    case NUMBER:
        return json_is_number(value) && number >= p->min && number <= p->max;
    case BOOLEAN:
        return json_is_boolean(value);
    case OBJECT:
        return json_is_object(value);
    case LIST:
        return json_is_array(value);
    case TEXT_OR_LIST:
        return json_is_string(value) || (json_is_array(value) && strings_only(value));
    case TEXT_OR_OBJECT:
        return json_is_string(value) || json_is_object(value);
    default:
        return json_is_string(value);
    }
}

int parameter_check(const char *key, const json_t *value, struct err *e)
{
    const struct parameter *p = find(key);
    if (json_is_null(value) || fits(p, value))
        return 0;
    auto_free char *text =
        json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
    const char *found = text ? text : "?";
    if (p->kind > NUMBER)
        return err_set(e, ERR_INPUT, 0, "/%s: wanted %s, found %.*s", key, KINDS[p->kind], FOUND_MAX, found);
    return err_set(e, ERR_INPUT, 0, "/%s: wanted %s from %.0f to %.0f, found %.*s", key,
                   p->kind == INTEGER ? "a whole number" : "a number", p->min, p->max, FOUND_MAX, found);
}
