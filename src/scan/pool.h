/* Looks at many files at once: each parse process does one at a time, and there are as many as processors
 * (child_parallel). Hard rule: whatever befalls one look (a crash, no time left) is that look's answer alone, and the
 * answers are taken in by the one thread that asks. */
#pragma once

#include "scan/engines.h"
#include "util/buf.h"
#include "util/json.h"

struct child;

/* One question to a parse process, and its answer. Whoever asks may put it at the front of a larger struct on the heap
 * that owns nothing else. */
struct look {
    const char *op;                /* literal */
    int fd;                        /* the file; owned, open until `take` has returned */
    char *arg, *name;              /* owned; `name` is for messages */
    int timeout_ms;                /* 0: SCAN_TIMEOUT_MS */
    json_t *known;                 /* owned; what its asker knew before; may be NULL */
    json_t *reply;                 /* owned; NULL: `why` says why */
    const struct engines *engines; /* borrowed; what they say stands in the reply; may be NULL */
    struct err why;
    /* Called by pool_add, pool_wait or pool_end, in the thread of their caller, in any order; frees the look. -1 ends
     * the work. */
    int (*take)(void *arg, struct look *l, struct err *e);
    struct look *next; /* the pool's */
};

void look_free(struct look *l);

/* Puts the question to `child`, to a process of its own what wants one (parse/hdf5.h), and to the engines. */
void look_answer(struct child *child, struct look *l);

struct pool;

/* `first` is the process that does the first look at hand; it is borrowed, and nobody else may use it while looks are
 * under way. `arg` goes to every `take`. */
struct pool *pool_new(struct child *first, void *arg);

/* Takes `l` over, waiting while as many are under way as may be. -1: what a `take` said; the pool is then at its end.
 */
int pool_add(struct pool *p, struct look *l, struct err *e);

/* Until all are answered and taken in. */
int pool_wait(struct pool *p, struct err *e);

/* Ends it; looks that were not taken in are dropped. */
void pool_free(struct pool *p);
static inline void auto_pool_free(struct pool **p)
{
    pool_free(*p);
}
#define auto_pool AUTO(auto_pool_free) struct pool *
