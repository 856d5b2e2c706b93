/* pdm.lock (PDM's documentation, "Lock file"; TOML): [[package]] with its files (lock_version 4.3 and newer), or with
 * all files in [metadata.files] by "NAME VERSION" (older). */
#include "parse/lock_python.h"

#include <string.h>

#define HOW_RELOCK "lock again with PDM: pdm lock"

static void free_toml(struct toml **t)
{
    toml_free(*t);
}

static const struct toml *files_of(const struct toml *package, const struct toml *all)
{
    const struct toml *files = toml_get(package, "files", TOML_ARRAY);
    const char *name = toml_text(package, "name"), *version = toml_text(package, "version");
    auto_buf key = BUF(1024);
    if (files || !name || !version)
        return files;
    buf_printf(&key, "%s %s", name, version);
    return buf_ok(&key) ? toml_get(all, buf_str(&key), TOML_ARRAY) : NULL;
}

/* "default" is production; what only other groups ask for is theirs. */
static const char *group_of(const struct toml *package, const struct lock_out *o)
{
    const struct toml *groups = toml_get(package, "groups", TOML_ARRAY);
    for (size_t i = 0; groups && i < groups->count; i++)
        if (groups->items[i]->kind == TOML_STRING && strcmp(groups->items[i]->text, "default") == 0)
            return o->group;
    return groups && groups->count && groups->items[0]->kind == TOML_STRING ? groups->items[0]->text : o->group;
}

static int put_package(const struct toml *package, const struct toml *all, struct lock_out *o, struct err *e)
{
    const char *name = toml_text(package, "name");
    auto_lock_python p = {.text = span_str(name ? name : "[[package]]")};
    const struct toml *files = files_of(package, all);
    if (toml_text(package, "git") || toml_text(package, "path") || toml_text(package, "url")) {
        lock_refuse(o, package->line, p.text, LOCK_HOW_SOURCE, "it is fetched from a repository, a URL or a folder");
        if (!o->listing)
            return 0;
    }
    for (size_t i = 0; files && i < files->count; i++) {
        const char *file = toml_text(files->items[i], "file"), *url = toml_text(files->items[i], "url");
        lock_python_add(&p, file ? file : url ? url : "", toml_text(files->items[i], "hash"));
    }
    p.item = (struct lock_item){.name = name,
                                .version = toml_text(package, "version"),
                                .group = group_of(package, o),
                                .marker = toml_text(package, "marker"),
                                .line = package->line};
    return lock_python_put(&p, HOW_RELOCK, o, e);
}

int lock_pdm(struct span text, struct lock_out *o, struct err *e)
{
    AUTO(free_toml) struct toml *root = toml_parse(text, o->file, e);
    if (!root)
        return -1;
    const struct toml *packages = toml_get(root, "package", TOML_ARRAY),
                      *metadata = toml_get(root, "metadata", TOML_TABLE);
    const struct toml *all = toml_get(metadata, "files", TOML_TABLE);
    for (size_t i = 0; packages && i < packages->count; i++)
        if (put_package(packages->items[i], all, o, e) < 0)
            return -1;
    return 0;
}
