/* Sources read, file by file, in the parse process; what it says goes into the snapshot in the making. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse/advisory_source.h"
#include "scan/advisories_internal.h"
#include "util/file.h"
#include "util/limits.h"
#include "util/sys.h"

#define DEPTH_MAX       16U
#define READ_TIMEOUT_MS 120000

struct compiling {
    struct child *parser;
    struct build build;
    int64_t now_s;
    const struct advisories_progress *progress;
    struct advisories_compiled *out;
    struct err *e;
    /* of the source at hand */
    const char *path;
    int64_t date_s;          /* the newest that its records, or it itself, name */
    int64_t file_s;          /* when its newest file was written */
    struct sha256 *digest;   /* over the names and digests of a folder's files */
    struct digest only_file; /* of a source that is one file */
};

void advisories_compiled_fini(struct advisories_compiled *c)
{
    for (size_t i = 0; i < c->refusal_count; i++) {
        free(c->refusals[i].source);
        free(c->refusals[i].name);
        free(c->refusals[i].place);
        free(c->refusals[i].reason);
    }
    free(c->refusals);
    *c = (struct advisories_compiled){0};
}

static struct build_source *source_now(struct compiling *c)
{
    return &BUILD_ROWS(&c->build, sources, struct build_source)[c->build.sources.count - 1];
}

/* ── refusals ── */

/* Texts of records go to terminals: control characters become question marks. */
static char *copy_of(struct span text)
{
    char *copy = span_dup(text);
    for (char *at = copy; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    return copy;
}

static void refuse(struct compiling *c, struct span name, struct span place, struct span reason)
{
    source_now(c)->refused++;
    if (c->out->refusal_count == ADVISORIES_REFUSALS_MAX)
        return;
    if (!c->out->refusals && !(c->out->refusals = calloc(ADVISORIES_REFUSALS_MAX, sizeof(*c->out->refusals))))
        abort();
    c->out->refusals[c->out->refusal_count++] =
        (struct advisories_refusal){copy_of(span_str(c->path)), copy_of(name), copy_of(place), copy_of(reason)};
}

/* ── one file ── */

static int take_rows(struct compiling *c, struct span rows)
{
    struct advisory_row row;
    while (rows.len > 0) {
        if (!advisory_row_take(&rows, &row))
            return err_set(c->e, ERR_UNDECIDED, 0, "the helper's answer is none");
        if (row.kind == ADVISORY_REFUSED) {
            refuse(c, row.id, row.place, row.reason);
            continue;
        }
        int64_t date_s = row.modified_s;
        if (row.kind == ADVISORY_RECORD && date_s > c->date_s && date_s <= c->now_s)
            c->date_s = date_s;
        if (build_take(&c->build, &row, c->e) < 0)
            return -1;
    }
    return 0;
}

static int read_piece(struct compiling *c, int fd, const char *name, struct advisory_source_reply *reply,
                      struct buf *bytes)
{
    auto_buf arg = BUF(4096);
    struct json_out w;
    json_out_init(&w, &arg);
    json_out_object(&w);
    json_put_string(&w, "name", name);
    json_put_uint(&w, "from", reply->next);
    json_put_uint(&w, "count", reply->count);
    json_out_object_end(&w);
    struct child_request request = {
        .op = "advisories-read", .fd = fd, .arg = buf_span(&arg), .timeout_ms = READ_TIMEOUT_MS};
    if (child_call(c->parser, &request, bytes, c->e) < 0)
        return -1;
    if (!advisory_source_reply_read(buf_span(bytes), reply))
        return err_set(c->e, ERR_UNDECIDED, 0, "the helper's answer is none");
    return take_rows(c, reply->rows);
}

static int read_pieces(struct compiling *c, int fd, const char *name)
{
    struct advisory_source_reply reply = {0};
    auto_buf bytes = BUF(LIMIT_MESSAGE_BYTES);
    do {
        uint64_t from = reply.next;
        buf_clear(&bytes);
        if (read_piece(c, fd, name, &reply, &bytes) < 0)
            return -1;
        if (!reply.done && reply.next <= from)
            return err_set(c->e, ERR_UNDECIDED, 0, "the helper does not get on");
        if (reply.date_s > c->date_s && reply.date_s <= c->now_s)
            c->date_s = reply.date_s;
        source_now(c)->kind = reply.kind;
        if (c->progress && c->progress->step)
            c->progress->step(c->progress->arg, c->path, c->out->counts.files);
    } while (!reply.done);
    return 0;
}

int advisories_hash(int fd, struct digest *out, struct err *e)
{
    auto_free uint8_t *chunk = malloc(COPY_CHUNK_BYTES);
    struct sha256 *h = sha256_new();
    off_t at = 0;
    if (!chunk)
        abort();
    for (;;) {
        ssize_t got = sys.pread(fd, chunk, COPY_CHUNK_BYTES, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            sha256_free(h);
            return err_set(e, ERR_IO, errno, "read");
        }
        if (got == 0)
            break;
        sha256_add(h, chunk, (size_t)got);
        at += got;
    }
    *out = sha256_finish(h);
    return 0;
}

/* `name` is relative to the source. A file of a folder that is no record is refused, and the others go on. */
static int read_file(struct compiling *c, int fd, const char *name, bool alone)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_set(c->e, ERR_IO, errno, "%s", name);
    if (!S_ISREG(st.st_mode))
        return err_set(c->e, ERR_INPUT, 0, "%s is no regular file; only those are read", name);
    if (advisories_hash(fd, &c->only_file, c->e) < 0)
        return err_prefix(c->e, "%s", name);
    if (st.st_mtime > c->file_s)
        c->file_s = st.st_mtime;
    sha256_add(c->digest, name, strlen(name) + 1);
    sha256_add(c->digest, c->only_file.bytes, DIGEST_SIZE);
    source_now(c)->files++;
    c->out->counts.files++;
    if (read_pieces(c, fd, name) == 0)
        return 0;
    if (alone || (c->e->code != ERR_INPUT && c->e->code != ERR_LIMIT))
        return -1;
    refuse(c, span_str(name), span_of("", 0), span_str(c->e->msg));
    err_clear(c->e);
    return 0;
}

/* ── one folder ── */

static bool is_wanted(const char *name)
{
    static const char *const suffixes[] = {".json", ".zip", ".yaml", ".yml"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (span_ends(span_str(name), span_str(suffixes[i])))
            return true;
    return false;
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_folder(struct compiling *c, int dir, const char *path, unsigned depth);

static int read_entry(struct compiling *c, int dir, const char *name, const char *path, unsigned depth)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set(c->e, ERR_IO, errno, "%s", path);
    if (!S_ISDIR(st.st_mode) && (!S_ISREG(st.st_mode) || !is_wanted(name)))
        return 0; /* a licence text, a list of what is there */
    if (span_ends(span_str(name), SPAN_LIT(".yaml")) || span_ends(span_str(name), SPAN_LIT(".yml"))) {
        refuse(c, span_str(path), span_of("", 0), span_str("a record in YAML; wanted JSON"));
        return 0;
    }
    auto_fd fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return err_set(c->e, ERR_IO, errno, "open %s", path);
    return S_ISDIR(st.st_mode) ? read_folder(c, fd, path, depth + 1) : read_file(c, fd, path, false);
}

static int read_folder(struct compiling *c, int dir, const char *path, unsigned depth)
{
    struct dirent **list = NULL;
    int result = 0;
    if (depth > DEPTH_MAX)
        return err_set(c->e, ERR_LIMIT, 0, "%s: folders more than %u deep", path, DEPTH_MAX);
    int count = scandirat(dir, ".", &list, not_hidden, by_bytes);
    if (count < 0)
        return err_set(c->e, ERR_IO, errno, "list %s", path);
    for (int i = 0; i < count; i++) {
        char below[4096];
        snprintf(below, sizeof(below), "%s%s%s", path, path[0] ? "/" : "", list[i]->d_name);
        if (result == 0)
            result = read_entry(c, dir, list[i]->d_name, below, depth);
        free(list[i]);
    }
    free(list);
    return result;
}

/* ── one source ── */

/* "pypa" of /data/pypa/, "PyPI" of /data/PyPI/all.zip. */
static void name_of(const char *path, char *out, size_t size)
{
    char copy[4096];
    snprintf(copy, sizeof(copy), "%s", path);
    size_t len = strlen(copy);
    while (len > 1 && copy[len - 1] == '/')
        copy[--len] = '\0';
    char *slash = strrchr(copy, '/');
    const char *base = slash ? slash + 1 : copy;
    if (slash && strncmp(base, "all.", 4) == 0) {
        *slash = '\0';
        slash = strrchr(copy, '/');
        base = slash ? slash + 1 : copy;
    }
    struct span name = span_str(base);
    if (span_ends(name, SPAN_LIT(".zip")))
        name.len -= 4;
    else if (span_ends(name, SPAN_LIT(".json")))
        name.len -= 5;
    snprintf(out, size, "%.*s", (int)(name.len > 200 ? 200 : name.len), (const char *)name.ptr);
}

static const char *licence_of(const struct build_source *s)
{
    if (s->licences[0])
        return s->licences;
    return s->kind == SOURCE_KEV ? "CC0-1.0" : "not stated";
}

/* What is known only at its end. */
static int end_source(struct compiling *c, bool folder)
{
    struct build_source *s = source_now(c);
    struct digest all = sha256_finish(c->digest);
    c->digest = NULL;
    s->digest = folder ? all : c->only_file;
    s->date_s = c->date_s ? c->date_s : c->file_s < c->now_s ? c->file_s : c->now_s;
    s->licence = build_string(&c->build, span_str(licence_of(s)));
    if (s->records > 0 || s->replaced > 0)
        return 0;
    const struct advisories_refusal *first = NULL;
    for (size_t i = 0; i < c->out->refusal_count && !first; i++)
        if (strcmp(c->out->refusals[i].source, c->path) == 0)
            first = &c->out->refusals[i];
    err_set(c->e, ERR_INPUT, 0, "no advisory in it (%u files, %u records refused%s%.200s%s%.100s%s%.300s)", s->files,
            s->refused, first ? "; the first: " : "", first ? first->name : "", first ? " " : "",
            first ? first->place : "", first ? ": " : "", first ? first->reason : "");
    return err_hint(c->e, "An import of nothing would read as \"no advisories\": wanted an OSV export (zip, folder or "
                          "record), the Debian tracker's JSON, or KEV");
}

static int read_source(struct compiling *c, const char *path)
{
    char name[256];
    struct stat st;
    auto_fd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return file_open_failed(AT_FDCWD, path, "open", c->e);
    if (fstat(fd, &st) < 0)
        return err_set(c->e, ERR_IO, errno, "%s", path);
    name_of(path, name, sizeof(name));
    struct build_source *s = build_add(&c->build.sources);
    s->name = build_string(&c->build, span_str(name));
    c->path = path;
    c->date_s = c->file_s = 0;
    c->digest = sha256_new();
    bool folder = S_ISDIR(st.st_mode);
    int result = folder ? read_folder(c, fd, "", 0) : read_file(c, fd, name, true);
    if (result == 0)
        return end_source(c, folder) < 0 ? err_prefix(c->e, "%s", path) : 0;
    sha256_free(c->digest);
    return err_prefix(c->e, "%s", path);
}

static void count_all(struct compiling *c)
{
    struct advisories_counts *sum = &c->out->counts;
    for (size_t i = 0; i < c->build.sources.count; i++) {
        const struct build_source *s = &BUILD_ROWS(&c->build, sources, struct build_source)[i];
        sum->refused += s->refused;
        sum->replaced += s->replaced;
        if (s->kind == SOURCE_KEV) {
            sum->kev += s->records;
            continue;
        }
        sum->records += s->records;
        sum->withdrawn += s->withdrawn;
        sum->without_packages += s->without_packages;
    }
}

int advisories_compile(struct child *parser, char *const *paths, size_t count, int64_t now_s, int fd,
                       const struct advisories_progress *progress, struct advisories_compiled *out, struct err *e)
{
    struct compiling c = {.parser = parser, .now_s = now_s, .progress = progress, .out = out, .e = e};
    int result = 0;
    *out = (struct advisories_compiled){0};
    build_init(&c.build);
    for (size_t i = 0; i < count && result == 0; i++)
        result = read_source(&c, paths[i]);
    if (result == 0) {
        count_all(&c);
        result = out->counts.records > 0 ? build_write(&c.build, fd, out, e)
                                         : err_set(e, ERR_INPUT, 0,
                                                   "no advisory in any source: KEV marks advisories, "
                                                   "and names no packages");
    }
    build_fini(&c.build);
    return result;
}
