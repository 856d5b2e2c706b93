/* What a client sends with paths-info: older ones a form (application/x-www-form-urlencoded, WHATWG URL section 5.1),
 * newer ones JSON. */
#include <stdlib.h>
#include <string.h>

#include "registry/hf.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False on a broken escape, or on more than `out` holds. */
static bool decode(struct span text, struct buf *out)
{
    uint8_t c;
    while (span_take_u8(&text, &c)) {
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            uint8_t high, low;
            if (!span_take_u8(&text, &high) || !span_take_u8(&text, &low) || hex_digit(high) < 0 || hex_digit(low) < 0)
                return false;
            c = (uint8_t)(hex_digit(high) << 4 | hex_digit(low));
        }
        buf_add_byte(out, c);
    }
    return buf_ok(out) && span_is_utf8(buf_span(out)) && !memchr(out->ptr, 0, out->len);
}

static int too_many(struct err *e)
{
    return err_set(e, ERR_LIMIT, 0, "more than %u paths", HF_PATHS_MAX);
}

static json_t *from_form(struct span body, struct err *e)
{
    auto_json paths = json_array();
    while (body.len > 0) {
        struct span pair;
        auto_buf value = BUF(4096);
        if (!span_take_until(&body, '&', &pair)) {
            pair = body;
            body.len = 0;
        }
        if (!span_take_prefix(&pair, SPAN_LIT("paths=")))
            continue;
        if (!decode(pair, &value)) {
            err_set(e, ERR_INPUT, 0, "paths: wanted UTF-8 text of at most 4096 bytes, percent-encoded");
            return NULL;
        }
        if (json_array_size(paths) == HF_PATHS_MAX) {
            too_many(e);
            return NULL;
        }
        json_array_append_new(paths, json_stringn((const char *)value.ptr, value.len));
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
