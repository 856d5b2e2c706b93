/* How long work tells its caller where it stands; the caller draws it, or does not. */
#pragma once

#include <stdint.h>

struct ship_progress {
    void (*start)(void *arg, const char *what, uint64_t total_bytes); /* any of the three may be NULL */
    void (*add)(void *arg, uint64_t bytes);
    void (*end)(void *arg);
    void *arg;
};

static inline void ship_progress_start(const struct ship_progress *p, const char *what, uint64_t total_bytes)
{
    if (p && p->start)
        p->start(p->arg, what, total_bytes);
}

static inline void ship_progress_add(const struct ship_progress *p, uint64_t bytes)
{
    if (p && p->add)
        p->add(p->arg, bytes);
}

static inline void ship_progress_end(const struct ship_progress *p)
{
    if (p && p->end)
        p->end(p->arg);
}
