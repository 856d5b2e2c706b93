#include "engine/image_unpack.h"

#include <errno.h>
#include <string.h>

#include "engine/unpack.h"
#include "util/limits.h"

/* The helper's own limit of CPU time (role.c) ends it before this. */
#define LAYER_TIMEOUT_MS (30 * 60 * 1000)

static void stop_child(struct child **c)
{
    child_stop(*c);
}
#define auto_child AUTO(stop_child) struct child *

/* The uncompressed digest of every layer, from the image configuration (config.md, "rootfs"). */
static json_t *read_diff_ids(struct site *s, const struct release *r, struct err *e)
{
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    struct child *parser = site_parser(s, e);
    if (!parser || blob_read(s->blobs, &r->engine.config, &text, e) < 0)
        return NULL;
    struct child_request ask = {.op = "json", .fd = -1, .input = buf_span(&text), .timeout_ms = 20000};
    auto_json config = child_call_json(parser, &ask, "configuration of the engine image", e);
    const json_t *rootfs = config ? json_need_object(config, "rootfs", "", e) : NULL;
    const json_t *ids = rootfs ? json_need_array(rootfs, "diff_ids", "/rootfs", e) : NULL;
    if (!ids)
        return NULL;
    if (json_array_size(ids) == r->engine.layer_count)
        return json_incref((json_t *)(uintptr_t)ids);
    err_set(e, ERR_INPUT, 0, "configuration of the engine image: %zu diff_ids for %zu layers", json_array_size(ids),
            r->engine.layer_count);
    return NULL;
}

static int check_blob(int fd, const struct release_blob *layer, const struct verify_watch *watch, struct err *e)
{
    struct digest found;
    uint64_t size;
    if (hash_fd(fd, "the layer", 0, layer->size, watch, &found, &size, e) < 0)
        return -1;
    if (digest_equal(&found, &layer->digest))
        return 0;
    return err_set(e, ERR_DENIED, 0, "its blob is damaged: found %s, wanted %s", digest_text(&found).text,
                   digest_text(&layer->digest).text);
}

static int check_diff_id(const json_t *reply, const json_t *wanted, struct err *e)
{
    struct digest found, id;
    if (json_need_digest(reply, "diff_id", "", &found, e) < 0)
        return -1;
    const char *text = json_string_value(wanted);
    if (!text || digest_parse(span_str(text), &id, e) < 0)
        return err_set(e, ERR_INPUT, 0, "configuration of the engine image: a diff_id that is no sha256 digest");
    if (digest_equal(&found, &id))
        return 0;
    return err_set(e, ERR_INPUT, 0, "uncompressed it is %s, and the image configuration says %s",
                   digest_text(&found).text, digest_text(&id).text);
}

static int unpack_layer(struct site *s, struct child *c, const struct release_blob *layer, size_t number,
                        const json_t *diff_id, const struct verify_watch *watch, struct err *e)
{
    auto_fd fd = blob_open(s->blobs, &layer->digest, NULL, e);
    if (fd < 0 || check_blob(fd, layer, watch, e) < 0)
        return -1;
    struct json_out w;
    auto_buf arg = BUF(4096);
    json_out_init(&w, &arg);
    json_out_object(&w);
    json_put_uint(&w, "number", number);
    json_put_string(&w, "media_type", layer->media_type);
    json_out_object_end(&w);
    struct child_request ask = {.op = "layer", .fd = fd, .arg = buf_span(&arg), .timeout_ms = LAYER_TIMEOUT_MS};
    auto_json reply = child_call_json(c, &ask, "unpack", e);
    return reply ? check_diff_id(reply, diff_id, e) : -1;
}

int image_unpack(struct site *s, const struct release *r, int dir, const struct verify_watch *watch, struct err *e)
{
    auto_json diff_ids = read_diff_ids(s, r, e);
    auto_child c = diff_ids ? child_start_in(ROLE_UNPACK, dir, e) : NULL;
    if (!c)
        return -1;
    for (size_t i = 0; i < r->engine.layer_count; i++)
        if (unpack_layer(s, c, &r->engine.layers[i], i + 1, json_array_get(diff_ids, i), watch, e) < 0)
            return err_prefix(e, "engine image of %s:%s, layer %zu of %zu (%.19s…)", r->name, r->version, i + 1,
                              r->engine.layer_count, digest_text(&r->engine.layers[i].digest).text);
    struct digest_text image = digest_text(&r->engine.manifest);
    struct child_request ask = {.op = "finish", .fd = -1, .arg = span_str(image.text), .timeout_ms = LAYER_TIMEOUT_MS};
    auto_json reply = child_call_json(c, &ask, "unpack", e);
    return reply ? 0 : -1;
}
