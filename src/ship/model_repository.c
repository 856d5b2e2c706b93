#include "ship/model_repository.h"

#include <stdlib.h>
#include <string.h>

#include "util/encode.h"
#include "util/json.h"

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct release_blob *const *)a)->name, (*(const struct release_blob *const *)b)->name);
}

/* The weights and what lies beside them, in order of their paths; the caller frees. */
static const struct release_blob **sorted(const struct release *r, size_t *count)
{
    const struct release_blob **files = calloc(r->model_file_count + 1, sizeof(*files));
    if (!files)
        abort();
    files[0] = &r->model;
    for (size_t i = 0; i < r->model_file_count; i++)
        files[i + 1] = &r->model_files[i];
    *count = r->model_file_count + 1;
    qsort(files, *count, sizeof(*files), by_name);
    return files;
}

void model_revision(const struct release *r, char out[MODEL_REVISION_SIZE])
{
    size_t count;
    const struct release_blob **files = sorted(r, &count);
    struct sha256 *h = sha256_new();
    for (size_t i = 0; i < count; i++) {
        sha256_add(h, files[i]->name, strlen(files[i]->name) + 1);
        sha256_add(h, files[i]->digest.bytes, DIGEST_SIZE);
    }
    struct digest d = sha256_finish(h);
    hex_encode(span_of(d.bytes, 20), out);
    free(files);
}

/* Git's name of the pointer that Git LFS keeps in the file's place (git-lfs, docs/spec.md, "The Pointer"). */
static void pointer_oid(const struct release_blob *b, char out[GIT_BLOB_HEX_SIZE])
{
    auto_buf pointer = BUF(512);
    buf_printf(&pointer, "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %llu\n",
               digest_hex(&b->digest).text, (unsigned long long)b->size);
    git_blob_hex(buf_span(&pointer), out);
}

static void write_about(const struct release *r, const struct release_blob *b, struct buf *out)
{
    char oid[GIT_BLOB_HEX_SIZE];
    struct json_out w;
    pointer_oid(b, oid);
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "oid", oid);
    json_put_string(&w, "tag", r->version);
    json_out_object_end(&w);
}

int model_repository_each(const struct release *r, int (*each)(void *arg, const struct package_row *row), void *arg)
{
    size_t count;
    const struct release_blob **files = sorted(r, &count);
    char revision[MODEL_REVISION_SIZE];
    int result = 0;
    model_revision(r, revision);
    for (size_t i = 0; result == 0 && i < count; i++) {
        auto_buf about = BUF(512);
        write_about(r, files[i], &about);
        struct package_row row = {.ecosystem = "hf",
                                  .name = r->model_repository,
                                  .version = revision,
                                  .filename = files[i]->name,
                                  .digest = files[i]->digest,
                                  .size = files[i]->size,
                                  .about = buf_str(&about)};
        result = each(arg, &row);
    }
    free(files);
    return result;
}
