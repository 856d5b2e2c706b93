/* The inventory of a release: its parts, and what the readers saw inside them, out of the report of its scan. */
#include <stdio.h>
#include <string.h>

#include "parse/licence.h"
#include "scan/internal.h"
#include "scan/inventory_model.h"
#include "scan/licences.h"

static struct sbom_component *add(struct inventory_store *m, struct sbom_component c)
{
    m->components = model_grown(m->components, m->component_count, &m->component_room, sizeof(*m->components));
    m->components[m->component_count] = c;
    return &m->components[m->component_count++];
}

static const char *component_type(const struct release *release, const struct scan_file *f)
{
    for (size_t i = 0; i < release->engine.layer_count; i++)
        if (digest_equal(&f->digest, &release->engine.layers[i].digest))
            return "container";
    return "file";
}

/* A package by the name that advisories know it by; what is in it is its own. */
static void add_package(struct inventory_store *m, const struct scan_file *f)
{
    auto_buf purl = BUF(4096);
    const json_t *licence = json_object_get(json_object_get(f->reply, "facts"), "licence");
    package_purl(f->package, &purl);
    add(m, (struct sbom_component){
               .type = purl.len ? "library" : "file",
               .name = purl.len ? f->package->name : f->package->filename,
               .version = f->package->version,
               .purl = purl.len ? model_text(m, buf_str(&purl)) : NULL,
               .licence = json_get_string(licence, "said", NULL),
               .concluded = json_get_string(licence, "expression", NULL),
               .digest = &f->digest,
               .size = f->size,
               .part = "packages",
           });
}

/* What the model's own file says of itself. */
static const struct sbom_model *model_card(struct inventory_store *m, const json_t *facts)
{
    const char *architecture = json_get_string(facts, "architecture", NULL);
    if (!architecture)
        return NULL;
    struct sbom_model *card = model_block(m, sizeof(*card));
    card->architecture_family = architecture;
    return card;
}

static void add_model(struct inventory_store *m, const struct release *release, const struct scan_report *r,
                      const struct scan_file *f)
{
    auto_buf licence = BUF(LICENCE_MAX);
    bool differs, known = scan_model_licence(release, r, &licence, &differs);
    add(m, (struct sbom_component){
               .type = "machine-learning-model",
               .name = release->model_name,
               .licence = release->licence,
               .concluded = known ? model_text(m, buf_str(&licence)) : NULL,
               .digest = &f->digest,
               .size = f->size,
               .part = release_part_of(release, &f->digest),
               .model = model_card(m, json_object_get(f->reply, "facts")),
           });
}

static void add_part(struct inventory_store *m, const struct release *release, const struct scan_report *r,
                     const struct scan_file *f)
{
    if (f->package) {
        add_package(m, f);
        return;
    }
    if (f->media_type && strcmp(f->media_type, MEDIA_PACKAGE_METADATA) == 0 && !verdict_blocks(f->verdict))
        return; /* a member of its wheel */
    if (digest_equal(&f->digest, &release->model.digest)) {
        add_model(m, release, r, f);
        return;
    }
    add(m, (struct sbom_component){
               .type = component_type(release, f),
               .name = f->path,
               .digest = &f->digest,
               .size = f->size,
               .part = release_part_of(release, &f->digest),
           });
}

/* ── the engine's layers, over each other ── */

static const struct scan_file *row_of(const struct scan_report *r, const struct digest *id)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->files[i].has_digest && digest_equal(&r->files[i].digest, id))
            return &r->files[i];
    return NULL;
}

static void take_layers(struct scan_inventory *v, const struct release *release, const struct scan_report *r)
{
    for (size_t i = 0; i < release->engine.layer_count; i++) {
        const struct digest *id = &release->engine.layers[i].digest;
        const struct scan_file *f = row_of(r, id);
        uint32_t layer = model_layer(v->store, digest_hex(id).text);
        json_t *facts = f ? json_object_get(f->reply, "facts") : NULL;
        if (facts && json_object_get(facts, "tree"))
            model_take(v->store, facts, layer);
        else
            v->sbom.incomplete = true;
    }
    model_resolve(v);
    model_verify(v);
    model_pins(v);
}

int scan_inventory_release(const struct release *release, const struct scan_report *r, int64_t time_s,
                           struct scan_inventory *out, struct err *e)
{
    struct inventory_store *m = model_new();
    (void)e;
    *out = (struct scan_inventory){.store = m};
    for (size_t i = 0; i < r->count; i++)
        add_part(m, release, r, &r->files[i]);
    size_t parts = m->component_count;
    take_layers(out, release, r);
    model_components(out);
    for (size_t i = parts; i < m->component_count; i++)
        m->components[i].part = "engine";
    out->sbom.seed = release->digest;
    out->sbom.time_s = time_s;
    out->sbom.supplier = release->owner;
    out->sbom.subject = (struct sbom_component){.type = "application",
                                                .name = release->name,
                                                .version = release->version,
                                                .digest = &release->digest,
                                                .size = release->size};
    out->files = m->file_count;
    return 0;
}

int scan_write_sbom(const struct release *release, const struct scan_report *r, int64_t time_s, struct buf *out,
                    struct err *e)
{
    auto_scan_inventory v = {0};
    if (scan_inventory_release(release, r, time_s, &v, e) < 0)
        return -1;
    return sbom_write(&v.sbom, out, e);
}

/* ── what the layers say of each other, as findings of the scan ── */

/* Of what blocks, each one; of the rest, how many. */
static void add_findings(const struct scan_inventory *v, struct scan_report *out, struct scan_file *row)
{
    static const char *const rules[] = {"owned-differs", "lock-differs", "lock-host", "lock-installed-differs"};
    size_t unowned = 0;
    const char *first = "";
    for (size_t i = 0; i < v->finding_count; i++) {
        const struct inventory_finding *f = &v->findings[i];
        char text[1024];
        if (strcmp(f->rule, "unowned-executable") == 0) {
            first = unowned++ ? first : f->path;
            continue;
        }
        snprintf(text, sizeof(text), "%.400s: %s", f->path, f->message);
        for (size_t k = 0; k < ARRAY_LEN(rules); k++)
            if (f->severity >= SEVERITY_LOW && strcmp(rules[k], f->rule) == 0)
                scan_add_finding(out, row, f->severity, rules[k], text);
    }
    if (unowned) {
        char text[1024];
        snprintf(text, sizeof(text), "%zu%s programs that no package owns by their hash; the first is %.400s", unowned,
                 v->findings_more ? " and more" : "", first);
        scan_add_finding(out, row, SEVERITY_LOW, "unowned-executable", text);
    }
}

void scan_ownership(const struct release *release, struct scan_report *out)
{
    auto_scan_inventory v = {.store = model_new()};
    if (release->engine.layer_count == 0)
        return;
    take_layers(&v, release, out);
    const struct digest *top = &release->engine.layers[release->engine.layer_count - 1].digest;
    struct scan_file *row = (struct scan_file *)(uintptr_t)row_of(out, top);
    if (row) {
        add_findings(&v, out, row);
        scan_image_licences(&v, out, row);
    }
}
