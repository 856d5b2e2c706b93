#include "gateway/gateway.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "gateway/internal.h"
#include "util/clock.h"
#include "util/encode.h"
#include "util/log.h"

/* From the whole request to the beginning of the answer: a long prompt on a slow machine takes minutes. */
#define CHAT_DEADLINE_MS 600000U
#define RECORD_BYTES     65536U
#define MODELS_BYTES     (1U << 20)

/* ── records ── */

int gateway_record(struct gateway *g, const struct asked *a, struct access_request *record)
{
    auto_buf line = BUF(RECORD_BYTES);
    struct err e = {0};
    record->time_s = a->time_s;
    record->request = a->id;
    record->who = &a->who;
    record->environment = a->environment;
    record->model = a->chat.model;
    record->stream = a->chat.stream;
    record->release = a->has_engine ? &a->engine.release : NULL;
    record->messages = g->o.log_prompts ? a->chat.messages : NULL;
    record_request(record, &line);
    g->metrics.requests[record->status / 100 % 6]++;
    g->metrics.tokens_in += record->tokens_in;
    g->metrics.tokens_out += record->tokens_out;
    int result = buf_check(&line, "access record", &e);
    if (result == 0)
        result = g->o.source.record(g->o.source.arg, buf_span(&line), &e);
    if (result < 0)
        log_event(EV_ACCESS_LOST, "request", a->id, "reason", e.msg, NULL);
    atomic_store(&g->record_lost, result < 0);
    return result;
}

void asked_fini(struct gateway *g, struct asked *a)
{
    if (a->has_engine)
        g->o.source.give(g->o.source.arg, &a->engine);
    chat_fini(&a->chat);
    *a = (struct asked){0};
}

/* ── who, and where ── */

/* The environment of the token; one that is good for all may name one in the header Airlock-Environment, and means prod
 * otherwise. -1 when the request was answered. */
static int choose_environment(struct gateway *g, struct http_request *r, const struct identity *who, enum ability what,
                              char out[17])
{
    const char *named = http_header(r, "Airlock-Environment");
    const char *env = named ? named : !strcmp(who->environment, "*") ? "prod" : who->environment;
    if (strlen(env) > 16 || !identity_may(who, what, env)) {
        callers_forbid(&g->o.source.callers, r, who, "this token is for the environment %s, not for %.32s",
                       who->environment, env);
        return -1;
    }
    memcpy(out, env, strlen(env) + 1);
    return 0;
}

/* ── chat ── */

static void refuse(struct gateway *g, struct http_request *r, struct asked *a, unsigned status, const char *code,
                   const char *message)
{
    struct access_request record = {.status = status, .outcome = "refused", .first_token_ms = -1};
    record.total_ms = (clock_mono_ns() - a->began_ns) / 1000000;
    (void)gateway_record(g, a, &record);
    http_put_header(r, "Airlock-Request", a->id);
    http_error(r, status, code, "%s", message);
    asked_fini(g, a);
}

static int chat_admit(struct http_request *r, void *arg)
{
    struct gateway *g = arg;
    struct identity who;
    struct digest token;
    return callers_admit(&g->o.source.callers, r, ABILITY_ASK, &who, &token);
}

static bool within_quota(struct gateway *g, struct http_request *r, struct asked *a, const struct digest *token)
{
    unsigned wait_s;
    char text[16];
    if (quota_take(g->quota, token, clock_mono_ms(), &wait_s))
        return true;
    g->metrics.over_quota++;
    snprintf(text, sizeof(text), "%u", wait_s);
    http_put_header(r, "Retry-After", text);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)g->o.requests_per_minute);
    http_put_header(r, "RateLimit-Limit", text);
    refuse(g, r, a, 429, NULL,
           "this token has used up its requests; the header Retry-After says when the next may come");
    return false;
}

static bool readable(struct gateway *g, struct http_request *r, struct asked *a)
{
    struct err e = {0};
    if (chat_parse(http_body(r), &a->chat, &e) == 0)
        return true;
    refuse(g, r, a, e.code == ERR_LIMIT ? 413 : 400, NULL, e.msg);
    return false;
}

/* A release is the repository of its name. */
static bool may_ask(struct gateway *g, struct http_request *r, struct asked *a)
{
    char message[ERR_MSG_MAX];
    if (identity_may_use(&a->who, ABILITY_ASK, a->environment, a->chat.model))
        return true;
    snprintf(message, sizeof(message), "this token is for %s, not for \"%.64s\"", a->who.repository, a->chat.model);
    refuse(g, r, a, 403, NULL, message);
    return false;
}

static bool find_engine(struct gateway *g, struct http_request *r, struct asked *a)
{
    struct err e = {0};
    char message[ERR_MSG_MAX];
    if (g->o.source.take(g->o.source.arg, a->environment, a->chat.model, &a->engine, &e) == 0) {
        a->has_engine = true;
        return true;
    }
    if (e.code == ERR_NOTFOUND) {
        snprintf(message, sizeof(message), "there is no model \"%.64s\" in %s; GET /v1/models lists them",
                 a->chat.model, a->environment);
        refuse(g, r, a, 404, "model_not_found", message);
    } else {
        http_put_header(r, "Retry-After", e.code == ERR_BUSY ? "2" : "30");
        refuse(g, r, a, 503, e.code == ERR_BUSY ? "engine_starting" : "engine_failed", e.msg);
    }
    return false;
}

static void chat_handle(struct http_request *r, void *arg)
{
    struct gateway *g = arg;
    struct digest token;
    struct asked a = {.began_ns = http_began_ns(r), .time_s = clock_now_s()};
    snprintf(a.id, sizeof(a.id), "%s-%llu", g->instance, (unsigned long long)http_id(r));
    if (callers_admit(&g->o.source.callers, r, ABILITY_ASK, &a.who, &token) < 0 ||
        choose_environment(g, r, &a.who, ABILITY_ASK, a.environment) < 0)
        return;
    if (atomic_load(&g->record_lost))
        refuse(g, r, &a, 503, "no_access_log", "the access log cannot be written, so nothing is answered");
    else if (within_quota(g, r, &a, &token) && readable(g, r, &a) && may_ask(g, r, &a) && find_engine(g, r, &a) &&
             session_begin(g, r, &a) < 0)
        refuse(g, r, &a, 413, NULL, "the request is too large once the release's own prompt is in it");
}

/* ── models ── */

struct listing {
    struct json_out w;
    const struct identity *who;
    const char *only; /* NULL: all */
    unsigned count;
};

static int list_one(void *arg, const struct gateway_engine *m)
{
    struct listing *l = arg;
    if ((l->only && strcmp(l->only, m->name) != 0) || !repository_matches(l->who->repository, m->name))
        return 0;
    l->count++;
    json_out_object(&l->w);
    json_put_string(&l->w, "id", m->name);
    json_put_string(&l->w, "object", "model");
    json_put_int(&l->w, "created", m->created_s);
    json_put_string(&l->w, "owned_by", "airlock");
    json_put_string(&l->w, "version", m->version);
    json_put_digest(&l->w, "release", &m->release);
    json_out_object_end(&l->w);
    return l->only ? 1 : 0;
}

static void models_handle(struct http_request *r, void *arg)
{
    struct gateway *g = arg;
    struct identity who;
    struct digest token;
    char env[17];
    if (callers_admit(&g->o.source.callers, r, ABILITY_SEE, &who, &token) < 0 ||
        choose_environment(g, r, &who, ABILITY_SEE, env) < 0)
        return;
    const char *rest = http_route_rest(r);
    struct buf body = BUF(MODELS_BYTES);
    struct listing l = {.who = &who, .only = *rest ? rest : NULL};
    json_out_init(&l.w, &body);
    if (!l.only) {
        json_out_object(&l.w);
        json_put_string(&l.w, "object", "list");
        json_put_array(&l.w, "data");
    }
    g->o.source.each(g->o.source.arg, env, list_one, &l);
    if (!l.only) {
        json_out_array_end(&l.w);
        json_out_object_end(&l.w);
    }
    if (l.only && l.count == 0) {
        buf_fini(&body);
        callers_record(&g->o.source.callers, r, 404, &who, NULL, 0);
        http_error(r, 404, "model_not_found", "there is no model \"%.64s\" in %s", l.only, env);
        return;
    }
    callers_record(&g->o.source.callers, r, 200, &who, NULL, body.len);
    http_answer(r, 200, "application/json", &body);
}

/* ── start and stop ── */

struct gateway *gateway_start(const struct gateway_options *o, struct err *e)
{
    struct gateway *g = calloc(1, sizeof(*g));
    uint8_t random[8];
    if (!g)
        abort();
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        abort();
    hex_encode(span_of(random, sizeof(random)), g->instance);
    g->o = *o;
    g->quota = quota_new(o->requests_per_minute);
    g->relay = relay_start(e);
    if (g->relay)
        return g;
    gateway_stop(g);
    return NULL;
}

void gateway_stop(struct gateway *g)
{
    if (!g)
        return;
    relay_stop(g->relay);
    quota_free(g->quota);
    free(g);
}

size_t gateway_routes(struct gateway *g, struct http_route routes[GATEWAY_ROUTES])
{
    routes[0] = (struct http_route){.path = "/v1/chat/completions",
                                    .methods = HTTP_POST,
                                    .shape = HTTP_OPENAI,
                                    .body_max = CHAT_BODY_MAX,
                                    .deadline_ms = CHAT_DEADLINE_MS,
                                    .admit = chat_admit,
                                    .handle = chat_handle,
                                    .arg = g};
    routes[1] = (struct http_route){
        .path = "/v1/models", .methods = HTTP_GET | HTTP_HEAD, .shape = HTTP_OPENAI, .handle = models_handle, .arg = g};
    routes[2] = routes[1];
    routes[2].path = "/v1/models/";
    return GATEWAY_ROUTES;
}

void gateway_metrics(const struct gateway *g, struct buf *out)
{
    metrics_write(&g->metrics, out);
}
