#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ship/pack_internal.h"
#include "util/limits.h"
#include "util/sys.h"

void packing_fini(struct packing *p)
{
    pack_spec_fini(&p->spec);
    if (p->dir >= 0)
        close(p->dir);
    for (size_t i = 0; i < p->input_count; i++) {
        free(p->inputs[i].name);
        free(p->inputs[i].purl);
    }
    free(p->inputs);
    pack_packages_fini(p);
    release_blob_fini(&p->model);
    release_blob_fini(&p->model_config);
    release_blob_fini(&p->model_manifest);
    release_blob_fini(&p->engine_manifest);
    release_blob_fini(&p->config_manifest);
    release_blob_fini(&p->index);
}

const char *packing_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int packing_open(const struct packing *p, const char *key, const char *file, uint64_t *size, struct err *e)
{
    struct stat st;
    auto_fd fd = openat(p->dir, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(e, errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND : ERR_IO, errno, "%s: %s: %s", p->name,
                       key, file);
    if (fstat(fd, &st) < 0)
        return err_set(e, ERR_IO, errno, "%s", file);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, 0, "%s: %s: %s is no regular file", p->name, key, file);
    if (size)
        *size = (uint64_t)st.st_size;
    return fd_steal(&fd);
}

int packing_copy(const struct packing *p, int fd, const char *file, uint64_t size, struct blob_writer *w,
                 struct sha256 *h, struct err *e)
{
    auto_free uint8_t *chunk = malloc(COPY_CHUNK_BYTES);
    if (!chunk)
        abort();
    for (uint64_t left = size; left;) {
        size_t want = left < COPY_CHUNK_BYTES ? (size_t)left : COPY_CHUNK_BYTES;
        ssize_t got = sys.read(fd, chunk, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(e, ERR_IO, errno, "read %s", file);
        if (got == 0)
            return err_set(e, ERR_INPUT, 0, "%s became shorter while it was read: %llu bytes are missing", file,
                           (unsigned long long)left);
        if (h)
            sha256_add(h, chunk, (size_t)got);
        if (blob_writer_add(w, span_of(chunk, (size_t)got), e) < 0)
            return -1;
        ship_progress_add(p->progress, (uint64_t)got);
        left -= (uint64_t)got;
    }
    return 0;
}

int packing_put_file(struct packing *p, const char *key, const char *file, const char *media_type,
                     struct release_blob *out, struct err *e)
{
    if (packing_store_file(p, key, file, media_type, out, e) < 0)
        return -1;
    packing_input(p, out->name, key, &out->digest, out->size, false);
    return 0;
}

int packing_store_file(struct packing *p, const char *key, const char *file, const char *media_type,
                       struct release_blob *out, struct err *e)
{
    *out = (struct release_blob){0};
    if (!release_file_name_ok(packing_name(file)))
        return err_set(e, ERR_INPUT, 0, "%s: %s: \"%.100s\" has characters that no file name of a release has", p->name,
                       key, file);
    auto_fd fd = packing_open(p, key, file, &out->size, e);
    if (fd < 0)
        return -1;
    struct blob_writer *w = blob_writer_new(p->s->blobs, out->size, e);
    if (!w)
        return -1;
    if (packing_copy(p, fd, file, out->size, w, NULL, e) < 0) {
        blob_writer_abort(w);
        return -1;
    }
    if (blob_writer_finish(w, NULL, &out->digest, e) < 0)
        return -1;
    out->media_type = text_copy(media_type);
    out->name = text_copy(packing_name(file));
    return 0;
}

int packing_put_text(struct packing *p, struct buf *text, const char *media_type, struct release_blob *out,
                     struct err *e)
{
    return buf_check(text, media_type, e) < 0 ? -1 : packing_put_bytes(p, buf_span(text), media_type, "", out, e);
}

int packing_put_bytes(struct packing *p, struct span bytes, const char *media_type, const char *name,
                      struct release_blob *out, struct err *e)
{
    *out = (struct release_blob){.size = bytes.len};
    if (blob_put(p->s->blobs, bytes, &out->digest, e) < 0)
        return -1;
    out->media_type = text_copy(media_type);
    out->name = text_copy(name);
    return 0;
}

void packing_input(struct packing *p, const char *name, const char *part, const struct digest *digest, uint64_t size,
                   bool executable)
{
    struct pack_input *grown = reallocarray(p->inputs, p->input_count + 1, sizeof *grown);
    if (!grown)
        abort();
    p->inputs = grown;
    p->inputs[p->input_count++] = (struct pack_input){
        .name = text_copy(name), .part = part, .digest = *digest, .size = size, .executable = executable};
}
