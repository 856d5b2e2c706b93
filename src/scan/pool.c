/* One lock for everything. A worker takes the oldest look from `asked`, calls its child without the lock, and puts the
 * look to `answered`. The caller's thread alone takes answers in, and starts workers: one more for each look that no
 * idle worker waits for. */
#include "scan/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/child.h"
#include "scan/scan.h"
#include "util/limits.h"

#define WORKERS_MAX 16U

struct worker {
    struct pool *pool;
    struct child *child; /* owned, but for the first worker's */
    pthread_t thread;
};

struct queue {
    struct look *first, **last;
};

struct pool {
    void *arg;
    struct worker workers[WORKERS_MAX];
    unsigned count, most;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t more, done;
    struct queue asked, answered;
    size_t waiting; /* in `asked` */
    size_t idle;    /* workers */
    size_t open;    /* added and not taken in */
    bool ended;
};

void look_free(struct look *l)
{
    if (!l)
        return;
    if (l->fd >= 0)
        close(l->fd);
    free(l->arg);
    free(l->name);
    json_decref(l->known);
    json_decref(l->reply);
    free(l);
}

static void push(struct queue *q, struct look *l)
{
    l->next = NULL;
    *q->last = l;
    q->last = &l->next;
}

static struct look *pop(struct queue *q)
{
    struct look *l = q->first;
    if (l && !(q->first = l->next))
        q->last = &q->first;
    return l;
}

/* ── the workers ── */

/* Is there a part of it that only a process of its own reads (parse/hdf5.h, archive.h)? */
static bool wants_apart(const json_t *reply)
{
    const json_t *finding;
    size_t i;
    json_array_foreach(json_object_get((json_t *)(uintptr_t)reply, "findings"), i, finding)
    {
        const char *rule = json_get_string(finding, "rule", "");
        if (strcmp(rule, "hdf5-apart") == 0 || strcmp(rule, "archive-apart") == 0)
            return true;
    }
    return false;
}

static json_t *ask(struct child *child, const struct look *l, const char *arg, struct err *why)
{
    struct child_request request = {
        .op = l->op, .fd = l->fd, .arg = span_str(arg), .timeout_ms = l->timeout_ms ? l->timeout_ms : SCAN_TIMEOUT_MS};
    json_t *reply = child_call_json(child, &request, l->name, why);
    if (!reply && l->engines && engines_feed(l->engines, child, why))
        reply = child_call_json(child, &request, l->name, why);
    return reply;
}

/* Looks again, in a process that is thrown away afterwards: what it says of this file can taint no other's verdict. */
static json_t *ask_apart(const struct look *l, struct err *why)
{
    auto_json arg = json_parse(span_str(l->arg), LIMIT_JSON_BYTES, "options", why);
    if (!arg)
        return NULL;
    json_object_set_new(arg, "apart", json_true());
    auto_free char *text = json_dumps(arg, JSON_COMPACT);
    struct child *own = text ? child_start(ROLE_PARSE, why) : NULL;
    json_t *reply = own ? ask(own, l, text, why) : NULL;
    child_stop(own);
    return reply;
}

void look_answer(struct child *child, struct look *l)
{
    l->reply = ask(child, l, l->arg, &l->why);
    if (l->reply && wants_apart(l->reply)) {
        json_decref(l->reply);
        l->reply = ask_apart(l, &l->why);
    }
    if (l->reply && l->engines && !l->known) /* what is known says what they said */
        engines_look(l->engines, l->fd, l->reply);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    pthread_mutex_lock(&p->lock);
    while (!p->ended) {
        struct look *l = pop(&p->asked);
        if (!l) {
            p->idle++;
            pthread_cond_wait(&p->more, &p->lock);
            p->idle--;
            continue;
        }
        p->waiting--;
        pthread_mutex_unlock(&p->lock);
        look_answer(w->child, l);
        pthread_mutex_lock(&p->lock);
        push(&p->answered, l);
        pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ── the caller's side ── */

struct pool *pool_new(struct child *first, void *arg)
{
    struct pool *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->arg = arg;
    p->workers[0].child = first;
    unsigned most = child_parallel();
    p->most = most < WORKERS_MAX ? most : WORKERS_MAX;
    p->asked.last = &p->asked.first;
    p->answered.last = &p->answered.first;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    pthread_cond_init(&p->done, NULL);
    return p;
}

/* One worker more. None can be had: those that are there do the work; without any it is the look's answer. */
static void start_worker(struct pool *p)
{
    struct err why = {0};
    struct worker *w = &p->workers[p->count];
    w->pool = p;
    if (p->count > 0)
        w->child = child_start(ROLE_PARSE, &why);
    if (w->child && pthread_create(&w->thread, NULL, work, w) == 0) {
        p->count++;
        return;
    }
    if (p->count > 0)
        child_stop(w->child);
    p->most = p->count;
}

/* Takes in what is answered; with the lock held, which is free meanwhile. */
static int take_answers(struct pool *p, struct err *e)
{
    struct look *l;
    int result = 0;
    while (result == 0 && (l = pop(&p->answered))) {
        pthread_mutex_unlock(&p->lock);
        result = l->take(p->arg, l, e);
        pthread_mutex_lock(&p->lock);
        p->open--;
    }
    return result;
}

/* Until at most `open` are under way. */
static int settle(struct pool *p, size_t open, struct err *e)
{
    pthread_mutex_lock(&p->lock);
    int result = take_answers(p, e);
    while (result == 0 && p->open > open) {
        if (!p->answered.first)
            pthread_cond_wait(&p->done, &p->lock);
        result = take_answers(p, e);
    }
    pthread_mutex_unlock(&p->lock);
    return result;
}

int pool_add(struct pool *p, struct look *l, struct err *e)
{
    if (p->most <= 1) {
        look_answer(p->workers[0].child, l);
        return l->take(p->arg, l, e);
    }
    pthread_mutex_lock(&p->lock);
    push(&p->asked, l);
    p->open++;
    p->waiting++;
    bool wanted = p->count < p->most && p->waiting > p->idle;
    pthread_cond_signal(&p->more);
    pthread_mutex_unlock(&p->lock);
    if (wanted)
        start_worker(p);
    if (p->count == 0) { /* no thread can be had */
        pop(&p->asked);
        p->open--;
        p->waiting--;
        return pool_add(p, l, e);
    }
    return settle(p, 2 * (size_t)p->most, e);
}

int pool_wait(struct pool *p, struct err *e)
{
    return settle(p, 0, e);
}

static void drop(struct queue *q)
{
    struct look *l;
    while ((l = pop(q)))
        look_free(l);
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->ended = true;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->count; i++) {
        pthread_join(p->workers[i].thread, NULL);
        if (i > 0)
            child_stop(p->workers[i].child);
    }
    drop(&p->asked);
    drop(&p->answered);
    pthread_cond_destroy(&p->more);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
