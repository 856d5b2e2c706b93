/* What a client sends with paths-info: older ones a form (application/x-www-form-urlencoded, WHATWG URL section 5.1),
 * newer ones JSON. */
#include <stdlib.h>
#include <string.h>

#include "http/target.h"
#include "registry/hf.h"

#define PATH_BYTES 4096U /* of one path: more than any file of a model has */

static int too_many(struct err *e)
{
    return err_set(e, ERR_LIMIT, 0, "more than %u paths", HF_PATHS_MAX);
}

static json_t *from_form(struct span body, struct err *e)
{
    auto_json paths = json_array();
    while (body.len > 0) {
        struct span pair;
        const char *why;
        if (!span_take_until(&body, '&', &pair)) {
            pair = body;
            body.len = 0;
        }
        if (!span_take_prefix(&pair, SPAN_LIT("paths=")))
            continue;
        auto_free char *value = target_decode((const char *)pair.ptr, pair.len, &why);
        if (!value) {
            err_set(e, ERR_INPUT, 0, "paths: %s", why);
            return NULL;
        }
        if (strlen(value) > PATH_BYTES) {
            err_set(e, ERR_LIMIT, 0, "paths: one of more than %u bytes", PATH_BYTES);
            return NULL;
        }
        if (json_array_size(paths) == HF_PATHS_MAX) {
            too_many(e);
            return NULL;
        }
        json_array_append_new(paths, json_string(value));
    }
    return ptr_steal(&paths);
}

static json_t *from_json(struct span body, struct err *e)
{
    auto_json document = json_parse(body, 1U << 20, "the request", e);
    json_t *paths = json_object_get(document, "paths"), *path;
    size_t i;
    if (!document)
        return NULL;
    if (!json_is_array(paths)) {
        err_set(e, ERR_INPUT, 0, "/paths: wanted an array of strings");
        return NULL;
    }
    if (json_array_size(paths) > HF_PATHS_MAX) {
        too_many(e);
        return NULL;
    }
    json_array_foreach(paths, i, path)
    {
        if (json_is_string(path))
            continue;
        err_set(e, ERR_INPUT, 0, "/paths/%zu: wanted a string", i);
        return NULL;
    }
    return json_incref(paths);
}

json_t *hf_form_paths(const char *content_type, struct span body, struct err *e)
{
    return content_type && strncmp(content_type, "application/json", 16) == 0 ? from_json(body, e) : from_form(body, e);
}
