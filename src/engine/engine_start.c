/* The way to a running engine, step by step: gate → image → model → folder → box → socket → warm-up → ledger. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/argv.h"
#include "engine/ask.h"
#include "engine/engine_parts.h"
#include "engine/image.h"
#include "util/clock.h"
#include "util/log.h"

/* Threads and processes of one engine: hundreds of threads are normal, a fork bomb is not. */
#define ENGINE_TASKS 4096

#define POLL_MS  20
#define DYING_MS 300 /* from the end of a connection to the end of the program that held it */

/* One start; what is here lives as long as engine_start. */
struct start {
    struct site *site;
    const struct release *release;
    const struct engine_options *options;
    struct engine *engine;
    struct verify_watch watch;
    struct verdict verdict;
    const char *step;
    int root;               /* descriptors: what was hashed, and what the box mounts */
    struct box_file *files; /* owned, with their descriptors and paths: the weights, then what lies beside them */
    size_t file_count;
    int64_t begun_ms, box_ms, until_ms;
};

/* ── progress and giving up ── */

static bool cancelled(const struct start *st)
{
    return st->options->cancel && atomic_load(st->options->cancel);
}

static void tell(struct start *st, const char *step, uint64_t done, uint64_t total)
{
    st->step = step;
    if (st->options->progress)
        st->options->progress(st->options->arg, step, done, total);
    if (st->engine->silence && (strcmp(step, "load") == 0 || strcmp(step, "warm-up") == 0))
        silence_phase(st->engine->silence, strcmp(step, "load") == 0 ? "start" : "warm-up");
}

static void hashed(void *arg, uint64_t done, uint64_t total)
{
    struct start *st = arg;
    if (st->options->progress)
        st->options->progress(st->options->arg, st->step, done, total);
}

/* ── what may run ── */

static int pass_gate(struct start *st, const char *env, struct err *e)
{
    const struct release *r = st->release;
    tell(st, "gate", 0, 0);
    if (gate_deploy(st->site, r, env, false, &st->verdict, e) < 0)
        return -1;
    if (st->verdict.passed)
        return 0;
    auto_buf why = BUF(ERR_MSG_MAX);
    verdict_why(&st->verdict, &why);
    return err_set(e, ERR_DENIED, 0, "gate deploy: FAILED for %s:%s in %s: %s", r->name, r->version, env,
                   buf_str(&why));
}

static int open_image(struct start *st, struct err *e)
{
    uint64_t bytes;
    tell(st, "unpack", 0, 0);
    st->root = image_open(st->site, st->release, &st->watch, &bytes, e);
    return st->root < 0 ? -1 : 0;
}

static void free_files(struct start *st)
{
    for (size_t i = 0; i < st->file_count; i++) {
        close(st->files[i].fd);
        free((char *)(uintptr_t)st->files[i].path);
    }
    free(st->files);
}

/* Hashes one file of the model, and keeps the very descriptor for the box. */
static int open_model_file(struct start *st, const struct release_blob *b, struct err *e)
{
    struct digest found;
    uint64_t size;
    auto_buf path = BUF(4096);
    auto_fd fd = blob_open(st->site->blobs, &b->digest, NULL, e);
    if (fd < 0)
        return -1;
    if (hash_fd(fd, "the model", 0, b->size, &st->watch, &found, &size, e) < 0)
        return -1;
    if (!digest_equal(&found, &b->digest)) {
        err_set(e, ERR_DENIED, 0, "the model of %s:%s is not what was approved: found %s, wanted %s", st->release->name,
                st->release->version, digest_text(&found).text, digest_text(&b->digest).text);
        return err_hint(e, "`airlock fsck` says what else is damaged; receive the shipment again");
    }
    model_path(b->name, &path);
    char *kept = strdup(buf_str(&path));
    if (!kept)
        abort();
    st->files[st->file_count++] = (struct box_file){.fd = fd_steal(&fd), .path = kept};
    return 0;
}

static int open_model(struct start *st, struct err *e)
{
    const struct release *r = st->release;
    if (r->model_file_count >= BOX_FILES_MAX)
        return err_set(e, ERR_LIMIT, 0, "%zu files beside the weights of %s:%s; an engine is given at most %d",
                       r->model_file_count, r->name, r->version, BOX_FILES_MAX - 1);
    st->files = calloc(r->model_file_count + 1, sizeof *st->files);
    if (!st->files)
        abort();
    tell(st, "hash", 0, r->model.size);
    int result = open_model_file(st, &r->model, e);
    for (size_t i = 0; result == 0 && i < r->model_file_count; i++)
        result = open_model_file(st, &r->model_files[i], e);
    return result;
}

static int read_prompts(struct start *st, struct err *e)
{
    struct child *parser = site_parser(st->site, e);
    if (!parser)
        return -1;
    return prompts_read(st->site->blobs, parser, &st->release->prompts.digest, &st->engine->prompts, e);
}

/* ── the box ── */

static uint64_t threads(const struct config *c)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t n = c->engine_threads ? c->engine_threads : processors > 0 ? (uint64_t)processors : 1;
    return c->engine_cpus && !c->engine_threads && c->engine_cpus < n ? c->engine_cpus : n;
}

/* Of this thread alone; what it starts inherits it. Not to be had is no reason not to start. */
static void be_nice(int more)
{
    id_t self = (id_t)gettid();
    errno = 0;
    int now = getpriority(PRIO_PROCESS, self);
    if (more && errno == 0)
        (void)setpriority(PRIO_PROCESS, self, now + more);
}

static int run_box(struct start *st, const struct box_spec *spec, struct err *e)
{
    struct engine *g = st->engine;
    be_nice(st->options->nice);
    if (st->options->observe)
        return silence_begin(spec, &g->silence, &g->box, e);
    return box_start(spec, &g->box, e);
}

static int start_box(struct start *st, struct err *e)
{
    struct engine *g = st->engine;
    const struct config *c = &st->site->config;
    struct argv_values values = {.socket = ENGINE_SOCKET, .model = st->files[0].path, .threads = threads(c)};
    auto_argv argv = argv_fill(st->release->command, &values);
    auto_argv env = environment_fill(st->release->environment);
    auto_fd output = -1;
    g->log = engine_log_start(g->dir, &output, e);
    if (!g->log)
        return -1;
    char name[41];
    snprintf(name, sizeof name, "%.20s-%s", g->name, g->id + strlen(g->id) - 8);
    struct box_spec spec = {
        .name = name,
        .root = st->root,
        .files = st->files,
        .file_count = st->file_count,
        .run_dir = g->run_dir,
        .argv = (const char *const *)argv,
        .env = (const char *const *)env,
        .output = output,
        .error = -1,
        .memory_bytes = c->engine_memory_bytes,
        .cpu_percent = c->engine_cpus * 100,
        .processes = ENGINE_TASKS,
    };
    if (run_box(st, &spec, e) < 0)
        return err_prefix(e, "engine of %s:%s", g->name, g->version);
    g->door = door_new(g->run_dir, ENGINE_SOCKET_NAME, &g->box->place, g->id, e);
    return g->door ? 0 : -1;
}

/* ── until it is ready ── */

static int ended(struct start *st, struct err *e)
{
    auto_buf how = BUF(ERR_MSG_MAX);
    int result = box_wait(st->engine->box, 0, e);
    if (result == 0)
        return 0;
    if (result < 0)
        return -1;
    engine_how_ended(st->engine, &how);
    return err_set(e, ERR_INPUT, 0, "%s", buf_str(&how));
}

static bool give_up(void *arg)
{
    struct start *st = arg;
    struct err ignored;
    return cancelled(st) || box_wait(st->engine->box, 0, &ignored) != 0;
}

/* Goes on waiting (0), or says why not. */
static int wait_on(struct start *st, struct err *e)
{
    if (ended(st, e) < 0)
        return -1;
    if (cancelled(st))
        return err_set(e, ERR_BUSY, 0, "the start of %s:%s was given up, because something else was asked for",
                       st->engine->name, st->engine->version);
    if (clock_mono_ms() < st->until_ms) {
        struct pollfd p = {.fd = st->engine->box->socket, .events = POLLIN};
        poll(&p, 1, POLL_MS);
        return 0;
    }
    auto_buf tail = BUF(4096);
    engine_log_tail(st->engine->log, 4, false, &tail);
    return err_set(e, ERR_UNDECIDED, 0, "the engine of %s:%s did not get ready in %lld s; it printed last: %s",
                   st->engine->name, st->engine->version, (long long)(st->until_ms - st->box_ms) / 1000,
                   tail.len ? buf_str(&tail) : "nothing");
}

static int wait_for_socket(struct start *st, const struct ask *a, struct err *e)
{
    tell(st, "load", 0, 0);
    int ready;
    while ((ready = ask_health(a, e)) == 0)
        if (wait_on(st, e) < 0)
            return -1;
    return ready < 0 ? -1 : 0;
}

static int warm_up(struct start *st, const struct ask *a, struct err *e)
{
    const struct prompts *p = &st->engine->prompts;
    for (size_t i = 0; i < p->warmup_count; i++) {
        tell(st, "warm-up", i, p->warmup_count);
        int answered;
        while ((answered = ask_warmup(a, p, p->warmup[i], e)) == 0)
            if (wait_on(st, e) < 0)
                return -1;
        struct err better = {0};
        if (answered < 0)
            (void)box_wait(st->engine->box, DYING_MS, &better); /* its connection ends before it does */
        if (answered < 0 && wait_on(st, &better) < 0 && better.code != ERR_UNDECIDED)
            *e = better; /* that it died says more than that it did not answer */
        if (answered < 0)
            return err_prefix(e, "%s:%s", st->engine->name, st->engine->version);
    }
    return 0;
}

static int get_ready(struct start *st, struct err *e)
{
    struct engine *g = st->engine;
    struct ask a = {.door = g->door, .model = g->name, .until_ms = st->until_ms, .give_up = give_up, .arg = st};
    int result = wait_for_socket(st, &a, e);
    if (result == 0)
        result = warm_up(st, &a, e);
    g->cold_start_ms = clock_mono_ms() - st->box_ms;
    g->ready = result == 0;
    if (!g->silence)
        return result;
    silence_exercise(g->silence, g->ready, "%s", g->ready ? "the warm-up prompts were answered" : e->msg);
    return 0;
}

/* A clock that was set back must not stop what is approved: then the log alone says that an engine was started. */
static int record(struct start *st, struct err *e)
{
    if (engine_record_start(st->engine, st->site, &st->verdict, e) == 0)
        return 0;
    if (e->code != ERR_DENIED)
        return -1;
    log_event(EV_LEDGER_LAGS, "entry", "engine-started", "engine", st->engine->id, "reason", e->msg, NULL);
    return 0;
}

static int run(struct start *st, const char *env, struct err *e)
{
    if (pass_gate(st, env, e) < 0 || open_image(st, e) < 0 || open_model(st, e) < 0 || read_prompts(st, e) < 0)
        return -1;
    st->box_ms = clock_mono_ms();
    st->until_ms = st->box_ms + (st->options->start_ms ? st->options->start_ms : ENGINE_START_MS);
    st->engine->verify_ms = st->box_ms - st->begun_ms;
    if (engine_folder_make(st->engine, st->site, e) < 0 || start_box(st, e) < 0 || get_ready(st, e) < 0)
        return -1;
    return record(st, e);
}

static struct engine *engine_new(const struct release *r, const char *env)
{
    struct engine *g = calloc(1, sizeof *g);
    if (!g || !(g->name = strdup(r->name)) || !(g->version = strdup(r->version)) || !(g->env = strdup(env)))
        abort();
    g->release = r->digest;
    g->engines = g->dir = g->run_dir = g->lock = -1;
    return g;
}

int engine_start(struct site *s, const struct release *r, const char *env, const struct engine_options *o,
                 struct engine **out, struct err *e)
{
    static const struct engine_options defaults;
    struct start st = {.site = s, .release = r, .options = o ? o : &defaults, .root = -1};
    st.engine = engine_new(r, env);
    st.watch = (struct verify_watch){.cancel = st.options->cancel, .progress = hashed, .arg = &st};
    st.begun_ms = clock_mono_ms();
    log_event(EV_ENGINE_STARTING, "release", digest_text(&r->digest).text, "name", r->name, "version", r->version,
              "environment", env, NULL);
    int result = run(&st, env, e);
    if (st.root >= 0)
        close(st.root);
    free_files(&st);
    if (result == 0) {
        log_event(st.engine->ready ? EV_ENGINE_READY : EV_ENGINE_FAILED, "engine", st.engine->id, NULL);
        *out = st.engine;
        return 0;
    }
    log_event(EV_ENGINE_FAILED, "release", digest_text(&r->digest).text, "environment", env, "reason", e->msg, NULL);
    engine_free(st.engine, true);
    return -1;
}
