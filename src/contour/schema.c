#include "contour/schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "contour/pattern.h"

#define SCHEMA_DEPTH_MAX 16U
#define PLACE_MAX        256U

static const char *const TYPES[] = {"null", "boolean", "object", "array", "number", "integer", "string"};

/* ── is it a schema that we know to the end? ── */

static bool known_type(const json_t *j)
{
    for (size_t i = 0; i < ARRAY_LEN(TYPES); i++)
        if (json_is_string(j) && strcmp(json_string_value(j), TYPES[i]) == 0)
            return true;
    return false;
}

static int bad(struct err *e, const char *at, const char *key, const char *wanted)
{
    return err_set(e, ERR_INPUT, 0, "json-schema %s/%s: wanted %s", at, key, wanted);
}

static int check_type(const json_t *j, const char *at, struct err *e)
{
    size_t i;
    json_t *item;
    if (!json_is_array(j))
        return known_type(j) ? 0 : bad(e, at, "type", "null, boolean, object, array, number, integer or string");
    json_array_foreach((json_t *)j, i, item)
    {
        if (!known_type(item))
            return bad(e, at, "type", "names of types");
    }
    return json_array_size(j) > 0 ? 0 : bad(e, at, "type", "at least one type");
}

static int check_strings(const json_t *j, const char *at, const char *key, struct err *e)
{
    size_t i;
    json_t *item;
    if (!json_is_array(j))
        return bad(e, at, key, "a list of names");
    json_array_foreach((json_t *)j, i, item)
    {
        if (!json_is_string(item))
            return bad(e, at, key, "a list of names");
    }
    return 0;
}

static int check_inner(const json_t *schema, const char *at, unsigned depth, struct err *e);

static int check_properties(const json_t *j, const char *at, unsigned depth, struct err *e)
{
    const char *name;
    json_t *item;
    char place[PLACE_MAX];
    if (!json_is_object(j))
        return bad(e, at, "properties", "names and their schemas");
    json_object_foreach((json_t *)j, name, item)
    {
        snprintf(place, sizeof place, "%.160s/properties/%.60s", at, name);
        if (check_inner(item, place, depth + 1, e) < 0)
            return -1;
    }
    return 0;
}

static int check_number(const json_t *j, const char *at, const char *key, bool count, struct err *e)
{
    double n = json_number_value(j);
    if (!json_is_number(j) || (count && (n < 0 || n != floor(n))))
        return bad(e, at, key, count ? "a whole number, 0 or more" : "a number");
    return 0;
}

static bool is_one_of(const char *key, const char *const list[])
{
    for (; *list; list++)
        if (strcmp(key, *list) == 0)
            return true;
    return false;
}

static int check_member(const char *key, const json_t *j, const char *at, unsigned depth, struct err *e)
{
    static const char *const counts[] = {"minItems", "maxItems", "minLength", "maxLength", NULL};
    static const char *const numbers[] = {"minimum", "maximum", NULL};
    char place[PLACE_MAX];
    if (strcmp(key, "type") == 0)
        return check_type(j, at, e);
    if (strcmp(key, "properties") == 0)
        return check_properties(j, at, depth, e);
    if (strcmp(key, "required") == 0)
        return check_strings(j, at, key, e);
    if (strcmp(key, "enum") == 0)
        return json_is_array(j) && json_array_size(j) > 0 ? 0 : bad(e, at, key, "a list of values");
    if (strcmp(key, "const") == 0)
        return 0;
    if (strcmp(key, "additionalProperties") == 0)
        return json_is_boolean(j) ? 0 : bad(e, at, key, "true or false");
    if (strcmp(key, "items") == 0) {
        snprintf(place, sizeof place, "%.200s/items", at);
        return check_inner(j, place, depth + 1, e);
    }
    if (strcmp(key, "pattern") == 0)
        return json_is_string(j) ? pattern_check(json_string_value(j), e) : bad(e, at, key, "a pattern");
    if (is_one_of(key, counts) || is_one_of(key, numbers))
        return check_number(j, at, key, is_one_of(key, counts), e);
    err_set(e, ERR_INPUT, 0, "json-schema %s: unknown keyword \"%.40s\"", at[0] ? at : "/", key);
    return err_hint(e, "docs/formats/suite.md lists the keywords that are understood");
}

static int check_inner(const json_t *schema, const char *at, unsigned depth, struct err *e)
{
    const char *key;
    json_t *value;
    if (depth > SCHEMA_DEPTH_MAX)
        return err_set(e, ERR_LIMIT, 0, "json-schema %s: deeper than %u", at, SCHEMA_DEPTH_MAX);
    if (!json_is_object(schema))
        return err_set(e, ERR_INPUT, 0, "json-schema %s: wanted keywords and values", at[0] ? at : "/");
    json_object_foreach((json_t *)schema, key, value)
    {
        if (check_member(key, value, at, depth, e) < 0)
            return -1;
    }
    return 0;
}

int schema_check(const json_t *schema, const char *at, struct err *e)
{
    return check_inner(schema, at, 0, e);
}

/* ── does a value hold? ── */

struct matching {
    struct buf *why;
    struct err *e;
};

static int no(struct matching *m, const char *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int no(struct matching *m, const char *at, const char *format, ...)
{
    va_list args;
    buf_printf(m->why, "%s: ", at[0] ? at : "/");
    va_start(args, format);
    buf_vprintf(m->why, format, args);
    va_end(args);
    return 0;
}

static const char *type_of(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_NULL:
        return "null";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return json_real_value(v) == floor(json_real_value(v)) ? "integer" : "number";
    case JSON_STRING:
        break;
    }
    return "string";
}

static bool is_type(const json_t *v, const char *type)
{
    const char *is = type_of(v);
    return strcmp(is, type) == 0 || (strcmp(type, "number") == 0 && strcmp(is, "integer") == 0);
}

static int hold_type(struct matching *m, const json_t *type, const json_t *v, const char *at)
{
    size_t i;
    json_t *item;
    if (json_is_string(type))
        return is_type(v, json_string_value(type))
                   ? 1
                   : no(m, at, "wanted %s, found %s", json_string_value(type), type_of(v));
    json_array_foreach((json_t *)type, i, item)
    {
        if (is_type(v, json_string_value(item)))
            return 1;
    }
    return no(m, at, "none of the types wanted, found %s", type_of(v));
}

/* 3 and 3.0 are one number. */
static bool same_value(const json_t *wanted, const json_t *v)
{
    if (json_is_number(wanted) && json_is_number(v))
        return json_number_value(wanted) == json_number_value(v);
    return json_equal(wanted, v);
}

static int hold_enum(struct matching *m, const json_t *list, const json_t *v, const char *at)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        if (same_value(item, v))
            return 1;
    }
    return no(m, at, "none of the %zu values wanted", json_array_size(list));
}

static size_t code_points(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static int hold_bound(struct matching *m, const char *key, const json_t *bound, const json_t *v, const char *at)
{
    double limit = json_number_value(bound), is = 0;
    bool lower = strncmp(key, "min", 3) == 0;
    if (strstr(key, "Items")) {
        if (!json_is_array(v))
            return 1;
        is = (double)json_array_size(v);
    } else if (strstr(key, "Length")) {
        if (!json_is_string(v))
            return 1;
        is = (double)code_points(json_string_value(v));
    } else {
        if (!json_is_number(v))
            return 1;
        is = json_number_value(v);
    }
    if (lower ? is >= limit : is <= limit)
        return 1;
    return no(m, at, "%s is %g, found %g", key, limit, is);
}

static int hold(struct matching *m, const json_t *schema, const json_t *v, const char *at);

static int hold_object(struct matching *m, const json_t *schema, const json_t *v, const char *at)
{
    size_t i;
    const char *name;
    json_t *item;
    char place[PLACE_MAX];
    const json_t *properties = json_object_get(schema, "properties");
    if (!json_is_object(v))
        return 1;
    json_array_foreach(json_object_get(schema, "required"), i, item)
    {
        if (!json_object_get(v, json_string_value(item)))
            return no(m, at, "\"%s\" is missing", json_string_value(item));
    }
    bool others = !json_is_false(json_object_get(schema, "additionalProperties"));
    json_object_foreach((json_t *)v, name, item)
    {
        const json_t *inner = json_object_get(properties, name);
        if (!inner && !others)
            return no(m, at, "\"%.60s\" is not wanted", name);
        snprintf(place, sizeof place, "%.160s/%.60s", at, name);
        int holds = inner ? hold(m, inner, item, place) : 1;
        if (holds != 1)
            return holds;
    }
    return 1;
}

static int hold_items(struct matching *m, const json_t *items, const json_t *v, const char *at)
{
    size_t i;
    json_t *item;
    char place[PLACE_MAX];
    json_array_foreach((json_t *)v, i, item)
    {
        snprintf(place, sizeof place, "%.200s/%zu", at, i);
        int holds = hold(m, items, item, place);
        if (holds != 1)
            return holds;
    }
    return 1;
}

static int hold_pattern(struct matching *m, const json_t *pattern, const json_t *v, const char *at)
{
    if (!json_is_string(v))
        return 1;
    int found = pattern_search(json_string_value(pattern), json_string_value(v), m->e);
    return found == 0 ? no(m, at, "does not match \"%.80s\"", json_string_value(pattern)) : found;
}

static int hold_keyword(struct matching *m, const char *key, const json_t *rule, const json_t *v, const char *at)
{
    if (strcmp(key, "type") == 0)
        return hold_type(m, rule, v, at);
    if (strcmp(key, "enum") == 0)
        return hold_enum(m, rule, v, at);
    if (strcmp(key, "const") == 0)
        return same_value(rule, v) ? 1 : no(m, at, "another value than the one wanted");
    if (strcmp(key, "items") == 0)
        return json_is_array(v) ? hold_items(m, rule, v, at) : 1;
    if (strcmp(key, "pattern") == 0)
        return hold_pattern(m, rule, v, at);
    if (strncmp(key, "min", 3) == 0 || strncmp(key, "max", 3) == 0)
        return hold_bound(m, key, rule, v, at);
    return 1; /* properties, required, additionalProperties: hold_object */
}

static int hold(struct matching *m, const json_t *schema, const json_t *v, const char *at)
{
    const char *key;
    json_t *rule;
    json_object_foreach((json_t *)schema, key, rule)
    {
        int holds = hold_keyword(m, key, rule, v, at);
        if (holds != 1)
            return holds;
    }
    return hold_object(m, schema, v, at);
}

int schema_holds(const json_t *schema, const json_t *value, const char *at, struct buf *why, struct err *e)
{
    struct matching m = {why, e};
    return hold(&m, schema, value, at);
}
