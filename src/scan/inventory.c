/* The inventory: a release's parts, and what the readers saw inside them, as CycloneDX components. */
#include <stdio.h>
#include <string.h>

#include "scan/scan.h"
#include "ship/sbom.h"

struct inventory {
    struct sbom_component *components; /* owned */
    size_t count, room;
    char **texts; /* owned: what components point to and nobody else keeps */
    size_t text_count, text_room;
    struct digest **digests; /* owned */
    size_t digest_count, digest_room;
};

static void *grown(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room ? *room * 2 : 64;
    list = realloc(list, *room * size);
    if (!list)
        abort();
    return list;
}

static const char *keep_text(struct inventory *v, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    v->texts = grown(v->texts, v->text_count, &v->text_room, sizeof(*v->texts));
    return v->texts[v->text_count++] = copy;
}

static const struct digest *keep_digest(struct inventory *v, const struct digest *id)
{
    struct digest *copy = malloc(sizeof(*copy));
    if (!copy)
        abort();
    *copy = *id;
    v->digests = grown(v->digests, v->digest_count, &v->digest_room, sizeof(*v->digests));
    return v->digests[v->digest_count++] = copy;
}

static void add(struct inventory *v, struct sbom_component c)
{
    v->components = grown(v->components, v->count, &v->room, sizeof(*v->components));
    v->components[v->count++] = c;
}

static void inventory_fini(struct inventory *v)
{
    for (size_t i = 0; i < v->text_count; i++)
        free(v->texts[i]);
    for (size_t i = 0; i < v->digest_count; i++)
        free(v->digests[i]);
    free(v->texts);
    free(v->digests);
    free(v->components);
}

/* Percent-encoding of a purl's parts (package-url, PURL-SPECIFICATION, "Character encoding"). */
static void encode(struct buf *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~:";
    for (; *text; text++) {
        if (strchr(plain, *text))
            buf_add_byte(out, (uint8_t)*text);
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}

/* The value of KEY=VALUE in an os-release file, without quotes; "" when it is not there. */
static void os_value(const char *os_release, const char *key, char *out, size_t size)
{
    struct span rest = span_str(os_release), line, name;
    out[0] = '\0';
    while (rest.len > 0) {
        if (!span_take_until(&rest, '\n', &line)) {
            line = rest;
            rest.len = 0;
        }
        if (!span_take_until(&line, '=', &name) || !span_equal_str(name, key))
            continue;
        if (line.len >= 2 && line.ptr[0] == '"' && line.ptr[line.len - 1] == '"')
            line = span_of(line.ptr + 1, line.len - 2);
        snprintf(out, size, "%.*s", (int)line.len, (const char *)line.ptr);
        return;
    }
}

/* pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12 */
static const char *installed_purl(struct inventory *v, const json_t *package, const char *os_release)
{
    char id[64], version[64];
    auto_buf purl = BUF(4096);
    os_value(os_release, "ID", id, sizeof(id));
    os_value(os_release, "VERSION_ID", version, sizeof(version));
    buf_add_str(&purl, "pkg:deb/");
    encode(&purl, id[0] ? id : "debian");
    buf_add_byte(&purl, '/');
    encode(&purl, json_get_string(package, "name", ""));
    buf_add_byte(&purl, '@');
    encode(&purl, json_get_string(package, "version", ""));
    buf_add_str(&purl, "?arch=");
    encode(&purl, json_get_string(package, "architecture", ""));
    if (id[0] && version[0]) {
        buf_add_str(&purl, "&distro=");
        encode(&purl, id);
        buf_add_byte(&purl, '-');
        encode(&purl, version);
    }
    return keep_text(v, buf_str(&purl));
}

static void add_packages(struct inventory *v, const json_t *facts)
{
    const char *os_release = json_get_string(facts, "os_release", "");
    const json_t *package;
    size_t i;
    json_array_foreach(json_object_get(facts, "packages"), i, package)
    {
        add(v, (struct sbom_component){
                   .type = "library",
                   .name = keep_text(v, json_get_string(package, "name", "")),
                   .version = keep_text(v, json_get_string(package, "version", "")),
                   .purl = installed_purl(v, package, os_release),
               });
    }
}

static void add_inner_files(struct inventory *v, const json_t *facts)
{
    const json_t *file;
    size_t i;
    json_array_foreach(json_object_get(facts, "files"), i, file)
    {
        struct digest id;
        const char *hex = json_get_string(file, "sha256", "");
        if (!digest_from_hex(span_str(hex), &id))
            continue;
        add(v, (struct sbom_component){
                   .type = "file",
                   .name = keep_text(v, json_get_string(file, "path", "")),
                   .digest = keep_digest(v, &id),
                   .size = (uint64_t)json_integer_value(json_object_get(file, "size")),
                   .part = "engine",
               });
    }
}

static const char *component_type(const struct release *release, const struct scan_file *f)
{
    if (digest_equal(&f->digest, &release->model.digest))
        return "machine-learning-model";
    for (size_t i = 0; i < release->engine.layer_count; i++)
        if (digest_equal(&f->digest, &release->engine.layers[i].digest))
            return "container";
    return "file";
}

/* A package by the name that advisories know it by; what is in it is its own. */
static void add_package(struct inventory *v, const struct scan_file *f)
{
    auto_buf purl = BUF(4096);
    package_purl(f->package, &purl);
    add(v, (struct sbom_component){
               .type = purl.len ? "library" : "file",
               .name = purl.len ? f->package->name : f->package->filename,
               .version = f->package->version,
               .purl = purl.len ? keep_text(v, buf_str(&purl)) : NULL,
               .digest = &f->digest,
               .size = f->size,
               .part = "packages",
           });
}

static void add_file(struct inventory *v, const struct release *release, const struct scan_file *f)
{
    if (f->package) {
        add_package(v, f);
        return;
    }
    if (f->media_type && strcmp(f->media_type, MEDIA_PACKAGE_METADATA) == 0 && !verdict_blocks(f->verdict))
        return; /* a member of its wheel */
    const json_t *facts = json_object_get(f->reply, "facts");
    bool model = digest_equal(&f->digest, &release->model.digest);
    add(v, (struct sbom_component){
               .type = component_type(release, f),
               .name = model ? release->model_name : f->path,
               .digest = &f->digest,
               .size = f->size,
               .part = release_part_of(release, &f->digest),
           });
    add_packages(v, facts);
    add_inner_files(v, facts);
}

int scan_write_sbom(const struct release *release, const struct scan_report *r, int64_t time_s, struct buf *out,
                    struct err *e)
{
    struct inventory v = {0};
    for (size_t i = 0; i < r->count; i++)
        add_file(&v, release, &r->files[i]);
    struct sbom sbom = {
        .seed = release->digest,
        .time_s = time_s,
        .supplier = release->owner,
        .subject = {.type = "application",
                    .name = release->name,
                    .version = release->version,
                    .digest = &release->digest,
                    .size = release->size},
        .components = v.components,
        .count = v.count,
    };
    int result = sbom_write(&sbom, out, e);
    inventory_fini(&v);
    return result;
}
