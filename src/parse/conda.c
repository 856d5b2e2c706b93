#include "parse/conda.h"

#include <string.h>

#include "util/encode.h"

/* What stands in the prefix is held against sha256_in_prefix, where the installer wrote the prefix into the file. */
static int claim_path(const json_t *item, struct inventory *v)
{
    const char *path = json_get_string(item, "_path", ""), *hex = json_get_string(item, "sha256_in_prefix", "");
    uint8_t bytes[HASH_SIZE_MAX];
    if (!hex[0])
        hex = json_get_string(item, "sha256", "");
    bool known = hex_decode(span_str(hex), bytes, hash_size(HASH_SHA256));
    return inventory_claim(v, span_str(path), HASH_SHA256,
                           known ? span_of(bytes, hash_size(HASH_SHA256)) : (struct span){0}, false);
}

static void put_claims(const json_t *root, const struct found_package *p, struct inventory *v)
{
    const json_t *paths = json_object_get(json_object_get(root, "paths_data"), "paths"), *item,
                 *files = json_object_get(root, "files");
    size_t i;
    if (!json_is_array(paths) && !json_is_array(files))
        return;
    inventory_claims(v, "conda", p->name, p->version);
    json_array_foreach((json_t *)(uintptr_t)paths, i, item)
    {
        if (claim_path(item, v) < 0)
            break;
    }
    json_array_foreach((json_t *)(uintptr_t)(json_is_array(paths) ? NULL : files), i, item)
    {
        const char *path = json_string_value(item);
        if (path && inventory_claim(v, span_str(path), HASH_SHA256, (struct span){0}, false) < 0)
            break;
    }
    inventory_claims_end(v);
}

/* The last part of ".../conda-forge/linux-64" before the platform, or a channel's bare name. */
static struct span channel_of(const json_t *root)
{
    struct span s = span_str(json_get_string(root, "channel", ""));
    const char *subdir = json_get_string(root, "subdir", "");
    if (subdir[0] && span_ends(s, span_str(subdir)) && s.len > strlen(subdir))
        s.len -= strlen(subdir) + 1;
    while (s.len && s.ptr[s.len - 1] == '/')
        s.len--;
    for (size_t i = s.len; i > 0; i--)
        if (s.ptr[i - 1] == '/')
            return span_of(s.ptr + i, s.len - i);
    return s;
}

void conda_read(struct span file, struct inventory *v)
{
    struct err e = {0};
    auto_json root = json_parse(file, LIMIT_CONDA_BYTES, "conda record", &e);
    if (!json_is_object(root)) {
        report_stop(v->r, SEVERITY_HIGH, "conda-json", v->path, "%s", root ? "is no object" : e.msg);
        return;
    }
    const struct found_package p = {.type = "conda",
                                    .name = span_str(json_get_string(root, "name", "")),
                                    .version = span_str(json_get_string(root, "version", "")),
                                    .architecture = span_str(json_get_string(root, "subdir", "")),
                                    .source_version = span_str(json_get_string(root, "build", "")),
                                    .channel = channel_of(root),
                                    .licence = span_str(json_get_string(root, "license", ""))};
    if (inventory_put(v, &p) == 0)
        put_claims(root, &p, v);
}
