#include "scan/inventory_work.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "parse/inventory.h"
#include "parse/inventory_package.h"
#include "util/encode.h"
#include "util/limits.h"
#include "util/sys.h"

#define THREADS_MAX 16U
#define FIRST_BYTES 4096U /* of a file, which say what it is */
#define CHUNK_BYTES (256U << 10)

struct shared {
    struct work *work;
    atomic_size_t next;
    atomic_bool failed;
    struct err why; /* of the first that had no helper */
};

/* ── one file ── */

static int open_below(int root, const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static json_t *ask(struct child *parser, int fd, const struct work_job *job, struct err *e)
{
    auto_buf arg = BUF(65536);
    struct json_out w;
    json_out_init(&w, &arg);
    json_out_object(&w);
    json_put_string(&w, "path", job->path);
    json_put_bool(&w, "layer", job->layer);
    json_put_bool(&w, "top", job->top);
    if (job->size) {
        json_put_uint(&w, "offset", job->offset);
        json_put_uint(&w, "size", job->size);
    }
    json_out_object_end(&w);
    struct child_request request = {.op = "inventory", .fd = fd, .arg = buf_span(&arg), .timeout_ms = SCAN_TIMEOUT_MS};
    return child_call_json(parser, &request, job->path, e);
}

static const char *class_of(struct span bytes, unsigned mode)
{
    if (span_starts(bytes, SPAN_LIT("\x7f"
                                    "ELF")))
        return "elf";
    if ((mode & 0111) == 0)
        return "";
    return span_starts(bytes, SPAN_LIT("#!")) ? "script" : "program";
}

static char *hex_copy(const struct hashes *hashes, enum hash kind)
{
    char *hex = malloc(2 * HASH_SIZE_MAX + 1);
    if (!hex)
        abort();
    hex_encode(span_of(hashes->raw[kind], hash_size(kind)), hex);
    return hex;
}

/* Piece by piece: a file that is mapped as a whole would count as memory for as long. */
static int hash_file(int fd, size_t size, unsigned wanted, struct hashes *out)
{
    auto_free uint8_t *chunk = malloc(CHUNK_BYTES);
    struct hasher *h = hasher_new(wanted);
    if (!chunk)
        abort();
    for (size_t at = 0; at < size && wanted;) {
        ssize_t got = pread(fd, chunk, size - at < CHUNK_BYTES ? size - at : CHUNK_BYTES, (off_t)at);
        if (got <= 0) {
            hasher_free(h);
            return -1;
        }
        hasher_add(h, chunk, (size_t)got);
        at += (size_t)got;
    }
    hasher_finish(h, out);
    return 0;
}

/* A file of a folder: held against the claims about it. What runs and nobody owns, package files and models get their
 * hashes written down. */
static int look_at_file(struct work *w, struct model_file *f, int fd, size_t size, struct span first, unsigned wanted,
                        struct hashes *hashes)
{
    bool package = inventory_is_package(f->path);
    unsigned claims = model_hashes_wanted(w->store, f);
    f->class = class_of(first, f->mode);
    bool keep = package || inventory_is_model(f->path) || (f->class[0] && !claims);
    wanted |= claims | (keep ? HASH_BIT(HASH_SHA256) : 0) | (package ? HASH_BIT(HASH_SHA512) : 0);
    if (hash_file(fd, size, wanted, hashes) < 0)
        return -1;
    model_check_hashes(w->store, f, hashes);
    if (f->class[0] && !keep && !f->agrees) { /* of the few that differ from their record */
        keep = true;
        if (!(wanted & HASH_BIT(HASH_SHA256)) && hash_file(fd, size, HASH_BIT(HASH_SHA256), hashes) < 0)
            return -1;
    }
    if (keep)
        f->hashes[2] = f->owned_hashes[0] = hex_copy(hashes, HASH_SHA256);
    if (package)
        f->sha512 = f->owned_hashes[1] = hex_copy(hashes, HASH_SHA512);
    return 0;
}

/* Hashes what is asked for; whether a helper should look at it too, its first bytes say. */
static int look_at_bytes(struct work *w, struct work_job *job, int fd, size_t size, bool *look)
{
    uint8_t first[FIRST_BYTES];
    struct hashes hashes;
    ssize_t got = pread(fd, first, size < sizeof(first) ? size : sizeof(first), 0);
    struct span begin = span_of(first, got > 0 ? (size_t)got : 0);
    struct model_file *f = job->file == UINT32_MAX ? NULL : &w->store->files[job->file];
    unsigned wanted = w->want_sha256 ? HASH_BIT(HASH_SHA256) : 0;
    if (got <= 0 ||
        (f ? look_at_file(w, f, fd, size, begin, wanted, &hashes) : hash_file(fd, size, wanted, &hashes)) < 0)
        return -1;
    if (w->want_sha256)
        memcpy(job->digest.bytes, hashes.raw[HASH_SHA256], DIGEST_SIZE);
    *look = job->look || (f && inventory_wants_bytes(begin));
    return 0;
}

static void do_job(struct shared *s, struct child *parser, struct work_job *job)
{
    struct work *w = s->work;
    struct stat st;
    auto_fd own = job->fd < 0 ? open_below(w->root, job->path) : -1;
    int fd = job->fd < 0 ? own : job->fd;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        job->unread = true;
        err_set(&job->why, ERR_IO, errno, "cannot be opened");
        return;
    }
    bool look = job->look;
    bool hash = w->want_sha256 || job->file != UINT32_MAX;
    if (hash && st.st_size > 0 && look_at_bytes(w, job, fd, (size_t)st.st_size, &look) < 0) {
        job->unread = true;
        err_set(&job->why, ERR_IO, errno, "cannot be read");
        return;
    }
    if (look)
        job->reply = ask(parser, fd, job, &job->why);
}

/* ── the threads ── */

static void *run(void *arg)
{
    struct shared *s = arg;
    struct err why = {0};
    struct child *parser = child_start(ROLE_PARSE, &why);
    if (!parser) {
        if (!atomic_exchange(&s->failed, true))
            s->why = why;
        return NULL;
    }
    for (;;) {
        size_t i = atomic_fetch_add(&s->next, 1);
        if (i >= s->work->count || atomic_load(&s->failed))
            break;
        do_job(s, parser, &s->work->jobs[i]);
    }
    child_stop(parser);
    return NULL;
}

static size_t thread_count(size_t jobs)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = processors > 0 ? (size_t)processors : 1;
    count = count > THREADS_MAX ? THREADS_MAX : count;
    return count > jobs ? jobs : count;
}

int work_run(struct work *w, struct err *e)
{
    struct shared s = {.work = w};
    pthread_t threads[THREADS_MAX];
    size_t count = thread_count(w->count), started = 0;
    while (started < count && pthread_create(&threads[started], NULL, run, &s) == 0)
        started++;
    if (started == 0 && w->count)
        run(&s);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (!atomic_load(&s.failed))
        return 0;
    *e = s.why;
    return -1;
}
