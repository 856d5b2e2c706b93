/* The engine image. A program and files become one uncompressed layer whose bytes depend on nothing but them; an OCI
 * layout is carried over blob by blob, and `files` then go into one more layer on top. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ship/elf_look.h"
#include "ship/oci_write.h"
#include "ship/pack_internal.h"
#include "ship/tar_write.h"
#include "util/file.h"
#include "util/limits.h"

#define PROGRAM_FOLDER "engine/"

/* A file of the layer, opened. */
struct layer_file {
    const char *path, *file;
    char *owned_path;
    int fd;
    uint64_t size;
    bool executable;
};

struct layer {
    struct layer_file *files;
    size_t count;
};

static void layer_done(struct layer *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->files[i].owned_path);
        if (l->files[i].fd >= 0)
            close(l->files[i].fd);
    }
    free(l->files);
}

static int layer_add(struct packing *p, struct layer *l, const char *key, const char *path, const char *file,
                     bool program, struct err *e)
{
    struct stat st;
    struct layer_file *f = &l->files[l->count];
    *f = (struct layer_file){.path = path, .file = file};
    f->fd = packing_open(p, key, file, &f->size, e);
    if (f->fd < 0)
        return -1;
    l->count++;
    if (fstat(f->fd, &st) < 0)
        return err_set(e, ERR_IO, errno, "%s", file);
    f->executable = program || (st.st_mode & S_IXUSR);
    return 0;
}

static int by_path(const void *a, const void *b)
{
    const struct layer_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

static bool layer_has(const struct layer *l, const char *path)
{
    struct layer_file key = {.path = path};
    return bsearch(&key, l->files, l->count, sizeof *l->files, by_path);
}

/* A program that needs a loader of the host would not start in an image without one. */
static int check_program(const struct layer *l, const struct layer_file *program, struct err *e)
{
    char interp[256];
    int needs = elf_interpreter(program->fd, program->file, interp, e);
    if (needs <= 0)
        return needs;
    if (interp[0] == '/' && layer_has(l, interp + 1))
        return 0;
    err_set(e, ERR_INPUT, 0, "%s needs the loader %s, which the image would not have", program->file, interp);
    return err_hint(e, "Link it with -static, or give its loader and libraries under engine: files:, or an image");
}

static int layer_open(struct packing *p, struct layer *l, struct err *e)
{
    const char *program = p->spec.program;
    l->files = calloc(p->spec.file_count + 1, sizeof *l->files);
    if (!l->files)
        abort();
    for (size_t i = 0; i < p->spec.file_count; i++)
        if (layer_add(p, l, "engine: files", p->spec.files[i].path, p->spec.files[i].file, false, e) < 0)
            return -1;
    char *path = NULL;
    if (program) {
        const char *slash = strrchr(program, '/');
        const char *base = slash ? slash + 1 : program;
        if (!release_file_name_ok(base))
            return err_set(e, ERR_INPUT, 0, "%s: engine: program: \"%.100s\" is no file name", p->name, program);
        if (asprintf(&path, PROGRAM_FOLDER "%s", base) < 0)
            abort();
        if (layer_add(p, l, "engine: program", path, program, true, e) < 0) {
            free(path);
            return -1;
        }
        l->files[l->count - 1].owned_path = path;
    }
    qsort(l->files, l->count, sizeof *l->files, by_path);
    for (size_t i = 0; i + 1 < l->count; i++)
        if (strcmp(l->files[i].path, l->files[i + 1].path) == 0)
            return err_set(e, ERR_INPUT, 0, "%s: engine: two files would lie at /%s in the image", p->name,
                           l->files[i].path);
    for (size_t i = 0; i < l->count; i++)
        if (path && l->files[i].owned_path == path)
            return check_program(l, &l->files[i], e);
    return 0;
}

/* Appends the headers of the folders above `path` that the file before it did not need already. Sorted paths keep what
 * lies in one folder together. */
static int put_folders(const struct layer *l, const char *path, const char *before, struct buf *out, struct err *e)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        char folder[256];
        size_t len = (size_t)(slash - path);
        memcpy(folder, path, len);
        folder[len] = '\0';
        if (layer_has(l, folder))
            return err_set(e, ERR_INPUT, 0, "engine: /%s would be a file and a folder in the image", folder);
        if (before && strncmp(before, path, len + 1) == 0)
            continue;
        if (tar_header(out, TAR_DIRECTORY, folder, 0, 0755, e) < 0)
            return -1;
    }
    return 0;
}

static int add_buf(struct blob_writer *w, struct buf *b, struct err *e)
{
    int result = buf_check(b, "tar header", e) < 0 ? -1 : blob_writer_add(w, buf_span(b), e);
    buf_clear(b);
    return result;
}

static int put_layer_file(struct packing *p, const struct layer *l, size_t i, struct blob_writer *w, struct err *e)
{
    static const uint8_t zeros[TAR_BLOCK];
    const struct layer_file *f = &l->files[i];
    auto_buf head = BUF(1U << 20);
    if (put_folders(l, f->path, i ? l->files[i - 1].path : NULL, &head, e) < 0 ||
        tar_header(&head, TAR_FILE, f->path, f->size, f->executable ? 0755 : 0644, e) < 0 || add_buf(w, &head, e) < 0)
        return -1;
    struct sha256 *h = sha256_new();
    if (packing_copy(p, f->fd, f->file, f->size, w, h, e) < 0) {
        sha256_free(h);
        return -1;
    }
    struct digest digest = sha256_finish(h);
    packing_input(p, f->path, "engine", &digest, f->size, f->executable);
    return blob_writer_add(w, span_of(zeros, tar_padding(f->size)), e);
}

static int write_layer(struct packing *p, const struct layer *l, struct blob_writer *w, struct err *e)
{
    for (size_t i = 0; i < l->count; i++)
        if (put_layer_file(p, l, i, w, e) < 0)
            return -1;
    auto_buf end = BUF(2 * TAR_BLOCK);
    tar_end(&end);
    return add_buf(w, &end, e);
}

/* Puts the layer of program and files. *out's size is asked of the store, because headers count too. */
static int put_layer(struct packing *p, struct release_blob *out, struct err *e)
{
    AUTO(layer_done) struct layer l = {0};
    if (layer_open(p, &l, e) < 0)
        return -1;
    struct blob_writer *w = blob_writer_new(p->s->blobs, 0, e);
    if (!w)
        return -1;
    if (write_layer(p, &l, w, e) < 0) {
        blob_writer_abort(w);
        return -1;
    }
    *out = (struct release_blob){.media_type = strdup(MEDIA_OCI_LAYER), .name = strdup("")};
    if (!out->media_type || !out->name)
        abort();
    if (blob_writer_finish(w, NULL, &out->digest, e) < 0)
        return -1;
    auto_fd fd = blob_open(p->s->blobs, &out->digest, &out->size, e);
    return fd < 0 ? -1 : 0;
}

#define auto_blob AUTO(release_blob_fini) struct release_blob

static int image_of_program(struct packing *p, struct err *e)
{
    auto_blob layer = {0}, config = {0};
    if (put_layer(p, &layer, e) < 0)
        return -1;
    p->architecture = oci_architecture();
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    oci_engine_config(p->architecture, p->spec.command, p->spec.command_count, &layer.digest, &text);
    if (buf_check(&text, "image configuration", e) < 0 ||
        packing_put_bytes(p, buf_span(&text), MEDIA_OCI_CONFIG, "", &config, e) < 0)
        return -1;
    buf_clear(&text);
    oci_manifest(NULL, &config, &layer, NULL, 1, &text);
    if (buf_check(&text, "image manifest", e) < 0)
        return -1;
    return packing_put_bytes(p, buf_span(&text), MEDIA_OCI_MANIFEST, "", &p->engine_manifest, e);
}

/* ── from an OCI layout ── */

struct image {
    struct packing *p;
    struct blobs *from;
    struct child *parser;
};

/* Carries one blob over and counts it as an input. */
static int carry(struct image *in, const struct release_blob *b, struct err *e)
{
    uint64_t size;
    auto_fd fd = blob_open(in->from, &b->digest, &size, e);
    if (fd < 0)
        return err_prefix(e, "%s: engine: image", in->p->name);
    struct digest id;
    if (blob_put_fd(in->p->s->blobs, fd, &b->digest, &id, &size, e) < 0)
        return err_prefix(e, "%s: engine: image", in->p->name);
    if (size != b->size)
        return err_set(e, ERR_INPUT, 0, "%s: engine: image: blob %s has %llu bytes, but its descriptor says %llu",
                       in->p->name, digest_text(&b->digest).text, (unsigned long long)size,
                       (unsigned long long)b->size);
    ship_progress_add(in->p->progress, size);
    packing_input(in->p, digest_hex(&b->digest).text, "engine", &b->digest, b->size, false);
    return 0;
}

/* The one image that the layout holds; an index inside the index is followed. */
static int find_image(struct image *in, struct release_blob *out, struct err *e)
{
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    char path[4096];
    if (snprintf(path, sizeof path, "%s/index.json", in->p->spec.image) >= (int)sizeof path)
        return err_set(e, ERR_INPUT, 0, "%s: engine: image: the path is too long", in->p->name);
    if (file_read(in->p->dir, path, &text, e) < 0)
        return -1;
    struct child_request request = {.op = "json", .fd = -1, .input = buf_span(&text), .timeout_ms = 10000};
    json_t *index = child_call_json(in->parser, &request, path, e);
    for (int depth = 0; index && depth < 3; depth++) {
        const json_t *manifests = json_need_array(index, "manifests", "", e);
        size_t count = manifests ? json_array_size(manifests) : 0;
        release_blob_fini(out);
        int result = -1;
        if (manifests && count != 1)
            err_set(e, ERR_INPUT, 0, "%s holds %zu manifests; wanted one image", path, count);
        else if (manifests)
            result = release_descriptor(json_array_get(manifests, 0), "/manifests/0", out, e);
        json_decref(index);
        if (result < 0 || strcmp(out->media_type, MEDIA_OCI_INDEX) != 0)
            return result;
        index = release_document(in->from, in->parser, out, "image index", e);
    }
    json_decref(index);
    return index ? err_set(e, ERR_INPUT, 0, "%s: indexes inside indexes; wanted one image", path) : -1;
}

static json_t *text_of_digest(const struct digest *d)
{
    json_t *text = json_string(digest_text(d).text);
    if (!text)
        abort();
    return text;
}

static int dump(const json_t *document, struct buf *out, struct err *e)
{
    auto_free char *text = json_dumps(document, JSON_COMPACT);
    if (!text)
        return err_set(e, ERR_INPUT, 0, "image: a document cannot be written as JSON");
    buf_add_str(out, text);
    return buf_check(out, "image document", e);
}

/* Puts `files` on top: one more layer, a configuration and a manifest that name it. */
static int add_layer(struct image *in, json_t *manifest, json_t *config, struct err *e)
{
    auto_blob layer = {0}, new_config = {0};
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    json_t *diff_ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
    if (put_layer(in->p, &layer, e) < 0)
        return -1;
    if (!json_is_array(diff_ids))
        return err_set(e, ERR_INPUT, 0, "image configuration: /rootfs/diff_ids: wanted a list");
    json_array_append_new(diff_ids, text_of_digest(&layer.digest));
    json_object_del(config, "history"); /* it would have to name every layer */
    if (dump(config, &text, e) < 0 ||
        packing_put_bytes(in->p, buf_span(&text), MEDIA_OCI_CONFIG, "", &new_config, e) < 0)
        return -1;
    json_t *config_field = json_object_get(manifest, "config");
    json_object_set_new(config_field, "digest", text_of_digest(&new_config.digest));
    json_object_set_new(config_field, "size", json_integer((json_int_t)new_config.size));
    json_t *added = json_pack("{s:s, s:s, s:I}", "mediaType", MEDIA_OCI_LAYER, "digest",
                              digest_text(&layer.digest).text, "size", (json_int_t)layer.size);
    if (!added)
        abort();
    json_array_append_new(json_object_get(manifest, "layers"), added);
    buf_clear(&text);
    if (dump(manifest, &text, e) < 0)
        return -1;
    release_blob_fini(&in->p->engine_manifest);
    return packing_put_bytes(in->p, buf_span(&text), MEDIA_OCI_MANIFEST, "", &in->p->engine_manifest, e);
}

static int carry_parts(struct image *in, const json_t *manifest, struct release_blob *config, struct err *e)
{
    const json_t *layers = json_need_array(manifest, "layers", "", e);
    const json_t *field = layers ? json_need_object(manifest, "config", "", e) : NULL;
    if (!field || release_descriptor(field, "/config", config, e) < 0)
        return err_prefix(e, "image manifest");
    if (strcmp(config->media_type, MEDIA_OCI_CONFIG) != 0) {
        err_set(e, ERR_INPUT, 0, "image manifest: the configuration is %.100s; wanted " MEDIA_OCI_CONFIG,
                config->media_type);
        return err_hint(e, "`skopeo copy --format oci` makes an OCI layout of a docker image");
    }
    if (carry(in, config, e) < 0)
        return -1;
    for (size_t i = 0; i < json_array_size(layers); i++) {
        auto_blob layer = {0};
        if (release_descriptor(json_array_get(layers, i), "/layers", &layer, e) < 0 || carry(in, &layer, e) < 0)
            return -1;
    }
    return 0;
}

static int image_of_layout(struct image *in, struct err *e)
{
    auto_blob found = {0}, config = {0};
    if (find_image(in, &found, e) < 0)
        return err_prefix(e, "%s: engine: image", in->p->name);
    if (strcmp(found.media_type, MEDIA_OCI_MANIFEST) != 0)
        return err_set(e, ERR_INPUT, 0, "%s: engine: image: the manifest is %.100s; wanted " MEDIA_OCI_MANIFEST,
                       in->p->name, found.media_type);
    auto_json manifest = release_document(in->from, in->parser, &found, "image manifest", e);
    if (!manifest || carry(in, &found, e) < 0 || carry_parts(in, manifest, &config, e) < 0)
        return -1;
    auto_json document = release_document(in->from, in->parser, &config, "image configuration", e);
    if (!document)
        return -1;
    snprintf(in->p->architecture_text, sizeof in->p->architecture_text, "%.32s",
             json_get_string(document, "architecture", "unknown"));
    in->p->architecture = in->p->architecture_text;
    in->p->engine_manifest = (struct release_blob){
        .digest = found.digest, .size = found.size, .media_type = ptr_steal(&found.media_type), .name = strdup("")};
    if (!in->p->engine_manifest.name)
        abort();
    return in->p->spec.file_count ? add_layer(in, manifest, document, e) : 0;
}

int pack_engine(struct packing *p, struct err *e)
{
    if (p->spec.program)
        return image_of_program(p, e);
    struct image in = {.p = p, .parser = site_parser(p->s, e)};
    if (!in.parser || !(in.from = blobs_open(p->dir, p->spec.image, e)))
        return err_prefix(e, "%s: engine: image", p->name);
    int result = image_of_layout(&in, e);
    blobs_close(in.from);
    return result;
}
