/* Pipfile.lock (pipenv; JSON): "default" and "develop", each by name: {"version": "==1.0", "hashes": ["sha256:…"]}. */
#include "parse/lock_python.h"

#include <string.h>

#define HOW_RELOCK "lock again with pipenv lock"

static int put_package(const char *name, const json_t *about, const char *group, struct lock_out *o, struct err *e)
{
    const char *version = json_get_string(about, "version", "");
    char normal[129];
    const json_t *hash;
    size_t i, strong = 0;
    struct span hex;
    bool elsewhere = json_object_get(about, "git") || json_object_get(about, "path") || json_object_get(about, "file");
    bool named = lock_python_name(span_str(name), normal, sizeof normal) && strncmp(version, "==", 2) == 0 &&
                 lock_python_version(span_str(version + 2));
    json_array_foreach(json_object_get(about, "hashes"), i, hash)
    {
        strong += json_string_value(hash) && lock_hash_split(span_str(json_string_value(hash)), &hex);
    }
    if (elsewhere || !named || strong == 0)
        lock_refuse(o, 1, span_str(name), elsewhere ? LOCK_HOW_SOURCE : HOW_RELOCK, "%s",
                    elsewhere ? "it is fetched from a repository, a URL or a folder"
                    : named   ? "it has no strong hash: another file under the same version would be taken"
                              : "it has no name of a project, or no version behind ==");
    if ((elsewhere || strong == 0) && !o->listing)
        return 0;
    if (!named)
        return 0;
    const struct lock_item item = {.ecosystem = "pypi",
                                   .name = normal,
                                   .version = version + 2,
                                   .group = group,
                                   .marker = json_get_string(about, "markers", NULL),
                                   .line = 1};
    if (lock_begin(o, &item, e) < 0)
        return -1;
    json_array_foreach(json_object_get(about, "hashes"), i, hash)
    {
        const char *alg = json_string_value(hash) ? lock_hash_split(span_str(json_string_value(hash)), &hex) : NULL;
        if (alg)
            lock_hash(o, alg, hex);
    }
    lock_end(o);
    return 0;
}

static int put_section(const json_t *section, const char *group, struct lock_out *o, struct err *e)
{
    const char *name;
    json_t *about;
    json_object_foreach((json_t *)(uintptr_t)section, name, about)
    {
        if (put_package(name, about, group, o, e) < 0)
            return -1;
    }
    return 0;
}

int lock_pipfile(struct span text, struct lock_out *o, struct err *e)
{
    auto_json root = json_parse(text, LIMIT_LOCK_BYTES, o->file, e);
    const char *develop = strcmp(o->group, "prod") == 0 ? "dev" : o->group;
    if (!root)
        return -1;
    if (put_section(json_object_get(root, "default"), o->group, o, e) < 0)
        return -1;
    return put_section(json_object_get(root, "develop"), develop, o, e);
}
