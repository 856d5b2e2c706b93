/* `airlock serve`: everything that listens, until SIGTERM. Opened in order, closed in the opposite one: no connection
 * outlives what it asks, no record outlives the access log. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/serve.h"
#include "registry/apt_key.h"
#include "util/clock.h"
#include "util/encode.h"
#include "util/file.h"
#include "util/log.h"

#define DRAIN_MS      15000 /* what requests in hand get to end by themselves */
#define LOCK_TRIES    5
#define LOCK_PAUSE_US 20000

/* ── what others find ── */

static bool has_tls(const struct serve *s)
{
    struct http_tls tls;
    return serve_tls(&s->site->config, s->site->dir, &tls);
}

static int write_serve_file(const struct serve *s, struct err *e)
{
    struct json_out w;
    auto_buf text = BUF(4096);
    json_out_init(&w, &text);
    json_out_object(&w);
    json_put_string(&w, "schema", "airlock/serve/1");
    json_put_string(&w, "address", s->site->config.listen);
    json_put_uint(&w, "port", http_port(s->http));
    json_put_int(&w, "pid", getpid());
    json_put_time(&w, "started", s->site->now_s);
    json_put_bool(&w, "tls", has_tls(s));
    json_out_object_end(&w);
    buf_add_byte(&text, '\n');
    return file_write(s->site->dir, SERVE_FILE, buf_span(&text), 0644, e);
}

static int make_operator_token(struct serve *s, struct err *e)
{
    uint8_t random[32];
    char token[2 * sizeof(random) + 1], person[sizeof(s->site->actor)];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return err_set(e, ERR_SYSTEM, errno, "random numbers");
    hex_encode(span_of(random, sizeof(random)), token);
    snprintf(person, sizeof(person), "%s", s->site->actor);
    callers_set_operator(s->callers, span_str(token), person);
    return file_write(s->site->dir, SERVE_OPERATOR_FILE, span_str(token), 0600, e);
}

/* ── open and close ── */

/* Somebody who looks whether a serve runs (serve_look) holds the lock for an instant: that is waited for. */
static int lock_patiently(int dir, struct err *e)
{
    int fd = file_lock(dir, SERVE_LOCK, false, e);
    for (int tries = 0; fd < 0 && e->code == ERR_BUSY && tries < LOCK_TRIES; tries++) {
        err_clear(e);
        usleep(LOCK_PAUSE_US);
        fd = file_lock(dir, SERVE_LOCK, false, e);
    }
    return fd;
}

static int another_runs(const struct serve *s, struct err *e)
{
    struct serve_found other;
    struct err ignored = {0};
    err_set(e, ERR_BUSY, 0, "another serve runs on %s", s->site->path);
    if (serve_look(s->site->dir, &other, &ignored) == 1 && other.pid)
        return err_hint(e, "It is pid %llu on %s; `kill %llu` ends it in order", (unsigned long long)other.pid,
                        other.url, (unsigned long long)other.pid);
    return err_hint(e, "It is starting or ending; `airlock status` shows when it listens");
}

static int take_lock(struct serve *s, struct err *e)
{
    if (site_check_live(s->site, e) < 0 || dir_make(s->site->dir, "run", 0700, e) < 0)
        return -1;
    s->lock = lock_patiently(s->site->dir, e);
    if (s->lock < 0)
        return e->code == ERR_BUSY ? another_runs(s, e) : -1;
    /* What a killed serve left behind would now be taken for ours. */
    (void)unlinkat(s->site->dir, SERVE_FILE, 0);
    (void)unlinkat(s->site->dir, SERVE_OPERATOR_FILE, 0);
    return 0;
}

static int open_http(struct serve *s, struct err *e)
{
    struct gateway_options g = {.source = site_source(&s->source),
                                .requests_per_minute = s->site->config.requests_per_minute,
                                .log_prompts = s->site->config.log_prompts};
    callers_set_records(s->callers, g.source.record, g.source.arg);
    s->identify = g.source.callers;
    s->gateway = gateway_start(&g, e);
    if (!s->gateway)
        return -1;
    struct registry_options r = {.callers = s->callers,
                                 .identify = g.source.callers,
                                 .blobs = s->site->blobs,
                                 .signer = apt_key_signer(s->site->path, s->site->config.name),
                                 .record = g.source.record,
                                 .arg = g.source.arg,
                                 .home = s->site->path,
                                 .reserve_bytes = s->site->config.reserve_bytes,
                                 .quota_bytes = s->site->config.quota_bytes};
    s->registry = registry_start(&r, e);
    if (!s->registry)
        return -1;
    s->route_count = gateway_routes(s->gateway, s->routes);
    s->route_count += registry_routes(s->registry, s->routes + s->route_count);
    serve_status_routes(s);
    struct http_tls tls;
    bool with_tls = serve_tls(&s->site->config, s->site->dir, &tls);
    struct http_options h = {.listener = s->listener,
                             .tls = with_tls ? &tls : NULL,
                             .routes = s->routes,
                             .route_count = s->route_count,
                             .refused = callers_refused,
                             .refused_arg = &s->identify};
    s->listener = -1;
    s->http = http_start(&h, e);
    return s->http ? 0 : -1;
}

/* The address comes first: who cannot have it has started nothing. */
static int serve_open(struct serve *s, struct err *e)
{
    if (take_lock(s, e) < 0)
        return -1;
    s->listener = http_listen(s->site->config.listen, (uint16_t)s->site->config.port, has_tls(s), e);
    if (s->listener < 0)
        return -1;
    s->access = access_open(s->site->dir, s->site->origin, s->site->ledger_key, e);
    if (!s->access)
        return -1;
    s->callers = callers_open(s->site->dir, e);
    if (!s->callers || callers_trust(s->callers, s->site->public_key, e) < 0)
        return -1;
    s->supervisor = supervisor_start(s->site->path, e);
    if (!s->supervisor)
        return -1;
    s->source = (struct site_source){s->callers, s->supervisor, s->access};
    if (open_http(s, e) < 0 || make_operator_token(s, e) < 0)
        return -1;
    return write_serve_file(s, e);
}

static void serve_close(struct serve *s)
{
    if (s->lock >= 0 && s->site) { /* only what is ours is taken away */
        (void)unlinkat(s->site->dir, SERVE_FILE, 0);
        (void)unlinkat(s->site->dir, SERVE_OPERATOR_FILE, 0);
    }
    http_stop(s->http, DRAIN_MS);
    registry_stop(s->registry);
    gateway_stop(s->gateway);
    supervisor_stop(s->supervisor);
    callers_close(s->callers);
    if (s->access)
        access_close(s->access);
    if (s->listener >= 0)
        close(s->listener);
    if (s->lock >= 0)
        close(s->lock);
    site_close(s->site);
}

static void announce(struct invocation *in, const struct serve *s)
{
    const char *address = s->site->config.listen;
    char port[8], url[SERVE_URL_SIZE];
    serve_url(address, http_port(s->http), has_tls(s), url);
    snprintf(port, sizeof(port), "%u", http_port(s->http));
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(4096);
        command_json(&w, &out, "serve");
        json_put_string(&w, "address", address);
        json_put_uint(&w, "port", http_port(s->http));
        json_put_int(&w, "pid", getpid());
        json_put_time(&w, "started", s->site->now_s);
        json_put_bool(&w, "tls", has_tls(s));
        command_json_end(&w);
    } else {
        printf("airlock serves %s on %s (Ctrl-C ends it in order)\n" SERVE_PLACES, s->site->config.name, url);
    }
    fflush(stdout);
    log_event(EV_SERVE_STARTED, "address", address, "port", port, NULL);
}

/* Every thread that is started later inherits the mask, so that only sigwait takes these. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
}

/* Large buffers come and go with bursts: each is then a mapping of its own, and what is freed goes back. glibc would
 * raise this threshold by itself, and keep the memory. */
static void give_memory_back(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

/* A connection is a descriptor, and the usual limit of 1024 is meant for programs that use select(2). */
static void raise_descriptor_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return;
    r.rlim_cur = r.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &r);
}

static int take_options(struct invocation *in, struct site *s)
{
    const char *port = option_get(in, "port"), *address = option_get(in, "listen");
    uint64_t number = s->config.port;
    if (port && (!span_decimal(span_str(port), &number) || number > 65535))
        return command_usage(in, "--port: wanted 0 to 65535, found \"%.16s\"", port);
    s->config.port = number;
    struct err e = {0};
    if (address && http_address_check(address, s->config.tls_certificate[0] != 0, &e) < 0)
        return command_usage(in, "%s", e.msg);
    if (address) /* which is short, being one */
        snprintf(s->config.listen, sizeof(s->config.listen), "%s", address);
    return 0;
}

static int run(struct invocation *in)
{
    struct serve s = {.lock = -1, .listener = -1};
    struct err e = {0};
    sigset_t ends;
    int taken;
    block_signals(&ends);
    s.site = command_site(in, SITE_CONTOUR, &e);
    if (!s.site)
        return command_fail(in, &e);
    int usage = take_options(in, s.site);
    if (usage) {
        site_close(s.site);
        return usage;
    }
    log_set_format(LOG_JSON);
    raise_descriptor_limit();
    give_memory_back();
    if (serve_open(&s, &e) < 0) {
        serve_close(&s);
        return command_fail(in, &e);
    }
    announce(in, &s);
    while (sigwait(&ends, &taken) != 0 || taken == SIGHUP)
        http_tls_reload(s.http);
    serve_close(&s);
    log_event(EV_SERVE_STOPPED, NULL);
    return 0;
}

const struct command CMD_SERVE = {
    .name = "serve",
    .usage = "",
    .summary = "gateway, registry and the engines of the environments served, until SIGTERM",
    .detail =
        "Keeps the releases running that the pointers of the served environments name (airlock.yaml, serve), answers\n"
        "the OpenAI API (/v1/) lets registry clients pull and push (/v2/ENV/NAME), and "
        "mirrors the packages of the releases that stand\nthere: PyPI (/pypi/ENV/simple/), npm (/npm/ENV/), Debian "
        "(/apt/ENV), Hugging Face (/hf/ENV), files (/files/ENV/).\nEvery request needs a token of `airlock token new`; "
        "only /healthz and /, which says what is where, need none. Events go to stderr, one JSON object a line "
        "(docs/events.md). On SIGTERM "
        "requests in\nhand may end, then engines are stopped.\n\nWithout TLS (airlock.yaml, tls) it listens on "
        "loopback only. A new certificate is taken without a restart:\nits files are looked at every second, and on "
        "SIGHUP. With --port 0 any free port is taken; run/serve.json\nsays which.",
    .options = {{"listen", "ADDRESS", "instead of serve.listen of airlock.yaml", false},
                {"port", "N", "instead of serve.port of airlock.yaml; 0: any free one", false}},
    .min_args = 0,
    .max_args = 0,
    .run = run,
};
