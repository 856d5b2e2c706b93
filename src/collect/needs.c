#include "collect/needs.h"

#include <stdio.h>
#include <string.h>

#include "util/limits.h"

#define PARSE_MS 10000

/* ── wheels ── */

static int wheel_needs(const struct blobs *b, struct child *parser, const struct package *p,
                       int (*each)(void *arg, const struct need *n), void *arg, struct err *e)
{
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    struct digest id;
    uint64_t size;
    const json_t *item;
    size_t i;
    if (!package_metadata(p, &id, &size))
        return 0;
    if (blob_read(b, &id, &text, e) < 0)
        return err_prefix(e, "%s", p->filename);
    const struct child_request request = {.op = "requires", .fd = -1, .input = buf_span(&text), .timeout_ms = PARSE_MS};
    auto_json root = child_call_json(parser, &request, p->filename, e);
    if (!root)
        return -1;
    json_array_foreach(json_object_get(root, "requires"), i, item)
    {
        const struct need n = {.name = json_get_string(item, "name", ""),
                               .text = json_get_string(item, "text", ""),
                               .sure = json_is_true(json_object_get(item, "sure")),
                               .number = (unsigned)i};
        int result = each(arg, &n);
        if (result)
            return result;
    }
    return 0;
}

/* ── npm ── */

/* Whether the package brings it in its own archive. */
static bool is_bundled(const json_t *manifest, const char *name)
{
    static const char *const keys[] = {"bundleDependencies", "bundledDependencies"};
    size_t i;
    json_t *item;
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        const json_t *list = json_object_get(manifest, keys[k]);
        if (json_is_true(list))
            return true;
        json_array_foreach(list, i, item)
        {
            if (json_is_string(item) && strcmp(json_string_value(item), name) == 0)
                return true;
        }
    }
    return false;
}

/* "npm:@scope/name@^1": another package goes by this name. */
static void take_alias(struct need *n, char *name, size_t size)
{
    if (strncmp(n->text, "npm:", 4) != 0)
        return;
    const char *target = n->text + 4, *at = strrchr(target, '@');
    bool ranged = at && at != target;
    snprintf(name, size, "%.*s", (int)(ranged ? (size_t)(at - target) : strlen(target)), target);
    n->name = name;
    n->text = ranged ? at + 1 : "";
}

static bool may_be_missing(const json_t *manifest, const char *name)
{
    const json_t *meta = json_object_get(json_object_get(manifest, "peerDependenciesMeta"), name);
    return json_object_get(json_object_get(manifest, "optionalDependencies"), name) || is_bundled(manifest, name) ||
           (json_is_true(json_object_get(meta, "optional")) &&
            !json_object_get(json_object_get(manifest, "dependencies"), name));
}

static int npm_needs(const struct package *p, int (*each)(void *arg, const struct need *n), void *arg)
{
    static const char *const members[] = {"dependencies", "peerDependencies"};
    const json_t *manifest = json_object_get(p->about, "manifest");
    const char *name;
    json_t *range;
    char other[256];
    struct need n = {.sure = true};
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_object_foreach(json_object_get(manifest, members[i]), name, range)
        {
            if (may_be_missing(manifest, name))
                continue;
            n.name = name;
            n.text = json_is_string(range) ? json_string_value(range) : "";
            n.number++;
            take_alias(&n, other, sizeof other);
            int result = each(arg, &n);
            if (result)
                return result;
        }
    return 0;
}

/* ── Debian (policy 7.1): "a (>= 1) | b:any, c" ── */

/* The package's name at the start of one alternative. */
static void deb_name(struct span s, char *out, size_t size)
{
    size_t len = 0;
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\n' || s.ptr[0] == '\t'))
        (void)span_skip(&s, 1);
    while (len < s.len && len + 1 < size && strchr("abcdefghijklmnopqrstuvwxyz0123456789+-.", s.ptr[len]) && s.ptr[len])
        len++;
    snprintf(out, size, "%.*s", (int)len, (const char *)s.ptr);
}

static struct span take_part(struct span *s, uint8_t stop)
{
    struct span part;
    if (span_take_until(s, stop, &part))
        return part;
    part = *s;
    s->len = 0;
    return part;
}

static int field_needs(const char *field, unsigned *number, int (*each)(void *arg, const struct need *n), void *arg)
{
    struct span rest = span_str(field);
    while (rest.len) {
        struct span one = take_part(&rest, ',');
        char text[512];
        ++*number;
        snprintf(text, sizeof text, "%.*s", (int)one.len, (const char *)one.ptr);
        while (one.len) {
            char name[256];
            deb_name(take_part(&one, '|'), name, sizeof name);
            const struct need n = {.name = name, .text = text + strspn(text, " \n\t"), .sure = true, .number = *number};
            int result = name[0] ? each(arg, &n) : 0;
            if (result)
                return result;
        }
    }
    return 0;
}

static int deb_needs(const struct package *p, int (*each)(void *arg, const struct need *n), void *arg)
{
    static const char *const fields[] = {"Pre-Depends", "Depends"};
    const json_t *control = json_object_get(p->about, "control");
    unsigned number = 0;
    int result = 0;
    for (size_t i = 0; i < ARRAY_LEN(fields) && result == 0; i++)
        result = field_needs(json_get_string(control, fields[i], ""), &number, each, arg);
    return result;
}

int needs_each(const struct blobs *b, struct child *parser, const struct package *p,
               int (*each)(void *arg, const struct need *n), void *arg, struct err *e)
{
    if (strcmp(p->ecosystem, "pypi") == 0)
        return wheel_needs(b, parser, p, each, arg, e);
    if (strcmp(p->ecosystem, "npm") == 0)
        return npm_needs(p, each, arg);
    return strcmp(p->ecosystem, "deb") == 0 ? deb_needs(p, each, arg) : 0;
}

int names_each(const struct package *p, int (*each)(void *arg, const char *name), void *arg)
{
    int result = each(arg, p->name);
    const char *provides = json_get_string(json_object_get(p->about, "control"), "Provides", "");
    if (strcmp(p->ecosystem, "deb") != 0)
        return result;
    for (struct span rest = span_str(provides); rest.len && result == 0;) {
        char name[256];
        deb_name(take_part(&rest, ','), name, sizeof name);
        if (name[0])
            result = each(arg, name);
    }
    return result;
}
