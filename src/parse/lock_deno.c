/* deno.lock, versions 2 to 5 (Deno's documentation, "Integrity checking and lock files"; JSON): "npm" and "jsr" by
 * NAME@VERSION, in versions 2 and 3 below "packages" or "npm"."packages"; remote modules by URL with the SHA-256 of
 * each. */
#include "parse/lock.h"

#include <string.h>

/* "NAME@1.0.0_peer@2.0.0": the peers say nothing about the file. */
static bool split_key(const char *key, struct buf *name, struct buf *version)
{
    const char *at = key[0] ? strchr(key + 1, '@') : NULL;
    if (!at || !at[1])
        return false;
    buf_add(name, key, (size_t)(at - key));
    buf_add(version, at + 1, strcspn(at + 1, "_"));
    return true;
}

static int put_section(const json_t *section, const char *ecosystem, struct lock_out *o, struct err *e)
{
    const char *key;
    json_t *about;
    json_object_foreach((json_t *)(uintptr_t)section, key, about)
    {
        auto_buf name = BUF(1024), version = BUF(1024), pair = BUF(256);
        const char *integrity = json_get_string(about, "integrity", "");
        struct span hex = {0};
        if (!split_key(key, &name, &version)) {
            lock_refuse(o, 1, span_str(key), "lock again with deno", "it names no package and version");
            continue;
        }
        buf_printf(&pair, "sha256:%s", integrity);
        struct span text = buf_span(&pair);
        const char *alg = lock_hash_split(text, &hex);
        const struct lock_item item = {
            .ecosystem = ecosystem, .name = buf_str(&name), .version = buf_str(&version), .group = o->group, .line = 1};
        if (lock_entry(o, &item, alg, hex, alg ? NULL : integrity, NULL, e) < 0)
            return -1;
    }
    return 0;
}

int lock_deno(struct span text, struct lock_out *o, struct err *e)
{
    auto_json root = json_parse(text, LIMIT_LOCK_BYTES, o->file, e);
    if (!root)
        return -1;
    if (!json_is_string(json_object_get(root, "version")))
        return err_set(e, ERR_INPUT, 0, "%s: no version; is this a deno.lock?", o->file);
    const json_t *packages = json_object_get(root, "packages"), *npm = json_object_get(root, "npm");
    const json_t *where = packages ? packages : root;
    if (json_object_get(npm, "packages"))
        npm = json_object_get(npm, "packages");
    else if (packages)
        npm = json_object_get(packages, "npm");
    if (put_section(npm, "npm", o, e) < 0)
        return -1;
    return put_section(json_object_get(where, "jsr"), "jsr", o, e);
}
