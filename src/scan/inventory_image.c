#include "scan/inventory_image.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan/inventory_work.h"
#include "util/limits.h"
#include "util/sys.h"

#define IMAGES_MAX       256U
#define LAYERS_MAX       1024U
#define INDEX_DEPTH_MAX  4U
#define DOCUMENT_TIME_MS 60000

/* ── layers of one image ── */

static void take_layers(struct scan_inventory *v, struct work *w, const char *const *digests)
{
    for (size_t i = 0; i < w->count; i++) {
        struct work_job *job = &w->jobs[i];
        uint32_t layer = model_layer(v->store, digests[i]);
        char name[DIGEST_HEX_SIZE];
        if (job->why.code != 0)
            inventory_find(v, SEVERITY_HIGH, true, job->unread ? "unreadable" : "scanner-failed", job->path, "%s",
                           job->why.msg);
        if (w->want_sha256 && !job->unread) {
            snprintf(name, sizeof name, "%s", digest_hex(&job->digest).text);
            if (strcmp(name, digests[i]) != 0)
                inventory_find(v, SEVERITY_CRITICAL, false, "image-digest", job->path,
                               "its bytes have the SHA-256 %s, and not that of its name", name);
        }
        if (job->reply) {
            inventory_take_findings(v, job->reply, job->path);
            model_take(v->store, json_object_get(job->reply, "facts"), layer);
        }
        json_decref(job->reply);
    }
}

static int read_layers(struct scan_inventory *v, struct work *w, const char *const *digests, struct err *e)
{
    int result = work_run(w, e);
    take_layers(v, w, digests);
    model_resolve(v);
    return result;
}

/* An image beside others has a store of its own; its components are shown with theirs. */
static int one_of_several(struct scan_inventory *all, struct work *w, const char *const *digests, bool alone,
                          struct err *e)
{
    if (alone)
        return read_layers(all, w, digests, e);
    struct scan_inventory one = {.store = model_new()};
    w->store = one.store;
    int result = read_layers(&one, w, digests, e);
    model_verify(&one);
    model_pins(&one);
    model_components(&one);
    for (size_t i = 0; i < one.sbom.count; i++) {
        all->store->components = model_grown(all->store->components, all->store->component_count,
                                             &all->store->component_room, sizeof *all->store->components);
        all->store->components[all->store->component_count++] = one.sbom.components[i];
    }
    for (size_t i = 0; i < one.finding_count; i++)
        inventory_find(all, one.findings[i].severity, one.findings[i].unread, one.findings[i].rule,
                       one.findings[i].path, "%s", one.findings[i].message);
    all->findings_more += one.findings_more;
    all->sbom.incomplete |= one.sbom.incomplete;
    all->verdict = one.verdict > all->verdict ? one.verdict : all->verdict;
    all->packages += one.packages;
    all->files += one.store->file_count;
    model_keep(all->store, one.store);
    free(one.findings);
    return result;
}

/* ── one tar ── */

int inventory_image_tar(struct scan_inventory *v, int fd, const json_t *images, struct err *e)
{
    const json_t *image, *layer;
    size_t i, k;
    int result = 0;
    json_array_foreach((json_t *)(uintptr_t)images, i, image)
    {
        const json_t *layers = json_object_get(image, "layers");
        size_t count = json_array_size(layers);
        auto_free struct work_job *jobs = calloc(count + 1, sizeof *jobs);
        auto_free const char **digests = calloc(count + 1, sizeof *digests);
        if (!jobs || !digests)
            abort();
        json_array_foreach((json_t *)(uintptr_t)layers, k, layer)
        {
            digests[k] = model_text(v->store, json_get_string(layer, "digest", ""));
            jobs[k] = (struct work_job){.fd = fd,
                                        .path = model_text(v->store, json_get_string(layer, "path", "")),
                                        .file = UINT32_MAX,
                                        .layer = true,
                                        .look = true,
                                        .offset = (uint64_t)json_integer_value(json_object_get(layer, "offset")),
                                        .size = (uint64_t)json_integer_value(json_object_get(layer, "size"))};
        }
        struct work w = {.store = v->store, .root = -1, .jobs = jobs, .count = count};
        if (result == 0)
            result = one_of_several(v, &w, digests, json_array_size(images) == 1, e);
    }
    return result;
}

/* ── a layout in a folder ── */

bool inventory_is_layout(int dir)
{
    struct stat st;
    return fstatat(dir, "oci-layout", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           fstatat(dir, "index.json", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

struct layout {
    struct scan_inventory *v;
    struct child *parser;
    int dir;
    const json_t **manifests; /* owned list */
    size_t count;
    struct err *e;
};

/* "sha256:HEX", or NULL. */
static const char *hex_of(const json_t *descriptor)
{
    const char *digest = json_get_string(descriptor, "digest", "");
    struct digest id;
    return strncmp(digest, "sha256:", 7) == 0 && digest_from_hex(span_str(digest + 7), &id) ? digest + 7 : NULL;
}

/* Reads a document of the layout through a helper; `hex`: the SHA-256 that it must have, or NULL. */
static json_t *read_document(struct layout *l, const char *path, const char *hex)
{
    struct err why = {0};
    struct scan_report row = {0};
    json_t *root = NULL;
    auto_fd fd = sys.openat(l->dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    struct child_request request = {.op = "json", .fd = fd, .timeout_ms = DOCUMENT_TIME_MS};
    if (fd < 0 || !(root = child_call_json(l->parser, &request, path, &why))) {
        inventory_find(l->v, SEVERITY_HIGH, true, "image-layout", path, "%s", fd < 0 ? "is not there" : why.msg);
        return NULL;
    }
    struct scan_options o = {.digest = true};
    bool same = !hex || (scan_fd(l->parser, fd, path, "document.json", &o, &row, &why) == 0 && row.count == 1 &&
                         row.files[0].has_digest && strcmp(digest_hex(&row.files[0].digest).text, hex) == 0);
    scan_report_fini(&row);
    if (same)
        return root;
    inventory_find(l->v, SEVERITY_CRITICAL, false, "image-digest", path, "its bytes are not those of its digest");
    json_decref(root);
    return NULL;
}

static void read_index(struct layout *l, const json_t *index, unsigned depth)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(index, "manifests"), i, item)
    {
        const char *hex = hex_of(item);
        char path[128];
        snprintf(path, sizeof path, "blobs/sha256/%.64s", hex ? hex : "");
        if (!hex || depth > INDEX_DEPTH_MAX || l->count >= IMAGES_MAX) {
            inventory_find(l->v, SEVERITY_HIGH, true, "image-layout", "index.json",
                           hex ? "more images than are read" : "a digest that is no SHA-256");
            continue;
        }
        json_t *root = read_document(l, path, hex);
        if (!root)
            continue;
        json_array_append_new(l->v->store->kept, root);
        if (json_object_get(root, "manifests")) {
            read_index(l, root, depth + 1);
            continue;
        }
        l->manifests = reallocarray(l->manifests, l->count + 1, sizeof *l->manifests);
        if (!l->manifests)
            abort();
        l->manifests[l->count++] = root;
    }
}

static int read_manifest(struct layout *l, const json_t *manifest, bool alone)
{
    const json_t *layers = json_object_get(manifest, "layers"), *layer;
    size_t i, count = 0, max = json_array_size(layers);
    if (max > LAYERS_MAX) {
        inventory_find(l->v, SEVERITY_HIGH, true, "image-layout", "manifest", "more than %u layers", LAYERS_MAX);
        return 0;
    }
    auto_free struct work_job *jobs = calloc(max + 1, sizeof *jobs);
    auto_free const char **digests = calloc(max + 1, sizeof *digests);
    if (!jobs || !digests)
        abort();
    json_array_foreach((json_t *)(uintptr_t)layers, i, layer)
    {
        const char *hex = hex_of(layer), *type = json_get_string(layer, "mediaType", "");
        char path[128];
        snprintf(path, sizeof path, "blobs/sha256/%.64s", hex ? hex : "");
        if (!hex)
            inventory_find(l->v, SEVERITY_HIGH, true, "image-digest", "manifest", "a layer whose digest is no SHA-256");
        if (!hex || !strstr(type, "tar"))
            continue; /* of an artifact: no part of a root file system */
        digests[count] = model_text(l->v->store, hex);
        jobs[count++] = (struct work_job){
            .fd = -1, .path = model_text(l->v->store, path), .file = UINT32_MAX, .layer = true, .look = true};
    }
    struct work w = {.store = l->v->store, .root = l->dir, .jobs = jobs, .count = count, .want_sha256 = true};
    return one_of_several(l->v, &w, digests, alone, l->e);
}

int inventory_image_layout(struct scan_inventory *v, int dir, struct err *e)
{
    struct layout l = {.v = v, .dir = dir, .e = e, .parser = child_start(ROLE_PARSE, e)};
    int result = 0;
    if (!l.parser)
        return -1;
    json_t *index = read_document(&l, "index.json", NULL);
    if (index) {
        json_array_append_new(v->store->kept, index);
        read_index(&l, index, 0);
    }
    child_stop(l.parser);
    for (size_t i = 0; i < l.count && result == 0; i++)
        result = read_manifest(&l, l.manifests[i], l.count == 1);
    free(l.manifests);
    return result;
}
