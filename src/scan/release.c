/* A release: each of its blobs once. What a blob is called for the readers follows from its media type, so that each is
 * held to the format that the release says it has. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scan/beside.h"
#include "scan/internal.h"
#include "scan/licences.h"

static const struct {
    const char *media_type, *name;
    bool layer;
} KINDS[] = {
    {MEDIA_OCI_INDEX, "index.json", false},
    {MEDIA_OCI_MANIFEST, "manifest.json", false},
    {MEDIA_OCI_CONFIG, "image-config.json", false},
    {MEDIA_OCI_EMPTY, "empty.json", false},
    {MEDIA_MODEL_CONFIG, "model-config.json", false},
    {MEDIA_RELEASE_CONFIG, "release-config.json", false},
    {MEDIA_PACKAGES, "packages.json", false},
    {MEDIA_PROMPTS, "prompts.yaml", false},
    {MEDIA_SUITE, "suite.yaml", false},
    {MEDIA_DSSE, "envelope.json", false},
    {MEDIA_OCI_LAYER, "layer.tar", true},
    {MEDIA_OCI_LAYER "+gzip", "layer.tar.gz", true},
    {MEDIA_OCI_LAYER "+zstd", "layer.tar.zst", true},
    {"text/markdown", "text.md", false},
    {"text/plain", "text.txt", false},
};

/* What the bytes of a blob are promised to be. Of the weights it is the name that engines go by. */
static const char *promised_name(const struct release *r, const struct release_blob *b, bool *layer)
{
    *layer = false;
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        if (strcmp(b->media_type, KINDS[i].media_type) != 0)
            continue;
        *layer = KINDS[i].layer;
        return KINDS[i].name;
    }
    if (digest_equal(&b->digest, &r->model.digest) && r->model.name[0] != '\0')
        return r->model.name;
    return b->name;
}

/* "engine/layer.tar", "model/SmolLM2.gguf" */
static void shown_path(const struct release *r, const struct release_blob *b, const char *promised, char *path,
                       size_t size)
{
    const char *name = b->name[0] ? b->name : promised[0] ? promised : digest_hex(&b->digest).text;
    snprintf(path, size, "%s/%s", release_part_of(r, &b->digest), name);
}

static char *copy_of(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

/* The bytes that were looked at must be the ones that the digest names, or the report would speak of others. */
void scan_end_blob(const struct release_blob *b, struct scan_report *out, size_t row)
{
    struct scan_file *f = &out->files[row];
    bool other = f->has_digest && !digest_equal(&f->digest, &b->digest);
    f->media_type = copy_of(b->media_type);
    f->size = b->size;
    f->digest = b->digest;
    f->has_digest = true; /* where the helper did not get that far, the row says so */
    if (other)
        scan_add_finding(out, f, SEVERITY_CRITICAL, "blob-changed",
                         "its bytes are not those that its digest names: the blob was changed where it lies");
}

static int scan_blob(struct scanning *s, const struct blobs *b, const struct release *r,
                     const struct release_blob *blob, const struct scan_options *options, struct err *e)
{
    struct scan_options o = *options;
    struct err why = {0};
    char path[512];
    const char *name = promised_name(r, blob, &o.layer);
    shown_path(r, blob, name, path, sizeof(path));
    uint64_t size = 0;
    auto_fd fd = blob_open(b, &blob->digest, &size, &why);
    if (fd >= 0 && size == blob->size) {
        struct scan_look *l = scan_look_new(s, fd_steal(&fd), path, name);
        l->blob = blob;
        return scan_ask_inspect(s, l, &o, e);
    }
    scan_unread(s->out, path, fd < 0 ? "unreadable" : "blob-changed",
                fd < 0 ? why.msg : "its size is not the one that the release names");
    scan_end_blob(blob, s->out, s->out->count - 1);
    return 0;
}

static int scan_blobs(struct scanning *s, const struct blobs *b, const struct release *r, const struct scan_options *o,
                      struct err *e)
{
    for (size_t i = 0; i < r->blob_count; i++)
        if (!scan_is_packaged(&r->blobs[i]) && scan_blob(s, b, r, &r->blobs[i], o, e) < 0)
            return -1;
    return pool_wait(s->pool, e);
}

int scan_release(struct site *s, struct blobs *b, const struct release *r, const struct scan_options *options,
                 struct scan_report *out, struct err *e)
{
    struct scan_options o = *options;
    struct scanning how = {
        .out = out, .parser = site_parser(s, e), .progress = o.progress, .progress_arg = o.progress_arg};
    AUTO(auto_memory_free) struct memory *memory = how.parser ? memory_new(s, o.fresh, e) : NULL;
    if (!memory)
        return -1;
    auto_pool pool = pool_new(how.parser, &how);
    how.memory = memory;
    how.engines = out->engines = o.engines;
    how.pool = pool;
    o.digest = true;
    if (scan_blobs(&how, b, r, &o, e) < 0)
        return -1;
    scan_ownership(r, out);
    if (scan_packages(s, &how, b, r, &o, e) < 0 || memory_flush(memory, e) < 0)
        return -1;
    scan_beside(out, 0, out->count, -1, 0);
    scan_licences(r, out);
    return 0;
}
