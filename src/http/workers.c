/* A handler that may block (a database, a file, a signature) runs here while its connection is suspended, so that the
 * event loops go on. The queue needs no maximum of its own: each entry is a connection, and those are counted. */
#include <stdlib.h>

#include "http/internal.h"

static struct http_request *take(struct http_server *s)
{
    pthread_mutex_lock(&s->pool.lock);
    while (!s->pool.first && !s->pool.stop)
        pthread_cond_wait(&s->pool.some, &s->pool.lock);
    struct http_request *r = s->pool.first;
    if (r) {
        s->pool.first = r->next;
        if (!s->pool.first)
            s->pool.last = &s->pool.first;
    }
    pthread_mutex_unlock(&s->pool.lock);
    return r;
}

static void *work(void *arg)
{
    struct http_server *s = arg;
    struct http_request *r;
    while ((r = take(s)))
        r->route->handle(r, r->route->arg);
    return NULL;
}

int workers_start(struct http_server *s, struct err *e)
{
    pthread_mutex_init(&s->pool.lock, NULL);
    pthread_cond_init(&s->pool.some, NULL);
    s->pool.last = &s->pool.first;
    s->pool.threads = calloc(s->o.workers, sizeof(pthread_t));
    if (!s->pool.threads)
        abort();
    for (; s->pool.count < s->o.workers; s->pool.count++) {
        int failed = pthread_create(&s->pool.threads[s->pool.count], NULL, work, s);
        if (failed)
            return err_set(e, ERR_SYSTEM, failed, "http: starting worker %u of %u", s->pool.count + 1, s->o.workers);
    }
    return 0;
}

void workers_push(struct http_request *r)
{
    struct http_server *s = r->server;
    pthread_mutex_lock(&s->pool.lock);
    r->next = NULL;
    *s->pool.last = r;
    s->pool.last = &r->next;
    pthread_cond_signal(&s->pool.some);
    pthread_mutex_unlock(&s->pool.lock);
}

void workers_stop(struct http_server *s)
{
    pthread_mutex_lock(&s->pool.lock);
    s->pool.stop = true;
    pthread_cond_broadcast(&s->pool.some);
    pthread_mutex_unlock(&s->pool.lock);
    for (unsigned i = 0; i < s->pool.count; i++)
        pthread_join(s->pool.threads[i], NULL);
    free(s->pool.threads);
    pthread_cond_destroy(&s->pool.some);
    pthread_mutex_destroy(&s->pool.lock);
}
