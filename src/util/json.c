#include "util/json.h"

#include <string.h>

#include "util/clock.h"
#include "util/limits.h"

static bool depth_fits(const json_t *j, unsigned left)
{
    if (left == 0)
        return false;
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_object(j)) {
        json_object_foreach((json_t *)(uintptr_t)j, key, value) if (!depth_fits(value, left - 1)) return false;
    } else if (json_is_array(j)) {
        json_array_foreach(j, i, value) if (!depth_fits(value, left - 1)) return false;
    }
    return true;
}

json_t *json_parse(struct span text, size_t max, const char *what, struct err *e)
{
    size_t offset;
    return json_parse_at(text, max, what, &offset, e);
}

json_t *json_parse_at(struct span text, size_t max, const char *what, size_t *offset, struct err *e)
{
    if (text.len > max) {
        err_set(e, ERR_LIMIT, 0, "%s has %zu bytes; at most %zu are read", what, text.len, max);
        return NULL;
    }
    json_error_t why;
    auto_json j = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
    if (!j) {
        *offset = why.position > 0 ? (size_t)why.position : 0;
        err_set(e, ERR_INPUT, 0, "%s: line %d, column %d: %s", what, why.line, why.column, why.text);
        return NULL;
    }
    if (!depth_fits(j, LIMIT_JSON_DEPTH)) {
        err_set(e, ERR_LIMIT, 0, "%s: nested deeper than %d levels", what, LIMIT_JSON_DEPTH);
        return NULL;
    }
    return ptr_steal(&j);
}

static const char *type_name(const json_t *j)
{
    if (!j)
        return "nothing";
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a real",    [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",        [JSON_NULL] = "null",
    };
    return names[json_typeof(j)];
}

static const json_t *need(const json_t *object, const char *key, const char *at, bool right, const char *wanted,
                          struct err *e)
{
    const json_t *value = json_object_get(object, key);
    if (value && right)
        return value;
    err_set(e, ERR_INPUT, 0, "%s/%s: wanted %s, found %s", at, key, wanted, type_name(value));
    return NULL;
}

const char *json_need_string(const json_t *object, const char *key, const char *at, struct err *e)
{
    return json_string_value(need(object, key, at, json_is_string(json_object_get(object, key)), "a string", e));
}

const json_t *json_need_object(const json_t *object, const char *key, const char *at, struct err *e)
{
    return need(object, key, at, json_is_object(json_object_get(object, key)), "an object", e);
}

const json_t *json_need_array(const json_t *object, const char *key, const char *at, struct err *e)
{
    return need(object, key, at, json_is_array(json_object_get(object, key)), "an array", e);
}

int json_need_uint(const json_t *object, const char *key, const char *at, uint64_t *out, struct err *e)
{
    const json_t *value = json_object_get(object, key);
    bool right = json_is_integer(value) && json_integer_value(value) >= 0;
    if (!need(object, key, at, right, "an integer that is not negative", e))
        return -1;
    *out = (uint64_t)json_integer_value(value);
    return 0;
}

int json_need_time(const json_t *object, const char *key, const char *at, int64_t *out, struct err *e)
{
    const char *text = json_need_string(object, key, at, e);
    if (!text)
        return -1;
    if (!time_parse(span_str(text), out))
        return err_set(e, ERR_INPUT, 0, "%s/%s: \"%.40s\" is not a time; wanted the form 2026-11-24T08:00:00Z", at, key,
                       text);
    return 0;
}

int json_need_digest(const json_t *object, const char *key, const char *at, struct digest *out, struct err *e)
{
    const char *text = json_need_string(object, key, at, e);
    if (!text)
        return -1;
    if (digest_parse(span_str(text), out, e) < 0)
        return err_prefix(e, "%s/%s", at, key);
    return 0;
}

const char *json_get_string(const json_t *object, const char *key, const char *fallback)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : fallback;
}

static bool is_one_of(const char *key, const char *const keys[])
{
    for (size_t i = 0; keys[i]; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

int json_only_keys(const json_t *object, const char *const keys[], const char *at, struct err *e)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (!is_one_of(key, keys))
            return err_set(e, ERR_INPUT, 0, "%s: unknown member \"%.64s\"", at, key);
    }
    return 0;
}

void json_out_init(struct json_out *w, struct buf *out)
{
    *w = (struct json_out){.out = out};
}

/* Writes the comma that is due before a value or key. */
static void separate(struct json_out *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    uint64_t bit = 1ULL << w->depth;
    if (w->has_item & bit)
        buf_add_byte(w->out, ',');
    w->has_item |= bit;
}

static void open_level(struct json_out *w, char bracket)
{
    separate(w);
    buf_add_byte(w->out, (uint8_t)bracket);
    if (w->depth + 1 >= 64) {
        w->out->failed = true;
        return;
    }
    w->depth++;
    w->has_item &= ~(1ULL << w->depth);
}

static void close_level(struct json_out *w, char bracket)
{
    if (w->depth)
        w->depth--;
    buf_add_byte(w->out, (uint8_t)bracket);
}

void json_out_object(struct json_out *w)
{
    open_level(w, '{');
}

void json_out_object_end(struct json_out *w)
{
    close_level(w, '}');
}

void json_out_array(struct json_out *w)
{
    open_level(w, '[');
}

void json_out_array_end(struct json_out *w)
{
    close_level(w, ']');
}

static void add_escaped_byte(struct buf *out, uint8_t c)
{
    static const char *const short_forms[] = {['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r",
                                              ['\t'] = "\\t", ['"'] = "\\\"", ['\\'] = "\\\\"};
    if (c < ARRAY_LEN(short_forms) && short_forms[c])
        buf_add_str(out, short_forms[c]);
    else if (c < 0x20 || c == 0x7f)
        buf_printf(out, "\\u%04x", c);
    else
        buf_add_byte(out, c);
}

/* Bytes at the beginning that stand for themselves. */
static size_t plain_run(struct span text)
{
    size_t n = 0;
    while (n < text.len && text.ptr[n] >= 0x20 && text.ptr[n] < 0x7f && text.ptr[n] != '"' && text.ptr[n] != '\\')
        n++;
    return n;
}

void json_out_span(struct json_out *w, struct span text)
{
    uint32_t value;
    separate(w);
    buf_add_byte(w->out, '"');
    while (text.len) {
        size_t n = plain_run(text);
        if (n) {
            buf_add(w->out, text.ptr, n);
            span_skip(&text, n);
            continue;
        }
        n = span_utf8_first(text, &value);
        if (text.ptr[0] < 0x80)
            add_escaped_byte(w->out, text.ptr[0]);
        else if (n)
            buf_add(w->out, text.ptr, n);
        else
            buf_add_str(w->out, "\xef\xbf\xbd");
        span_skip(&text, n ? n : 1);
    }
    buf_add_byte(w->out, '"');
}

void json_out_string(struct json_out *w, const char *text)
{
    json_out_span(w, span_str(text));
}

void json_out_key(struct json_out *w, const char *key)
{
    json_out_string(w, key);
    buf_add_byte(w->out, ':');
    w->after_key = true;
}

void json_out_int(struct json_out *w, int64_t value)
{
    separate(w);
    buf_printf(w->out, "%lld", (long long)value);
}

void json_out_uint(struct json_out *w, uint64_t value)
{
    separate(w);
    buf_printf(w->out, "%llu", (unsigned long long)value);
}

void json_out_bool(struct json_out *w, bool value)
{
    separate(w);
    buf_add_str(w->out, value ? "true" : "false");
}

void json_out_null(struct json_out *w)
{
    separate(w);
    buf_add_str(w->out, "null");
}

void json_out_double(struct json_out *w, double value, int decimals)
{
    separate(w);
    buf_printf(w->out, "%.*f", decimals, value);
}

void json_out_raw(struct json_out *w, struct span json)
{
    separate(w);
    buf_add_span(w->out, json);
}

void json_put_string(struct json_out *w, const char *key, const char *text)
{
    json_out_key(w, key);
    json_out_string(w, text);
}

void json_put_int(struct json_out *w, const char *key, int64_t value)
{
    json_out_key(w, key);
    json_out_int(w, value);
}

void json_put_uint(struct json_out *w, const char *key, uint64_t value)
{
    json_out_key(w, key);
    json_out_uint(w, value);
}

void json_put_bool(struct json_out *w, const char *key, bool value)
{
    json_out_key(w, key);
    json_out_bool(w, value);
}

void json_put_time(struct json_out *w, const char *key, int64_t seconds)
{
    json_put_string(w, key, time_text(seconds).text);
}

void json_put_digest(struct json_out *w, const char *key, const struct digest *d)
{
    json_put_string(w, key, digest_text(d).text);
}

void json_put_object(struct json_out *w, const char *key)
{
    json_out_key(w, key);
    json_out_object(w);
}

void json_put_array(struct json_out *w, const char *key)
{
    json_out_key(w, key);
    json_out_array(w);
}
