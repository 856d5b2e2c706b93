/* One chat request on its way through an engine. All of it runs on the relay's thread, but the beginning (a worker) and
 * `gone` (any thread: it only sets a flag and signals). Not streamed: the engine's answer is collected, looked at, and
 * given on as it is. Streamed: its events are taken apart, counted, and put into the client's ring one piece after
 * another; a ring without room pauses the engine's socket, and so the engine. */
#include <stdlib.h>
#include <string.h>

#include "gateway/internal.h"
#include "gateway/sse.h"
#include "util/clock.h"

#define ANSWER_MAX (16U << 20) /* of an answer that is not streamed */
#define ERROR_MAX  65536U      /* of an engine's error text */
#define SLOW_MS    10000U      /* then a stream begins, though the engine has said nothing yet */
#define SLACK      8192U       /* room in the ring for what we add ourselves */

struct session {
    struct gateway *g;
    struct http_request *r;     /* until it is answered */
    struct http_stream *stream; /* after that, when it is streamed */
    struct asked a;
    struct buf request, whole, out;
    struct exchange *x;
    atomic_bool gone; /* the client left, or ran out of time */
    atomic_bool slow; /* nothing came yet for a while */
    struct sse sse;
    struct err failed; /* what the engine did wrong, if it did */
    bool end_mark;
    uint64_t tokens_in, tokens_out, pieces;
    int64_t first_ns;
};

static void on_gone(void *arg)
{
    struct session *s = arg;
    atomic_store(&s->gone, true);
    exchange_signal(s->x);
}

static void on_slow(void *arg)
{
    struct session *s = arg;
    atomic_store(&s->slow, true);
    exchange_signal(s->x);
}

static void on_drained(void *arg)
{
    struct session *s = arg;
    exchange_signal(s->x);
}

/* ── what the engine says ── */

static void take_usage(struct session *s, const json_t *answer)
{
    const json_t *usage = json_object_get(answer, "usage");
    const json_t *in = json_object_get(usage, "prompt_tokens"), *out = json_object_get(usage, "completion_tokens");
    if (json_is_integer(in) && json_integer_value(in) >= 0)
        s->tokens_in = (uint64_t)json_integer_value(in);
    if (json_is_integer(out) && json_integer_value(out) >= 0)
        s->tokens_out = (uint64_t)json_integer_value(out);
}

static bool says_something(const json_t *event)
{
    const json_t *delta = json_object_get(json_array_get(json_object_get(event, "choices"), 0), "delta");
    const char *content = json_string_value(json_object_get(delta, "content"));
    const char *reasoning = json_string_value(json_object_get(delta, "reasoning_content"));
    return (content && *content) || (reasoning && *reasoning) || json_object_get(delta, "tool_calls");
}

/* Engines name the file that they loaded; a client knows only the release's name. The text with that name in it, which
 * the caller frees, or NULL when it needs no change. */
static char *with_our_name(const struct session *s, json_t *answer)
{
    const char *model = json_string_value(json_object_get(answer, "model"));
    if (!model || !strcmp(model, s->a.chat.model))
        return NULL;
    json_object_set_new(answer, "model", json_string(s->a.chat.model));
    return json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(15));
}

static void put_event(struct session *s, struct span data)
{
    buf_add_str(&s->out, "data: ");
    buf_add_span(&s->out, data);
    buf_add_str(&s->out, "\n\n");
}

static int on_event(void *arg, struct span data)
{
    struct session *s = arg;
    if (span_equal_str(data, "[DONE]")) {
        s->end_mark = true;
        put_event(s, data);
        return 0;
    }
    auto_json event = json_parse(data, SSE_EVENT_MAX, "an event of the engine", &s->failed);
    if (!event)
        return -1;
    take_usage(s, event);
    if (says_something(event)) {
        s->pieces++;
        if (!s->first_ns)
            s->first_ns = clock_mono_ns();
    }
    const json_t *choices = json_object_get(event, "choices");
    bool only_usage = json_is_array(choices) && json_array_size(choices) == 0 && json_object_get(event, "usage");
    if (!only_usage || s->a.chat.wants_usage) {
        auto_free char *ours = with_our_name(s, event);
        put_event(s, ours ? span_str(ours) : data);
    }
    return 0;
}

/* ── hooks of the exchange ── */

static void begin_stream(struct session *s)
{
    struct http_stream_hooks hooks = {.drained = on_drained, .gone = on_gone, .arg = s};
    sse_init(&s->sse);
    s->out = BUF(HTTP_STREAM_BYTES);
    s->stream = http_answer_stream(s->r, 200, NULL, true, &hooks);
    s->r = NULL;
}

static int take_events(struct session *s, struct span piece)
{
    if (!s->stream)
        begin_stream(s);
    if (!http_stream_reserve(s->stream, piece.len + s->sse.line.len + s->sse.data.len + SLACK))
        return 1;
    buf_clear(&s->out);
    int result = sse_feed(&s->sse, piece, on_event, s, &s->failed);
    if (s->out.len > 0 && http_stream_add(s->stream, buf_span(&s->out)) != 0)
        return -1;
    return result ? -1 : 0;
}

static int on_bytes(void *arg, unsigned status, struct span piece)
{
    struct session *s = arg;
    if (atomic_load(&s->gone))
        return -1;
    if (s->a.chat.stream && status == 200)
        return take_events(s, piece);
    size_t max = status == 200 ? ANSWER_MAX : ERROR_MAX;
    if (s->whole.len + piece.len > max) {
        err_set(&s->failed, ERR_LIMIT, 0, "the engine's answer has more than %zu bytes", max);
        return -1;
    }
    buf_add_span(&s->whole, piece);
    return 0;
}

static int on_signal(void *arg)
{
    struct session *s = arg;
    if (atomic_load(&s->gone))
        return -1;
    /* A long prompt on a slow machine: the stream begins now, and its comment lines keep the connection awake. What
     * goes wrong from here on is told by an event. */
    if (atomic_load(&s->slow) && s->a.chat.stream && !s->stream)
        begin_stream(s);
    return 0;
}

/* ── the end ── */

struct ending {
    unsigned status;
    const char *outcome;
    const char *code; /* of the error; NULL when there is none */
    char message[512];
};

static void engine_error(struct session *s, unsigned status, struct ending *end)
{
    struct err ignored;
    auto_json answer = json_parse(buf_span(&s->whole), ERROR_MAX, "error", &ignored);
    const char *text = json_get_string(json_object_get(answer, "error"), "message", "no reason given");
    end->status = status == 503 ? 503 : status >= 400 && status < 500 ? 400 : 502;
    end->outcome = "engine-refused";
    end->code = status == 503 ? "engine_loading" : "engine_refused";
    snprintf(end->message, sizeof(end->message), "the engine answered %u: %.400s", status, text);
}

static void take_whole(struct session *s, json_t *answer)
{
    take_usage(s, answer);
    auto_free char *ours = with_our_name(s, answer);
    if (!ours)
        return;
    buf_clear(&s->whole);
    buf_add_str(&s->whole, ours);
}

/* How did it end? The answer itself, when it is whole, was looked at here. */
static struct ending judge(struct session *s, unsigned status, const struct err *e)
{
    struct ending end = {.status = 200, .outcome = "answered"};
    if (atomic_load(&s->gone)) {
        end = (struct ending){.status = 499, .outcome = "client-left", .code = "client_left"};
        snprintf(end.message, sizeof(end.message), "the client left, or the time for an answer was over");
        return end;
    }
    if (!e && status != 200) {
        engine_error(s, status, &end);
        return end;
    }
    if (!e && !s->a.chat.stream) {
        auto_json answer = json_parse(buf_span(&s->whole), ANSWER_MAX, "the engine's answer", &s->failed);
        if (answer)
            take_whole(s, answer);
    } else if (!e && !s->end_mark && s->failed.code == ERR_NONE) {
        err_set(&s->failed, ERR_IO, 0, "the engine was lost: its stream ended without an end mark");
    }
    const struct err *why = s->failed.code != ERR_NONE ? &s->failed : e;
    if (why) {
        end = (struct ending){.status = 502, .outcome = "engine-lost", .code = "engine_lost"};
        if (why->code == ERR_BUSY)
            end.status = 503;
        snprintf(end.message, sizeof(end.message), "%.500s", why->msg);
    }
    return end;
}

static void record(struct session *s, const struct ending *end, int64_t now_ns)
{
    struct metrics *m = &s->g->metrics;
    int64_t began_ns = s->a.began_ns;
    if (!s->tokens_out)
        s->tokens_out = s->pieces;
    struct access_request record = {.status = end->status,
                                    .outcome = end->outcome,
                                    .tokens_in = s->tokens_in,
                                    .tokens_out = s->tokens_out,
                                    .first_token_ms = s->first_ns ? (s->first_ns - began_ns) / 1000000 : -1,
                                    .total_ms = (now_ns - began_ns) / 1000000};
    if (s->first_ns)
        histogram_add(&m->first_token, s->first_ns - began_ns);
    histogram_add(&m->total, now_ns - began_ns);
    m->active--;
    m->aborted += !strcmp(end->outcome, "client-left");
    m->engine_lost += !strcmp(end->outcome, "engine-lost");
    (void)gateway_record(s->g, &s->a, &record); /* the answer was begun: what comes next is refused, this is not */
}

static void end_stream(struct session *s, const struct ending *end)
{
    if (end->code && !atomic_load(&s->gone)) {
        auto_buf event = BUF(SLACK / 2);
        struct json_out w;
        buf_add_str(&event, "data: ");
        json_out_init(&w, &event);
        json_out_object(&w);
        json_put_object(&w, "error");
        json_put_string(&w, "message", end->message);
        json_put_string(&w, "type", "server_error");
        json_put_string(&w, "code", end->code);
        json_out_object_end(&w);
        json_out_object_end(&w);
        buf_add_str(&event, "\n\n");
        (void)http_stream_add(s->stream, buf_span(&event));
    }
    http_stream_end(s->stream, atomic_load(&s->gone));
    sse_fini(&s->sse);
}

static void answer_whole(struct session *s, const struct ending *end, int64_t upstream_ns, int64_t now_ns)
{
    char text[32];
    int64_t overhead_ns = now_ns - s->a.began_ns - upstream_ns;
    if (end->code) {
        if (end->status == 503)
            http_put_header(s->r, "Retry-After", "1");
        http_error(s->r, end->status == 499 ? 504 : end->status, end->code, "%s", end->message);
        return;
    }
    histogram_add(&s->g->metrics.overhead, overhead_ns);
    snprintf(text, sizeof(text), "%lld", (long long)(overhead_ns / 1000));
    http_put_header(s->r, "Airlock-Overhead-Us", text);
    http_answer(s->r, 200, "application/json", &s->whole);
}

static void on_done(void *arg, unsigned status, int64_t spent_ns, const struct err *e)
{
    struct session *s = arg;
    struct ending end = judge(s, status, e);
    int64_t now_ns = clock_mono_ns();
    record(s, &end, now_ns);
    if (s->stream)
        end_stream(s, &end);
    else
        answer_whole(s, &end, spent_ns, now_ns);
    asked_fini(s->g, &s->a);
    buf_fini(&s->request);
    buf_fini(&s->whole);
    buf_fini(&s->out);
    free(s);
}

/* ── the beginning ── */

int session_begin(struct gateway *g, struct http_request *r, struct asked *a)
{
    struct session *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    struct exchange_hooks hooks = {.bytes = on_bytes, .signal = on_signal, .done = on_done, .arg = s};
    s->g = g;
    s->r = r;
    s->a = *a;
    s->request = BUF(CHAT_BODY_MAX * 2);
    s->whole = BUF(ANSWER_MAX);
    chat_write(&s->a.chat, s->a.engine.system, s->a.engine.parameters, &s->request);
    if (!buf_ok(&s->request)) {
        buf_fini(&s->request);
        free(s);
        return -1;
    }
    g->metrics.active++;
    http_put_header(r, "Airlock-Release", digest_text(&a->engine.release).text);
    http_put_header(r, "Airlock-Version", a->engine.version);
    http_put_header(r, "Airlock-Request", a->id);
    s->x = exchange_new(g->relay, a->engine.door, "/v1/chat/completions", buf_span(&s->request), &hooks);
    http_on_gone(r, on_gone, s);
    if (s->a.chat.stream)
        http_on_slow(r, g->o.slow_ms ? g->o.slow_ms : SLOW_MS, on_slow, s);
    exchange_post(s->x);
    return 0;
}
