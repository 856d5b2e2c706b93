/* The packages of a release: each is read again, and the document that pins them is held against what was read. What
 * the document says is what the mirrors will show. */
#include <stdio.h>
#include <string.h>

#include "scan/internal.h"
#include "util/limits.h"

struct packaged {
    struct scanning *how;
    const struct blobs *blobs;
    const struct release *release;
    const struct scan_options *options;
    struct scan_report *out;
    struct release_blob *own; /* owned; the packages as blobs */
    struct digest *metadata;  /* owned; of every METADATA that stands in a wheel as the document says */
    size_t metadata_count;
};

/* ── the document against the file ── */

static void differs(struct scan_file *f, struct scan_report *out, const char *what)
{
    char text[300];
    snprintf(text, sizeof text, "the packages document says otherwise than the file: %s", what);
    scan_add_finding(out, f, SEVERITY_HIGH, "package-differs", text);
}

static bool is_identified(const struct package *p)
{
    return strcmp(p->ecosystem, "file") != 0 && strcmp(p->ecosystem, "hf") != 0;
}

/* Every hash that the document gives is one of the file. */
static bool hashes_agree(const struct package *wanted, const struct package *found)
{
    const char *key;
    const json_t *value;
    json_object_foreach(wanted->hashes, key, value)
    {
        const json_t *other = json_object_get(found->hashes, key);
        if (other && !json_equal(value, other))
            return false;
    }
    return true;
}

static void compare(struct packaged *s, struct scan_file *f, const struct package *wanted, struct package *found,
                    struct buf *metadata)
{
    if (metadata->len) {
        struct digest id = digest_of(buf_span(metadata));
        json_object_set_new(found->about, "metadata", json_string(digest_text(&id).text));
        json_object_set_new(found->about, "metadata-size", json_integer((json_int_t)metadata->len));
    }
    if (!hashes_agree(wanted, found))
        differs(f, s->out, "a hash");
    if (is_identified(wanted) &&
        (strcmp(wanted->ecosystem, found->ecosystem) != 0 || strcmp(wanted->name, found->name) != 0 ||
         strcmp(wanted->version, found->version) != 0))
        differs(f, s->out, "ecosystem, name or version");
    if (is_identified(wanted) && !json_equal(wanted->about, found->about))
        differs(f, s->out, "what it says of itself (about)");
    else if (metadata->len) {
        s->metadata = reallocarray(s->metadata, s->metadata_count + 1, sizeof *s->metadata);
        if (!s->metadata)
            abort();
        s->metadata[s->metadata_count++] = digest_of(buf_span(metadata));
    }
}

/* ── one package ── */

/* A reply that says nothing of a package is none. */
static bool filled(struct scanning *how, struct scan_look *l, struct scan_file *f)
{
    struct packaged *s = l->arg;
    struct package found;
    struct err why = {0};
    auto_buf metadata = BUF(LIMIT_JSON_BYTES);
    if (package_look_take(f->reply, f->package->filename, &found, &metadata, &why) < 0) {
        scan_fill_unread(how->out, l->row, "scanner-failed", why.msg);
        return false;
    }
    compare(s, f, f->package, &found, &metadata);
    package_fini(&found);
    return true;
}

static int scan_package(struct packaged *s, const struct release_blob *blob, const struct package *p, struct err *e)
{
    struct err why = {0};
    char path[600];
    uint64_t size = 0;
    snprintf(path, sizeof path, "packages/%s", p->filename);
    auto_fd fd = blob_open(s->blobs, &p->digest, &size, &why);
    if (fd >= 0 && size == p->size) {
        struct scan_look *l = scan_look_new(s->how, fd_steal(&fd), path, p->filename);
        l->look.op = "package";
        l->look.arg = package_look_arg(p->filename, is_identified(p) ? NULL : "file");
        l->blob = blob;
        l->filled = filled;
        l->arg = s;
        s->out->files[l->row].package = p;
        return scan_ask(s->how, l, e);
    }
    scan_unread(s->out, path, fd < 0 ? "unreadable" : "blob-changed",
                fd < 0 ? why.msg : "its size is not the one that the release names");
    scan_end_blob(blob, s->out, s->out->count - 1);
    s->out->files[s->out->count - 1].package = p;
    return 0;
}

/* ── what comes with them ── */

static int by_digest(const void *a, const void *b)
{
    return digest_compare(a, b);
}

static const char *evidence_name(const struct packages *d, const struct digest *id)
{
    for (size_t i = 0; i < d->evidence_count; i++)
        if (digest_equal(&d->evidence[i].digest, id))
            return d->evidence[i].name;
    return "";
}

/* METADATA that stands in a wheel is as clean as the wheel; any other was put there by somebody. */
static bool filled_metadata(struct scanning *how, struct scan_look *l, struct scan_file *f)
{
    const struct packaged *s = l->arg;
    bool held =
        s->metadata_count && bsearch(&l->blob->digest, s->metadata, s->metadata_count, sizeof *s->metadata, by_digest);
    if (!held)
        scan_add_finding(how->out, f, SEVERITY_HIGH, "package-metadata",
                         "no wheel of this release holds this METADATA");
    else if (f->verdict == VERDICT_OPAQUE)
        f->verdict = VERDICT_CLEAN;
    return true;
}

static int scan_other(struct packaged *s, const struct release_blob *b, const struct packages *d, struct err *e)
{
    bool metadata = strcmp(b->media_type, MEDIA_PACKAGE_METADATA) == 0;
    const char *name = metadata ? "METADATA" : evidence_name(d, &b->digest);
    struct err why = {0};
    char path[600];
    uint64_t size = 0;
    snprintf(path, sizeof path, "packages/%.500s", metadata ? digest_hex(&b->digest).text : name);
    auto_fd fd = blob_open(s->blobs, &b->digest, &size, &why);
    if (fd < 0) {
        scan_unread(s->out, path, "unreadable", why.msg);
        scan_end_blob(b, s->out, s->out->count - 1);
        return 0;
    }
    struct scan_look *l = scan_look_new(s->how, fd_steal(&fd), path, name);
    l->blob = b;
    l->filled = metadata ? filled_metadata : NULL;
    l->arg = s;
    return scan_ask_inspect(s->how, l, s->options, e);
}

static int scan_all(struct packaged *s, const struct packages *d, struct err *e)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct package *p = &d->items[i];
        s->own[i] =
            (struct release_blob){.digest = p->digest, .size = p->size, .media_type = (char *)(uintptr_t)MEDIA_PACKAGE};
        if (scan_package(s, &s->own[i], p, e) < 0)
            return -1;
    }
    if (pool_wait(s->how->pool, e) < 0) /* every METADATA is known then */
        return -1;
    if (s->metadata_count)
        qsort(s->metadata, s->metadata_count, sizeof *s->metadata, by_digest);
    for (size_t i = 0; i < s->release->blob_count; i++) {
        const struct release_blob *b = &s->release->blobs[i];
        if (scan_is_packaged(b) && strcmp(b->media_type, MEDIA_PACKAGE) != 0 && scan_other(s, b, d, e) < 0)
            return -1;
    }
    return pool_wait(s->how->pool, e);
}

int scan_packages(struct site *site, struct scanning *how, const struct blobs *b, const struct release *r,
                  const struct scan_options *o, struct err *e)
{
    struct scan_report *out = how->out;
    struct packaged s = {.how = how, .blobs = b, .release = r, .options = o, .out = out};
    struct err why = {0};
    if (!r->packages.there)
        return 0;
    out->packages = calloc(1, sizeof *out->packages);
    if (!out->packages)
        abort();
    if (release_packages(b, how->parser, r, out->packages, &why) < 0) {
        if (why.code == ERR_SYSTEM) {
            *e = why;
            return -1;
        }
        scan_unread(out, "packages/packages.json", "packages-document", why.msg);
        return 0;
    }
    s.own = calloc(out->packages->count + 1, sizeof *s.own);
    if (!s.own)
        abort();
    int result = scan_all(&s, out->packages, e);
    free(s.metadata);
    free(s.own);
    return result < 0 ? -1 : scan_held(site, r, out, e);
}
