#include "scan/beside.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scan/internal.h"

struct beside {
    struct scan_report *out;
    struct scan_file **sorted; /* owned; the rows, by path */
    size_t count;
    int root;
    size_t root_len;
};

static int by_path(const void *a, const void *b)
{
    const struct scan_file *const *x = a, *const *y = b;
    return strcmp((*x)->path, (*y)->path);
}

static struct scan_file *find_row(const struct beside *b, const char *path)
{
    struct scan_file wanted = {.path = (char *)(uintptr_t)path}, *key = &wanted;
    struct scan_file **found = b->count ? bsearch(&key, b->sorted, b->count, sizeof key, by_path) : NULL;
    return found ? *found : NULL;
}

/* The path of a neighbour, as rows have it. */
static void neighbour(const struct scan_file *f, const char *name, struct buf *out)
{
    const char *slash = strrchr(f->path, '/');
    buf_clear(out);
    if (slash)
        buf_add(out, f->path, (size_t)(slash + 1 - f->path));
    buf_add_str(out, name);
}

static void finding(const struct beside *b, struct scan_file *f, const char *rule, const char *name, const char *what)
{
    char text[600];
    snprintf(text, sizeof text, "%.400s %s", name, what);
    scan_add_finding(b->out, f, SEVERITY_HIGH, rule, text);
}

/* What is wrong with the file on disk, or NULL. */
static const char *problem_on_disk(const struct beside *b, const char *path, uint64_t bytes)
{
    struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    struct stat st;
    auto_fd fd =
        strlen(path) < b->root_len ? -1 : (int)syscall(SYS_openat2, b->root, path + b->root_len, &how, sizeof how);
    if (fd < 0 || fstat(fd, &st) < 0)
        return "is named by it and does not lie beside it, or only behind a link";
    if (!S_ISREG(st.st_mode))
        return "is named by it and is no regular file";
    if (st.st_nlink > 1)
        return "is named by it and has a second name elsewhere: what is written there is read here";
    return (uint64_t)st.st_size < bytes ? "is named by it and is shorter than what it reads of it" : NULL;
}

static const char *problem(const struct beside *b, const char *path, uint64_t bytes)
{
    const struct scan_file *row = find_row(b, path);
    if (b->root >= 0)
        return problem_on_disk(b, path, bytes);
    if (!row)
        return "is named by it and is no part of the release";
    return row->size < bytes ? "is named by it and is shorter than what it reads of it" : NULL;
}

/* Bytes whose only fault is to have no format: a model says what they are. */
static void vouch(const struct beside *b, const char *path)
{
    struct scan_file *row = find_row(b, path);
    if (!row || row->verdict != VERDICT_NOT_SCANNED || strcmp(row->format, "binary") != 0 || row->finding_count != 1 ||
        strcmp(row->findings[0].rule, "no-scanner") != 0)
        return;
    row->findings[0] = (struct scan_finding){.rule = "external-data",
                                             .severity = severity_name(SEVERITY_INFO),
                                             .at = "",
                                             .message = "tensors of the model beside it, which names it"};
    row->verdict = VERDICT_OPAQUE;
}

static void check_external(const struct beside *b, struct scan_file *f, const json_t *external)
{
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)external, i, item)
    {
        auto_buf path = BUF(65536);
        const char *name = json_get_string(item, "path", "");
        json_int_t bytes = json_integer_value(json_object_get(item, "bytes"));
        neighbour(f, name, &path);
        const char *what = bytes < 0 ? "is named by it, beyond all bytes" : problem(b, buf_str(&path), (uint64_t)bytes);
        if (what)
            finding(b, f, "external-data", name, what);
        else
            vouch(b, buf_str(&path));
    }
}

/* A shard that was looked at says which tensors it has. */
static bool holds(const struct scan_file *row, const json_t *shard)
{
    const json_t *facts = json_object_get(row->reply, "facts");
    const char *names = json_get_string(facts, "names", NULL);
    return !names || (strcmp(names, json_get_string(shard, "names", "")) == 0 &&
                      json_equal(json_object_get(facts, "tensors"), json_object_get(shard, "tensors")));
}

static void check_shards(const struct beside *b, struct scan_file *f, const json_t *shards)
{
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)shards, i, item)
    {
        auto_buf path = BUF(65536);
        const char *name = json_get_string(item, "file", "");
        neighbour(f, name, &path);
        const char *what = strchr(name, '/') ? NULL : problem(b, buf_str(&path), 0); /* the reader spoke of paths */
        const struct scan_file *row = find_row(b, buf_str(&path));
        if (what)
            finding(b, f, "index-shard", name, what);
        else if (row && !holds(row, item))
            finding(b, f, "index-shard", name, "holds other tensors than it says");
    }
}

void scan_beside(struct scan_report *out, size_t from, size_t count, int root, size_t root_len)
{
    struct beside b = {.out = out, .count = count, .root = root, .root_len = root_len};
    b.sorted = calloc(b.count + 1, sizeof(struct scan_file *));
    if (!b.sorted)
        abort();
    for (size_t i = 0; i < b.count; i++)
        b.sorted[i] = &out->files[from + i];
    qsort(b.sorted, b.count, sizeof *b.sorted, by_path);
    for (size_t i = from; i < from + count; i++) {
        const json_t *facts = json_object_get(out->files[i].reply, "facts");
        check_external(&b, &out->files[i], json_object_get(facts, "external"));
        check_shards(&b, &out->files[i], json_object_get(facts, "shards"));
    }
    free(b.sorted);
    out->verdict = VERDICT_CLEAN;
    for (size_t i = 0; i < out->count; i++)
        if (out->files[i].verdict > out->verdict)
            out->verdict = out->files[i].verdict;
}
