/* The packages that a release brings: looked at first, all of them; then put into the store, with the document that
 * pins them and the manifest that names them. */
#include <string.h>

#include "parse/package.h"
#include "parse/report.h"
#include "ship/oci_write.h"
#include "ship/pack_internal.h"
#include "util/limits.h"

void pack_packages_fini(struct packing *p)
{
    for (size_t i = 0; i < p->package_count; i++) {
        package_fini(&p->packages[i].package);
        buf_fini(&p->packages[i].metadata);
        free(p->packages[i].identity);
    }
    free(p->packages);
    packages_fini(&p->document);
    packages_fini(&p->collected);
    free(p->groups);
    release_blob_fini(&p->packages_manifest);
}

/* ── the look ── */

struct pack_package *pack_new_package(struct packing *p, const char *file, unsigned line)
{
    if (p->package_count % 256 == 0)
        p->packages = reallocarray(p->packages, p->package_count + 256, sizeof *p->packages);
    if (!p->packages)
        abort();
    struct pack_package *x = &p->packages[p->package_count++];
    *x = (struct pack_package){.file = file, .line = line, .metadata = BUF(LIMIT_JSON_BYTES)};
    return x;
}

int pack_blocked(struct packing *p, const struct pack_package *x, const char *what, struct pack_result *out,
                 struct err *e)
{
    err_set(e, ERR_INPUT, 0, "%s:%u: packages: %.200s: %s", p->name, x->line, x->file ? x->file : x->package.filename,
            what);
    if (!p->unchecked)
        return -1;
    pack_remark(out, "no contour will admit this: %s", e->msg);
    *e = (struct err){0};
    return 0;
}

static int look(struct packing *p, struct child *parser, struct pack_package *x, const char *filename,
                const char *ecosystem, struct pack_result *out, struct err *e)
{
    enum verdict verdict;
    char what[400];
    auto_json reply = NULL;
    auto_fd fd = packing_open(p, "packages", x->file, &x->package.size, e);
    uint64_t size = x->package.size;
    if (fd < 0)
        return -1;
    if (package_look(parser, fd, filename, ecosystem, &x->package, &x->metadata, &reply, e) < 0)
        return err_prefix(e, "%s:%u: packages", p->name, x->line);
    x->package.size = size;
    x->package.group = text_copy("prod");
    if (!verdict_from_name(json_get_string(reply, "verdict", ""), &verdict))
        return err_set(e, ERR_UNDECIDED, 0, "%s: the parse process gave no verdict", x->file);
    pack_say_finding(reply, what, sizeof what);
    if (verdict_blocks(verdict) && pack_blocked(p, x, what, out, e) < 0)
        return -1;
    if (!ecosystem && (!x->package.name[0] || !x->package.version[0]))
        return err_set(e, ERR_INPUT, 0, "%s:%u: packages: %.200s: it has no name and version that can be read", p->name,
                       x->line, x->file);
    return 0;
}

static int look_at_local(struct packing *p, struct child *parser, struct pack_result *out, struct err *e)
{
    const struct yaml *list = yaml_get(p->spec.packages, "local");
    for (size_t i = 0; list && i < list->count; i++) {
        const struct yaml *item = list->items[i];
        struct pack_package *x = pack_new_package(p, item->text, item->line);
        if (look(p, parser, x, packing_name(item->text), NULL, out, e) < 0)
            return -1;
    }
    return 0;
}

/* "handbook.pdf" is a file of the release's own name; "docs/handbook.pdf" one of "docs". */
static int look_at_files(struct packing *p, struct child *parser, struct pack_result *out, struct err *e)
{
    const struct yaml *map = yaml_get(p->spec.packages, "files");
    for (size_t i = 0; map && i < map->count; i++) {
        const char *key = map->keys[i], *filename = packing_name(key);
        struct pack_package *x = pack_new_package(p, map->items[i]->text, map->items[i]->line);
        if (look(p, parser, x, filename, "file", out, e) < 0)
            return -1;
        free(x->package.name);
        free(x->package.version);
        x->package.name = filename == key ? text_copy(p->spec.name) : strndup(key, (size_t)(filename - key) - 1);
        x->package.version = text_copy(p->spec.version);
        if (!x->package.name)
            abort();
    }
    return 0;
}

/* ── names that people take for each other, and packages that were other files ── */

static bool has_clients(const struct package *p)
{
    return strcmp(p->ecosystem, "file") != 0 && strcmp(p->ecosystem, "hf") != 0;
}

static int by_skeleton(const void *a, const void *b)
{
    const struct pack_package *const *x = a, *const *y = b;
    char one[512], other[512];
    int order = strcmp((*x)->package.ecosystem, (*y)->package.ecosystem);
    if (order)
        return order;
    package_name_skeleton((*x)->package.ecosystem, (*x)->package.name, one, sizeof one);
    package_name_skeleton((*y)->package.ecosystem, (*y)->package.name, other, sizeof other);
    return strcmp(one, other);
}

static int by_identity(const void *a, const void *b)
{
    const struct pack_package *const *x = a, *const *y = b;
    const struct package *p = &(*x)->package, *q = &(*y)->package;
    int order = strcmp(p->ecosystem, q->ecosystem);
    order = order ? order : strcmp(p->name, q->name);
    return order ? order : strcmp((*x)->identity, (*y)->identity);
}

struct looking {
    struct packing *p;
    const struct pack_package **alike, **same; /* owned; by skeleton, by identity */
    struct pack_result *out;
    struct err *e;
};

static int say_alike(struct looking *l, const struct pack_package *x, const char *other, const char *where)
{
    char what[400];
    snprintf(what, sizeof what, "people take the name \"%.100s\" for \"%.100s\", which %.100s", x->package.name, other,
             where);
    return pack_blocked(l->p, x, what, l->out, l->e);
}

static int say_changed(struct looking *l, const struct pack_package *x, const char *filename,
                       const struct digest *digest, const char *where)
{
    char what[600];
    snprintf(what, sizeof what,
             "clients take it for %.300s with other bytes (%s), which %.100s; give it a version of its own", filename,
             digest_text(digest).text, where);
    return pack_blocked(l->p, x, what, l->out, l->e);
}

static int compare_own(struct looking *l)
{
    for (size_t i = 0; i + 1 < l->p->package_count; i++) {
        const struct pack_package *x = l->alike[i], *next = l->alike[i + 1];
        if (by_skeleton(&x, &next) == 0 && strcmp(x->package.name, next->package.name) != 0 &&
            has_clients(&x->package) && say_alike(l, x, next->package.name, "it brings too") < 0)
            return -1;
        x = l->same[i];
        next = l->same[i + 1];
        if (by_identity(&x, &next) == 0 && !digest_equal(&x->package.digest, &next->package.digest) &&
            has_clients(&x->package) &&
            say_changed(l, x, next->package.filename, &next->package.digest, "it brings too") < 0)
            return -1;
    }
    return 0;
}

/* One that a release of this station brings. */
static int compare_held(void *arg, const struct package_row *row)
{
    static const char where[] = "a release of this station brings";
    struct looking *l = arg;
    char identity[PACKAGE_IDENTITY_SIZE];
    struct pack_package held = {.package = {.ecosystem = (char *)(uintptr_t)row->ecosystem,
                                            .name = (char *)(uintptr_t)row->name,
                                            .version = (char *)(uintptr_t)row->version,
                                            .filename = (char *)(uintptr_t)row->filename}};
    const struct pack_package *key = &held;
    if (!has_clients(&held.package))
        return 0;
    package_identity(row->ecosystem, row->name, row->version, row->filename, identity);
    held.identity = identity;
    const struct pack_package **found = bsearch(&key, l->alike, l->p->package_count, sizeof *l->alike, by_skeleton);
    if (found && strcmp((*found)->package.name, row->name) != 0 && say_alike(l, *found, row->name, where) < 0)
        return -1;
    found = bsearch(&key, l->same, l->p->package_count, sizeof *l->same, by_identity);
    return found && !digest_equal(&(*found)->package.digest, &row->digest)
               ? say_changed(l, *found, row->filename, &row->digest, where)
               : 0;
}

static int compare_names(struct packing *p, struct pack_result *out, struct err *e)
{
    static const struct digest none;
    char identity[PACKAGE_IDENTITY_SIZE];
    auto_free const struct pack_package **alike = calloc(p->package_count + 1, sizeof *alike);
    auto_free const struct pack_package **same = calloc(p->package_count + 1, sizeof *same);
    struct looking l = {p, alike, same, out, e};
    if (!alike || !same)
        abort();
    for (size_t i = 0; i < p->package_count; i++) {
        const struct package *x = &p->packages[i].package;
        package_identity(x->ecosystem, x->name, x->version, x->filename, identity);
        p->packages[i].identity = text_copy(identity);
        alike[i] = same[i] = &p->packages[i];
    }
    if (p->package_count == 0)
        return 0;
    qsort(alike, p->package_count, sizeof *alike, by_skeleton);
    qsort(same, p->package_count, sizeof *same, by_identity);
    return compare_own(&l) < 0 ? -1 : db_package_held(p->s->db, &none, compare_held, &l, e);
}

int pack_packages_look(struct packing *p, struct child *parser, struct pack_result *out, struct err *e)
{
    if (pack_collections_look(p, parser, out, e) < 0 || look_at_local(p, parser, out, e) < 0 ||
        look_at_files(p, parser, out, e) < 0)
        return -1;
    return compare_names(p, out, e);
}

/* ── the store ── */

static int put_file(struct packing *p, const struct pack_package *x, struct err *e)
{
    AUTO(release_blob_fini) struct release_blob blob = {0};
    if (!x->file) /* of a collection: it lies in the store, with its METADATA */
        return 0;
    if (packing_store_file(p, "packages", x->file, MEDIA_PACKAGE, &blob, e) < 0)
        return -1;
    if (digest_equal(&blob.digest, &x->package.digest) && blob.size == x->package.size)
        return 0;
    return err_set(e, ERR_INPUT, 0, "%s changed while it was packed", x->file);
}

static int put_metadata(struct packing *p, struct pack_package *x, struct err *e)
{
    struct digest id;
    if (x->metadata.len == 0)
        return 0;
    if (blob_put(p->s->blobs, buf_span(&x->metadata), &id, e) < 0)
        return -1;
    json_object_set_new(x->package.about, "metadata", json_string(digest_text(&id).text));
    json_object_set_new(x->package.about, "metadata-size", json_integer((json_int_t)x->metadata.len));
    return 0;
}

/* ── the manifest ── */

struct layers {
    struct release_blob *list; /* names and media types are borrowed */
    size_t count;
};

static void add_layer(struct layers *l, const struct digest *id, uint64_t size, const char *media_type,
                      const char *name)
{
    l->list[l->count++] = (struct release_blob){
        .digest = *id, .size = size, .media_type = (char *)(uintptr_t)media_type, .name = (char *)(uintptr_t)name};
}

/* A named one first, so that it is the one that stays when a digest comes twice. */
static int by_digest(const void *a, const void *b)
{
    const struct release_blob *x = a, *y = b;
    int order = digest_compare(&x->digest, &y->digest);
    return order ? order : -strcmp(x->name, y->name);
}

static void list_layers(const struct packages *d, struct layers *l)
{
    for (size_t i = 0; i < d->count; i++) {
        struct digest id;
        uint64_t size;
        add_layer(l, &d->items[i].digest, d->items[i].size, MEDIA_PACKAGE, d->items[i].filename);
        if (package_metadata(&d->items[i], &id, &size))
            add_layer(l, &id, size, MEDIA_PACKAGE_METADATA, "");
    }
    for (size_t i = 0; i < d->evidence_count; i++)
        add_layer(l, &d->evidence[i].digest, d->evidence[i].size, MEDIA_PACKAGE_EVIDENCE, "");
    qsort(l->list, l->count, sizeof *l->list, by_digest);
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (i == 0 || !digest_equal(&l->list[i].digest, &l->list[i - 1].digest))
            l->list[kept++] = l->list[i];
    l->count = kept;
}

/* For inventory and provenance: each package once, by name and version. */
static void list_inputs(struct packing *p)
{
    for (size_t i = 0; i < p->document.count; i++) {
        const struct package *item = &p->document.items[i];
        packing_input(p, item->filename, "packages", &item->digest, item->size, false);
        auto_buf purl = BUF(4096);
        package_purl(item, &purl);
        p->inputs[p->input_count - 1].package = item;
        p->inputs[p->input_count - 1].purl = purl.len ? buf_steal_str(&purl) : NULL;
    }
}

static int put_manifest(struct packing *p, struct err *e)
{
    auto_buf document = BUF(LIMIT_PACKAGES_BYTES), manifest = BUF(LIMIT_JSON_BYTES);
    AUTO(release_blob_fini) struct release_blob config = {0};
    struct layers l = {.list = calloc(2 * p->document.count + p->document.evidence_count + 1, sizeof *l.list)};
    if (!l.list)
        abort();
    list_layers(&p->document, &l);
    int result = packages_write(&p->document, &document, e) < 0 ||
                         packing_put_bytes(p, buf_span(&document), MEDIA_PACKAGES, "", &config, e) < 0
                     ? -1
                     : 0;
    if (result == 0) {
        oci_manifest(MEDIA_PACKAGES, &config, l.list, NULL, l.count, &manifest);
        result = buf_check(&manifest, "packages manifest", e) < 0
                     ? -1
                     : packing_put_bytes(p, buf_span(&manifest), MEDIA_OCI_MANIFEST, "", &p->packages_manifest, e);
    }
    free(l.list);
    return result;
}

int pack_packages(struct packing *p, struct err *e)
{
    if (p->package_count == 0)
        return 0;
    for (size_t i = 0; i < p->package_count; i++) {
        if (put_file(p, &p->packages[i], e) < 0 || put_metadata(p, &p->packages[i], e) < 0)
            return -1;
        packages_add(&p->document, &p->packages[i].package);
    }
    if (packages_sort(&p->document, e) < 0)
        return err_prefix(e, "%s: packages", p->name);
    if (p->rule && p->rule->packages(p->rule->arg, p->s, &p->collected, &p->document, p->groups, e) < 0)
        return err_prefix(e, "%s: packages", p->name);
    list_inputs(p);
    return put_manifest(p, e);
}
