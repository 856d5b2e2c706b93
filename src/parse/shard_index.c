#include "parse/shard_index.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    const char *file, *tensor; /* borrowed from the JSON tree */
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_file(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->file, ((const struct entry *)b)->file);
}

struct digest shard_names_digest(const char **names, size_t count)
{
    struct sha256 *h = sha256_new();
    qsort(names, count, sizeof *names, by_text);
    for (size_t i = 0; i < count; i++)
        sha256_add(h, names[i], strlen(names[i]) + 1);
    return sha256_finish(h);
}

static void write_shard(struct json_out *w, const char *file, const char **names, size_t count)
{
    struct digest id = shard_names_digest(names, count);
    json_out_object(w);
    json_put_string(w, "file", file);
    json_put_uint(w, "tensors", count);
    json_put_string(w, "names", digest_hex(&id).text);
    json_out_object_end(w);
}

/* Entries of one file stand together. */
static void write_shards(struct entry *list, size_t count, const char **names, struct report *r)
{
    size_t shards = 0;
    qsort(list, count, sizeof *list, by_file);
    json_put_array(&r->facts, "shards");
    for (size_t from = 0, to; from < count; from = to, shards++) {
        if (shards == LIMIT_SHARDS) {
            report_not_scanned(r, "index-shard", "/weight_map", "more than %u files", LIMIT_SHARDS);
            break;
        }
        for (to = from; to < count && strcmp(list[to].file, list[from].file) == 0; to++)
            names[to - from] = list[to].tensor;
        write_shard(&r->facts, list[from].file, names, to - from);
    }
    json_out_array_end(&r->facts);
}

void shard_index_facts(const json_t *map, struct report *r)
{
    size_t count = 0, room = json_object_size(map);
    auto_free struct entry *list = calloc(room + 1, sizeof *list);
    auto_free const char **names = calloc(room + 1, sizeof *names);
    const char *tensor;
    json_t *file;
    if (!list || !names)
        abort();
    json_object_foreach((json_t *)(uintptr_t)map, tensor, file)
    {
        if (json_is_string(file))
            list[count++] = (struct entry){.file = json_string_value(file), .tensor = tensor};
    }
    write_shards(list, count, names, r);
}
