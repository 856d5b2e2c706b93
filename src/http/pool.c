/* A handler that may block (a database, a file, a signature) runs on a thread of a pool while its connection is
 * suspended, so that the event loops go on. The workers' queue needs no maximum of its own: each entry is a connection,
 * and those are counted. An upload takes as long as its client likes, so it has a pool of its own and never waits in a
 * queue behind another: it gets a thread at once, or is refused. */
#include <stdlib.h>

#include "http/internal.h"

void pool_init(struct pool *p, unsigned max)
{
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->some, NULL);
    p->last = &p->first;
    p->max = max;
    p->threads = calloc(max, sizeof(pthread_t));
    if (!p->threads)
        abort();
}

static struct http_request *take(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    while (!p->first && !p->stop)
        pthread_cond_wait(&p->some, &p->lock);
    struct http_request *r = p->first;
    if (r) {
        p->first = r->next;
        if (!p->first)
            p->last = &p->first;
    }
    pthread_mutex_unlock(&p->lock);
    return r;
}

static void *work(void *arg)
{
    struct pool *p = arg;
    struct http_request *r;
    while ((r = take(p))) {
        r->route->handle(r, r->route->arg);
        pthread_mutex_lock(&p->lock);
        p->idle++;
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

/* With the lock: one more thread. The number of an error, or 0. */
static int begin_one(struct pool *p)
{
    int failed = pthread_create(&p->threads[p->count], NULL, work, p);
    if (failed)
        return failed;
    p->count++;
    p->idle++;
    return 0;
}

int pool_start_all(struct pool *p, struct err *e)
{
    int failed = 0;
    pthread_mutex_lock(&p->lock);
    while (!failed && p->count < p->max)
        failed = begin_one(p);
    pthread_mutex_unlock(&p->lock);
    return failed ? err_set(e, ERR_SYSTEM, failed, "http: starting worker %u of %u", p->count + 1, p->max) : 0;
}

static void push_locked(struct pool *p, struct http_request *r)
{
    r->next = NULL;
    *p->last = r;
    p->last = &r->next;
    p->idle--;
    pthread_cond_signal(&p->some);
}

void pool_push(struct pool *p, struct http_request *r)
{
    pthread_mutex_lock(&p->lock);
    push_locked(p, r);
    pthread_mutex_unlock(&p->lock);
}

bool pool_try(struct pool *p, struct http_request *r)
{
    pthread_mutex_lock(&p->lock);
    bool free_one = p->idle > 0 || (p->count < p->max && begin_one(p) == 0);
    if (free_one)
        push_locked(p, r);
    pthread_mutex_unlock(&p->lock);
    return free_one;
}

void pool_stop(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->some);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->count; i++)
        pthread_join(p->threads[i], NULL);
    free(p->threads);
    pthread_cond_destroy(&p->some);
    pthread_mutex_destroy(&p->lock);
}
