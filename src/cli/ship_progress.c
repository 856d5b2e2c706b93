#include "cli/ship_progress.h"

#include <stdio.h>

static void start(void *arg, const char *what, uint64_t total_bytes)
{
    struct drawn *d = arg;
    progress_start(d->in, &d->bar, what, total_bytes);
}

static void add(void *arg, uint64_t bytes)
{
    struct drawn *d = arg;
    progress_add(&d->bar, bytes);
}

static void end(void *arg)
{
    struct drawn *d = arg;
    progress_end(&d->bar);
}

struct ship_progress drawn_progress(struct drawn *d, const struct invocation *in)
{
    *d = (struct drawn){.in = in};
    return (struct ship_progress){.start = start, .add = add, .end = end, .arg = d};
}

void print_size(char text[32], uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    unsigned unit = 0;
    while (value >= 1024 && unit + 1 < ARRAY_LEN(units)) {
        value /= 1024;
        unit++;
    }
    snprintf(text, 32, "%.*f %s", unit ? 1 : 0, value, units[unit]);
}
