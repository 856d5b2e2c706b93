#include "cli/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/file.h"

/* Refusals that are told one by one on a terminal; the count is always said. */
#define REFUSALS_SHOWN 20U

struct telling {
    bool on;
    int64_t drawn_ms;
};

static void step(void *arg, const char *source, uint64_t files)
{
    struct telling *t = arg;
    int64_t now_ms = clock_mono_ms();
    if (!t->on || now_ms - t->drawn_ms < 200)
        return;
    t->drawn_ms = now_ms;
    fprintf(stderr, "\r\033[K%.60s: %llu files", source, (unsigned long long)files);
}

static void tell_refusals(const struct invocation *in, const struct advisories_compiled *c)
{
    size_t shown = in->verbose ? c->refusal_count : REFUSALS_SHOWN;
    if (in->quiet)
        return;
    for (size_t i = 0; i < c->refusal_count && i < shown; i++) {
        const struct advisories_refusal *r = &c->refusals[i];
        fprintf(stderr, "refused: %s: %s%s%s: %s\n", r->source, r->name, r->place[0] ? " " : "", r->place, r->reason);
    }
    if (c->counts.refused > shown)
        fprintf(stderr, "refused: %llu more\n", (unsigned long long)(c->counts.refused - shown));
}

int snapshot_compile(const struct invocation *in, struct child *parser, char *const *paths, size_t count, int fd,
                     struct advisories_compiled *out, struct err *e)
{
    struct telling t = {.on = !in->quiet && isatty(STDERR_FILENO)};
    struct advisories_progress progress = {step, &t};
    int result = advisories_compile(parser, paths, count, clock_now_s(), fd, &progress, out, e);
    if (t.drawn_ms)
        fprintf(stderr, "\r\033[K");
    tell_refusals(in, out);
    return result;
}

int snapshot_open(const struct invocation *in, struct child *parser, char *const *paths, size_t count, struct err *e)
{
    if (count == 1) {
        auto_fd fd = openat(AT_FDCWD, paths[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
            return file_open_failed(AT_FDCWD, paths[0], "open", e);
        if (advisories_is_snapshot(fd))
            return fd_steal(&fd);
    }
    auto_advisories_compiled compiled = {0};
    auto_fd memory = memfd_create("advisories", MFD_CLOEXEC);
    if (memory < 0)
        return err_set(e, ERR_SYSTEM, errno, "memory for the advisories");
    if (snapshot_compile(in, parser, paths, count, memory, &compiled, e) < 0)
        return -1;
    return fd_steal(&memory);
}

struct age_text age_text(int64_t time_s, int64_t now_s)
{
    struct age_text t;
    int64_t age_s = now_s > time_s ? now_s - time_s : 0;
    if (age_s >= 2 * 86400)
        snprintf(t.text, sizeof(t.text), "%lld days", (long long)(age_s / 86400));
    else
        snprintf(t.text, sizeof(t.text), "%lld hour%s", (long long)(age_s / 3600), age_s / 3600 == 1 ? "" : "s");
    return t;
}
