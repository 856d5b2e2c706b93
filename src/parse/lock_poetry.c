/* poetry.lock: [[package]] with its files (lock-version 2), or with the files of all packages in [metadata.files]
 * (lock-version 1). Which group a package is for, its `groups` say from lock-version 2.1 (Poetry 2.0) on, and
 * `category` until 1; what was written in between does not know, and is not taken for production. */
#include "parse/lock_python.h"

#include <string.h>

#define HOW_RELOCK "lock again with Poetry 2: poetry lock"

struct poetry {
    struct lock_out *o;
    const struct toml *files; /* [metadata.files], or NULL */
    bool no_groups;           /* told already */
};

static void tell_no_groups(const struct toml *package, struct poetry *y)
{
    if (!y->no_groups && strcmp(y->o->group, "prod") == 0)
        lock_refuse(
            y->o, package->line, SPAN_LIT("[[package]]"),
            "lock again with Poetry 2 (poetry lock), or collect what `poetry export --only main` writes as pip:",
            "the file does not say which packages are for development only");
    y->no_groups = true;
}

/* The i-th group of a package, or NULL: "main" is the set's group, and the only one of a package that is in it. */
static const char *group_of(const struct toml *package, size_t i, struct poetry *y)
{
    const struct toml *groups = toml_get(package, "groups", TOML_ARRAY);
    const char *category = toml_text(package, "category");
    if (toml_true(package, "optional"))
        return i ? NULL : "optional";
    if (!groups && !category)
        tell_no_groups(package, y);
    if (!groups)
        return i ? NULL : category && strcmp(category, "main") != 0 ? category : y->o->group;
    for (size_t k = 0; k < groups->count; k++)
        if (groups->items[k]->kind == TOML_STRING && strcmp(groups->items[k]->text, "main") == 0)
            return i ? NULL : y->o->group;
    return i < groups->count ? groups->items[i]->text : NULL;
}

/* An extra is chosen by its group "optional" here, so that a marker that asks for it must not stand in the way. */
static const char *marker_of(const struct toml *package)
{
    const char *marker = toml_text(package, "markers");
    const struct toml *by_group = toml_get(package, "markers", TOML_TABLE);
    if (by_group && toml_text(by_group, "main") && by_group->count == 1)
        marker = toml_text(by_group, "main");
    return marker && strstr(marker, "extra ") ? NULL : marker;
}

static bool is_from_index(const struct toml *package)
{
    const struct toml *source = toml_get(package, "source", TOML_TABLE);
    const char *type = toml_text(source, "type");
    return !source || (type && (strcmp(type, "legacy") == 0 || strcmp(type, "pypi") == 0));
}

static int put_package(const struct toml *package, struct poetry *y, struct err *e)
{
    const char *name = toml_text(package, "name");
    auto_lock_python p = {.text = span_str(name ? name : "[[package]]")};
    const struct toml *files = toml_get(package, "files", TOML_ARRAY);
    if (!files && name)
        files = toml_get(y->files, name, TOML_ARRAY);
    if (!is_from_index(package)) {
        lock_refuse(y->o, package->line, p.text, LOCK_HOW_SOURCE, "it is fetched from a repository, a URL or a folder");
        if (!y->o->listing)
            return 0;
    }
    for (size_t i = 0; files && i < files->count; i++) {
        const char *file = toml_text(files->items[i], "file");
        lock_python_add(&p, file ? file : "", toml_text(files->items[i], "hash"));
    }
    p.item = (struct lock_item){
        .name = name, .version = toml_text(package, "version"), .marker = marker_of(package), .line = package->line};
    for (size_t i = 0; (p.item.group = group_of(package, i, y)); i++)
        if (lock_python_put(&p, HOW_RELOCK, y->o, e) < 0)
            return -1;
    return 0;
}

static void free_toml(struct toml **t)
{
    toml_free(*t);
}

int lock_poetry(struct span text, struct lock_out *o, struct err *e)
{
    AUTO(free_toml) struct toml *root = toml_parse(text, o->file, e);
    if (!root)
        return -1;
    const struct toml *metadata = toml_get(root, "metadata", TOML_TABLE);
    const struct toml *packages = toml_get(root, "package", TOML_ARRAY);
    struct poetry y = {.o = o, .files = toml_get(metadata, "files", TOML_TABLE)};
    if (!metadata && !packages)
        return err_set(e, ERR_INPUT, 0, "%s: no [metadata] and no [[package]]; is this a poetry.lock?", o->file);
    for (size_t i = 0; packages && i < packages->count; i++)
        if (put_package(packages->items[i], &y, e) < 0)
            return -1;
    return 0;
}
