#include <stdio.h>

#include "cli/command.h"
#include "util/clock.h"

#define REDRAW_MS 200
#define BAR_CHARS 24

void progress_start(const struct invocation *in, struct progress *p, const char *what, uint64_t total)
{
    *p = (struct progress){.what = what, .total = total, .started_ms = clock_mono_ms()};
    p->on = !in->quiet && !in->json && isatty(STDERR_FILENO);
}

static void draw(struct progress *p, int64_t now_ms)
{
    double seconds = (double)(now_ms - p->started_ms) / 1000.0;
    double rate = seconds > 0 ? (double)p->done / seconds : 0;
    unsigned filled = p->total ? (unsigned)(p->done * BAR_CHARS / p->total) : 0;
    char bar[BAR_CHARS + 1];
    for (unsigned i = 0; i < BAR_CHARS; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR_CHARS] = '\0';
    double left = rate > 0 && p->total > p->done ? (double)(p->total - p->done) / rate : 0;
    fprintf(stderr, "\r%s [%s] %.1f of %.1f MiB, %.0f MiB/s, %.0f s left ", p->what, bar, (double)p->done / 1048576.0,
            (double)p->total / 1048576.0, rate / 1048576.0, left);
    p->drawn_ms = now_ms;
}

void progress_add(struct progress *p, uint64_t n)
{
    p->done += n;
    if (!p->on)
        return;
    int64_t now_ms = clock_mono_ms();
    if (now_ms - p->drawn_ms >= REDRAW_MS)
        draw(p, now_ms);
}

void progress_end(struct progress *p)
{
    if (!p->on || !p->drawn_ms)
        return;
    draw(p, clock_mono_ms());
    fputc('\n', stderr);
}
