/* What becomes of one release name in one environment. The loop calls supervisor_step again and again; each step looks
 * at what is wanted and at what there is, and does the one thing that is due:
 *
 *   the active one died → restart, later each time, five times
 *   what is wanted answers already → nothing
 *   what is wanted is the standby → its signatures again, then the switch
 *   a start came to its end → the switch, or why not
 *   nothing else → start what is wanted
 *   all is well and there is no standby → load one, once */
#include <string.h>

#include "engine/supervisor_parts.h"
#include "store/db_release.h"
#include "util/clock.h"
#include "util/log.h"

/* ── pointers ── */

static struct slot *slot_of(struct supervisor *v, const char *env, const char *name)
{
    struct slot **end = &v->slots;
    for (; *end; end = &(*end)->next)
        if (strcmp((*end)->env, env) == 0 && strcmp((*end)->name, name) == 0)
            return *end;
    struct slot *s = calloc(1, sizeof *s);
    if (!s || !(s->name = strdup(name)))
        abort();
    snprintf(s->env, sizeof s->env, "%s", env);
    s->since_s = clock_now_s();
    pthread_mutex_lock(&v->lock);
    *end = s;
    pthread_mutex_unlock(&v->lock);
    return s;
}

static void clear_failures(struct supervisor *v, struct slot *s)
{
    pthread_mutex_lock(&v->lock);
    s->failures = 0;
    s->error[0] = '\0';
    s->retry_ms = 0;
    s->since_s = clock_now_s();
    pthread_mutex_unlock(&v->lock);
    v->dirty = true;
}

static int take_pointer(void *arg, const struct pointer_row *row)
{
    struct supervisor *v = arg;
    struct slot *s = slot_of(v, row->environment, row->name);
    if (digest_equal(&s->wanted, &row->release))
        return 0;
    pthread_mutex_lock(&v->lock);
    s->wanted = row->release;
    pthread_mutex_unlock(&v->lock);
    s->refused = (struct digest){0};
    if (s->start && !digest_equal(&s->start->release->digest, &row->release))
        atomic_store(&s->start->cancel, true);
    clear_failures(v, s);
    return 0;
}

int supervisor_look(struct supervisor *v, struct err *e)
{
    const struct config *c = &v->site->config;
    for (size_t i = 0; i < c->serve_count; i++)
        if (db_pointer_each(v->site->db, c->serve[i], take_pointer, v, e) < 0)
            return -1;
    return 0;
}

/* ── failures ── */

static void fail(struct supervisor *v, struct slot *s, const struct err *e, bool again)
{
    pthread_mutex_lock(&v->lock);
    s->failures++;
    again = again && s->failures < FAILURES_MAX && !digest_equal(&s->refused, &s->wanted);
    s->retry_ms = again ? clock_mono_ms() + (BACKOFF_MS << s->failures) : 0;
    snprintf(s->error, sizeof s->error, "%s", e->msg);
    s->since_s = clock_now_s();
    unsigned failures = s->failures;
    pthread_mutex_unlock(&v->lock);
    if (!again)
        s->refused = s->wanted;
    v->dirty = true;
    char count[16];
    snprintf(count, sizeof count, "%u", failures);
    log_event(EV_ENGINE_FAILED, "environment", s->env, "name", s->name, "release", digest_text(&s->wanted).text,
              "reason", e->msg, "failures", count, "again", again ? "yes" : "no", NULL);
}

/* Must it go? Then *e says why. */
static bool ended(struct loaded *l, struct err *e)
{
    auto_buf how = BUF(ERR_MSG_MAX);
    int result = engine_ended(l->engine, &how, e);
    if (result > 0)
        err_set(e, ERR_UNDECIDED, 0, "%s", buf_str(&how));
    return result != 0;
}

/* One that offers another's socket is ended now: there is nothing to drain. */
static void retire_ended(struct supervisor *v, struct loaded *l, const struct err *e)
{
    bool foreign = e->code == ERR_DENIED;
    supervisor_retire(v, l, foreign ? "its socket was not its own" : "the program ended");
    if (foreign)
        l->drain_until_ms = clock_mono_ms();
}

/* A refusal is final until the pointer moves; what the system or the program did may go better next time. */
static bool worth_again(enum err_code code)
{
    return code != ERR_DENIED && code != ERR_LIMIT && code != ERR_NOTFOUND && code != ERR_SYSTEM;
}

static void watch_active(struct supervisor *v, struct slot *s)
{
    struct err e = {0};
    struct loaded *l = s->active;
    if (!l || !ended(l, &e))
        return;
    bool again = worth_again(e.code) || !digest_equal(&l->face.release, &s->wanted);
    bool healthy = clock_mono_ms() - l->loaded_ms > HEALTHY_MS;
    pthread_mutex_lock(&v->lock);
    s->active = NULL;
    if (healthy)
        s->failures = 0;
    pthread_mutex_unlock(&v->lock);
    retire_ended(v, l, &e);
    fail(v, s, &e, again);
}

void supervisor_deny(struct supervisor *v, struct slot *s, const struct err *why)
{
    struct loaded *l = s->active;
    pthread_mutex_lock(&v->lock);
    s->active = NULL;
    pthread_mutex_unlock(&v->lock);
    supervisor_retire(v, l, "it is denied now");
    fail(v, s, why, false);
}

static void watch_standby(struct supervisor *v, struct slot *s)
{
    struct err e = {0};
    struct loaded *l = s->standby;
    if (!l || !ended(l, &e))
        return;
    pthread_mutex_lock(&v->lock);
    s->standby = NULL;
    pthread_mutex_unlock(&v->lock);
    log_event(EV_ENGINE_FAILED, "environment", s->env, "name", s->name, "what", "standby", "reason", e.msg, NULL);
    retire_ended(v, l, &e);
    v->dirty = true;
}

/* ── switching ── */

/* `next` answers from now on. What answered becomes the standby when it may; what was standby goes. `begun_ms`: when
 * the work on it began. */
static void switch_to(struct supervisor *v, struct slot *s, struct loaded *next, int64_t begun_ms)
{
    char took_ms[24];
    struct loaded *old = s->active, *was = s->standby == next ? NULL : s->standby;
    bool keep = old && v->site->config.standby && memory_allows(old->release->model.size);
    struct loaded *standby = keep ? old : old ? NULL : was; /* a restart leaves the standby as it is */
    pthread_mutex_lock(&v->lock);
    s->active = next;
    s->standby = standby;
    s->since_s = clock_now_s();
    s->error[0] = '\0';
    s->retry_ms = 0;
    pthread_mutex_unlock(&v->lock);
    s->waivers_s = clock_now_s() + 1; /* not while a switch is under way */
    s->preloaded |= old != NULL;      /* what does not fit now is not loaded again at once */
    snprintf(took_ms, sizeof took_ms, "%lld", (long long)(clock_mono_ms() - begun_ms));
    log_event(EV_ENGINE_SWITCHED, "environment", s->env, "name", s->name, "release", next->face.release_digest,
              "version", next->face.version, "before", old ? old->face.release_digest : "", "standby",
              standby ? "kept" : "none", "took_ms", took_ms, NULL);
    if (!keep)
        supervisor_retire(v, old, "switched away from");
    if (was != standby)
        supervisor_retire(v, was, "no longer the standby");
    v->dirty = true;
}

/* The bytes were hashed when it was loaded; its signatures are looked at now. */
static void switch_to_standby(struct supervisor *v, struct slot *s)
{
    struct err e = {0};
    struct verdict verdict = {0};
    int64_t begun_ms = clock_mono_ms();
    v->site->now_s = clock_now_s();
    if (gate_deploy(v->site, s->standby->release, s->env, true, &verdict, &e) < 0) {
        fail(v, s, &e, true);
        return;
    }
    if (verdict.passed) {
        switch_to(v, s, s->standby, begun_ms);
        return;
    }
    auto_buf why = BUF(ERR_MSG_MAX);
    verdict_why(&verdict, &why);
    err_set(&e, ERR_DENIED, 0, "gate deploy: FAILED for the standby %s:%s: %s", s->name, s->standby->face.version,
            buf_str(&why));
    fail(v, s, &e, false);
}

/* ── starting ── */

static void set_starting(struct supervisor *v, struct slot *s, bool starting)
{
    pthread_mutex_lock(&v->lock);
    s->starting = starting;
    s->retry_ms = 0;
    pthread_mutex_unlock(&v->lock);
    v->dirty = true;
}

static struct release *read_release(struct supervisor *v, const struct digest *digest, struct err *e)
{
    struct child *parser = site_parser(v->site, e);
    return parser ? release_read(v->site->blobs, parser, digest, e) : NULL;
}

static void start(struct supervisor *v, struct slot *s)
{
    struct err e = {0};
    struct release *r = read_release(v, &s->wanted, &e);
    if (!r) {
        fail(v, s, &e, e.code == ERR_UNDECIDED || e.code == ERR_IO);
        return;
    }
    if (s->standby && !memory_allows(r->model.size)) {
        struct loaded *dropped = s->standby;
        pthread_mutex_lock(&v->lock);
        s->standby = NULL;
        pthread_mutex_unlock(&v->lock);
        supervisor_retire(v, dropped, "its memory is needed");
    }
    s->start = job_start(v, s, r);
    set_starting(v, s, s->start != NULL);
}

/* ── the standby of a serve that has just begun ── */

struct previous {
    size_t to_skip;
    bool found;
    struct digest release;
};

/* As `airlock rollback` goes (contour/promote.c): a promotion puts a release on top, a rollback takes one off. */
static int find_previous(void *arg, const struct pointer_row *row)
{
    struct previous *p = arg;
    bool back = strcmp(row->action, "rollback") == 0;
    if (back || p->to_skip > 0) {
        p->to_skip += back ? 1 : (size_t)-1;
        return 0;
    }
    p->release = row->release;
    p->found = true;
    return 1;
}

/* Loads, once, what a rollback would go back to. If that fails, a rollback takes a start, and nothing else is lost. */
static void preload(struct supervisor *v, struct slot *s)
{
    struct err e = {0};
    struct previous p = {.to_skip = 1};
    s->preloaded = true;
    if (!v->site->config.standby || db_pointer_history(v->site->db, s->env, s->name, find_previous, &p, &e) < 0 ||
        !p.found || digest_equal(&p.release, &s->wanted))
        return;
    struct release *r = read_release(v, &p.release, &e);
    if (r && memory_allows(r->model.size))
        s->start = job_start(v, s, r);
    else
        release_free(r);
}

static void keep_standby(struct supervisor *v, struct slot *s, struct loaded *l)
{
    pthread_mutex_lock(&v->lock);
    s->standby = l;
    pthread_mutex_unlock(&v->lock);
}

static bool is(const struct loaded *l, const struct digest *release)
{
    return l && digest_equal(&l->face.release, release);
}

static void finish_start(struct supervisor *v, struct slot *s)
{
    struct job *j = s->start;
    bool given_up = atomic_load(&j->cancel), was_wanted = digest_equal(&j->release->digest, &s->wanted);
    s->start = NULL;
    set_starting(v, s, false);
    if (j->engine) {
        struct loaded *l = loaded_new(v, ptr_steal(&j->engine), ptr_steal(&j->release));
        if (was_wanted)
            switch_to(v, s, l, j->begun_ms);
        else if (!given_up && is(s->active, &s->wanted) && !s->standby)
            keep_standby(v, s, l);
        else
            supervisor_retire(v, l, "something else was asked for");
    } else if (was_wanted && !given_up) {
        fail(v, s, &j->e, worth_again(j->e.code));
    }
    job_free(j);
}

void supervisor_step(struct supervisor *v, struct slot *s)
{
    watch_active(v, s);
    watch_standby(v, s);
    supervisor_waivers(v, s);
    if (s->start && job_done(s->start))
        finish_start(v, s);
    else if (is(s->active, &s->wanted) && !s->start && !s->standby && !s->preloaded)
        preload(v, s);
    if (is(s->active, &s->wanted) || digest_equal(&s->refused, &s->wanted) ||
        (s->retry_ms && clock_mono_ms() < s->retry_ms))
        return;
    if (is(s->standby, &s->wanted))
        switch_to_standby(v, s);
    else if (!s->start)
        start(v, s);
    else if (!digest_equal(&s->start->release->digest, &s->wanted))
        atomic_store(&s->start->cancel, true); /* a standby can wait */
}

/* ── the end of an engine ── */

void supervisor_retire(struct supervisor *v, struct loaded *l, const char *why)
{
    if (!l)
        return;
    l->why = why;
    l->drain_until_ms = clock_mono_ms() + DRAIN_MS;
    l->next = v->retired;
    v->retired = l;
}

/* 0: it still drains; 1: a job may end it; 2: it can be freed. */
static int what_now(struct supervisor *v, struct loaded *l, bool hurry)
{
    int64_t left = l->drain_until_ms - clock_mono_ms() - (hurry ? DRAIN_MS - ENGINE_GRACE_MS : 0);
    pthread_mutex_lock(&v->lock);
    int what = l->halted ? (l->refs == 0 ? 2 : 0) : l->stopping ? 0 : l->refs == 0 || left <= 0 ? 1 : 0;
    if (what == 1)
        l->stopping = true;
    pthread_mutex_unlock(&v->lock);
    return what;
}

void supervisor_reap(struct supervisor *v, bool hurry)
{
    for (struct loaded **p = &v->retired; *p;) {
        struct loaded *l = *p;
        int what = what_now(v, l, hurry);
        if (what == 1)
            job_stop(v, l, ENGINE_GRACE_MS);
        if (what != 2) {
            p = &l->next;
            continue;
        }
        *p = l->next;
        loaded_free(l);
    }
}
