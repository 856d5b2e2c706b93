#include "layers.h"

#include <archive.h>
#include <string.h>

struct layer_maker {
    struct archive *a;
    struct buf bytes;
};

static la_ssize_t take(struct archive *a, void *arg, const void *bytes, size_t len)
{
    (void)a;
    buf_add(arg, bytes, len);
    return (la_ssize_t)len;
}

struct layer_maker *layer_begin(const char *compression)
{
    struct layer_maker *m = calloc(1, sizeof *m);
    buf_init(&m->bytes, 256U << 20);
    m->a = archive_write_new();
    archive_write_set_format_pax_restricted(m->a);
    archive_write_set_bytes_per_block(m->a, 512);
    archive_write_set_bytes_in_last_block(m->a, 1);
    if (strcmp(compression, "gzip") == 0)
        archive_write_add_filter_gzip(m->a);
    if (strcmp(compression, "zstd") == 0)
        archive_write_add_filter_zstd(m->a);
    if (archive_write_open(m->a, &m->bytes, NULL, take, NULL) != ARCHIVE_OK)
        abort();
    return m;
}

static struct archive_entry *entry(const char *path, unsigned type, unsigned mode)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, path);
    archive_entry_set_filetype(e, type);
    archive_entry_set_perm(e, mode);
    archive_entry_set_size(e, 0);
    return e;
}

static void put(struct layer_maker *m, struct archive_entry *e)
{
    if (archive_write_header(m->a, e) != ARCHIVE_OK)
        abort();
    archive_entry_free(e);
}

void layer_dir(struct layer_maker *m, const char *path, unsigned mode)
{
    put(m, entry(path, AE_IFDIR, mode));
}

static void put_bytes(struct layer_maker *m, const char *path, unsigned mode, const void *bytes, size_t len)
{
    struct archive_entry *e = entry(path, AE_IFREG, mode);
    archive_entry_set_size(e, (la_int64_t)len);
    put(m, e);
    if (len && archive_write_data(m->a, bytes, len) != (la_ssize_t)len)
        abort();
}

void layer_file(struct layer_maker *m, const char *path, unsigned mode, const char *text)
{
    put_bytes(m, path, mode, text, strlen(text));
}

void layer_zeros(struct layer_maker *m, const char *path, size_t bytes)
{
    void *zeros = calloc(1, bytes);
    put_bytes(m, path, 0644, zeros, bytes);
    free(zeros);
}

void layer_symlink(struct layer_maker *m, const char *path, const char *target)
{
    struct archive_entry *e = entry(path, AE_IFLNK, 0777);
    archive_entry_set_symlink(e, target);
    put(m, e);
}

void layer_hardlink(struct layer_maker *m, const char *path, const char *target)
{
    struct archive_entry *e = entry(path, AE_IFREG, 0644);
    archive_entry_set_hardlink(e, target);
    put(m, e);
}

void layer_node(struct layer_maker *m, const char *path, unsigned type)
{
    struct archive_entry *e = entry(path, type, 0666);
    archive_entry_set_rdevmajor(e, 1);
    archive_entry_set_rdevminor(e, 3);
    put(m, e);
}

void layer_end(struct layer_maker *m, struct buf *out)
{
    archive_write_close(m->a);
    archive_write_free(m->a);
    buf_add_span(out, buf_span(&m->bytes));
    buf_fini(&m->bytes);
    free(m);
}
