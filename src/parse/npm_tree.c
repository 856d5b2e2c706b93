#include "parse/npm_tree.h"

#include <string.h>

#include "parse/package.h"

bool npm_tree_is_top(const char *path, bool *inside)
{
    static const char modules[] = "node_modules/";
    const char *last = NULL;
    for (const char *at = path; (at = strstr(at, modules)); at++)
        if (at == path || at[-1] == '/')
            last = at + sizeof modules - 1;
    *inside = last != NULL;
    if (!last)
        return false;
    if (last[0] == '@') {
        last = strchr(last, '/');
        if (!last)
            return false;
        last++;
    }
    const char *slash = strchr(last, '/');
    return slash && strcmp(slash + 1, "package.json") == 0;
}

/* "a.tgz!/package/package.json": at the top of a package file. */
static bool is_top_of_package(const char *path)
{
    const char *inner = strstr(path, "!/"), *slash = inner ? strchr(inner + 2, '/') : NULL;
    return slash && !strchr(slash + 1, '/');
}

/* A text; or, as it was long ago, {"type"} or a list of those. */
static void licence_of(const json_t *root, struct buf *out)
{
    const json_t *licence = json_object_get(root, "license"), *item;
    size_t i;
    if (!licence)
        licence = json_object_get(root, "licenses");
    if (json_is_string(licence))
        buf_add_str(out, json_string_value(licence));
    else if (json_is_object(licence))
        buf_add_str(out, json_get_string(licence, "type", ""));
    json_array_foreach(licence, i, item)
    {
        const char *text = json_is_string(item) ? json_string_value(item) : json_get_string(item, "type", "");
        if (text[0])
            buf_printf(out, "%s%s", out->len ? " OR " : "", text);
    }
}

/* package.json is what other tools keep their own manifests in, too. */
static bool is_of_another_tool(const json_t *root)
{
    return json_object_get(json_object_get(root, "engines"), "vscode") || json_object_get(root, "unity") ||
           json_object_get(root, "unityRelease");
}

void npm_tree_read(struct span file, struct inventory *v)
{
    struct err e = {0};
    auto_buf licence = BUF(4096);
    bool inside, top = npm_tree_is_top(v->path, &inside);
    if (inside ? !top : v->in_package && !is_top_of_package(v->path))
        return;
    span_take_prefix(&file, SPAN_LIT("\xef\xbb\xbf")); /* npm passes over it */
    auto_json root = json_parse(file, LIMIT_PACKAGE_METADATA, "package.json", &e);
    if (!json_is_object(root)) {
        report_finding(v->r, SEVERITY_MEDIUM, "npm-json", v->path, "%s", root ? "is no object" : e.msg);
        return;
    }
    const char *name = json_get_string(root, "name", ""), *version = json_get_string(root, "version", "");
    if (!inside && (!name[0] || !version[0] || is_of_another_tool(root)))
        return; /* a project that is no package */
    struct found_package p = {.type = "npm", .name = span_str(name), .version = span_str(version)};
    if (name[0] == '@' && span_take_until(&p.name, '/', &p.namespace) && p.name.len == 0)
        p.name = p.namespace;
    licence_of(root, &licence);
    p.licence = buf_span(&licence);
    inventory_put(v, &p);
}
