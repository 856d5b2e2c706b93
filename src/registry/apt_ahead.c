#include "registry/apt_ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/apt_key.h"
#include "registry/apt_state.h"
#include "util/clock.h"
#include "util/file.h"

#define FOLDER   "run/apt"
#define COMING   "coming" /* of an environment: not named yet, under the lock */
#define LIST     "list"
#define LIST_MAX 65536U

struct apt_ahead {
    struct site *s;
    struct index_signer signer;
    int dir, lock; /* FOLDER/ENVIRONMENT, and the lock beside it; -1: nothing is being made */
    const char *environment;
    struct digest before; /* the state that the index follows */
    bool complete;
};

struct apt_ahead *apt_ahead_new(struct site *s, struct index_signer signer)
{
    struct apt_ahead *a = calloc(1, sizeof(*a));
    if (!a)
        abort();
    *a = (struct apt_ahead){.s = s, .signer = signer, .dir = -1, .lock = -1};
    return a;
}

static void give_up(struct apt_ahead *a)
{
    struct err ignored = {0};
    if (a->dir >= 0)
        (void)tree_remove(a->dir, COMING, &ignored);
    auto_close_fd(&a->dir);
    auto_close_fd(&a->lock);
    a->dir = a->lock = -1;
    a->complete = false;
}

void apt_ahead_free(struct apt_ahead *a)
{
    if (!a)
        return;
    give_up(a);
    free(a);
}

/* ── files ── */

static int copy_file(const struct apt_file *f, int dir, const char *name, struct err *e)
{
    auto_fd to = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    if (to < 0)
        return err_set(e, ERR_IO, errno, FOLDER ": make a file");
    off_t at = 0;
    while ((uint64_t)at < f->size) {
        ssize_t n = sendfile(to, f->fd, &at, f->size - (uint64_t)at);
        if (n <= 0)
            return err_set(e, ERR_IO, errno, FOLDER ": write a file");
    }
    return 0;
}

static int save(const struct apt_index *x, int parent, struct err *e)
{
    auto_buf list = BUF(LIST_MAX);
    char name[16];
    if (mkdirat(parent, COMING, 0700) < 0)
        return err_set(e, ERR_IO, errno, FOLDER ": make a folder");
    auto_fd dir = dir_open(parent, COMING, e);
    for (size_t i = 0; dir >= 0 && i < x->count; i++) {
        const struct apt_file *f = &x->files[i];
        snprintf(name, sizeof(name), "%zu", i);
        if (copy_file(f, dir, name, e) < 0)
            return -1;
        buf_printf(&list, "%s %llu %s\n", digest_hex(&f->sha256).text, (unsigned long long)f->size, f->path);
    }
    return dir >= 0 && buf_check(&list, LIST, e) == 0 ? file_write(dir, LIST, buf_span(&list), 0400, e) : -1;
}

static bool hashes_to(int fd, uint64_t size, const struct digest *wanted)
{
    struct err ignored = {0};
    struct buf bytes = BUF(size);
    bool good = file_read_fd(fd, LIST, &bytes, &ignored) == 0 && bytes.len == size;
    struct digest found = digest_of(buf_span(&bytes));
    buf_fini(&bytes);
    return good && digest_equal(&found, wanted);
}

static bool load_file(int dir, size_t number, struct span line, struct apt_index *out)
{
    struct span hex, size;
    struct apt_file f = {.fd = -1};
    char name[16];
    if (out->count == APT_FILES_MAX || !span_take_until(&line, ' ', &hex) || !span_take_until(&line, ' ', &size) ||
        !digest_from_hex(hex, &f.sha256) || !span_decimal(size, &f.size) || line.len >= sizeof(f.path))
        return false;
    memcpy(f.path, line.ptr, line.len);
    snprintf(name, sizeof(name), "%zu", number);
    auto_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || !hashes_to(fd, f.size, &f.sha256))
        return false;
    f.fd = fd_steal(&fd);
    out->files[out->count++] = f;
    return true;
}

bool apt_ahead_find(const char *home, const char *environment, const struct digest *state, struct apt_index *out)
{
    char path[4096];
    struct err ignored = {0};
    auto_buf list = BUF(LIST_MAX);
    struct span line, rest;
    snprintf(path, sizeof(path), "%s/" FOLDER "/%s/%s", home, environment, digest_hex(state).text);
    auto_fd dir = dir_open(AT_FDCWD, path, &ignored);
    if (dir < 0 || file_read(dir, LIST, &list, &ignored) < 0)
        return false;
    rest = buf_span(&list);
    for (size_t number = 0; span_take_until(&rest, '\n', &line); number++)
        if (!load_file(dir, number, line, out)) {
            apt_index_fini(out);
            return false;
        }
    return out->count > 0;
}

/* ── before the pointer moves ── */

/* Of the environment as it will be: the pointer is moved, looked at, and the transaction taken back. */
static int look_ahead(struct apt_ahead *a, const struct pointer_row *next, struct apt_release *about,
                      struct apt_packages **packages, struct err *e)
{
    struct digest unused;
    struct mirror m = {.db = a->s->db};
    snprintf(m.environment, sizeof(m.environment), "%s", next->environment);
    if (db_begin(a->s->db, e) < 0)
        return -1;
    int result = apt_state(a->s->db, next->environment, a->signer.label, about, &a->before, e);
    if (result >= 0)
        result = db_pointer_set(a->s->db, next, e);
    if (result == 0)
        result = apt_state(a->s->db, next->environment, a->signer.label, about, &unused, e) < 0 ? -1 : 0;
    *packages = result == 0 ? apt_packages_of(&m, e) : NULL;
    db_rollback(a->s->db);
    return *packages ? 0 : -1;
}

/* FOLDER/ENVIRONMENT without what lies there of earlier promotions. */
static int open_folder(struct apt_ahead *a, struct err *e)
{
    char path[64], lock[64];
    snprintf(path, sizeof(path), FOLDER "/%s", a->environment);
    snprintf(lock, sizeof(lock), FOLDER "/%s.lock", a->environment);
    if (dir_make(a->s->dir, "run", 0700, e) < 0 || dir_make(a->s->dir, FOLDER, 0700, e) < 0 ||
        (a->lock = file_lock(a->s->dir, lock, true, e)) < 0 || tree_remove(a->s->dir, path, e) < 0 ||
        dir_make(a->s->dir, path, 0700, e) < 0)
        return -1;
    a->dir = dir_open(a->s->dir, path, e);
    return a->dir < 0 ? -1 : 0;
}

static int make(struct apt_ahead *a, const struct pointer_row *next, struct err *e)
{
    struct apt_release about;
    struct apt_packages *packages = NULL;
    struct apt_index index = {.count = 0};
    int result = look_ahead(a, next, &about, &packages, e);
    if (result == 0 && apt_packages_count(packages) > 0)
        result = open_folder(a, e) < 0 || apt_index_make(packages, &about, &a->signer, &index, e) < 0 ||
                         save(&index, a->dir, e) < 0
                     ? -1
                     : 1;
    apt_index_fini(&index);
    apt_packages_free(packages);
    return result;
}

static void coming(void *arg, const char *environment, const char *name, const struct digest *release)
{
    struct apt_ahead *a = arg;
    struct err ignored = {0}; /* whoever asks first has it made, and is told */
    auto_buf key = BUF(128);
    struct pointer_row next = {
        .environment = environment, .name = name, .release = *release, .time_s = clock_now_s(), .action = "promote"};
    give_up(a);
    a->environment = environment;
    if (db_meta_get(a->s->db, APT_KEY_META, &key, &ignored) == 0)
        a->complete = make(a, &next, &ignored) > 0;
    if (!a->complete)
        give_up(a);
}

/* An index that follows another state than clients have seen could have an older date than that one's. */
static void moving(void *arg)
{
    struct apt_ahead *a = arg;
    struct err ignored = {0};
    struct apt_release about;
    struct digest now;
    if (a->complete && (apt_state(a->s->db, a->environment, a->signer.label, &about, &now, &ignored) < 0 ||
                        !digest_equal(&now, &a->before)))
        give_up(a);
}

static void moved(void *arg)
{
    struct apt_ahead *a = arg;
    struct err ignored = {0};
    struct apt_release about;
    struct digest now;
    if (a->complete && apt_state(a->s->db, a->environment, a->signer.label, &about, &now, &ignored) > 0)
        (void)renameat(a->dir, COMING, a->dir, digest_hex(&now).text);
    give_up(a);
}

struct promotion_watcher apt_ahead_watcher(struct apt_ahead *a)
{
    return (struct promotion_watcher){.coming = coming, .moving = moving, .moved = moved, .arg = a};
}
