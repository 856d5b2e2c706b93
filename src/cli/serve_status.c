/* What watches `serve` asks: is it alive, is it ready, what does it count. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/serve.h"

#define METRICS_BYTES (256U << 10)

static void answer_text(struct http_request *r, unsigned status, const char *text)
{
    struct buf body = BUF(4096);
    buf_add_str(&body, text);
    http_answer(r, status, "text/plain; charset=utf-8", &body);
}

/* Whoever opens the address in a browser is told where things are; it names nothing that stands here. */
static void where(struct http_request *r, void *arg)
{
    (void)arg;
    answer_text(r, 200,
                "Airlock. Every path but /healthz and this one wants a token (airlock token new), as bearer or as the "
                "password of Basic.\nENV is sandbox, test or prod.\n\n" SERVE_PLACES
                "\nHow each client is set up stands in docs/mirrors.md.\n");
}

static void healthz(struct http_request *r, void *arg)
{
    (void)arg;
    answer_text(r, 200, "ok\n");
}

static void readyz(struct http_request *r, void *arg)
{
    struct serve *s = arg;
    struct gateway_source source = site_source(&s->source);
    struct identity who;
    struct digest token;
    size_t waiting = 0;
    char text[128];
    if (callers_admit(&source.callers, r, ABILITY_SEE, &who, &token) < 0)
        return;
    bool ready = supervisor_ready(s->supervisor, &waiting);
    snprintf(text, sizeof(text), ready ? "ready\n" : "%zu releases have no engine that answers yet\n", waiting);
    answer_text(r, ready ? 200 : 503, text);
}

struct engine_list {
    struct buf *out;
    const char *environment;
};

static int put_engine(void *arg, const struct engine_ref *ref)
{
    struct engine_list *l = arg;
    buf_printf(l->out, "airlock_engine_up{environment=\"%s\",name=\"%s\",version=\"%s\",release=\"%s\"} 1\n",
               l->environment, ref->name, ref->version, ref->release_digest);
    return 0;
}

static void put_engines(const struct serve *s, struct buf *out)
{
    buf_add_str(out, "# TYPE airlock_engine_up gauge\n# HELP airlock_engine_up Releases that answer now.\n");
    for (size_t i = 0; i < s->site->config.serve_count; i++) {
        struct engine_list l = {out, s->site->config.serve[i]};
        supervisor_each(s->supervisor, l.environment, put_engine, &l);
    }
}

static void put_http(const struct serve *s, struct buf *out)
{
    struct http_counts c;
    http_counts(s->http, &c);
    buf_add_str(out, "# TYPE airlock_http_answers counter\n# HELP airlock_http_answers Answers by first digit of their "
                     "status.\n");
    for (unsigned i = 1; i < 6; i++)
        buf_printf(out, "airlock_http_answers_total{status=\"%uxx\"} %" PRIu64 "\n", i, c.status[i]);
    buf_printf(out,
               "# TYPE airlock_http_refused counter\n# HELP airlock_http_refused Malformed requests.\n"
               "airlock_http_refused_total %" PRIu64 "\n"
               "# TYPE airlock_http_cut counter\n# HELP airlock_http_cut Connections cut for being slow.\n"
               "airlock_http_cut_total %" PRIu64 "\n"
               "# TYPE airlock_http_connections gauge\n# HELP airlock_http_connections Open connections.\n"
               "airlock_http_connections %" PRIu64 "\n",
               c.refused, c.cut, c.connections);
}

static void metrics(struct http_request *r, void *arg)
{
    struct serve *s = arg;
    struct gateway_source source = site_source(&s->source);
    struct identity who;
    struct digest token;
    struct buf body = BUF(METRICS_BYTES);
    if (callers_admit(&source.callers, r, ABILITY_METRICS, &who, &token) < 0)
        return;
    gateway_metrics(s->gateway, &body);
    put_engines(s, &body);
    put_http(s, &body);
    buf_add_str(&body, "# EOF\n");
    callers_record(&source.callers, r, 200, &who, NULL, body.len);
    http_answer(r, 200, "application/openmetrics-text; version=1.0.0; charset=utf-8", &body);
}

void serve_status_routes(struct serve *s)
{
    s->routes[s->route_count++] =
        (struct http_route){.path = "/", .methods = HTTP_GET | HTTP_HEAD, .quick = true, .handle = where};
    s->routes[s->route_count++] =
        (struct http_route){.path = "/healthz", .methods = HTTP_GET | HTTP_HEAD, .quick = true, .handle = healthz};
    s->routes[s->route_count++] =
        (struct http_route){.path = "/readyz", .methods = HTTP_GET, .handle = readyz, .arg = s};
    s->routes[s->route_count++] =
        (struct http_route){.path = "/metrics", .methods = HTTP_GET, .handle = metrics, .arg = s};
}
