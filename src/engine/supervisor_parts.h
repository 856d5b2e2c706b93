/* Inside the supervisor. Three kinds of threads: the loop (one; it alone decides), jobs (one a start or a stop; they do
 * what takes long, each with a site handle of its own), and callers (they take and give).
 *
 * Locks: `lock` guards every field marked (l). The loop reads what it alone writes without the lock, and writes it
 * under the lock. No system call that may wait is made under the lock. */
#pragma once

#include <pthread.h>

#include "engine/engine_parts.h"
#include "engine/supervisor.h"

#define TICK_MS        4      /* how soon a moved pointer and a dead engine are seen */
#define DRAIN_MS       120000 /* an answer that streams may take that long after its engine was switched away from */
#define FAILURES_MAX   5U     /* starts in a row, then it stays failed until the pointer moves */
#define BACKOFF_MS     500    /* doubled at each failure */
#define HEALTHY_MS     600000 /* who ran that long begins to count its failures again */
#define ENGINES_FILE   "run/engines.json"
#define ENGINES_LOCK   "run/supervisor.lock"
#define ENGINES_SCHEMA "airlock/engines/1"

/* An engine that is loaded: what callers hold is its face. */
struct loaded {
    struct engine_ref face; /* first: a ref is a loaded */
    struct supervisor *owner;
    struct engine *engine;
    struct release *release; /* owned */
    unsigned refs;           /* (l) */
    int64_t loaded_ms;
    int64_t drain_until_ms; /* of a retired one */
    bool stopping, halted;  /* (l) a job ends it; it has ended, and waits for its refs */
    const char *why;        /* it is ended; static */
    struct loaded *next;    /* of the retired ones; the loop's */
};

/* A thread that does something long. */
struct job {
    struct supervisor *owner;
    pthread_t thread;
    atomic_bool cancel;
    bool done; /* (l) */
    int64_t begun_ms;
    struct job *next;

    /* a start */
    char env[ENVIRONMENT_SIZE];
    struct release *release; /* owned until it is the engine's */
    struct engine *engine;   /* the result, or NULL and */
    struct err e;

    /* a stop */
    struct loaded *loaded;
    int grace_ms;
};

/* One release name in one environment. */
struct slot {
    char env[ENVIRONMENT_SIZE], *name;
    struct digest wanted;            /* what the pointer names */
    struct loaded *active, *standby; /* (l) */
    bool preloaded;                  /* a standby was loaded, or tried, or is not to be */
    struct job *start;               /* the loop's */
    bool starting;                   /* (l) */
    int64_t waivers_s;               /* when its waivers are looked at next */
    struct digest refused;           /* a wanted one that is not tried again until the pointer moves */
    unsigned failures;               /* (l) */
    int64_t retry_ms;                /* 0: nothing is waited for */
    int64_t since_s;                 /* (l) of the state */
    char error[ERR_MSG_MAX];         /* (l) why what is wanted does not answer; "" when it does */
    struct slot *next;
};

struct supervisor {
    struct site *site; /* the loop's */
    char *home;
    int lock_fd, wake;
    pthread_t thread;
    pthread_mutex_t lock;
    bool stop;              /* (l) */
    struct slot *slots;     /* (l) only grows */
    struct job *jobs;       /* the loop's */
    struct loaded *retired; /* the loop's */
    int64_t version;        /* of the database, as last seen */
    bool dirty;             /* the status file is behind */
};

/* supervisor_slot.c: what the loop decides. */
int supervisor_look(struct supervisor *v, struct err *e);                        /* reads the pointers */
void supervisor_step(struct supervisor *v, struct slot *s);                      /* one slot, now */
void supervisor_retire(struct supervisor *v, struct loaded *l, const char *why); /* drains it, then ends it */
void supervisor_reap(struct supervisor *v, bool hurry);                          /* retired ones that nobody holds */

/* Ends the active engine, when that must be, with a reason that stands until the pointer moves. */
void supervisor_deny(struct supervisor *v, struct slot *s, const struct err *why);

/* supervisor_waivers.c: does what runs still rest on waivers that hold? Looked at hourly, and when one ends. */
void supervisor_waivers(struct supervisor *v, struct slot *s);

/* supervisor_job.c */
struct job *job_start(struct supervisor *v, const struct slot *s, struct release *r); /* takes r */
void job_stop(struct supervisor *v, struct loaded *l, int grace_ms);
bool job_done(struct job *j);
void job_free(struct job *j);         /* joins */
void jobs_reap(struct supervisor *v); /* frees stops that are done */

int thread_begin(pthread_t *thread, void *(*run)(void *), void *arg, struct err *e);

struct loaded *loaded_new(struct supervisor *v, struct engine *g, struct release *r);
void loaded_free(struct loaded *l);

/* supervisor_status.c */
void supervisor_write_status(struct supervisor *v);
bool memory_allows(uint64_t model_bytes);
extern const char *supervisor_meminfo; /* where it looks (proc(5), /proc/meminfo); a test names a file of its own */
