#include "engine/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/supervisor_parts.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"

/* ── the loop ── */

static bool stopping(struct supervisor *v)
{
    pthread_mutex_lock(&v->lock);
    bool stop = v->stop;
    pthread_mutex_unlock(&v->lock);
    return stop;
}

static void tick(struct supervisor *v)
{
    struct pollfd p = {.fd = v->wake, .events = POLLIN};
    uint64_t count;
    if (poll(&p, 1, TICK_MS) > 0) {
        ssize_t got = read(v->wake, &count, sizeof count);
        (void)got;
    }
}

static void look(struct supervisor *v)
{
    struct err e = {0};
    if (supervisor_look(v, &e) < 0)
        log_event(EV_ENGINE_FAILED, "what", "read the pointers", "reason", e.msg, NULL);
}

static void end_slots(struct supervisor *v)
{
    for (struct slot *s = v->slots; s; s = s->next) {
        pthread_mutex_lock(&v->lock);
        struct loaded *active = s->active, *standby = s->standby;
        s->active = s->standby = NULL;
        pthread_mutex_unlock(&v->lock);
        if (s->start)
            atomic_store(&s->start->cancel, true);
        supervisor_retire(v, active, "serve ends");
        supervisor_retire(v, standby, "serve ends");
    }
}

/* Starts that were given up may still have come to an end. */
static void end_starts(struct supervisor *v)
{
    for (struct slot *s = v->slots; s; s = s->next) {
        if (!s->start)
            continue;
        struct job *j = s->start;
        s->start = NULL;
        pthread_join(j->thread, NULL);
        if (j->engine)
            supervisor_retire(v, loaded_new(v, ptr_steal(&j->engine), ptr_steal(&j->release)), "serve ends");
        j->done = true;
        j->thread = 0;
        job_free(j);
    }
}

static void end_all(struct supervisor *v)
{
    int64_t patience_ms = clock_mono_ms() + 3 * ENGINE_GRACE_MS;
    end_slots(v);
    end_starts(v);
    while ((v->retired || v->jobs) && clock_mono_ms() < patience_ms) {
        supervisor_reap(v, true);
        jobs_reap(v);
        tick(v);
    }
}

static void *run(void *arg)
{
    struct supervisor *v = arg;
    engine_folders_tidy(v->site);
    look(v);
    while (!stopping(v)) {
        int64_t version;
        struct err e = {0};
        if (db_data_version(v->site->db, &version, &e) == 0 && version != v->version) {
            v->version = version;
            look(v);
        }
        for (struct slot *s = v->slots; s; s = s->next)
            supervisor_step(v, s);
        supervisor_reap(v, false);
        jobs_reap(v);
        if (v->dirty)
            supervisor_write_status(v);
        tick(v);
    }
    end_all(v);
    unlinkat(v->site->dir, ENGINES_FILE, 0);
    return NULL;
}

/* ── begin and end ── */

static void supervisor_free(struct supervisor *v)
{
    for (struct slot *s = v->slots, *next; s; s = next) {
        next = s->next;
        free(s->name);
        free(s);
    }
    pthread_mutex_destroy(&v->lock);
    if (v->wake >= 0)
        close(v->wake);
    if (v->lock_fd >= 0)
        close(v->lock_fd);
    site_close(v->site);
    free(v->home);
    free(v);
}

/* What is slow at its first use is used now, and not when a rollback waits for it. */
static int warm_up(struct supervisor *v, struct err *e)
{
    struct site *s = v->site;
    if (!site_key(s, e) || !site_parser(s, e) || dir_make(s->dir, "run", 0700, e) < 0)
        return -1;
    struct err lags = {0};
    if (site_publish(s, &lags) < 0)
        log_event(EV_LEDGER_LAGS, "reason", lags.msg, NULL);
    v->lock_fd = file_lock(s->dir, ENGINES_LOCK, false, e);
    if (v->lock_fd < 0 && e->code == ERR_BUSY)
        err_set(e, ERR_BUSY, 0, "%s: another `airlock serve` runs here", s->path);
    return v->lock_fd < 0 ? -1 : 0;
}

static int begin(struct supervisor *v, struct err *e)
{
    v->site = site_open(v->home, SITE_CONTOUR, e);
    if (!v->site || warm_up(v, e) < 0)
        return -1;
    v->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (v->wake < 0)
        return err_set(e, ERR_SYSTEM, errno, "make an eventfd");
    return thread_begin(&v->thread, run, v, e);
}

struct supervisor *supervisor_start(const char *home, struct err *e)
{
    struct supervisor *v = calloc(1, sizeof *v);
    if (!v || !(v->home = strdup(home)))
        abort();
    v->lock_fd = v->wake = -1;
    v->version = -1;
    v->dirty = true;
    pthread_mutex_init(&v->lock, NULL);
    if (begin(v, e) == 0)
        return v;
    supervisor_free(v);
    return NULL;
}

void supervisor_wake(struct supervisor *v)
{
    uint64_t one = 1;
    ssize_t put = write(v->wake, &one, sizeof one);
    (void)put; /* full: it is awake already */
}

void supervisor_stop(struct supervisor *v)
{
    if (!v)
        return;
    pthread_mutex_lock(&v->lock);
    v->stop = true;
    pthread_mutex_unlock(&v->lock);
    supervisor_wake(v);
    pthread_join(v->thread, NULL);
    /* Somebody who never gives back keeps what it holds: memory, and nothing that runs. */
    if (!v->retired && !v->jobs)
        supervisor_free(v);
}

/* ── for callers ── */

static struct slot *find_slot(struct supervisor *v, const char *env, const char *name)
{
    for (struct slot *s = v->slots; s; s = s->next)
        if (strcmp(s->env, env) == 0 && strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

static void why_not(const struct slot *s, const char *env, const char *name, struct err *e)
{
    if (!s)
        err_set(e, ERR_NOTFOUND, 0, "no release \"%.64s\" runs in %.16s", name, env);
    else if (s->failures >= FAILURES_MAX || (s->error[0] && !s->starting && !s->retry_ms))
        err_set(e, ERR_UNDECIDED, 0, "%s/%s does not run: %.800s", env, name, s->error);
    else
        err_set(e, ERR_BUSY, 0, "%s/%s is starting; try again in some seconds", env, name);
}

struct engine_ref *supervisor_take(struct supervisor *v, const char *env, const char *name, struct err *e)
{
    pthread_mutex_lock(&v->lock);
    struct slot *s = find_slot(v, env, name);
    struct loaded *l = s ? s->active : NULL;
    if (l)
        l->refs++;
    else
        why_not(s, env, name, e);
    pthread_mutex_unlock(&v->lock);
    return l ? &l->face : NULL;
}

void supervisor_give(struct engine_ref *ref)
{
    if (!ref)
        return;
    struct loaded *l = (struct loaded *)ref;
    struct supervisor *v = l->owner;
    pthread_mutex_lock(&v->lock);
    l->refs--;
    pthread_mutex_unlock(&v->lock);
}

int supervisor_each(struct supervisor *v, const char *env, int (*each)(void *arg, const struct engine_ref *ref),
                    void *arg)
{
    int result = 0;
    pthread_mutex_lock(&v->lock);
    for (struct slot *s = v->slots; s && result == 0; s = s->next)
        if (s->active && strcmp(s->env, env) == 0)
            result = each(arg, &s->active->face);
    pthread_mutex_unlock(&v->lock);
    return result;
}

bool supervisor_ready(struct supervisor *v, size_t *waiting)
{
    *waiting = 0;
    pthread_mutex_lock(&v->lock);
    for (struct slot *s = v->slots; s; s = s->next)
        *waiting += !s->active;
    pthread_mutex_unlock(&v->lock);
    return *waiting == 0;
}
