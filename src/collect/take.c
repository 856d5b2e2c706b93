/* From what a client left to what is collected. The client has ended, and its box with it: nobody writes there any
 * more, but what stands there, links and all, is whatever it wanted. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "collect/collecting.h"
#include "parse/report.h"
#include "silence/event.h"
#include "util/encode.h"
#include "util/file.h"
#include "util/limits.h"

int left_open(int dir, const char *path, uint64_t *size, struct err *e)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    struct stat st;
    auto_fd fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_INPUT, errno,
                       "%.200s, which the client should have left", path);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, 0, "%.200s, which the client left, is no regular file", path);
    *size = (uint64_t)st.st_size;
    return fd_steal(&fd);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void auto_close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

int left_list(int dir, const char *path, struct left *out, struct err *e)
{
    *out = (struct left){.names = calloc(LEFT_MAX + 1, sizeof *out->names)};
    if (!out->names)
        abort();
    int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    AUTO(auto_close_dir) DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (!entries)
        return err_set(e, ERR_IO, errno, "list the folder %s of a client", path);
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (out->count == LEFT_MAX)
            return err_set(e, ERR_LIMIT, 0, "a client left more than %u files", LEFT_MAX);
        if (!(out->names[out->count++] = strdup(entry->d_name)))
            abort();
    }
    qsort(out->names, out->count, sizeof *out->names, by_name);
    return 0;
}

void left_fini(struct left *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->names[i]);
    free(l->names);
    *l = (struct left){0};
}

int work_write(int work, const char *path, struct span text, struct err *e)
{
    return file_write(work, path, text, 0600, e);
}

/* ── tokens ── */

int token_read(const struct collecting *c, const char *file, char out[1024], struct err *e)
{
    auto_buf text = BUF(1024);
    if (file_read(c->dir, file, &text, e) < 0)
        return -1;
    size_t len = strcspn(buf_str(&text), "\r\n");
    for (size_t i = 0; i < len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || text.ptr[i] == '"')
            return err_set(e, ERR_INPUT, 0, "%s: wanted one line with a token", file);
    if (len == 0 || len >= 1024)
        return err_set(e, ERR_INPUT, 0, "%s: wanted one line with a token", file);
    snprintf(out, 1024, "%.*s", (int)len, buf_str(&text));
    return 0;
}

int token_netrc(const struct collecting *c, int work, const char *url, const char *token_file, struct err *e)
{
    auto_buf text = BUF(4096);
    char token[1024];
    struct url u;
    if (!token_file)
        return 0;
    if (token_read(c, token_file, token, e) < 0 || url_read(url, &u, e) < 0)
        return -1;
    buf_printf(&text, "machine %s login airlock password %s\n", u.host, token);
    return work_write(work, "home/.netrc", buf_span(&text), e);
}

/* ── one file ── */

/* A file's bytes, to be hashed. */
struct mapped {
    void *ptr;
    size_t len;
};

static void unmap(struct mapped *m)
{
    if (m->len)
        munmap(m->ptr, m->len);
}

static int map(int fd, uint64_t size, struct mapped *out, struct err *e)
{
    *out = (struct mapped){0};
    if (size == 0)
        return 0;
    void *ptr = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (ptr == MAP_FAILED)
        return err_set(e, ERR_IO, errno, "map a file of %llu bytes", (unsigned long long)size);
    *out = (struct mapped){ptr, size};
    return 0;
}

/* The names that a lock may pin a file by. */
struct sums {
    char sha256[2 * 32 + 1], sha384[2 * 48 + 1], sha512[2 * 64 + 1];
};

static void sum(enum hash kind, struct span bytes, char *hex)
{
    uint8_t raw[HASH_SIZE_MAX];
    hash_bytes(kind, bytes, raw);
    hex_encode(span_of(raw, hash_size(kind)), hex);
}

static int sums_of(int fd, uint64_t size, struct sums *out, struct err *e)
{
    AUTO(unmap) struct mapped m = {0};
    if (map(fd, size, &m, e) < 0)
        return -1;
    sum(HASH_SHA256, span_of(m.ptr, m.len), out->sha256);
    sum(HASH_SHA384, span_of(m.ptr, m.len), out->sha384);
    sum(HASH_SHA512, span_of(m.ptr, m.len), out->sha512);
    return 0;
}

static bool allows(const struct lock_package *p, const struct sums *s)
{
    return lock_allows(p, "sha256", s->sha256) || lock_allows(p, "sha384", s->sha384) ||
           lock_allows(p, "sha512", s->sha512);
}

const struct lock_package *pinned_by(const struct lock *lock, int dir, const char *path, struct err *e)
{
    uint64_t size;
    struct sums sums;
    auto_fd fd = left_open(dir, path, &size, e);
    if (fd < 0 || sums_of(fd, size, &sums, e) < 0)
        return NULL;
    for (size_t i = 0; i < lock->count; i++)
        if (allows(&lock->packages[i], &sums))
            return &lock->packages[i];
    err_set(e, ERR_INPUT, 0, "%s: the upstream sent bytes that %s does not pin; they hash to sha256:%s",
            strrchr(path, '/') ? strrchr(path, '/') + 1 : path, lock->file, sums.sha256);
    return NULL;
}

static int check_identity(const struct lock_package *p, const struct package *found, struct err *e)
{
    bool exact = strcmp(p->ecosystem, "pypi") != 0; /* PyPI's versions have several ways to be written; pip compared */
    if (strcmp(found->ecosystem, p->ecosystem) == 0 && strcmp(found->name, p->name) == 0 &&
        (!exact || strcmp(found->version, p->version) == 0))
        return 0;
    return err_set(e, ERR_INPUT, 0, "%s: calls itself %s %s (%s); the lock says %s %s (%s)", found->filename,
                   found->name, found->version, found->ecosystem, p->name, p->version, p->ecosystem);
}

static char *copy(const char *text)
{
    char *out = text ? strdup(text) : NULL;
    if (text && !out)
        abort();
    return out;
}

static struct package *find(struct collecting *c, const struct lock_package *p, const char *filename)
{
    for (size_t i = 0; i < c->packages.count; i++) {
        struct package *one = &c->packages.items[i];
        if (strcmp(one->ecosystem, p->ecosystem) == 0 && strcmp(one->name, p->name) == 0 &&
            strcmp(one->filename, filename) == 0)
            return one;
    }
    return NULL;
}

/* The same file for a second group travels where either does: prod is what must not miss it. */
static int merge(struct package *known, const struct lock_package *p, const struct digest *id, struct err *e)
{
    if (!digest_equal(&known->digest, id))
        return err_set(e, ERR_INPUT, 0, "%s: two locks pin two different files of this name: %s and %s",
                       known->filename, digest_text(&known->digest).text, digest_text(id).text);
    if (strcmp(p->group, "prod") == 0) {
        free(known->group);
        known->group = copy(p->group);
    }
    return 0;
}

/* The first finding that counts: what is of severity info or low blocks nowhere. */
static const json_t *worst_of(const json_t *report)
{
    const json_t *finding;
    size_t i;
    json_array_foreach(json_object_get(report, "findings"), i, finding)
    {
        const char *severity = json_get_string(finding, "severity", "");
        if (strcmp(severity, "info") != 0 && strcmp(severity, "low") != 0)
            return finding;
    }
    return NULL;
}

int take_judge(const json_t *report, const char *filename, struct err *e)
{
    enum verdict verdict;
    char at[200], what[400];
    if (!verdict_from_name(json_get_string(report, "verdict", ""), &verdict))
        return err_set(e, ERR_UNDECIDED, 0, "%s: the parse process gave no verdict", filename);
    if (!verdict_blocks(verdict))
        return 0;
    const json_t *found = worst_of(report);
    clean_text(at, sizeof at, json_get_string(found, "at", ""));
    clean_text(what, sizeof what, json_get_string(found, "message", "its content is wrong"));
    return err_set(e, ERR_INPUT, 0, "%s: %s%s%s (%s): no release could bring it", filename, at, at[0] ? ": " : "", what,
                   found ? json_get_string(found, "rule", "") : verdict_name(verdict));
}

/* What it says that it is, and its blobs: the file, and a wheel's METADATA, which indexes hand out beside it. */
static int describe(struct collecting *c, const struct lock_package *p, int fd, struct package *out,
                    const char *filename, struct err *e)
{
    auto_buf metadata = BUF(LIMIT_MESSAGE_BYTES);
    auto_json report = NULL;
    struct digest id;
    if (package_look(c->parser, fd, filename, NULL, out, &metadata, &report, e) < 0 || check_identity(p, out, e) < 0)
        return -1;
    if (take_judge(report, filename, e) < 0)
        return err_hint(e, "Pin another version of %s, or have whoever made this file mend it", p->name);
    if (!metadata.len)
        return 0;
    if (blob_put(c->s->blobs, buf_span(&metadata), &id, e) < 0)
        return -1;
    json_object_set_new(out->about, "metadata", json_string(digest_text(&id).text));
    json_object_set_new(out->about, "metadata-size", json_integer((json_int_t)metadata.len));
    return 0;
}

int take_file(struct collecting *c, const struct lock_package *p, int dir, const char *path, const char *filename,
              const char *source, struct err *e)
{
    AUTO(package_fini) struct package package = {0};
    struct sums sums;
    struct digest id;
    uint64_t size;
    auto_fd fd = left_open(dir, path, &size, e);
    if (fd < 0 || sums_of(fd, size, &sums, e) < 0)
        return -1;
    if (p->hash_count && !allows(p, &sums))
        return err_set(e, ERR_INPUT, 0,
                       "%s: the upstream sent other bytes than the lock pins for %s %s; they hash to sha256:%s",
                       filename, p->name, p->version, sums.sha256);
    if (!digest_from_hex(span_str(sums.sha256), &id))
        return err_set(e, ERR_IO, 0, "%s: its hash", filename);
    struct package *known = find(c, p, filename);
    if (known)
        return merge(known, p, &id, e);
    if (describe(c, p, fd, &package, filename, e) < 0)
        return -1;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_set(e, ERR_IO, errno, "lseek");
    if (blob_put_fd(c->s->blobs, fd, &id, &package.digest, &package.size, e) < 0)
        return err_prefix(e, "%s", filename);
    package.group = copy(p->group);
    package.source = copy(source);
    packages_add(&c->packages, &package);
    return 0;
}

int take_evidence(struct collecting *c, int dir, const char *path, const char *name, struct err *e)
{
    struct digest id;
    uint64_t size;
    auto_fd fd = left_open(dir, path, &size, e);
    if (fd < 0)
        return -1;
    if (size > LIMIT_JSON_BYTES)
        return err_set(e, ERR_LIMIT, 0, "%s has %llu bytes", name, (unsigned long long)size);
    if (blob_put_fd(c->s->blobs, fd, NULL, &id, &size, e) < 0)
        return -1;
    for (size_t i = 0; i < c->packages.evidence_count; i++)
        if (digest_equal(&c->packages.evidence[i].digest, &id))
            return 0; /* two sets of one archive */
    packages_add_evidence(&c->packages, "apt-inrelease", name, &id, size);
    return 0;
}
