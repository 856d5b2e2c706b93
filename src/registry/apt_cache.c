#include "registry/apt_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "registry/apt_ahead.h"
#include "registry/apt_state.h"
#include "util/clock.h"

/* Of each environment. An update takes seconds; who needs an index of six promotions ago begins again. */
#define GENERATIONS_KEPT 6U
#define OLD_KEPT_MS      (60 * 60 * 1000)
#define OLD_KEPT_BYTES   (256ULL << 20)

struct generation {
    char environment[17];
    struct digest state;
    int64_t seen_ms; /* last asked for as the present one */
    struct apt_index index;
    struct generation *next;
};

/* A request whose index is being made. */
struct waiting {
    struct mirror m; /* without a database handle */
    const char *path;
    void (*found)(struct mirror *m, const struct apt_file *f, struct err *e);
    struct waiting *next;
};

struct apt_cache {
    pthread_mutex_t lock;
    struct generation *list; /* newest first; only the maker adds and removes */
    struct waiting *first, **last;
    pthread_t maker;
    bool making;  /* the maker runs, and will look at the list of waiting once more */
    bool started; /* `maker` is one to join */

    pthread_mutex_t key_lock;
    struct buf key; /* the public key; empty until it was asked for */
};

struct apt_cache *apt_cache_new(void)
{
    struct apt_cache *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    pthread_mutex_init(&c->lock, NULL);
    pthread_mutex_init(&c->key_lock, NULL);
    c->key = BUF(65536);
    c->last = &c->first;
    return c;
}

static void generation_free(struct generation *g)
{
    apt_index_fini(&g->index);
    free(g);
}

void apt_cache_free(struct apt_cache *c)
{
    if (!c)
        return;
    if (c->started)
        pthread_join(c->maker, NULL);
    while (c->list) {
        struct generation *g = c->list;
        c->list = g->next;
        generation_free(g);
    }
    buf_fini(&c->key);
    pthread_mutex_destroy(&c->key_lock);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ── generations ── */

static bool is_of(const struct generation *g, const struct mirror *m)
{
    return strcmp(g->environment, m->environment) == 0;
}

static struct generation *of_state(struct apt_cache *c, const struct mirror *m, const struct digest *state)
{
    for (struct generation *g = c->list; g; g = g->next)
        if (is_of(g, m) && digest_equal(&g->state, state))
            return g;
    return NULL;
}

static uint64_t size_of(const struct generation *g)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < g->index.count; i++)
        bytes += g->index.files[i].size;
    return bytes;
}

/* The first of the environment is the newest, and stays. */
static void drop_old(struct apt_cache *c, const struct mirror *m, int64_t now_ms)
{
    size_t kept = 0;
    uint64_t bytes = 0;
    for (struct generation **at = &c->list; *at;) {
        struct generation *g = *at;
        bytes += is_of(g, m) && kept > 0 ? size_of(g) : 0;
        bool keep = !is_of(g, m) || kept == 0 ||
                    (kept < GENERATIONS_KEPT && now_ms - g->seen_ms < OLD_KEPT_MS && bytes <= OLD_KEPT_BYTES);
        if (keep) {
            kept += is_of(g, m);
            at = &g->next;
            continue;
        }
        *at = g->next;
        generation_free(g);
    }
}

static const struct apt_file *by_path(const struct generation *g, const char *path)
{
    for (size_t i = 0; i < g->index.count; i++)
        if (strcmp(g->index.files[i].path, path) == 0)
            return &g->index.files[i];
    return NULL;
}

/* FOLDER/by-hash/SHA256/HEX, of whatever generation is kept. */
static const struct apt_file *by_hash(const struct apt_cache *c, const struct mirror *m, const char *path)
{
    static const char infix[] = "/by-hash/SHA256/";
    struct digest id;
    const char *at = strstr(path, infix);
    if (!at || !digest_from_hex(span_str(at + sizeof(infix) - 1), &id))
        return NULL;
    size_t folder = (size_t)(at - path) + 1; /* with its slash */
    for (const struct generation *g = c->list; g; g = g->next)
        for (size_t i = 0; is_of(g, m) && i < g->index.count; i++) {
            const struct apt_file *f = &g->index.files[i];
            if (digest_equal(&f->sha256, &id) && strncmp(f->path, path, folder) == 0 && !strchr(f->path + folder, '/'))
                return f;
        }
    return NULL;
}

/* The lock is held. A descriptor of its own, so that the generation may go while the file is being sent. 1, 0, -1. */
static int take_file(struct apt_cache *c, struct generation *g, const struct mirror *m, const char *path,
                     struct apt_file *out, struct err *e)
{
    g->seen_ms = clock_mono_ms();
    const struct apt_file *f = strstr(path, "/by-hash/") ? by_hash(c, m, path) : by_path(g, path);
    if (!f)
        return 0;
    *out = *f;
    out->fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
    return out->fd < 0 ? err_set(e, ERR_SYSTEM, errno, "a descriptor") : 1;
}

/* ── making ── */

/* The one that was made before the pointer moved, or a new one. */
static int make_index(struct mirror *m, const struct apt_release *about, const struct digest *state,
                      struct apt_index *out, struct err *e)
{
    if (m->g->o.home && apt_ahead_find(m->g->o.home, m->environment, state, out))
        return 0;
    struct apt_packages *packages = apt_packages_of(m, e);
    int result = packages ? apt_index_make(packages, about, &m->g->o.signer, out, e) : -1;
    apt_packages_free(packages);
    return result;
}

static struct generation *make(struct mirror *m, const struct apt_release *about, const struct digest *state,
                               struct err *e)
{
    struct generation *g = calloc(1, sizeof(*g));
    if (!g)
        abort();
    g->state = *state;
    g->seen_ms = clock_mono_ms();
    memcpy(g->environment, m->environment, sizeof(g->environment));
    if (make_index(m, about, state, &g->index, e) == 0)
        return g;
    generation_free(g);
    return NULL;
}

/* In the maker: what the database says by now counts, and one before in the list may have made it. */
static int make_and_take(struct apt_cache *c, const struct waiting *w, struct mirror *m, struct apt_file *out,
                         struct err *e)
{
    struct apt_release about;
    struct digest state;
    int there = apt_state(m->db, m->environment, m->g->o.signer.label, &about, &state, e);
    if (there <= 0)
        return there;
    pthread_mutex_lock(&c->lock);
    struct generation *g = of_state(c, m, &state);
    pthread_mutex_unlock(&c->lock);
    bool made = !g;
    if (made && !(g = make(m, &about, &state, e)))
        return -1;
    pthread_mutex_lock(&c->lock);
    if (made) {
        g->next = c->list;
        c->list = g;
        drop_old(c, m, g->seen_ms);
    }
    int result = take_file(c, g, m, w->path, out, e);
    pthread_mutex_unlock(&c->lock);
    return result;
}

static void serve(struct apt_cache *c, struct waiting *w)
{
    struct err e = {0};
    struct apt_file f;
    struct mirror *m = &w->m;
    m->db = callers_db_take(m->g->o.callers, &e);
    int result = m->db ? make_and_take(c, w, m, &f, &e) : -1;
    struct db *db = m->db;
    struct callers *callers = m->g->o.callers;
    m->db = NULL;
    callers_db_give(callers, db);
    w->found(m, result > 0 ? &f : NULL, &e);
}

static void *maker_main(void *arg)
{
    struct apt_cache *c = arg;
    for (;;) {
        pthread_mutex_lock(&c->lock);
        struct waiting *w = c->first;
        if (w && !(c->first = w->next))
            c->last = &c->first;
        c->making = w != NULL;
        pthread_mutex_unlock(&c->lock);
        if (!w)
            return NULL;
        serve(c, w);
        free(w);
    }
}

/* The lock is held. */
static int start_maker(struct apt_cache *c, struct err *e)
{
    if (c->making)
        return 0;
    if (c->started)
        pthread_join(c->maker, NULL); /* it has seen that nothing waits, and is on its way out */
    int result = pthread_create(&c->maker, NULL, maker_main, c);
    c->started = c->making = result == 0;
    return result == 0 ? 0 : err_set(e, ERR_SYSTEM, result, "start the thread that makes apt indexes");
}

static int wait_for_maker(struct apt_cache *c, const struct mirror *m, const char *path,
                          void (*found)(struct mirror *m, const struct apt_file *f, struct err *e), struct err *e)
{
    struct waiting *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    *w = (struct waiting){.m = *m, .path = path, .found = found};
    w->m.db = NULL;
    if (start_maker(c, e) < 0) {
        free(w);
        return -1;
    }
    *c->last = w;
    c->last = &w->next;
    return 0;
}

void apt_cache_find(struct mirror *m, const char *path,
                    void (*found)(struct mirror *m, const struct apt_file *f, struct err *e))
{
    struct apt_cache *c = m->g->apt;
    struct apt_release about;
    struct apt_file f;
    struct digest state;
    struct err e = {0};
    int result = apt_state(m->db, m->environment, m->g->o.signer.label, &about, &state, &e);
    if (result > 0) {
        pthread_mutex_lock(&c->lock);
        struct generation *g = of_state(c, m, &state);
        if (g)
            result = take_file(c, g, m, path, &f, &e);
        else
            result = wait_for_maker(c, m, path, found, &e);
        pthread_mutex_unlock(&c->lock);
        if (!g && result == 0)
            return; /* the request is the maker's now */
    }
    found(m, result > 0 ? &f : NULL, &e);
}

int apt_cache_key(struct mirror *m, struct buf *armored, struct err *e)
{
    struct apt_cache *c = m->g->apt;
    const struct index_signer *s = &m->g->o.signer;
    int result = 0;
    if (!s->public_key)
        return err_set(e, ERR_SYSTEM, 0, "this server has no key for apt indexes");
    if (pthread_mutex_trylock(&c->key_lock) != 0)
        return err_set(e, ERR_BUSY, 0, "the key is being looked up; try again in a moment");
    if (c->key.len == 0)
        result = s->public_key(s->arg, &c->key, e);
    if (result < 0)
        buf_clear(&c->key);
    else
        buf_add_span(armored, buf_span(&c->key));
    pthread_mutex_unlock(&c->key_lock);
    return result;
}
