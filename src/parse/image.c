#include "parse/image.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "parse/paths.h"
#include "util/digest.h"
#include "util/limits.h"

#define DEPTH_MAX 4U /* indexes inside of indexes, links behind links */

struct member {
    char *path;        /* owned; normal form */
    char *link;        /* owned; normal form of the target, or NULL */
    struct span bytes; /* borrowed; of a file */
};

struct image {
    struct span file;
    struct report *r;
    struct member *list; /* owned; sorted by path */
    size_t count, images;
};

static int wrong(struct image *m, const char *at, const char *what)
{
    return report_stop(m->r, SEVERITY_HIGH, "image-layout", at, "%s", what);
}

/* ── the members of the tar, where they lie ── */

/* Of an uncompressed tar in memory libarchive gives out the memory itself. */
static bool take_bytes(struct image *m, struct archive *a, uint64_t size, struct span *out)
{
    const void *block;
    size_t len;
    la_int64_t offset;
    uint64_t got = 0;
    *out = (struct span){0};
    while (archive_read_data_block(a, &block, &len, &offset) == ARCHIVE_OK) {
        const uint8_t *at = block;
        if (len == 0)
            continue;
        if (at < m->file.ptr || at + len > m->file.ptr + m->file.len || (uint64_t)offset != got)
            return false;
        if (got == 0)
            out->ptr = at;
        else if (out->ptr + got != at)
            return false;
        got += len;
    }
    out->len = (size_t)got;
    return got == size;
}

/* A link's target, as it lies in the tar: a hard link names a path, a symbolic one begins where it stands. */
static char *target_of(const char *path, struct archive_entry *entry)
{
    const char *hard = archive_entry_hardlink(entry), *soft = archive_entry_symlink(entry);
    const char *slash = strrchr(path, '/');
    auto_buf joined = BUF(8192), normal = BUF(8192);
    bool absolute;
    if (!hard && (!soft || symlink_problem(path, soft)))
        return NULL;
    if (!hard) {
        struct span folder = span_of(path, slash ? (size_t)(slash - path) : 0), up;
        while (span_starts(span_str(soft), SPAN_LIT("../"))) {
            soft += 3;
            while (folder.len && folder.ptr[folder.len - 1] != '/')
                folder.len--;
            folder.len -= folder.len ? 1 : 0;
        }
        up = folder;
        buf_add_span(&joined, up);
        buf_add_byte(&joined, '/');
    }
    buf_add_str(&joined, hard ? hard : soft);
    return path_problem(buf_str(&joined), &normal, &absolute) ? NULL : buf_steal_str(&normal);
}

static int add_member(struct image *m, struct archive *a, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    auto_buf normal = BUF(8192);
    bool absolute, file = archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry);
    if (!path || path_problem(path, &normal, &absolute) || normal.len == 0)
        return 0; /* whoever looks at the tar itself says what is wrong with it */
    if (m->count == LIMIT_IMAGE_MEMBERS)
        return wrong(m, path, "more members than an image in a tar has");
    struct member x = {.path = buf_steal_str(&normal)};
    if (file && !take_bytes(m, a, (uint64_t)archive_entry_size(entry), &x.bytes)) {
        free(x.path);
        return 0;
    }
    if (!file)
        x.link = target_of(x.path, entry);
    if ((m->count & (m->count - 1)) == 0) {
        m->list = reallocarray(m->list, m->count ? m->count * 2 : 1, sizeof *m->list);
        if (!m->list)
            abort();
    }
    m->list[m->count++] = x;
    return 0;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->path, ((const struct member *)b)->path);
}

static void read_members(struct image *m)
{
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    if (!a)
        abort();
    archive_read_support_format_tar(a);
    archive_read_set_format_option(a, "tar", "read_concatenated_archives", "1");
    if (archive_read_open_memory(a, m->file.ptr, m->file.len) == ARCHIVE_OK)
        while (archive_read_next_header(a, &entry) == ARCHIVE_OK)
            if (add_member(m, a, entry) < 0)
                break;
    archive_read_free(a);
    if (m->count)
        qsort(m->list, m->count, sizeof *m->list, by_path);
}

/* The bytes of a path, through links. A path that stands twice is nobody's. */
static bool find(struct image *m, const char *path, struct span *out, unsigned depth)
{
    struct member key = {.path = (char *)(uintptr_t)path};
    auto_buf normal = BUF(8192);
    bool absolute;
    if (depth > DEPTH_MAX || path_problem(path, &normal, &absolute) || !m->count)
        return false;
    key.path = (char *)(uintptr_t)buf_str(&normal);
    struct member *x = bsearch(&key, m->list, m->count, sizeof key, by_path);
    if (!x || (x > m->list && by_path(x - 1, x) == 0) || (x + 1 < m->list + m->count && by_path(x, x + 1) == 0))
        return false;
    if (x->link)
        return find(m, x->link, out, depth + 1);
    *out = x->bytes;
    return out->len > 0;
}

static json_t *find_json(struct image *m, const char *path)
{
    struct span bytes;
    struct err e = {0};
    if (!find(m, path, &bytes, 0)) {
        wrong(m, path, "the documents of the image name it, and the archive does not hold it once");
        return NULL;
    }
    json_t *root = json_parse(bytes, LIMIT_JSON_BYTES, path, &e);
    if (!root)
        wrong(m, path, e.msg);
    return root;
}

/* ── layers ── */

static int put_layer(struct image *m, const char *path, const char *wanted)
{
    struct json_out *w = &m->r->facts;
    struct span bytes;
    if (!find(m, path, &bytes, 0))
        return wrong(m, path, "a layer that the archive does not hold once");
    struct digest found = digest_of(bytes);
    if (wanted && strcmp(wanted, digest_hex(&found).text) != 0)
        return report_stop(m->r, SEVERITY_CRITICAL, "image-digest", path,
                           "its bytes have the SHA-256 %s, and the image names %.64s", digest_hex(&found).text, wanted);
    json_out_object(w);
    json_put_string(w, "path", path);
    json_put_uint(w, "offset", (uint64_t)(bytes.ptr - m->file.ptr));
    json_put_uint(w, "size", bytes.len);
    json_put_string(w, "digest", digest_hex(&found).text);
    json_out_object_end(w);
    return 0;
}

static void begin_image(struct image *m, const char *name)
{
    struct json_out *w = &m->r->facts;
    if (m->images++ == 0)
        json_put_array(w, "images");
    json_out_object(w);
    json_put_string(w, "name", name);
    json_put_array(w, "layers");
}

static void end_image(struct image *m)
{
    json_out_array_end(&m->r->facts);
    json_out_object_end(&m->r->facts);
}

/* "sha256:HEX", or NULL. */
static const char *hex_of(const json_t *text)
{
    const char *digest = json_string_value(text);
    struct digest id;
    if (!digest || strncmp(digest, "sha256:", 7) != 0 || !digest_from_hex(span_str(digest + 7), &id))
        return NULL;
    return digest + 7;
}

static bool is_plain_tar(struct span bytes)
{
    struct span magic;
    return span_slice(bytes, 257, 5, &magic) && memcmp(magic.ptr, "ustar", 5) == 0;
}

/* ── docker save ── */

static void read_docker_image(struct image *m, const json_t *item)
{
    const json_t *layers = json_object_get(item, "Layers"), *layer,
                 *tag = json_array_get(json_object_get(item, "RepoTags"), 0);
    const char *config_path = json_get_string(item, "Config", "");
    size_t i;
    auto_json config = config_path[0] ? find_json(m, config_path) : NULL;
    const json_t *ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
    if (!json_is_array(layers) || json_array_size(layers) > LIMIT_IMAGE_LAYERS) {
        wrong(m, "manifest.json", "an image without a list of at most 1024 layers");
        return;
    }
    if (json_is_array(ids) && json_array_size(ids) != json_array_size(layers))
        report_finding(m->r, SEVERITY_HIGH, "image-layout", config_path,
                       "its configuration has another count of layers than manifest.json");
    begin_image(m, json_string_value(tag) ? json_string_value(tag) : config_path);
    json_array_foreach((json_t *)(uintptr_t)layers, i, layer)
    {
        const char *path = json_string_value(layer), *id = hex_of(json_array_get(ids, i));
        struct span bytes;
        bool plain = path && find(m, path, &bytes, 0) && is_plain_tar(bytes);
        if (!path)
            wrong(m, "manifest.json", "a layer whose path is no text");
        else
            put_layer(m, path, plain ? id : NULL); /* a diff_id is the hash of what is not compressed */
    }
    end_image(m);
}

static void read_docker(struct image *m)
{
    auto_json root = find_json(m, "manifest.json");
    const json_t *item;
    size_t i;
    if (!json_is_array(root) || json_array_size(root) > LIMIT_IMAGES) {
        wrong(m, "manifest.json", "is no list of at most 256 images");
        return;
    }
    json_array_foreach(root, i, item)
    {
        read_docker_image(m, item);
    }
}

/* ── OCI image layout ── */

static void read_index(struct image *m, const json_t *index, unsigned depth);

/* The bytes of a blob are those of its digest. */
static json_t *read_blob_json(struct image *m, const json_t *descriptor)
{
    char path[128];
    struct span bytes;
    const char *hex = hex_of(json_object_get(descriptor, "digest"));
    if (!hex) {
        report_not_scanned(m->r, "image-digest", "index.json", "a digest that is no SHA-256");
        return NULL;
    }
    snprintf(path, sizeof path, "blobs/sha256/%.64s", hex);
    if (find(m, path, &bytes, 0)) {
        struct digest found = digest_of(bytes);
        if (strcmp(digest_hex(&found).text, hex) != 0) {
            report_stop(m->r, SEVERITY_CRITICAL, "image-digest", path, "its bytes are not those of its digest");
            return NULL;
        }
    }
    return find_json(m, path);
}

static void read_manifest(struct image *m, const json_t *manifest, const char *name)
{
    const json_t *layer, *layers = json_object_get(manifest, "layers");
    size_t i;
    if (json_array_size(layers) > LIMIT_IMAGE_LAYERS) {
        wrong(m, name, "more than 1024 layers");
        return;
    }
    begin_image(m, name);
    json_array_foreach((json_t *)(uintptr_t)layers, i, layer)
    {
        const char *hex = hex_of(json_object_get(layer, "digest")), *type = json_get_string(layer, "mediaType", "");
        char path[128];
        if (!hex) {
            report_not_scanned(m->r, "image-digest", name, "a layer whose digest is no SHA-256");
            continue;
        }
        if (!strstr(type, "tar"))
            continue; /* of an artifact: no part of a root file system */
        snprintf(path, sizeof path, "blobs/sha256/%.64s", hex);
        put_layer(m, path, hex);
    }
    end_image(m);
}

static void read_entry(struct image *m, const json_t *descriptor, unsigned depth)
{
    const json_t *notes = json_object_get(descriptor, "annotations");
    const char *name = json_get_string(notes, "org.opencontainers.image.ref.name", NULL);
    if (m->images >= LIMIT_IMAGES) {
        wrong(m, "index.json", "more than 256 images");
        return;
    }
    auto_json root = read_blob_json(m, descriptor);
    if (!json_is_object(root))
        return;
    if (json_object_get(root, "manifests"))
        read_index(m, root, depth + 1);
    else
        read_manifest(m, root, name ? name : json_get_string(descriptor, "digest", ""));
}

static void read_index(struct image *m, const json_t *index, unsigned depth)
{
    const json_t *item;
    size_t i;
    if (depth > DEPTH_MAX) {
        wrong(m, "index.json", "indexes inside of indexes");
        return;
    }
    json_array_foreach(json_object_get(index, "manifests"), i, item)
    {
        read_entry(m, item, depth);
    }
}

bool image_read(struct span file, struct report *r)
{
    struct image m = {.file = file, .r = r};
    struct span bytes;
    read_members(&m);
    bool docker = find(&m, "manifest.json", &bytes, 0);
    bool oci = !docker && find(&m, "index.json", &bytes, 0) && find(&m, "oci-layout", &bytes, 0);
    if (docker)
        read_docker(&m);
    if (oci) {
        auto_json index = find_json(&m, "index.json");
        read_index(&m, index, 0);
    }
    if (m.images)
        json_out_array_end(&r->facts);
    if ((docker || oci) && !m.images)
        wrong(&m, docker ? "manifest.json" : "index.json", "names no image");
    for (size_t i = 0; i < m.count; i++) {
        free(m.list[i].path);
        free(m.list[i].link);
    }
    free(m.list);
    return docker || oci;
}
