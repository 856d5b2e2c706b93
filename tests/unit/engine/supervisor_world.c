#include "supervisor_world.h"

#include "gate/waiver.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/db_release.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"

struct world world = {.lock = PTHREAD_MUTEX_INITIALIZER};

void locked(void (*change)(int), int value)
{
    pthread_mutex_lock(&world.lock);
    change(value);
    pthread_mutex_unlock(&world.lock);
}

int number_of(const struct digest *d)
{
    return d->bytes[0] - 1;
}

struct digest digest_number(int n)
{
    return (struct digest){{(uint8_t)(n + 1)}};
}

int db_data_version(struct db *db, int64_t *version, struct err *e)
{
    (void)db, (void)e;
    pthread_mutex_lock(&world.lock);
    *version = world.version;
    pthread_mutex_unlock(&world.lock);
    return 0;
}

int db_pointer_each(struct db *db, const char *environment, int (*each)(void *arg, const struct pointer_row *row),
                    void *arg, struct err *e)
{
    (void)db, (void)e;
    pthread_mutex_lock(&world.lock);
    int wanted = world.wanted;
    pthread_mutex_unlock(&world.lock);
    struct pointer_row row = {.environment = environment, .name = "assistant", .release = digest_number(wanted)};
    return wanted < 0 ? 0 : each(arg, &row);
}

int db_pointer_history(struct db *db, const char *environment, const char *name,
                       int (*each)(void *arg, const struct pointer_row *row), void *arg, struct err *e)
{
    (void)db, (void)e;
    pthread_mutex_lock(&world.lock);
    int history[] = {world.wanted, world.previous};
    pthread_mutex_unlock(&world.lock);
    for (size_t i = 0; i < ARRAY_LEN(history) && history[i] >= 0; i++) {
        struct pointer_row row = {
            .environment = environment, .name = name, .release = digest_number(history[i]), .action = "promote"};
        int result = each(arg, &row);
        if (result != 0)
            return result;
    }
    return 0;
}

struct site *site_open(const char *path, int kind, struct err *e)
{
    (void)kind;
    struct site *s = calloc(1, sizeof *s);
    s->dir = dir_open(AT_FDCWD, path, e);
    s->path = strdup(path);
    snprintf(s->config.serve[0], sizeof s->config.serve[0], "prod");
    s->config.serve_count = 1;
    s->config.standby = world.keep_standby;
    return s;
}

void site_close(struct site *s)
{
    if (!s)
        return;
    close(s->dir);
    free(s->path);
    free(s);
}

const struct private_key *site_key(struct site *s, struct err *e)
{
    (void)e;
    return (const struct private_key *)s;
}

struct child *site_parser(struct site *s, struct err *e)
{
    (void)e;
    return (struct child *)s;
}

int site_publish(struct site *s, struct err *e)
{
    (void)s, (void)e;
    return 0;
}

struct release *release_read(const struct blobs *b, struct child *parser, const struct digest *index, struct err *e)
{
    (void)b, (void)parser, (void)e;
    struct release *r = calloc(1, sizeof *r);
    r->digest = *index;
    r->name = strdup("assistant");
    r->version = strdup("v1.0.0");
    r->version[1] = (char)('0' + number_of(index));
    r->model.size = world.model_bytes; /* set before the supervisor begins */
    return r;
}

void release_free(struct release *r)
{
    if (!r)
        return;
    free(r->name);
    free(r->version);
    free(r);
}

int gate_deploy(struct site *s, const struct release *r, const char *env, bool standby, struct verdict *out,
                struct err *e)
{
    (void)s, (void)env, (void)e;
    assert_true(standby);
    *out = (struct verdict){.gate = GATE_DEPLOY};
    pthread_mutex_lock(&world.lock);
    world.gates++;
    out->passed = !world.denied[number_of(&r->digest)];
    pthread_mutex_unlock(&world.lock);
    return 0;
}

int waiver_standing(struct site *s, const struct digest *release, const char *environment, struct waiver_standing *out,
                    struct err *e)
{
    (void)s, (void)environment, (void)e;
    *out = (struct waiver_standing){.ends_s = INT64_MAX};
    pthread_mutex_lock(&world.lock);
    out->holds = !world.unwaived[number_of(release)];
    out->end_stops = world.end_stops;
    pthread_mutex_unlock(&world.lock);
    snprintf(out->why, sizeof out->why, "its waiver has ended");
    return 0;
}

void verdict_why(const struct verdict *v, struct buf *out)
{
    (void)v;
    buf_add_str(out, "recalled");
}

int engine_start(struct site *s, const struct release *r, const char *env, const struct engine_options *o,
                 struct engine **out, struct err *e)
{
    (void)s, (void)env;
    int n = number_of(&r->digest);
    pthread_mutex_lock(&world.lock);
    int64_t until = clock_mono_ms() + world.start_ms[n];
    enum err_code problem = world.problem[n];
    world.starts[n]++;
    pthread_mutex_unlock(&world.lock);
    while (clock_mono_ms() < until) {
        if (atomic_load(o->cancel))
            return err_set(e, ERR_BUSY, 0, "given up");
        usleep(1000);
    }
    if (problem)
        return err_set(e, problem, 0, "release %d cannot start", n);
    struct fake_engine *g = calloc(1, sizeof *g);
    g->number = n;
    snprintf(g->base.id, sizeof g->base.id, "prod-assistant-%d", n);
    snprintf(g->door, sizeof g->door, "/nowhere/%d", n);
    pthread_mutex_lock(&world.lock);
    world.alive++;
    pthread_mutex_unlock(&world.lock);
    *out = &g->base;
    return 0;
}

int engine_ended(struct engine *g, struct buf *how, struct err *e)
{
    pthread_mutex_lock(&world.lock);
    bool ended = world.crash == ((struct fake_engine *)g)->number;
    bool foreign = world.foreign == ((struct fake_engine *)g)->number;
    if (ended)
        world.crash = -1;
    pthread_mutex_unlock(&world.lock);
    if (ended)
        buf_add_str(how, "it fell over");
    return foreign ? err_set(e, ERR_DENIED, 0, "its socket is another's") : ended;
}

void engine_halt(struct engine *g, struct site *s, int grace_ms, const char *why)
{
    (void)g, (void)s, (void)grace_ms, (void)why;
    pthread_mutex_lock(&world.lock);
    world.alive--;
    world.halted++;
    pthread_mutex_unlock(&world.lock);
}

void engine_free(struct engine *g, bool failed)
{
    (void)failed;
    free(g);
}

void engine_folders_tidy(struct site *s)
{
    (void)s;
}

/* What these tests look at is whose door it is. */
struct door *engine_door(const struct engine *g)
{
    return (struct door *)(uintptr_t)((const struct fake_engine *)g)->door;
}

const char *engine_id(const struct engine *g)
{
    return g->id;
}

const char *engine_limits(const struct engine *g)
{
    (void)g;
    return "memory 1.0 GiB (cgroup v1)";
}

const struct prompts *engine_prompts(const struct engine *g)
{
    return &g->prompts;
}

int64_t engine_cold_start_ms(const struct engine *g)
{
    (void)g;
    return 42;
}

int64_t engine_verify_ms(const struct engine *g)
{
    (void)g;
    return 7;
}
