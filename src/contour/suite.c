/* Reading a suite. Its YAML was taken apart in the parse process (src/parse/suite.c); what comes back is looked at
 * again here, because of a child only the bytes are believed. */
#include "contour/suite.h"

#include <stdlib.h>
#include <string.h>

#include "contour/pattern.h"
#include "contour/schema.h"
#include "ship/release.h"
#include "util/limits.h"

#define CASES_MAX        1000U
#define PARSE_TIMEOUT_MS 10000

static const char *const ASSERTION_NAMES[ASSERTION_KINDS] = {
    "equals", "contains", "not-contains", "regex", "json-schema", "latency-ms",
};

const char *assertion_name(enum assertion_kind k)
{
    return ASSERTION_NAMES[k];
}

void suite_free(struct suite *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++) {
        struct suite_case *c = &s->cases[i];
        for (size_t k = 0; k < c->assertion_count; k++) {
            free(c->assertions[k].text);
            json_decref(c->assertions[k].schema);
        }
        free(c->assertions);
        free(c->name);
        json_decref(c->messages);
    }
    free(s->cases);
    free(s);
}

static void auto_suite_free(struct suite **s)
{
    suite_free(*s);
}

static void *zeroed(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);
    if (!p)
        abort();
    return p;
}

static int take_assertion(const json_t *object, struct assertion *out, struct err *e)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        for (unsigned k = 0; k < ASSERTION_KINDS; k++) {
            if (strcmp(key, ASSERTION_NAMES[k]) != 0)
                continue;
            out->kind = (enum assertion_kind)k;
            if (k == ASSERT_JSON_SCHEMA) {
                out->schema = json_incref(value);
                return schema_check(value, "", e);
            }
            if (k == ASSERT_LATENCY_MS) {
                out->latency_ms = (uint64_t)json_integer_value(value);
                return json_integer_value(value) > 0 ? 0 : err_set(e, ERR_INPUT, 0, "latency-ms: wanted 1 or more");
            }
            if (!json_is_string(value))
                return err_set(e, ERR_INPUT, 0, "%s: wanted a text", key);
            out->text = strdup(json_string_value(value));
            if (!out->text)
                abort();
            return k == ASSERT_REGEX ? pattern_check(out->text, e) : 0;
        }
    }
    return err_set(e, ERR_INPUT, 0, "an assertion without a kind");
}

static int take_case(const json_t *object, struct suite_case *out, struct err *e)
{
    size_t i;
    json_t *item;
    const char *name = json_need_string(object, "name", "", e);
    const json_t *messages = name ? json_need_array(object, "messages", "", e) : NULL;
    const json_t *list = messages ? json_need_array(object, "assert", "", e) : NULL;
    if (!list)
        return -1;
    if (json_array_size(list) == 0 || json_array_size(messages) == 0)
        return err_set(e, ERR_INPUT, 0, "case \"%.120s\" has no assertion or no message", name);
    out->name = strdup(name);
    if (!out->name)
        abort();
    out->messages = json_incref((json_t *)messages);
    out->max_tokens = (uint64_t)json_integer_value(json_object_get(object, "max_tokens"));
    out->assertions = zeroed(json_array_size(list), sizeof *out->assertions);
    json_array_foreach((json_t *)list, i, item)
    {
        if (take_assertion(item, &out->assertions[out->assertion_count++], e) < 0)
            return err_prefix(e, "case \"%.120s\"", name);
    }
    return 0;
}

struct suite *suite_of_json(const json_t *root, const char *name, struct err *e)
{
    size_t i;
    json_t *item;
    const json_t *cases = json_need_array(root, "cases", "", e);
    if (!cases)
        return NULL;
    if (json_array_size(cases) == 0 || json_array_size(cases) > CASES_MAX) {
        err_set(e, ERR_INPUT, 0, "%s: wanted 1 to %u cases", name, CASES_MAX);
        return NULL;
    }
    AUTO(auto_suite_free) struct suite *s = zeroed(1, sizeof *s);
    s->cases = zeroed(json_array_size(cases), sizeof *s->cases);
    json_array_foreach((json_t *)cases, i, item)
    {
        if (take_case(item, &s->cases[s->count++], e) < 0) {
            err_prefix(e, "%s", name);
            return NULL;
        }
    }
    return ptr_steal(&s);
}

struct suite *suite_read(struct site *s, const struct blobs *b, const struct release *r, struct err *e)
{
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    struct child *parser = site_parser(s, e);
    if (!parser || blob_read(b, &r->suite.digest, &text, e) < 0)
        return NULL;
    const char *name = r->suite.name[0] ? r->suite.name : "suite.yaml";
    struct child_request request = {
        .op = "suite", .fd = -1, .input = buf_span(&text), .arg = span_str(name), .timeout_ms = PARSE_TIMEOUT_MS};
    auto_json reply = child_call_json(parser, &request, name, e);
    return reply ? suite_of_json(reply, name, e) : NULL;
}
