/* Two readers of libarchive, one behind the other: the first only decompresses (by the one filter that the media type
 * names), the second only reads tar. Between them every byte is counted against the limits and hashed. */
#include <archive.h>
#include <string.h>

#include "engine/layer.h"

struct layer_stream {
    struct archive *raw; /* bytes out of the compression */
    struct archive *tar;
    struct sha256 *hash;
    uint64_t in, out; /* bytes of the blob; bytes that came out of it so far */
    uint64_t filled;  /* behind the last byte that is not zero */
    struct err why;   /* set when a limit or the decompression stopped the stream */
};

static const struct {
    const char *media_type;
    int (*filter)(struct archive *);
} KINDS[] = {
    {"application/vnd.oci.image.layer.v1.tar", NULL},
    {"application/vnd.oci.image.layer.v1.tar+gzip", archive_read_support_filter_gzip},
    {"application/vnd.oci.image.layer.v1.tar+zstd", archive_read_support_filter_zstd},
    {"application/vnd.docker.image.rootfs.diff.tar.gzip", archive_read_support_filter_gzip},
};

static int open_raw(struct layer_stream *s, const struct layer *layer, struct err *e)
{
    size_t kind = 0;
    while (kind < ARRAY_LEN(KINDS) && strcmp(KINDS[kind].media_type, layer->media_type) != 0)
        kind++;
    if (kind == ARRAY_LEN(KINDS))
        return err_set(e, ERR_INPUT, 0, "media type \"%.80s\"; wanted a layer in tar, tar+gzip or tar+zstd",
                       layer->media_type);
    s->raw = archive_read_new();
    if (!s->raw)
        abort();
    /* ARCHIVE_WARN would be an outside program doing the work: not here. */
    if (KINDS[kind].filter && KINDS[kind].filter(s->raw) != ARCHIVE_OK)
        return err_set(e, ERR_SYSTEM, 0, "this build's libarchive does not decompress \"%s\"", layer->media_type);
    struct archive_entry *entry;
    archive_read_support_format_raw(s->raw);
    if (archive_read_open_memory(s->raw, layer->blob.ptr, layer->blob.len) != ARCHIVE_OK ||
        archive_read_next_header(s->raw, &entry) != ARCHIVE_OK)
        return err_set(e, ERR_INPUT, 0, "its compression cannot be read: %s", archive_error_string(s->raw));
    bool compressed = archive_filter_count(s->raw) > 1;
    if (compressed != (KINDS[kind].filter != NULL))
        return err_set(e, ERR_INPUT, 0, "it is said to be \"%s\", and its first bytes are not", layer->media_type);
    return 0;
}

static int count(struct layer_stream *s, uint64_t len)
{
    s->out += len;
    uint64_t most = s->in > IMAGE_BYTES_MAX / IMAGE_RATIO_MAX ? IMAGE_BYTES_MAX : s->in * IMAGE_RATIO_MAX;
    if (most < IMAGE_RATIO_FLOOR)
        most = IMAGE_RATIO_FLOOR;
    if (s->out <= most)
        return 0;
    return err_set(&s->why, ERR_LIMIT, 0, "%llu bytes grow to more than %llu; real layers do not",
                   (unsigned long long)s->in, (unsigned long long)most);
}

/* Where the content of all blocks so far ends. */
static void see_zeros(struct layer_stream *s, const uint8_t *block, size_t len)
{
    size_t end = len;
    while (end > 0 && block[end - 1] == 0)
        end--;
    if (end > 0)
        s->filled = s->out + end;
}

static la_ssize_t next_block(struct layer_stream *s, const void **block)
{
    size_t len = 0;
    la_int64_t at;
    int result = archive_read_data_block(s->raw, block, &len, &at);
    if (result == ARCHIVE_EOF)
        return 0;
    if (result != ARCHIVE_OK) {
        const char *text = archive_error_string(s->raw);
        return err_set(&s->why, ERR_INPUT, 0, "its compression is damaged after %llu bytes: %s",
                       (unsigned long long)s->out, text ? text : "no reason given");
    }
    sha256_add(s->hash, *block, len);
    see_zeros(s, *block, len);
    return count(s, len) < 0 ? -1 : (la_ssize_t)len;
}

static la_ssize_t read_block(struct archive *a, void *arg, const void **block)
{
    struct layer_stream *s = arg;
    la_ssize_t len = next_block(s, block);
    if (len < 0)
        archive_set_error(a, -1, "%s", s->why.msg);
    return len;
}

struct layer_stream *layer_stream_open(const struct layer *layer, struct err *e)
{
    struct layer_stream *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->in = layer->blob.len;
    s->hash = sha256_new();
    if (open_raw(s, layer, e) < 0) {
        layer_stream_free(s);
        return NULL;
    }
    s->tar = archive_read_new();
    if (!s->tar)
        abort();
    archive_read_support_format_tar(s->tar);
    if (archive_read_open(s->tar, s, NULL, read_block, NULL) == ARCHIVE_OK)
        return s;
    layer_stream_error(s, e);
    layer_stream_free(s);
    return NULL;
}

struct archive *layer_stream_tar(struct layer_stream *s)
{
    return s->tar;
}

int layer_stream_error(struct layer_stream *s, struct err *e)
{
    if (s->why.code)
        return err_set(e, s->why.code, 0, "%s", s->why.msg);
    const char *text = archive_error_string(s->tar);
    return err_set(e, ERR_INPUT, 0, "its tar cannot be read: %.200s", text ? text : "no reason given");
}

int layer_stream_end(struct layer_stream *s, struct digest *diff_id, struct err *e)
{
    uint64_t read = (uint64_t)archive_filter_bytes(s->tar, -1); /* by the reader of the tar */
    const void *block;
    la_ssize_t len;
    while ((len = next_block(s, &block)) > 0)
        continue;
    if (len < 0)
        return layer_stream_error(s, e);
    if (s->filled > read)
        return err_set(e, ERR_INPUT, 0, "there is something behind the end of its tar; wanted zeros");
    *diff_id = sha256_finish(s->hash);
    s->hash = NULL;
    return 0;
}

void layer_stream_free(struct layer_stream *s)
{
    if (!s)
        return;
    archive_read_free(s->tar);
    archive_read_free(s->raw);
    sha256_free(s->hash);
    free(s);
}
