/* pylock.toml (PEP 751; packaging.python.org, "pylock.toml Specification", lock-version 1.x). A file with extras or
 * dependency groups holds several sets in one, told apart by markers that no index client reads: refused, with how to
 * write one file a set. */
#include "parse/lock_python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOW_RELOCK "lock again: uv export --format pylock.toml, or pip lock"

struct hash_text {
    char text[160];
};

/* hashes = {sha256 = "…"} as "sha256:…"; the first that is strong enough. */
static bool strong_hash(const struct toml *file, struct hash_text *out)
{
    static const char *const algs[] = {"sha256", "sha384", "sha512"};
    const struct toml *hashes = toml_get(file, "hashes", TOML_TABLE);
    for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
        const char *hex = toml_text(hashes, algs[i]);
        if (!hex)
            continue;
        snprintf(out->text, sizeof out->text, "%s:%s", algs[i], hex);
        return true;
    }
    return false;
}

static void add_file(struct lock_python *p, const struct toml *file, struct hash_text *hash)
{
    const char *name = toml_text(file, "name"), *url = toml_text(file, "url"), *path = toml_text(file, "path");
    const char *place = url ? url : path ? path : "";
    lock_python_add(p, place, strong_hash(file, hash) ? hash->text : NULL);
    if (name && strlen(name) < sizeof p->files->filename && !strpbrk(name, "/\\"))
        snprintf(p->files[p->count - 1].filename, sizeof p->files->filename, "%s", name);
}

static bool is_from_elsewhere(const struct toml *package)
{
    return toml_get(package, "vcs", TOML_TABLE) || toml_get(package, "directory", TOML_TABLE) ||
           toml_get(package, "archive", TOML_TABLE);
}

/* `hashes` keeps the texts; it has a place for each file. */
static int put_package(const struct toml *package, struct hash_text *hashes, struct lock_out *o, struct err *e)
{
    const struct toml *wheels = toml_get(package, "wheels", TOML_ARRAY),
                      *sdist = toml_get(package, "sdist", TOML_TABLE);
    const char *name = toml_text(package, "name"), *marker = toml_text(package, "marker");
    auto_lock_python p = {.text = span_str(name ? name : "[[packages]]")};
    if (is_from_elsewhere(package)) {
        lock_refuse(o, package->line, p.text, LOCK_HOW_SOURCE, "it is fetched from a repository, a URL or a folder");
        if (!o->listing)
            return 0;
    }
    if (marker && !o->listing && (strstr(marker, "dependency_groups") || strstr(marker, "extras"))) {
        lock_refuse(o, package->line, p.text, "write one pylock.toml a group, and name each as a set of its own",
                    "the file holds several sets, and a marker tells them apart that no client of an index reads");
        return 0;
    }
    for (size_t i = 0; wheels && i < wheels->count; i++)
        add_file(&p, wheels->items[i], &hashes[i]);
    if (sdist)
        add_file(&p, sdist, &hashes[wheels ? wheels->count : 0]);
    p.item = (struct lock_item){.name = name,
                                .version = toml_text(package, "version"),
                                .group = o->group,
                                .marker = marker,
                                .line = package->line};
    return lock_python_put(&p, HOW_RELOCK, o, e);
}

static void free_toml(struct toml **t)
{
    toml_free(*t);
}

int lock_pylock(struct span text, struct lock_out *o, struct err *e)
{
    AUTO(free_toml) struct toml *root = toml_parse(text, o->file, e);
    const char *version = root ? toml_text(root, "lock-version") : NULL;
    if (!root)
        return -1;
    if (!version || strncmp(version, "1.", 2) != 0)
        return err_set(e, ERR_INPUT, 0, "%s: lock-version: wanted 1.0; is this a pylock.toml?", o->file);
    const struct toml *packages = toml_get(root, "packages", TOML_ARRAY);
    for (size_t i = 0; packages && i < packages->count; i++) {
        const struct toml *wheels = toml_get(packages->items[i], "wheels", TOML_ARRAY);
        auto_free struct hash_text *hashes = calloc((wheels ? wheels->count : 0) + 1, sizeof *hashes);
        if (!hashes)
            abort();
        if (put_package(packages->items[i], hashes, o, e) < 0)
            return -1;
    }
    return 0;
}
