/* The inventory of a path. Of a folder: first the records that say what is installed, then every file that they claim
 * or that can be run. Of an image: its layers, all at once. Of another file: one look. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "parse/inventory.h"
#include "parse/inventory_package.h"
#include "scan/inventory_image.h"
#include "scan/inventory_work.h"
#include "util/sys.h"

#define LIMIT_INVENTORY_DEPTH 64U
#define LIMIT_INVENTORY_FILES 2000000U
#define PROC_MAGIC            0x9fa0
#define SYS_MAGIC             0x62656572

/* ── the walk ── */

struct walk {
    struct scan_inventory *v;
    dev_t device;
    uint32_t layer;
};

static int not_itself(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static void walk_folder(struct walk *w, int dir, const char *path, unsigned depth);

/* What the kernel makes up is no file of the tree. */
static bool is_made_up(const struct walk *w, int dir, const struct stat *st)
{
    struct statfs fs;
    return st->st_dev != w->device && fstatfs(dir, &fs) == 0 && (fs.f_type == PROC_MAGIC || fs.f_type == SYS_MAGIC);
}

static void unread(struct walk *w, const char *path, const char *why)
{
    inventory_find(w->v, SEVERITY_HIGH, true, "unreadable", path, "%s", why);
}

static void walk_entry(struct walk *w, int dir, const char *name, const char *path, unsigned depth)
{
    struct inventory_store *m = w->v->store;
    struct stat st;
    char target[4096];
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        unread(w, path, strerror(errno));
    } else if (S_ISLNK(st.st_mode)) {
        ssize_t len = readlinkat(dir, name, target, sizeof target - 1);
        if (len > 0) {
            target[len] = '\0';
            model_link_add(m, model_text(m, path), model_text(m, target));
        }
    } else if (S_ISREG(st.st_mode)) {
        model_file_add(m, path, (uint64_t)st.st_size, st.st_mode & 07777, w->layer);
    } else if (S_ISDIR(st.st_mode)) {
        auto_fd fd = sys.openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        if (fd < 0)
            unread(w, path, strerror(errno));
        else if (!is_made_up(w, fd, &st))
            walk_folder(w, fd, path, depth + 1);
    }
}

static void walk_folder(struct walk *w, int dir, const char *path, unsigned depth)
{
    struct dirent **entries = NULL;
    int count = depth > LIMIT_INVENTORY_DEPTH ? -1 : scandirat(dir, ".", &entries, not_itself, alphasort);
    if (count < 0)
        unread(w, path, depth > LIMIT_INVENTORY_DEPTH ? "folders too deep" : strerror(errno));
    for (int i = 0; i < count; i++) {
        auto_buf inner = BUF(65536);
        buf_printf(&inner, "%s%s%s", path, path[0] ? "/" : "", entries[i]->d_name);
        if (w->v->store->file_count < LIMIT_INVENTORY_FILES)
            walk_entry(w, dir, entries[i]->d_name, buf_str(&inner), depth);
        free(entries[i]);
    }
    free(entries);
}

/* ── the two ways through a folder ── */

static void add_job(struct work *w, size_t *room, struct work_job job)
{
    w->jobs = model_grown(w->jobs, w->count, room, sizeof *w->jobs);
    w->jobs[w->count++] = job;
}

static void take_answers(struct scan_inventory *v, struct work *w, uint32_t layer)
{
    for (size_t i = 0; i < w->count; i++) {
        struct work_job *job = &w->jobs[i];
        json_t *facts = job->reply ? json_object_get(job->reply, "facts") : NULL;
        if (job->why.code != 0)
            inventory_find(v, SEVERITY_HIGH, true, job->unread ? "unreadable" : "scanner-failed", job->path, "%s",
                           job->why.msg);
        if (job->reply)
            inventory_take_findings(v, job->reply, job->path);
        if (facts)
            model_take(v->store, facts, layer);
        json_decref(job->reply);
    }
    free(w->jobs);
    w->jobs = NULL;
    w->count = 0;
}

/* A journal beside a database of SQLite holds rows that the database does not. */
static void check_journals(struct scan_inventory *v)
{
    const struct inventory_store *m = v->store;
    for (size_t i = 0; i < m->file_count; i++)
        if (m->files[i].size && (span_ends(span_str(m->files[i].path), SPAN_LIT("rpm/rpmdb.sqlite-wal")) ||
                                 span_ends(span_str(m->files[i].path), SPAN_LIT("rpm/rpmdb.sqlite-journal"))))
            inventory_find(v, SEVERITY_HIGH, true, "rpmdb-journal", m->files[i].path,
                           "the package database was not closed: what stands in its journal is not read");
}

static int read_records(struct scan_inventory *v, int root, uint32_t layer, struct err *e)
{
    struct inventory_store *m = v->store;
    struct work w = {.store = m, .root = root};
    size_t room = 0;
    for (uint32_t i = 0; i < m->file_count; i++)
        if (inventory_wants(m->files[i].path))
            add_job(&w, &room, (struct work_job){.fd = -1, .path = m->files[i].path, .file = UINT32_MAX, .look = true});
    int result = work_run(&w, e);
    take_answers(v, &w, layer);
    return result;
}

/* What is claimed, what may be run, what may be loaded. */
static int read_files(struct scan_inventory *v, int root, uint32_t layer, struct err *e)
{
    struct inventory_store *m = v->store;
    struct work w = {.store = m, .root = root};
    size_t room = 0;
    for (uint32_t i = 0; i < m->file_count; i++) {
        const struct model_file *f = &m->files[i];
        const char *slash = strrchr(f->path, '/'), *base = slash ? slash + 1 : f->path;
        if (model_claims_of(m, f->path) || (f->mode & 0111) || strstr(base, ".so") || strstr(base, ".ko") ||
            inventory_is_package(base) || inventory_is_system_image(base) || inventory_is_model(base))
            add_job(&w, &room, (struct work_job){.fd = -1, .path = f->path, .file = i});
    }
    int result = work_run(&w, e);
    size_t before = m->package_count;
    take_answers(v, &w, layer);
    if (m->package_count > before) {
        model_join(m);
        model_licences(m);
    }
    return result;
}

static int read_folder(struct scan_inventory *v, int root, struct err *e)
{
    struct stat st;
    struct walk w = {.v = v, .layer = model_layer(v->store, "")};
    if (fstat(root, &st) < 0)
        return err_set(e, ERR_IO, errno, "fstat");
    w.device = st.st_dev;
    walk_folder(&w, root, "", 0);
    if (v->store->file_count >= LIMIT_INVENTORY_FILES)
        unread(&w, "", "more files than an inventory holds");
    if (read_records(v, root, w.layer, e) < 0)
        return -1;
    model_resolve(v);
    if (read_files(v, root, w.layer, e) < 0)
        return -1;
    check_journals(v);
    return 0;
}

/* ── one file ── */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static int read_file(struct scan_inventory *v, int fd, const char *path, uint64_t size, struct err *e)
{
    struct inventory_store *m = v->store;
    struct work_job job = {
        .fd = fd, .path = model_text(m, base_of(path)), .file = UINT32_MAX, .look = true, .top = true};
    struct work w = {.store = m, .root = -1, .jobs = &job, .count = 1, .want_sha256 = true};
    if (work_run(&w, e) < 0)
        return -1;
    if (job.why.code != 0)
        inventory_find(v, SEVERITY_HIGH, true, "scanner-failed", job.path, "%s", job.why.msg);
    struct digest *digest = model_block(m, sizeof *digest);
    *digest = size ? job.digest : digest_of(span_of("", 0));
    v->sbom.subject.digest = digest;
    v->sbom.subject.size = size;
    int result = 0;
    if (job.reply) {
        json_t *facts = json_object_get(job.reply, "facts");
        inventory_take_findings(v, job.reply, job.path);
        if (json_object_get(facts, "images")) {
            v->sbom.subject.type = "container";
            result = inventory_image_tar(v, fd, json_object_get(facts, "images"), e);
        } else {
            uint32_t layer = model_layer(m, "");
            if (inventory_is_model(job.path)) {
                uint32_t file = model_file_add(m, job.path, size, 0, layer);
                m->files[file].hashes[2] = model_text(m, digest_hex(digest).text);
            }
            model_take(m, facts, layer);
            model_resolve(v);
        }
    }
    json_decref(job.reply);
    return result;
}

/* ── any path ── */

static void finish(struct scan_inventory *v)
{
    struct inventory_store *m = v->store;
    model_verify(v);
    model_pins(v);
    model_components(v);
    v->files += m->file_count;
}

/* The same tree gives the same number. */
static void put_seed(struct scan_inventory *v)
{
    struct sha256 *h = sha256_new();
    for (size_t i = 0; i < v->sbom.count; i++) {
        const struct sbom_component *c = &v->sbom.components[i];
        const char *const parts[] = {c->type, c->name, c->version, c->purl, c->found_count ? c->found[0] : ""};
        for (size_t k = 0; k < ARRAY_LEN(parts); k++)
            sha256_add(h, parts[k] ? parts[k] : "", strlen(parts[k] ? parts[k] : "") + 1);
        if (c->digest)
            sha256_add(h, c->digest->bytes, sizeof c->digest->bytes);
    }
    sha256_add(h, v->sbom.subject.name, strlen(v->sbom.subject.name));
    v->sbom.seed = sha256_finish(h);
}

static void put_comment(struct scan_inventory *v)
{
    auto_buf text = BUF(4096);
    for (size_t i = 0; i < v->finding_count; i++)
        if (v->findings[i].unread && text.len < 2048)
            buf_printf(&text, "%s%.200s: %.200s", text.len ? "; " : "not read: ", v->findings[i].path,
                       v->findings[i].message);
    if (text.len)
        v->sbom.comment = model_text(v->store, buf_str(&text));
}

static int read_any(struct scan_inventory *v, int fd, const struct stat *st, const char *path, struct err *e)
{
    if (!S_ISDIR(st->st_mode))
        return read_file(v, fd, path, (uint64_t)st->st_size, e);
    if (inventory_is_layout(fd)) {
        v->sbom.subject.type = "container";
        return inventory_image_layout(v, fd, e);
    }
    v->sbom.subject.type = "application";
    return read_folder(v, fd, e);
}

int scan_inventory_path(const char *path, int64_t time_s, struct scan_inventory *out, struct err *e)
{
    struct stat st;
    *out = (struct scan_inventory){.store = model_new()};
    auto_fd fd = sys.openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(e, errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND : ERR_IO, errno, "%s", path);
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        return err_set(e, ERR_USAGE, 0, "%s is neither a file nor a folder", path);
    auto_buf clean = BUF(8192);
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    buf_add(&clean, path, len);
    out->sbom.time_s = time_s;
    out->sbom.subject.type = "file";
    out->sbom.subject.name = model_text(out->store, base_of(buf_str(&clean)));
    if (read_any(out, fd, &st, buf_str(&clean), e) < 0)
        return -1;
    finish(out);
    put_seed(out);
    put_comment(out);
    return 0;
}

void scan_inventory_fini(struct scan_inventory *v)
{
    free(v->findings);
    model_free(v->store);
    *v = (struct scan_inventory){0};
}
