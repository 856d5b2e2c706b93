/* Cargo.lock, versions 1 to 4 (the Cargo book, "Cargo.toml vs Cargo.lock"; TOML): [[package]] with its checksum, the
 * SHA-256 of the crate's file; in version 1 the checksums stand in [metadata]. A package without a source is part of
 * the project. */
#include "parse/lock.h"

#include <string.h>

#include "parse/toml.h"

static void free_toml(struct toml **t)
{
    toml_free(*t);
}

/* version 1: "checksum NAME VERSION (SOURCE)" = "HEX" */
static const char *old_checksum(const struct toml *metadata, const struct lock_item *item, const char *source)
{
    auto_buf key = BUF(4096);
    buf_printf(&key, "checksum %s %s (%s)", item->name, item->version, source);
    return buf_ok(&key) ? toml_text(metadata, buf_str(&key)) : NULL;
}

static int put_package(const struct toml *package, const struct toml *metadata, struct lock_out *o, struct err *e)
{
    const char *source = toml_text(package, "source"), *hex = toml_text(package, "checksum"), *why = NULL;
    const struct lock_item item = {.ecosystem = "cargo",
                                   .name = toml_text(package, "name"),
                                   .version = toml_text(package, "version"),
                                   .group = o->group,
                                   .line = package->line};
    struct span text = {0}, strong = {0};
    auto_buf pair = BUF(256);
    if (!item.name || !item.version) {
        lock_refuse(o, item.line, SPAN_LIT("[[package]]"), "lock again with cargo", "it has no name or no version");
        return 0;
    }
    if (!source && !o->listing)
        return 0; /* source of the project */
    if (!source)
        why = "it has no source: it is part of the project, or of a folder beside it";
    else if (strncmp(source, "git+", 4) == 0)
        why = "it is fetched from a repository, not from a registry";
    if (!hex && source)
        hex = old_checksum(metadata, &item, source);
    buf_printf(&pair, "sha256:%s", hex ? hex : "");
    text = buf_span(&pair);
    const char *alg = hex ? lock_hash_split(text, &strong) : NULL;
    return lock_entry(o, &item, alg, strong, NULL, why, e);
}

int lock_cargo(struct span text, struct lock_out *o, struct err *e)
{
    AUTO(free_toml) struct toml *root = toml_parse(text, o->file, e);
    if (!root)
        return -1;
    const struct toml *packages = toml_get(root, "package", TOML_ARRAY),
                      *metadata = toml_get(root, "metadata", TOML_TABLE);
    for (size_t i = 0; packages && i < packages->count; i++)
        if (put_package(packages->items[i], metadata, o, e) < 0)
            return -1;
    return 0;
}
