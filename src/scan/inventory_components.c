/* The components of the document: the system, packages, programs that no package owns, libraries inside of packages. */
#include <stdio.h>
#include <string.h>

#include "parse/inventory.h"
#include "parse/purl.h"
#include "scan/inventory_model.h"

#define PROPERTIES_MAX 8U

/* Files that are listed one by one: with them an inventory still fits into an attestation. */
#define FILES_LISTED_MAX 20000U

static struct sbom_component *add(struct scan_inventory *v, const char *type, const char *name)
{
    struct inventory_store *m = v->store;
    m->components = model_grown(m->components, m->component_count, &m->component_room, sizeof *m->components);
    struct sbom_component *c = &m->components[m->component_count++];
    *c = (struct sbom_component){.type = type, .name = name[0] ? name : "unknown"};
    return c;
}

static const char *or_null(const char *text)
{
    return text && text[0] ? text : NULL;
}

static void put_property(struct inventory_store *m, struct sbom_component *c, const char *name, const char *value)
{
    if (!c->properties)
        c->properties = model_block(m, PROPERTIES_MAX * sizeof *c->properties);
    if (c->property_count < PROPERTIES_MAX)
        ((struct sbom_property *)(uintptr_t)c->properties)[c->property_count++] = (struct sbom_property){name, value};
}

static void put_found(struct inventory_store *m, struct sbom_component *c, const char *const *found, size_t count)
{
    const char **copy = model_block(m, count * sizeof *copy);
    memcpy(copy, found, count * sizeof *copy);
    c->found = copy;
    c->found_count = count;
}

static void put_digest(struct inventory_store *m, struct sbom_component *c, const char *hex, uint64_t size)
{
    struct digest *d = model_block(m, sizeof *d);
    if (!hex || !digest_from_hex(span_str(hex), d))
        return;
    c->digest = d;
    c->size = size;
}

static void put_layer(struct inventory_store *m, struct sbom_component *c, uint32_t layer)
{
    if (layer < m->layer_count && m->layers[layer][0]) {
        auto_buf text = BUF(128);
        buf_printf(&text, "sha256:%s", m->layers[layer]);
        put_property(m, c, "airlock:layer", model_text(m, buf_str(&text)));
    }
}

/* ── package URLs ── */

static bool is_of_system(const char *type)
{
    static const char *const types[] = {"deb", "rpm", "apk", "alpm", "opkg"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i], type) == 0)
            return true;
    return false;
}

/* A package of a system without a name of its own is of the one whose tools wrote the database. */
static const char *vendor_of(const struct inventory_store *m, const char *type)
{
    static const char *const defaults[][2] = {
        {"deb", "debian"}, {"apk", "alpine"}, {"alpm", "arch"}, {"opkg", "openwrt"}, {"rpm", "redhat"}};
    const char *id = json_get_string(m->system, "id", "");
    for (size_t i = 0; !id[0] && i < ARRAY_LEN(defaults); i++)
        if (strcmp(defaults[i][0], type) == 0)
            return defaults[i][1];
    return id;
}

static void put_qualifier(struct purl *u, const char *key, const char *value)
{
    struct err e = {0};
    if (value && value[0])
        purl_add_qualifier(u, span_str(key), span_str(value), &e);
}

static void put_distro(const struct inventory_store *m, struct purl *u)
{
    const char *id = json_get_string(m->system, "id", ""), *version = json_get_string(m->system, "version_id", "");
    auto_buf text = BUF(1024);
    buf_printf(&text, "%s%s%s", id, version[0] ? "-" : "", version);
    if (id[0])
        put_qualifier(u, "distro", buf_str(&text));
}

/* "upstream": the source package, which advisories of some ecosystems name; its version when it is another. */
static void put_upstream(const struct model_package *p, struct purl *u)
{
    auto_buf text = BUF(4096);
    const char *colon = strcmp(p->type, "rpm") == 0 ? strchr(p->version, ':') : NULL; /* SOURCERPM has no epoch */
    bool other = p->source_version[0] && strcmp(p->source_version, colon ? colon + 1 : p->version) != 0;
    if (!p->source[0] || (strcmp(p->source, p->name) == 0 && !other))
        return;
    buf_printf(&text, "%s%s%s", p->source, other ? "@" : "", other ? p->source_version : "");
    put_qualifier(u, "upstream", buf_str(&text));
}

static char *copy_of(const char *text)
{
    char *copy = text && text[0] ? strdup(text) : NULL;
    if (text && text[0] && !copy)
        abort();
    return copy;
}

/* NULL: what the record says makes no package URL of that type. */
static const char *purl_of(struct inventory_store *m, const struct model_package *p)
{
    struct purl *u = calloc(1, sizeof *u);
    auto_buf text = BUF(PURL_LENGTH_MAX);
    struct err e = {0};
    const char *result = NULL, *colon = strcmp(p->type, "rpm") == 0 ? strchr(p->version, ':') : NULL;
    bool system = is_of_system(p->type);
    if (!u)
        abort();
    u->type = copy_of(p->type);
    u->namespace = copy_of(system ? vendor_of(m, p->type) : p->namespace);
    u->name = copy_of(p->name);
    u->version = copy_of(colon ? colon + 1 : p->version);
    if (colon) {
        auto_buf epoch = BUF(64);
        buf_add(&epoch, p->version, (size_t)(colon - p->version));
        put_qualifier(u, "epoch", buf_str(&epoch));
    }
    if (system) {
        put_qualifier(u, "arch", p->architecture);
        put_upstream(p, u);
        put_distro(m, u);
    }
    if (strcmp(p->type, "rpm") == 0)
        put_qualifier(u, "rpmmod", p->channel);
    if (strcmp(p->type, "conda") == 0) {
        put_qualifier(u, "channel", p->channel);
        put_qualifier(u, "subdir", p->architecture);
        put_qualifier(u, "build", p->source_version);
    }
    if (u->name && purl_normalise(u, &e) == 0) {
        purl_write(u, &text);
        result = buf_ok(&text) ? model_text(m, buf_str(&text)) : NULL;
    }
    purl_fini(u);
    free(u);
    return result;
}

/* ── packages ── */

static const char *technique_of(const struct model_package *p)
{
    bool binary = (strcmp(p->type, "golang") == 0 || strcmp(p->type, "cargo") == 0) && !p->declared;
    return binary ? "binary-analysis" : "manifest-analysis";
}

static void add_package(struct scan_inventory *v, const struct model_package *p)
{
    struct inventory_store *m = v->store;
    struct sbom_component *c = add(v, "library", p->name);
    c->group = or_null(p->namespace);
    c->version = or_null(p->version);
    c->licence = or_null(p->licence);
    c->concluded = or_null(p->spdx);
    c->purl = purl_of(m, p);
    put_found(m, c, p->found, p->found_count);
    struct sbom_identity *id = model_block(m, sizeof *id);
    *id = (struct sbom_identity){.field = c->purl ? "purl" : "name",
                                 .technique = p->agree && !p->differ ? "hash-comparison" : technique_of(p),
                                 .value = p->found[0],
                                 .confidence = p->declared              ? 50
                                               : p->agree && !p->differ ? 100
                                                                        : 80};
    c->identities = id;
    c->identity_count = 1;
    put_layer(m, c, p->layer);
    if (p->removed)
        put_property(m, c, "airlock:removed", "true");
    if (p->agree || p->differ)
        put_property(m, c, "airlock:owned", p->differ ? "false" : "true");
    if (p->vendored)
        put_property(m, c, "airlock:vendored", p->vendored);
    if (p->declared)
        put_property(m, c, "airlock:declared", "true");
    if (p->source[0] && strcmp(p->type, "conda") != 0) {
        auto_buf source = BUF(4096);
        buf_printf(&source, "%s%s%s", p->source, p->source_version[0] ? " " : "", p->source_version);
        put_property(m, c, "airlock:source", model_text(m, buf_str(&source)));
    }
    v->packages++;
}

/* A lock file adds nothing to a package that is there. */
static bool is_there_too(const struct inventory_store *m, const struct model_package *p)
{
    auto_buf key = BUF(16384);
    uint32_t number;
    buf_printf(&key, "%s\n%s\n%s\n%s\n%s", p->type, p->namespace, p->name, p->version, p->architecture);
    return p->declared && text_map_get(&m->package_by_key, buf_str(&key), &number);
}

/* ── files ── */

static void add_system(struct scan_inventory *v)
{
    struct inventory_store *m = v->store;
    const char *id = json_get_string(m->system, "id", ""), *found = json_get_string(m->system, "found", "");
    if (!id[0])
        return;
    struct sbom_component *c = add(v, "operating-system", id);
    c->version = or_null(json_get_string(m->system, "version_id", ""));
    c->description = or_null(json_get_string(m->system, "pretty_name", ""));
    c->cpe = NULL; /* CPE_NAME is often of the old form, which the document's schema does not take */
    put_found(m, c, &found, 1);
}

static void add_file(struct scan_inventory *v, const struct model_file *f, const char *hex)
{
    struct inventory_store *m = v->store;
    struct sbom_component *c = add(v, "file", f->path);
    put_digest(m, c, hex, f->size);
    put_layer(m, c, f->layer);
    if (f->claimed && f->agrees && m->claims[f->owner].package != UINT32_MAX) {
        const struct model_package *p = &m->packages[m->claims[f->owner].package];
        auto_buf text = BUF(4096);
        buf_printf(&text, "%s %s", p->name, p->version);
        put_property(m, c, "airlock:bundled-in", model_text(m, buf_str(&text)));
    } else {
        put_property(m, c, "airlock:owned", "false");
    }
}

/* Programs and libraries that a language's package brings along: no system's package manager knows them. */
static bool is_bundled(const struct inventory_store *m, const struct model_file *f)
{
    if (!f->claimed || !f->agrees || strcmp(f->class, "elf") != 0 || m->claims[f->owner].package == UINT32_MAX)
        return false;
    return !is_of_system(m->packages[m->claims[f->owner].package].type);
}

static void add_files(struct scan_inventory *v)
{
    struct inventory_store *m = v->store;
    size_t listed = 0;
    for (size_t i = 0; i < m->file_count && listed < FILES_LISTED_MAX; i++) {
        const struct model_file *f = &m->files[i];
        bool owned = f->claimed && f->agrees && m->claims[f->owner].package != UINT32_MAX;
        bool bundled = is_bundled(m, f);
        if (f->hidden || !f->class[0] || (owned && !bundled))
            continue;
        const char *claimed = bundled && m->claims[f->owner].kind == 2 ? m->claims[f->owner].hex : NULL;
        add_file(v, f, f->hashes[2] ? f->hashes[2] : claimed);
        listed++;
    }
    if (listed == FILES_LISTED_MAX)
        inventory_find(v, SEVERITY_LOW, true, "inventory-size", "", "more than %u programs that no package owns",
                       FILES_LISTED_MAX);
}

static void add_natives(struct scan_inventory *v)
{
    struct inventory_store *m = v->store;
    for (size_t i = 0; i < m->native_count; i++) {
        const char *path = json_get_string(m->natives[i], "path", "");
        struct sbom_component *c = add(v, "file", path);
        put_digest(m, c, json_get_string(m->natives[i], "sha256", ""),
                   (uint64_t)json_integer_value(json_object_get(m->natives[i], "size")));
        auto_buf text = BUF(8192);
        buf_add(&text, path, strcspn(path, "!"));
        put_property(m, c, "airlock:bundled-in", model_text(m, buf_str(&text)));
    }
}

/* ── models ── */

static bool same_folder(const char *a, const char *b)
{
    const char *x = strrchr(a, '/'), *y = strrchr(b, '/');
    size_t len = x ? (size_t)(x - a) : 0;
    return len == (y ? (size_t)(y - b) : 0) && strncmp(a, b, len) == 0;
}

/* What the file says of itself, or else the config.json beside it. */
static const struct sbom_model *card_of(struct inventory_store *m, const char *path)
{
    const json_t *row = NULL;
    for (size_t i = 0; i < m->model_count; i++) {
        const char *at = json_get_string(m->models[i], "path", "");
        if (strcmp(at, path) == 0)
            row = m->models[i];
        else if (!row && same_folder(at, path) && span_ends(span_str(at), SPAN_LIT("config.json")))
            row = m->models[i];
    }
    const char *family = json_get_string(row, "family", NULL);
    if (!family)
        return NULL;
    struct sbom_model *card = model_block(m, sizeof *card);
    card->architecture_family = family;
    card->architecture = json_get_string(row, "architecture", NULL);
    return card;
}

static void add_models(struct scan_inventory *v)
{
    struct inventory_store *m = v->store;
    for (size_t i = 0; i < m->file_count; i++) {
        const struct model_file *f = &m->files[i];
        if (f->hidden || !inventory_is_model(f->path))
            continue;
        struct sbom_component *c = add(v, "machine-learning-model", f->path);
        put_digest(m, c, f->hashes[2], f->size);
        put_found(m, c, (const char *const[]){f->path}, 1);
        put_layer(m, c, f->layer);
        c->model = card_of(m, f->path);
        c->concluded = model_licence_of(m, f->path);
    }
}

void model_components(struct scan_inventory *v)
{
    struct inventory_store *m = v->store;
    add_system(v);
    for (size_t i = 0; i < m->package_count; i++)
        if (!is_there_too(m, &m->packages[i]))
            add_package(v, &m->packages[i]);
    add_files(v);
    add_natives(v);
    add_models(v);
    v->sbom.components = m->components;
    v->sbom.count = m->component_count;
}
