/* Order of a finish: fsync of the file → linkat under its digest → fsync of the directory of blobs → unlink of the
 * upload. A crash before the link leaves an upload that can go on; one after it leaves a blob and an upload that
 * expires. */
#include "store/blobs_upload.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "store/blobs_internal.h"
#include "util/file.h"
#include "util/limits.h"
#include "util/sys.h"

#define UPLOADS "uploads"

struct blob_upload {
    struct blobs *blobs;
    int dir, fd;
    char name[UPLOAD_NAME_MAX + 1];
    uint64_t size, begun; /* up to `begun` the disk was told to write */
    struct sha256 *hash;  /* over all `size` bytes; NULL: what came was not followed from the beginning */
};

static bool name_ok(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= UPLOAD_NAME_MAX && strspn(name, "0123456789abcdef-") == len;
}

static struct blob_upload *upload_at(struct blobs *b, const char *name, int flags, struct err *e)
{
    if (!name_ok(name)) {
        err_set(e, ERR_USAGE, 0, "\"%.80s\" is no name of an upload", name);
        return NULL;
    }
    struct blob_upload *u = calloc(1, sizeof *u);
    if (!u)
        abort();
    u->blobs = b;
    u->fd = u->dir = -1;
    snprintf(u->name, sizeof u->name, "%s", name);
    if ((flags & O_CREAT) && dir_make(b->dir, UPLOADS, 0700, e) < 0)
        goto failed;
    u->dir = dir_open(b->dir, UPLOADS, e);
    if (u->dir < 0)
        goto failed;
    u->fd = sys.openat(u->dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
    if (u->fd >= 0)
        return u;
    err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno, "upload %s in %s", name, b->path);
failed:
    blob_upload_close(u);
    return NULL;
}

struct blob_upload *blob_upload_new(struct blobs *b, const char *name, struct err *e)
{
    struct blob_upload *u = upload_at(b, name, O_CREAT | O_EXCL, e);
    if (u)
        u->hash = sha256_new();
    return u;
}

struct blob_upload *blob_upload_open(struct blobs *b, const char *name, struct err *e)
{
    struct blob_upload *u = upload_at(b, name, 0, e);
    off_t size = u ? lseek(u->fd, 0, SEEK_END) : 0;
    if (size < 0) {
        err_set(e, ERR_IO, errno, "upload %s in %s", name, b->path);
        blob_upload_close(u);
        return NULL;
    }
    if (!u)
        return NULL;
    u->size = u->begun = (uint64_t)size;
    if (size == 0)
        u->hash = sha256_new();
    return u;
}

void blob_upload_close(struct blob_upload *u)
{
    if (!u)
        return;
    sha256_free(u->hash);
    if (u->fd >= 0)
        sys.close(u->fd);
    if (u->dir >= 0)
        close(u->dir);
    free(u);
}

uint64_t blob_upload_size(const struct blob_upload *u)
{
    return u->size;
}

int blob_upload_cut(struct blob_upload *u, uint64_t size, struct err *e)
{
    if (size >= u->size)
        return 0;
    if (sys.ftruncate(u->fd, (off_t)size) < 0 || lseek(u->fd, (off_t)size, SEEK_SET) < 0)
        return err_set(e, ERR_IO, errno, "upload %s: take bytes back", u->name);
    sha256_free(u->hash); /* a hash cannot go back */
    u->hash = size == 0 ? sha256_new() : NULL;
    u->size = size;
    if (u->begun > size)
        u->begun = size;
    return 0;
}

int blob_upload_add(struct blob_upload *u, struct span bytes, struct err *e)
{
    uint64_t before = u->size;
    if (file_write_all(u->fd, bytes, "an upload", e) < 0) {
        struct err ignored = {0};
        u->size += bytes.len; /* some of them may lie there */
        (void)blob_upload_cut(u, before, &ignored);
        return err_prefix(e, "%s", u->blobs->path);
    }
    if (u->hash)
        sha256_add(u->hash, bytes.ptr, bytes.len);
    u->size += bytes.len;
    blobs_begin_writeback(u->fd, &u->begun, u->size);
    return 0;
}

/* Reads the file from its beginning into the hashes that are not NULL. */
static int hash_again(struct blob_upload *u, struct sha256 *h, struct sha512 *h512, struct err *e)
{
    auto_free uint8_t *chunk = malloc(COPY_CHUNK_BYTES);
    if (!chunk)
        abort();
    for (off_t at = 0;;) {
        ssize_t n = sys.pread(u->fd, chunk, COPY_CHUNK_BYTES, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(e, ERR_IO, errno, "upload %s: read", u->name);
        if (n == 0)
            return 0;
        if (h)
            sha256_add(h, chunk, (size_t)n);
        if (h512)
            sha512_add(h512, chunk, (size_t)n);
        at += n;
    }
}

/* Both digests, from the running hash where it is whole. */
static int digests(struct blob_upload *u, bool want512, struct digest *id, struct digest512 *id512, struct err *e)
{
    struct sha256 *h = u->hash ? NULL : sha256_new();
    struct sha512 *h512 = want512 ? sha512_new() : NULL;
    int result = h || h512 ? hash_again(u, h, h512, e) : 0;
    if (result == 0 && want512)
        *id512 = sha512_finish(ptr_steal(&h512));
    if (result == 0)
        *id = sha256_finish(h ? ptr_steal(&h) : ptr_steal(&u->hash));
    sha256_free(h);
    sha512_free(h512);
    return result;
}

static int publish(struct blob_upload *u, const struct digest *id, struct err *e)
{
    struct digest_hex hex = digest_hex(id);
    if (sys.fchmod(u->fd, 0444) < 0 || sys.fsync(u->fd) < 0)
        return err_set(e, ERR_IO, errno, "fsync blob sha256:%s", hex.text);
    if (sys.linkat(u->dir, u->name, u->blobs->sha256, hex.text, 0) < 0 && errno != EEXIST)
        return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno, "publish blob sha256:%s in %s", hex.text,
                       u->blobs->path);
    return blobs_changed(u->blobs, e);
}

int blob_upload_remove(struct blob_upload *u, struct err *e)
{
    if (sys.unlinkat(u->dir, u->name, 0) < 0 && errno != ENOENT)
        return err_set(e, ERR_IO, errno, "remove upload %s in %s", u->name, u->blobs->path);
    return 0;
}

static int differs(const char *is, const char *wanted, struct err *e)
{
    return err_set(e, ERR_INPUT, 0, "the bytes hash to %s; wanted %s", is, wanted);
}

int blob_upload_finish(struct blob_upload *u, const struct digest *expected, const struct digest512 *expected512,
                       struct digest *id, struct err *e)
{
    struct digest found;
    struct digest512 found512;
    struct err ignored = {0};
    if (digests(u, expected512 != NULL, &found, &found512, e) < 0)
        return -1;
    int result;
    if (expected && !digest_equal(expected, &found))
        result = differs(digest_text(&found).text, digest_text(expected).text, e);
    else if (expected512 && memcmp(expected512->bytes, found512.bytes, DIGEST512_SIZE) != 0)
        result = differs(digest512_text(&found512).text, digest512_text(expected512).text, e);
    else if (publish(u, &found, e) < 0)
        return -1;
    else
        result = 0;
    (void)blob_upload_remove(u, &ignored); /* what stays expires */
    if (result == 0 && id)
        *id = found;
    return result;
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* Calls `each` for every upload, until it returns -1. */
static int each_upload(struct blobs *b, int (*each)(void *arg, int dir, const char *name, const struct stat *st),
                       void *arg, struct err *e)
{
    struct err none = {0};
    auto_fd dir = dir_open(b->dir, UPLOADS, &none);
    if (dir < 0)
        return none.code == ERR_NOTFOUND ? 0 : err_set(e, none.code, none.sys_errno, "%s", none.msg);
    int copy = dir_open(dir, ".", e);
    AUTO(close_dir) DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (!d)
        return copy < 0 ? -1 : err_set(e, ERR_IO, errno, "list " UPLOADS);
    for (struct dirent *entry; (entry = readdir(d));) {
        struct stat st;
        if (!name_ok(entry->d_name) || fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(st.st_mode))
            continue;
        if (each(arg, dir, entry->d_name, &st) < 0)
            return -1;
    }
    return 0;
}

struct summing {
    const char *mark;
    uint64_t *bytes;
};

static int sum(void *arg, int dir, const char *name, const struct stat *st)
{
    struct summing *s = arg;
    (void)dir;
    if (strstr(name, s->mark))
        *s->bytes += (uint64_t)st->st_size;
    return 0;
}

int blob_uploads_bytes(struct blobs *b, const char *mark, uint64_t *bytes, struct err *e)
{
    struct summing s = {mark, bytes};
    *bytes = 0;
    return each_upload(b, sum, &s, e);
}

struct expiring {
    struct blobs *blobs;
    int64_t before_s;
    unsigned *removed;
    struct err *e;
};

static int expire(void *arg, int dir, const char *name, const struct stat *st)
{
    struct expiring *x = arg;
    if (st->st_mtim.tv_sec >= x->before_s)
        return 0;
    if (sys.unlinkat(dir, name, 0) < 0 && errno != ENOENT)
        return err_set(x->e, ERR_IO, errno, "remove upload %s in %s", name, x->blobs->path);
    if (x->removed)
        ++*x->removed;
    return 0;
}

int blob_uploads_expire(struct blobs *b, int64_t before_s, unsigned *removed, struct err *e)
{
    struct expiring x = {b, before_s, removed, e};
    return each_upload(b, expire, &x, e);
}
