#include "corpus.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/inspect.h"

static char *copy_of(const char *text, size_t len)
{
    char *copy = strndup(text, len);
    if (!copy)
        abort();
    return copy;
}

static void add_file(struct corpus *c, struct archive *a, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry), *slash = path ? strchr(path, '/') : NULL;
    if (!slash || archive_entry_filetype(entry) != AE_IFREG)
        return;
    size_t size = (size_t)archive_entry_size(entry);
    struct corpus_file f = {.path = copy_of(slash + 1, strlen(slash + 1)), .bytes = malloc(size + 1), .len = size};
    if (!f.bytes || archive_read_data(a, f.bytes, size) != (ssize_t)size)
        abort();
    f.bytes[size] = 0;
    c->files = realloc(c->files, (c->count + 1) * sizeof(*c->files));
    if (!c->files)
        abort();
    c->files[c->count++] = f;
}

const struct corpus_file *corpus_find(const struct corpus *c, const char *path)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->files[i].path, path) == 0)
            return &c->files[i];
    return NULL;
}

/* path TAB class TAB note */
static void read_expected(struct corpus *c)
{
    const struct corpus_file *table = corpus_find(c, "expected.tsv");
    struct span rest = table ? span_of(table->bytes, table->len) : span_of("", 0), line, path, class;
    while (span_take_until(&rest, '\n', &line)) {
        if (!span_take_until(&line, '\t', &path))
            continue;
        if (!span_take_until(&line, '\t', &class)) {
            class = line;
            line.len = 0;
        }
        for (size_t i = 0; i < c->count; i++) {
            if (!span_equal_str(path, c->files[i].path))
                continue;
            c->files[i].class = copy_of((const char *)class.ptr, class.len);
            c->files[i].note = copy_of(line.len ? (const char *)line.ptr : "", line.len);
        }
    }
}

struct corpus *corpus_open(const char *name)
{
    char path[4096];
    const char *folder = getenv("AIRLOCK_CORPORA"), *source = getenv("AIRLOCK_SOURCE");
    if (folder)
        snprintf(path, sizeof(path), "%s/%s.tar.gz", folder, name);
    else
        snprintf(path, sizeof(path), "%s/../shared/corpora/%s.tar.gz", source ? source : ".", name);
    struct archive *a = archive_read_new();
    archive_read_support_filter_gzip(a);
    archive_read_support_format_tar(a);
    struct corpus *c = NULL;
    if (archive_read_open_filename(a, path, 65536) == ARCHIVE_OK) {
        struct archive_entry *entry;
        c = calloc(1, sizeof(*c));
        while (archive_read_next_header(a, &entry) == ARCHIVE_OK)
            add_file(c, a, entry);
        read_expected(c);
    } else {
        fprintf(stderr, "# SKIPPED: no corpus at %s (set AIRLOCK_CORPORA)\n", path);
    }
    archive_read_free(a);
    return c;
}

void corpus_free(struct corpus *c)
{
    for (size_t i = 0; c && i < c->count; i++) {
        free(c->files[i].path);
        free(c->files[i].bytes);
        free(c->files[i].class);
        free(c->files[i].note);
    }
    if (c)
        free(c->files);
    free(c);
}

static void list_rules(const json_t *root, char *rules, size_t size)
{
    const json_t *finding;
    size_t i;
    rules[0] = '\0';
    json_array_foreach(json_object_get(root, "findings"), i, finding)
    {
        size_t len = strlen(rules);
        snprintf(rules + len, size - len, "%s%s: %.100s", len ? "; " : "", json_get_string(finding, "rule", "?"),
                 json_get_string(finding, "message", "?"));
    }
}

enum verdict corpus_verdict(const struct corpus_file *f, char *rules, size_t size)
{
    /* an exact copy, so that a sanitizer sees a read one byte past the end */
    auto_free uint8_t *exact = NULL;
    exact = malloc(f->len ? f->len : 1);
    memcpy(exact, f->bytes, f->len);
    struct inspect_options o = {.name = f->path, .apart = true};
    auto_report r = {0};
    auto_buf out = BUF(32U << 20);
    struct json_out w;
    struct err e = {0};
    report_init(&r, "");
    inspect_bytes(span_of(exact, f->len), &o, &r);
    json_out_init(&w, &out);
    json_out_object(&w);
    if (report_write(&r, &w, &e) < 0)
        abort();
    json_out_object_end(&w);
    auto_json root = json_parse(buf_span(&out), 32U << 20, "report", &e);
    if (!root) {
        fprintf(stderr, "# %s: %s\n", f->path, e.msg);
        abort();
    }
    list_rules(root, rules, size);
    return r.verdict;
}
