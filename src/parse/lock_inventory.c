#include "parse/lock_inventory.h"

#include <string.h>

#include "parse/lock.h"

static const struct {
    const char *name, *kind;
} NAMES[] = {
    {"package-lock.json", "npm"}, {"npm-shrinkwrap.json", "npm"},
    {"yarn.lock", "yarn"},        {"pnpm-lock.yaml", "pnpm"},
    {"bun.lock", "bun"},          {"deno.lock", "deno"},
    {"Cargo.lock", "cargo"},      {"go.sum", "gosum"},
    {"poetry.lock", "poetry"},    {"uv.lock", "uv"},
    {"pdm.lock", "pdm"},          {"pylock.toml", "pylock"},
    {"Pipfile.lock", "pipfile"},  {"conda-lock.yml", "conda"},
    {"conda-lock.yaml", "conda"}, {"requirements.txt", "pip"},
};

const char *lock_kind_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *leaf = slash ? slash + 1 : path;
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        if (strcmp(leaf, NAMES[i].name) == 0)
            return NAMES[i].kind;
    bool pylock = strncmp(leaf, "pylock.", 7) == 0 && span_ends(span_str(leaf), SPAN_LIT(".toml"));
    return pylock ? "pylock" : NULL;
}

static void put_row(const json_t *row, struct inventory *v)
{
    struct found_package p = {.type = json_get_string(row, "ecosystem", ""),
                              .name = span_str(json_get_string(row, "name", "")),
                              .version = span_str(json_get_string(row, "version", "")),
                              .architecture = span_str(json_get_string(row, "architecture", "")),
                              .declared = true};
    struct span rest = p.name, part, whole = p.name;
    bool scoped = strcmp(p.type, "npm") == 0 && whole.len && whole.ptr[0] == '@';
    if (strcmp(p.type, "image") == 0 || strcmp(p.type, "model") == 0)
        return;
    p.unversioned = true;
    while ((scoped || strcmp(p.type, "golang") == 0) && span_take_until(&rest, '/', &part)) {
        p.namespace = span_of(whole.ptr, whole.len - rest.len - 1);
        p.name = rest;
    }
    inventory_put(v, &p);
}

/* What is listed and not pinned is a remark each; what could not be read at all, one. */
static void put_refused(const json_t *reply, struct inventory *v)
{
    const json_t *item, *list = json_object_get(reply, "refused");
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        char at[32];
        snprintf(at, sizeof at, "line %lld", (long long)json_integer_value(json_object_get(item, "line")));
        report_finding(v->r, SEVERITY_LOW, "lock-unpinned", v->path, "%s: \"%.100s\": %.200s", at,
                       json_get_string(item, "text", ""), json_get_string(item, "why", ""));
    }
}

void lock_inventory_read(struct span file, struct inventory *v)
{
    struct err e = {0};
    auto_buf arg = BUF(65536), reply = BUF(8 * LIMIT_LOCK_BYTES);
    struct json_out w;
    const json_t *row;
    size_t i;
    json_out_init(&w, &arg);
    json_out_object(&w);
    json_put_string(&w, "kind", lock_kind_of(v->path));
    json_put_string(&w, "file", v->path);
    json_put_bool(&w, "listing", true);
    json_out_object_end(&w);
    auto_json root =
        lock_op(file, buf_span(&arg), &reply, &e) < 0 ? NULL : json_parse(buf_span(&reply), reply.max, "lock file", &e);
    if (!root) {
        report_finding(v->r, SEVERITY_MEDIUM, "lock-broken", v->path, "%s", e.msg);
        return;
    }
    json_array_foreach(json_object_get(root, "packages"), i, row)
    {
        put_row(row, v);
        json_object_set_new((json_t *)(uintptr_t)row, "found", json_string(v->path));
        char *text = json_dumps(row, JSON_COMPACT);
        if (text && buf_ok(&v->pins_json))
            json_out_raw(&v->pins, span_str(text));
        free(text);
    }
    put_refused(root, v);
}
