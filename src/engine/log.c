#include "engine/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "util/clock.h"

#define SETTLE_MS 300

struct engine_log {
    int dir, input, wake;
    int file; /* the thread's own */
    uint64_t written;
    pthread_t thread;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t at_end;
    char tail[ENGINE_LOG_TAIL]; /* a ring */
    uint64_t printed;           /* bytes since the start */
    bool end;                   /* nobody can print any more */
};

static void keep(struct engine_log *l, const char *bytes, size_t len)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < len; i++)
        l->tail[l->printed++ % ENGINE_LOG_TAIL] = bytes[i];
    pthread_mutex_unlock(&l->lock);
}

static void open_file(struct engine_log *l)
{
    l->file = openat(l->dir, "log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    l->written = 0;
}

/* A log that cannot be written (a full disk, for one) is no reason to stop an engine. */
static void store(struct engine_log *l, const char *bytes, size_t len)
{
    if (l->written + len > ENGINE_LOG_BYTES) {
        close(l->file);
        renameat(l->dir, "log", l->dir, "log.1");
        open_file(l);
    }
    ssize_t put = l->file >= 0 ? write(l->file, bytes, len) : -1;
    if (put > 0)
        l->written += (uint64_t)put;
}

/* False at the end of the stream. */
static bool take(struct engine_log *l)
{
    char bytes[16384];
    ssize_t got = read(l->input, bytes, sizeof bytes);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    if (got == 0)
        return false;
    keep(l, bytes, (size_t)got);
    store(l, bytes, (size_t)got);
    return true;
}

static void *run(void *arg)
{
    struct engine_log *l = arg;
    for (bool more = true; more;) {
        struct pollfd p[2] = {{.fd = l->input, .events = POLLIN}, {.fd = l->wake, .events = POLLIN}};
        if (poll(p, 2, -1) < 0)
            continue;
        if (p[0].revents)
            more = take(l);
        else
            more = !p[1].revents;
    }
    pthread_mutex_lock(&l->lock);
    l->end = true;
    pthread_cond_broadcast(&l->at_end);
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static void log_free(struct engine_log *l)
{
    int fds[] = {l->dir, l->input, l->wake, l->file};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    pthread_cond_destroy(&l->at_end);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void init_lock(struct engine_log *l)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->at_end, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

struct engine_log *engine_log_start(int dir, int *output, struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        err_set(e, ERR_IO, errno, "make a pipe for the engine's output");
        return NULL;
    }
    struct engine_log *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    init_lock(l);
    l->dir = fcntl(dir, F_DUPFD_CLOEXEC, 3);
    l->input = ends[0];
    l->wake = eventfd(0, EFD_CLOEXEC);
    open_file(l);
    int result = l->dir < 0 || l->wake < 0 || l->file < 0 ? errno : pthread_create(&l->thread, NULL, run, l);
    if (result == 0) {
        *output = ends[1];
        return l;
    }
    close(ends[1]);
    log_free(l);
    err_set(e, ERR_IO, result, "start the engine's log");
    return NULL;
}

static void settle(struct engine_log *l)
{
    int64_t ns = clock_mono_ns() + SETTLE_MS * 1000000LL;
    struct timespec until = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    while (!l->end && pthread_cond_timedwait(&l->at_end, &l->lock, &until) == 0)
        continue;
}

/* Where the last `lines` lines begin. */
static const char *last_lines(const char *text, size_t len, unsigned lines)
{
    const char *from = text + len;
    while (from > text && lines > 0) {
        from--;
        if (from > text && from[-1] == '\n')
            lines--;
    }
    return from;
}

/* Control bytes, C1 ones in UTF-8 and halves of characters must not reach a terminal. */
static void add_clean(struct buf *out, const char *text, const char *end)
{
    for (; text < end; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '\n')
            buf_add_str(out, text + 1 < end ? " | " : "");
        else
            buf_add_byte(out, c < 0x20 || c >= 0x7f ? '?' : c);
    }
}

void engine_log_tail(struct engine_log *l, unsigned lines, bool ended, struct buf *out)
{
    char text[ENGINE_LOG_TAIL];
    size_t len = 0;
    pthread_mutex_lock(&l->lock);
    if (ended)
        settle(l);
    uint64_t from = l->printed > ENGINE_LOG_TAIL ? l->printed - ENGINE_LOG_TAIL : 0;
    for (uint64_t i = from; i < l->printed; i++)
        text[len++] = l->tail[i % ENGINE_LOG_TAIL];
    pthread_mutex_unlock(&l->lock);
    while (len > 0 && text[len - 1] == '\n')
        len--;
    add_clean(out, last_lines(text, len, lines), text + len);
}

void engine_log_stop(struct engine_log *l)
{
    if (!l)
        return;
    uint64_t one = 1;
    ssize_t woken = write(l->wake, &one, sizeof one);
    (void)woken; /* an eventfd takes its first number */
    pthread_join(l->thread, NULL);
    log_free(l);
}
