#include <string.h>

#include "parse/image.h"
#include "parse/inventory.h"
#include "parse/inventory_package.h"
#include "parse/sniff.h"
#include "parse/tar.h"
#include "util/limits.h"

static bool is_iso(struct span file)
{
    struct span mark;
    return span_slice(file, 0x8001, 5, &mark) && memcmp(mark.ptr, "CD001", 5) == 0;
}

/* All members of a tar or an ISO image, with the tree that they make. */
static void read_tree(struct span file, enum content content, bool iso, const char *path, struct inventory *v)
{
    bool package = inventory_is_package(path);
    const struct inspect_options o = {.name = path,
                                      .layer = true,
                                      .iso = iso,
                                      .inventory = v,
                                      .inventory_prefix = package ? path : NULL,
                                      .only_inventory = true};
    v->path = path;
    v->in_package = package;
    tar_check(file, content == CONTENT_COMPRESSED, &o, v->r);
}

/* A file that was named, or one of a folder: an image, a tree, a package, a record. */
static void read_any(struct span file, const char *path, bool top, struct inventory *v)
{
    enum content content = sniff(file, path);
    bool tar = content == CONTENT_TAR || content == CONTENT_COMPRESSED;
    v->r->format = content_name(content);
    if (top && content == CONTENT_TAR && image_read(file, v->r)) {
        v->r->format = "image";
        return;
    }
    if (top && is_iso(file))
        read_tree(file, content, true, path, v);
    else if (top && tar && !inventory_is_record(path))
        read_tree(file, content, false, path, v);
    else if (!top || inventory_wants(path) || !inventory_read_bytes(v, path, file))
        inventory_read(v, path, file, 0);
}

int inventory_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    auto_json options = json_parse(arg, LIMIT_JSON_BYTES, "options", e);
    const char *path = options ? json_need_string(options, "path", "", e) : NULL;
    auto_report r = {0};
    auto_inventory v = {0};
    struct json_out w;
    struct span part = input;
    if (!path)
        return -1;
    const json_t *offset = json_object_get(options, "offset"), *size = json_object_get(options, "size");
    if (offset && !span_slice(input, (uint64_t)json_integer_value(offset), (uint64_t)json_integer_value(size), &part))
        return err_set(e, ERR_INPUT, 0, "%s: the part that was asked for lies outside of the file", path);
    report_init(&r, "");
    inventory_init(&v, &r);
    if (json_is_true(json_object_get(options, "layer"))) {
        enum content content = sniff(part, "layer.tar");
        r.format = content_name(content);
        if (content == CONTENT_TAR || content == CONTENT_COMPRESSED)
            read_tree(part, content, false, "layer.tar", &v);
        else
            report_not_scanned(&r, "image-layer", path, "a layer that is no tar: %s", content_name(content));
    } else {
        read_any(part, path, json_is_true(json_object_get(options, "top")), &v);
    }
    if (inventory_write(&v, &r.facts, e) < 0)
        return -1;
    json_out_init(&w, reply);
    json_out_object(&w);
    if (report_write(&r, &w, e) < 0)
        return -1;
    json_out_object_end(&w);
    return buf_check(reply, path, e);
}
