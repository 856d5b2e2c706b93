/* What takes long is done beside the loop: starts and stops, each in a thread with a site handle of its own. */
#include <signal.h>
#include <string.h>

#include "engine/supervisor_parts.h"
#include "util/clock.h"
#include "util/log.h"

static void finish(struct job *j)
{
    pthread_mutex_lock(&j->owner->lock);
    j->done = true;
    pthread_mutex_unlock(&j->owner->lock);
    supervisor_wake(j->owner);
}

static void *run_start(void *arg)
{
    struct job *j = arg;
    struct engine_options options = {.cancel = &j->cancel, .nice = ENGINE_NICE};
    auto_site s = site_open(j->owner->home, SITE_CONTOUR, &j->e);
    if (s)
        engine_start(s, j->release, j->env, &options, &j->engine, &j->e);
    finish(j);
    return NULL;
}

static void *run_stop(void *arg)
{
    struct job *j = arg;
    struct err e = {0};
    auto_site s = site_open(j->owner->home, SITE_CONTOUR, &e);
    if (!s)
        log_event(EV_LEDGER_LAGS, "entry", "engine-stopped", "reason", e.msg, NULL);
    engine_halt(j->loaded->engine, s, j->grace_ms, j->loaded->why);
    pthread_mutex_lock(&j->owner->lock);
    j->loaded->halted = true;
    pthread_mutex_unlock(&j->owner->lock);
    finish(j);
    return NULL;
}

/* Signals are the main thread's business. */
int thread_begin(pthread_t *thread, void *(*run)(void *), void *arg, struct err *e)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int result = pthread_create(thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return result ? err_set(e, ERR_SYSTEM, result, "start a thread") : 0;
}

static struct job *job_new(struct supervisor *v)
{
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        abort();
    j->owner = v;
    j->begun_ms = clock_mono_ms();
    return j;
}

struct job *job_start(struct supervisor *v, const struct slot *s, struct release *r)
{
    struct job *j = job_new(v);
    struct err e = {0};
    snprintf(j->env, sizeof j->env, "%s", s->env);
    j->release = r;
    if (thread_begin(&j->thread, run_start, j, &e) == 0)
        return j;
    log_event(EV_ENGINE_FAILED, "environment", s->env, "name", s->name, "reason", e.msg, NULL);
    release_free(j->release);
    free(j);
    return NULL;
}

void job_stop(struct supervisor *v, struct loaded *l, int grace_ms)
{
    struct job *j = job_new(v);
    struct err e = {0};
    j->loaded = l;
    j->grace_ms = grace_ms;
    j->next = v->jobs;
    if (thread_begin(&j->thread, run_stop, j, &e) == 0) {
        v->jobs = j;
        return;
    }
    /* No thread to be had: then here, and the loop waits. */
    engine_halt(l->engine, NULL, 0, l->why);
    pthread_mutex_lock(&v->lock);
    l->halted = true;
    pthread_mutex_unlock(&v->lock);
    free(j);
}

bool job_done(struct job *j)
{
    pthread_mutex_lock(&j->owner->lock);
    bool done = j->done;
    pthread_mutex_unlock(&j->owner->lock);
    return done;
}

void job_free(struct job *j)
{
    if (j->thread)
        pthread_join(j->thread, NULL);
    release_free(j->release);
    free(j);
}

void jobs_reap(struct supervisor *v)
{
    for (struct job **p = &v->jobs; *p;) {
        struct job *j = *p;
        if (!job_done(j)) {
            p = &j->next;
            continue;
        }
        *p = j->next;
        job_free(j);
    }
}

struct loaded *loaded_new(struct supervisor *v, struct engine *g, struct release *r)
{
    struct loaded *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    l->owner = v;
    l->engine = g;
    l->release = r;
    l->loaded_ms = clock_mono_ms();
    l->face = (struct engine_ref){
        .release = r->digest,
        .name = r->name,
        .version = r->version,
        .door = engine_door(g),
        .prompts = engine_prompts(g),
        .created_s = clock_now_s(),
    };
    memcpy(l->face.release_digest, digest_text(&r->digest).text, sizeof l->face.release_digest);
    return l;
}

void loaded_free(struct loaded *l)
{
    engine_free(l->engine, false);
    release_free(l->release);
    free(l);
}
