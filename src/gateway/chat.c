#include "gateway/chat.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/parameters.h"
#include "util/limits.h"

/* Known to clients, of no use to an engine: taken and left out. */
static const char *const IGNORED[] = {"metadata", "safety_identifier", "service_tier", "store", "user"};

/* Looked at one by one, below. */
static const char *const OURS[] = {"messages", "model", "stream", "stream_options"};

static bool listed(const char *const list[], size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(list[i], key))
            return true;
    return false;
}

static int check_keys(const json_t *root, struct err *e)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)root, key, value)
    {
        if (parameter_known(key)) {
            if (parameter_check(key, value, e) < 0)
                return -1;
        } else if (!listed(IGNORED, ARRAY_LEN(IGNORED), key) && !listed(OURS, ARRAY_LEN(OURS), key)) {
            return err_set(e, ERR_INPUT, 0, "/%.64s: no such parameter is known here", key);
        }
    }
    return 0;
}

static int check_message(const json_t *message, size_t i, struct err *e)
{
    static const char *const roles[] = {"system", "developer", "user", "assistant", "tool", "function"};
    const char *role = json_string_value(json_object_get(message, "role"));
    const json_t *content = json_object_get(message, "content"), *part;
    size_t n;
    if (!role || !listed(roles, ARRAY_LEN(roles), role))
        return err_set(e, ERR_INPUT, 0, "/messages/%zu/role: wanted system, developer, user, assistant or tool", i);
    if (content && !json_is_string(content) && !json_is_array(content) && !json_is_null(content))
        return err_set(e, ERR_INPUT, 0, "/messages/%zu/content: wanted a string or a list of parts", i);
    json_array_foreach(
        content, n,
        part) if (!json_is_object(part) ||
                  !json_is_string(json_object_get(
                      part, "type"))) return err_set(e, ERR_INPUT, 0,
                                                     "/messages/%zu/content/%zu: wanted an object with a \"type\"", i,
                                                     n);
    return 0;
}

static int check_messages(const json_t *messages, struct err *e)
{
    size_t count = json_array_size(messages), i;
    const json_t *message;
    if (count == 0)
        return err_set(e, ERR_INPUT, 0, "/messages: wanted a list of at least one message");
    if (count > CHAT_MESSAGES_MAX)
        return err_set(e, ERR_LIMIT, 0, "/messages: %zu messages; at most %u are taken", count, CHAT_MESSAGES_MAX);
    json_array_foreach(messages, i, message) if (check_message(message, i, e) < 0) return -1;
    return media_check(messages, e);
}

static int check_stream(struct chat *c, struct err *e)
{
    const json_t *stream = json_object_get(c->root, "stream"), *options = json_object_get(c->root, "stream_options");
    if (stream && !json_is_boolean(stream) && !json_is_null(stream))
        return err_set(e, ERR_INPUT, 0, "/stream: wanted true or false");
    if (options && !json_is_object(options) && !json_is_null(options))
        return err_set(e, ERR_INPUT, 0, "/stream_options: wanted an object");
    c->stream = json_is_true(stream);
    c->wants_usage = json_is_true(json_object_get(options, "include_usage"));
    return 0;
}

int chat_parse(struct span body, struct chat *out, struct err *e)
{
    *out = (struct chat){.root = json_parse(body, CHAT_BODY_MAX, "the request", e)};
    if (!out->root)
        return -1;
    if (!json_is_object(out->root)) {
        err_set(e, ERR_INPUT, 0, "the request: wanted a JSON object");
    } else if ((out->model = json_need_string(out->root, "model", "", e)) && check_keys(out->root, e) == 0 &&
               check_stream(out, e) == 0) {
        out->messages = json_object_get(out->root, "messages");
        if (check_messages(out->messages, e) == 0)
            return 0;
    }
    chat_fini(out);
    return -1;
}

void chat_fini(struct chat *c)
{
    json_decref(c->root);
    *c = (struct chat){0};
}

static void put_raw(struct json_out *w, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    if (!text)
        abort(); /* a value that jansson read is one that it writes; out of memory otherwise */
    json_out_raw(w, span_str(text));
    free(text);
}

static void put_messages(struct json_out *w, const json_t *messages, const char *system)
{
    const json_t *message;
    size_t i;
    json_put_array(w, "messages");
    if (*system) {
        json_out_object(w);
        json_put_string(w, "role", "system");
        json_put_string(w, "content", system);
        json_out_object_end(w);
    }
    json_array_foreach(messages, i, message) put_raw(w, message);
    json_out_array_end(w);
}

static bool given(const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);
    return value && !json_is_null(value);
}

/* The release's value stands where the request says nothing. max_tokens and max_completion_tokens are one parameter
 * under two names. */
static void put_parameters(struct json_out *w, const json_t *root, const json_t *parameters)
{
    const char *key;
    json_t *value;
    bool length = given(root, "max_tokens") || given(root, "max_completion_tokens");
    json_object_foreach((json_t *)(uintptr_t)root, key, value) if (parameter_known(key) && !json_is_null(value))
    {
        json_out_key(w, key);
        put_raw(w, value);
    }
    json_object_foreach((json_t *)(uintptr_t)parameters, key, value)
    {
        bool same = length && (!strcmp(key, "max_tokens") || !strcmp(key, "max_completion_tokens"));
        if (!parameter_known(key) || given(root, key) || same)
            continue;
        json_out_key(w, key);
        put_raw(w, value);
    }
}

void chat_write(const struct chat *c, const char *system, const json_t *parameters, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "model", c->model);
    put_messages(&w, c->messages, system);
    put_parameters(&w, c->root, parameters);
    json_put_bool(&w, "stream", c->stream);
    if (c->stream) {
        json_put_object(&w, "stream_options");
        json_put_bool(&w, "include_usage", true);
        json_out_object_end(&w);
    }
    json_out_object_end(&w);
}
