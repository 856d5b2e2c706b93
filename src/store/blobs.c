#include "store/blobs.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "store/blobs_internal.h"
#include "util/file.h"
#include "util/sys.h"

/* The two files of an image layout besides the blobs. References stand in state.db, not in index.json: the index is
 * there because the format wants it (image-layout.md, "index.json file"), and is empty. */
static const char LAYOUT[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
static const char INDEX[] =
    "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}";

struct blobs *blobs_open(int dir, const char *path, struct err *e)
{
    auto_fd layout = dir_open(dir, path, e);
    if (layout < 0)
        return NULL;
    auto_fd sha256 = dir_open(layout, "blobs/sha256", e);
    if (sha256 < 0) {
        err_prefix(e, "%s is no image layout", path);
        return NULL;
    }
    struct blobs *b = calloc(1, sizeof *b);
    if (!b)
        abort();
    b->path = strdup(path);
    if (!b->path)
        abort();
    b->dir = fd_steal(&layout);
    b->sha256 = fd_steal(&sha256);
    return b;
}

static int file_make(int dir, const char *name, const char *text, struct err *e)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    return file_write(dir, name, span_str(text), 0644, e);
}

/* `oci-layout` is written last: a folder that has it is whole. */
struct blobs *blobs_make(int dir, const char *path, struct err *e)
{
    if (dir_make(dir, path, 0755, e) < 0)
        return NULL;
    auto_fd layout = dir_open(dir, path, e);
    if (layout < 0)
        return NULL;
    if (faccessat(layout, "oci-layout", F_OK, 0) != 0 &&
        (dir_make(layout, "blobs", 0755, e) < 0 || dir_make(layout, "blobs/sha256", 0755, e) < 0 ||
         file_make(layout, "index.json", INDEX, e) < 0 || file_make(layout, "oci-layout", LAYOUT, e) < 0)) {
        err_prefix(e, "image layout %s", path);
        return NULL;
    }
    return blobs_open(dir, path, e);
}

void blobs_close(struct blobs *b)
{
    if (!b)
        return;
    close(b->dir);
    close(b->sha256);
    free(b->path);
    free(b);
}

int blob_open(const struct blobs *b, const struct digest *id, uint64_t *size, struct err *e)
{
    struct digest_hex hex = digest_hex(id);
    auto_fd fd = sys.openat(b->sha256, hex.text, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0 && errno == ENOENT)
        return err_set(e, ERR_NOTFOUND, 0, "blob sha256:%s is not in %s", hex.text, b->path);
    if (fd < 0)
        return err_set(e, ERR_IO, errno, "open blob sha256:%s in %s", hex.text, b->path);
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_set(e, ERR_IO, errno, "stat blob sha256:%s in %s", hex.text, b->path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, 0, "blob sha256:%s in %s is no regular file", hex.text, b->path);
    if (size)
        *size = (uint64_t)st.st_size;
    return fd_steal(&fd);
}

bool blob_have(const struct blobs *b, const struct digest *id)
{
    struct stat st;
    return fstatat(b->sha256, digest_hex(id).text, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

int blob_read(const struct blobs *b, const struct digest *id, struct buf *out, struct err *e)
{
    auto_fd fd = blob_open(b, id, NULL, e);
    if (fd < 0)
        return -1;
    size_t before = out->len;
    auto_buf what = BUF(128);
    buf_printf(&what, "blob %s", digest_text(id).text);
    if (file_read_fd(fd, buf_str(&what), out, e) < 0)
        return -1;
    struct digest found = digest_of(span_of(out->ptr + before, out->len - before));
    if (!digest_equal(&found, id))
        return err_set(e, ERR_INPUT, 0, "blob %s in %s is damaged: its bytes hash to %s", digest_text(id).text, b->path,
                       digest_text(&found).text);
    return 0;
}

int blobs_changed(struct blobs *b, struct err *e)
{
    return b->batch ? 0 : dir_sync(b->sha256, b->path, e);
}

void blobs_batch_begin(struct blobs *b)
{
    b->batch = true;
}

/* Also when nothing was added: what the caller found there may be from a process that died before its fsync. */
int blobs_batch_end(struct blobs *b, struct err *e)
{
    b->batch = false;
    return blobs_changed(b, e);
}

int blob_link(struct blobs *from, struct blobs *to, const struct digest *id, struct err *e)
{
    struct digest_hex hex = digest_hex(id);
    if (sys.linkat(from->sha256, hex.text, to->sha256, hex.text, 0) < 0 && errno != EEXIST) {
        if (errno == ENOENT)
            return err_set(e, ERR_NOTFOUND, 0, "blob sha256:%s is not in %s", hex.text, from->path);
        return err_set(e, ERR_IO, errno, "link blob sha256:%s from %s into %s", hex.text, from->path, to->path);
    }
    /* Also when the name was there: the process that made it may have died before its fsync. */
    return blobs_changed(to, e);
}

int blob_remove(struct blobs *b, const struct digest *id, struct err *e)
{
    struct digest_hex hex = digest_hex(id);
    if (sys.unlinkat(b->sha256, hex.text, 0) < 0) {
        if (errno == ENOENT)
            return err_set(e, ERR_NOTFOUND, 0, "blob sha256:%s is not in %s", hex.text, b->path);
        return err_set(e, ERR_IO, errno, "remove blob sha256:%s from %s", hex.text, b->path);
    }
    return blobs_changed(b, e);
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* A listing with an offset of its own. */
static DIR *list_open(const struct blobs *b, struct err *e)
{
    int fd = dir_open(b->sha256, ".", e);
    if (fd < 0)
        return NULL;
    DIR *d = fdopendir(fd);
    if (!d) {
        err_set(e, ERR_IO, errno, "list %s", b->path);
        close(fd);
    }
    return d;
}

int blobs_each(const struct blobs *b, int (*each)(void *arg, const struct digest *id, const char *name, uint64_t size),
               void *arg, struct err *e)
{
    AUTO(close_dir) DIR *d = list_open(b, e);
    if (!d)
        return -1;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(d);
        if (!entry && errno)
            return err_set(e, ERR_IO, errno, "list %s", b->path);
        if (!entry)
            return 0;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        struct stat st;
        if (fstatat(b->sha256, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT)
                continue; /* removed since it was listed */
            return err_set(e, ERR_IO, errno, "stat %s in %s", entry->d_name, b->path);
        }
        struct digest id;
        bool is_blob = S_ISREG(st.st_mode) && digest_from_hex(span_str(entry->d_name), &id);
        int result = each(arg, is_blob ? &id : NULL, entry->d_name, (uint64_t)st.st_size);
        if (result)
            return result;
    }
}

/* Removes the temporary file `name` unless a writer holds it. */
static int leftover_remove(struct blobs *b, const char *name, struct err *e)
{
    auto_fd fd = sys.openat(b->sha256, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return 0;
    if (sys.unlinkat(b->sha256, name, 0) < 0 && errno != ENOENT)
        return err_set(e, ERR_IO, errno, "remove leftover %s in %s", name, b->path);
    return 0;
}

int blob_time(const struct blobs *b, const struct digest *id, int64_t *time_s, struct err *e)
{
    struct stat st;
    if (fstatat(b->sha256, digest_hex(id).text, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno, "blob %s in %s", digest_text(id).text,
                       b->path);
    *time_s = st.st_mtime;
    return 0;
}

/* The name goes first and the age is looked at behind it: a writer that found the name has made the file young. */
int blob_retire(struct blobs *b, const struct digest *id, int64_t before_s, struct err *e)
{
    char hidden[sizeof(BLOB_TEMPORARY_PREFIX) + 3 + DIGEST_HEX_SIZE];
    struct digest_hex hex = digest_hex(id);
    struct stat st;
    snprintf(hidden, sizeof hidden, BLOB_TEMPORARY_PREFIX "gc-%s", hex.text);
    if (sys.renameat2(b->sha256, hex.text, b->sha256, hidden, 0) < 0)
        return errno == ENOENT ? 0 : err_set(e, ERR_IO, errno, "retire blob %s in %s", digest_text(id).text, b->path);
    if (fstatat(b->sha256, hidden, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime < before_s)
        return 1;
    if (sys.renameat2(b->sha256, hidden, b->sha256, hex.text, 0) < 0)
        return err_set(e, ERR_IO, errno, "put blob %s in %s back", digest_text(id).text, b->path);
    return 0;
}

int blobs_tidy(struct blobs *b, struct err *e)
{
    AUTO(close_dir) DIR *d = list_open(b, e);
    if (!d)
        return -1;
    for (struct dirent *entry = readdir(d); entry; entry = readdir(d))
        if (strncmp(entry->d_name, BLOB_TEMPORARY_PREFIX, strlen(BLOB_TEMPORARY_PREFIX)) == 0 &&
            leftover_remove(b, entry->d_name, e) < 0)
            return -1;
    return 0;
}
