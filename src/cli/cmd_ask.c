/* `airlock ask`: one question to the serve that runs on this contour, over loopback, as any client would ask it. */
#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/serve.h"
#include "gate/policy.h"
#include "gateway/sse.h"
#include "site/config.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/limits.h"

#define TEXT_MAX   (1U << 20)
#define ANSWER_MAX (16U << 20)

/* ── one conversation ── */

struct ask {
    struct invocation *in;
    CURL *curl;
    struct curl_slist *headers;
    struct serve_found serve;
    char pin[HTTP_TLS_PIN_SIZE]; /* of a serve that speaks TLS */
    char model[129];
    const char *environment; /* asked for, or NULL */
    struct sse sse;
    struct buf body, answer;
    char release[DIGEST_TEXT_SIZE], version[33], request[64];
    uint64_t tokens_in, tokens_out;
    int64_t began_ms, first_ms;
    bool ended, ends_in_newline;
    struct err failed;
};

static void take_header(char *out, size_t size, const char *wanted, struct span name, struct span value)
{
    if (span_equal_str(name, wanted))
        snprintf(out, size, "%.*s", (int)value.len, (const char *)value.ptr);
}

static size_t on_header(char *bytes, size_t one, size_t len, void *arg)
{
    struct ask *a = arg;
    struct span line = span_of(bytes, len), name;
    (void)one;
    if (!span_take_until(&line, ':', &name))
        return len;
    span_take_prefix(&line, SPAN_LIT(" "));
    while (line.len > 0 && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == '\n'))
        line.len--;
    take_header(a->release, sizeof(a->release), "Airlock-Release", name, line);
    take_header(a->version, sizeof(a->version), "Airlock-Version", name, line);
    take_header(a->request, sizeof(a->request), "Airlock-Request", name, line);
    return len;
}

static size_t on_whole(char *bytes, size_t one, size_t len, void *arg)
{
    struct ask *a = arg;
    (void)one;
    buf_add(&a->body, bytes, len);
    return buf_ok(&a->body) ? len : 0;
}

static void show(struct ask *a, const char *text)
{
    size_t len = strlen(text);
    if (len == 0)
        return;
    if (!a->first_ms)
        a->first_ms = clock_mono_ms();
    buf_add(&a->answer, text, len);
    a->ends_in_newline = text[len - 1] == '\n';
    if (a->in->json)
        return;
    fwrite(text, 1, len, stdout);
    fflush(stdout);
}

static int on_event(void *arg, struct span data)
{
    struct ask *a = arg;
    if (span_equal_str(data, "[DONE]")) {
        a->ended = true;
        return 0;
    }
    auto_json event = json_parse(data, SSE_EVENT_MAX, "an event of the answer", &a->failed);
    if (!event)
        return -1;
    const json_t *error = json_object_get(event, "error"), *usage = json_object_get(event, "usage");
    if (error)
        return err_set(&a->failed, ERR_IO, 0, "%s", json_get_string(error, "message", "the answer broke off"));
    if (usage) {
        a->tokens_in = (uint64_t)json_integer_value(json_object_get(usage, "prompt_tokens"));
        a->tokens_out = (uint64_t)json_integer_value(json_object_get(usage, "completion_tokens"));
    }
    const json_t *delta = json_object_get(json_array_get(json_object_get(event, "choices"), 0), "delta");
    show(a, json_get_string(delta, "content", ""));
    return 0;
}

static size_t on_piece(char *bytes, size_t one, size_t len, void *arg)
{
    struct ask *a = arg;
    long status = 0;
    curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return on_whole(bytes, one, len, arg);
    return sse_feed(&a->sse, span_of(bytes, len), on_event, a, &a->failed) == 0 ? len : 0;
}

/* The exit status of cli.md for what HTTP says. */
static enum err_code code_of(long status)
{
    switch (status) {
    case 400:
    case 413:
        return ERR_INPUT;
    case 401:
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOTFOUND;
    case 429:
    case 503:
        return ERR_BUSY;
    default:
        return ERR_IO;
    }
}

static int refused(const struct ask *a, long status, struct err *e)
{
    struct err ignored;
    auto_json answer = json_parse(buf_span(&a->body), ANSWER_MAX, "error", &ignored);
    return err_set(e, code_of(status), 0, "%s (HTTP %ld)",
                   json_get_string(json_object_get(answer, "error"), "message", "refused without a reason"), status);
}

static int perform(struct ask *a, const char *path, const char *post, curl_write_callback take, struct err *e)
{
    char url[256];
    long status = 0;
    snprintf(url, sizeof(url), "%s%s", a->serve.url, path);
    curl_easy_reset(a->curl);
    buf_clear(&a->body);
    curl_easy_setopt(a->curl, CURLOPT_URL, url);
    curl_easy_setopt(a->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(a->curl, CURLOPT_PROTOCOLS_STR, a->serve.tls ? "https" : "http");
    if (a->serve.tls) { /* exactly the server whose certificate stands in this contour, whatever its name is */
        curl_easy_setopt(a->curl, CURLOPT_PINNEDPUBLICKEY, a->pin);
        curl_easy_setopt(a->curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(a->curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    curl_easy_setopt(a->curl, CURLOPT_HTTPHEADER, a->headers);
    curl_easy_setopt(a->curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    curl_easy_setopt(a->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(a->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(a->curl, CURLOPT_HEADERDATA, a);
    curl_easy_setopt(a->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(a->curl, CURLOPT_WRITEDATA, a);
    if (post)
        curl_easy_setopt(a->curl, CURLOPT_POSTFIELDS, post);
    CURLcode code = curl_easy_perform(a->curl);
    curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
    if (a->failed.code != ERR_NONE) {
        *e = a->failed;
        return -1;
    }
    if (code == CURLE_COULDNT_CONNECT)
        return err_set(e, ERR_BUSY, 0, "no serve answers on %s; start it with `airlock serve`", a->serve.url);
    if (code != CURLE_OK)
        return err_set(e, ERR_IO, 0, "%s: %s", url, curl_easy_strerror(code));
    return status == 200 ? 0 : refused(a, status, e);
}

static const char *environment_of(const struct ask *a)
{
    return a->environment ? a->environment : "prod";
}

static int read_config(int dir, struct config *out, struct err *e)
{
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    return file_read(dir, CONFIG_FILE, &text, e) < 0 ? -1 : config_parse(buf_span(&text), out, e);
}

/* Nothing answers: because nothing is to be kept running there, or because it is starting, or stands elsewhere. */
static void explain_silence(const struct ask *a, int dir, struct err *e)
{
    struct config c;
    struct err ignored = {0};
    if (read_config(dir, &c, &ignored) < 0)
        return;
    for (size_t i = 0; i < c.serve_count; i++) {
        if (strcmp(c.serve[i], environment_of(a)) == 0) {
            err_hint(e, "`airlock status` shows what stands and what is starting there");
            return;
        }
    }
    err_hint(e, "serve.environments of " CONFIG_FILE " does not list %s: add it there and start serve anew",
             environment_of(a));
}

/* The one model of the environment; more than one must be chosen from. */
static int choose_model(struct ask *a, struct err *e)
{
    const char *named = option_get(a->in, "model");
    auto_buf names = BUF(4096);
    if (named) {
        snprintf(a->model, sizeof(a->model), "%s", named);
        return 0;
    }
    if (perform(a, "/v1/models", NULL, on_whole, e) < 0)
        return -1;
    auto_json answer = json_parse(buf_span(&a->body), ANSWER_MAX, "the list of models", e);
    const json_t *list = json_object_get(answer, "data"), *model;
    size_t i;
    if (!answer)
        return -1;
    json_array_foreach(list, i, model) buf_printf(&names, "%s%s", i ? ", " : "", json_get_string(model, "id", "?"));
    if (json_array_size(list) == 0)
        return err_set(e, ERR_NOTFOUND, 0, "no release answers in %s", environment_of(a));
    if (json_array_size(list) > 1)
        return err_set(e, ERR_USAGE, 0, "several models answer (%s); choose one with --model", buf_str(&names));
    snprintf(a->model, sizeof(a->model), "%s", buf_str(&names));
    return 0;
}

static int put_question(struct ask *a, const char *text, struct err *e)
{
    struct json_out w;
    auto_buf post = BUF(2 * TEXT_MAX + 4096);
    json_out_init(&w, &post);
    json_out_object(&w);
    json_put_string(&w, "model", a->model);
    json_put_array(&w, "messages");
    json_out_object(&w);
    json_put_string(&w, "role", "user");
    json_put_string(&w, "content", text);
    json_out_object_end(&w);
    json_out_array_end(&w);
    json_put_bool(&w, "stream", true);
    json_put_object(&w, "stream_options");
    json_put_bool(&w, "include_usage", true);
    json_out_object_end(&w);
    json_out_object_end(&w);
    if (buf_check(&post, "the question", e) < 0)
        return -1;
    a->began_ms = clock_mono_ms();
    if (perform(a, "/v1/chat/completions", buf_str(&post), on_piece, e) < 0)
        return -1;
    return a->ended ? 0 : err_set(e, ERR_IO, 0, "the answer broke off");
}

static void report(struct ask *a)
{
    int64_t total_ms = clock_mono_ms() - a->began_ms, first_ms = a->first_ms ? a->first_ms - a->began_ms : total_ms;
    if (!a->in->json) {
        if (!a->ends_in_newline)
            fputc('\n', stdout);
        if (a->in->verbose)
            fprintf(stderr,
                    "%s:%s, release %s, request %s: %llu tokens in, %llu out, first after %lld ms, %lld ms in all\n",
                    a->model, a->version, a->release, a->request, (unsigned long long)a->tokens_in,
                    (unsigned long long)a->tokens_out, (long long)first_ms, (long long)total_ms);
        else if (isatty(STDERR_FILENO) && !a->in->quiet)
            fprintf(stderr, "%s:%s answered\n", a->model, a->version);
        return;
    }
    struct json_out w;
    auto_buf out = BUF(ANSWER_MAX);
    command_json(&w, &out, "ask");
    json_put_string(&w, "model", a->model);
    json_put_string(&w, "version", a->version);
    json_put_string(&w, "release", a->release);
    json_put_string(&w, "request", a->request);
    json_put_string(&w, "answer", buf_str(&a->answer));
    json_put_uint(&w, "tokens_in", a->tokens_in);
    json_put_uint(&w, "tokens_out", a->tokens_out);
    json_put_int(&w, "first_token_ms", first_ms);
    json_put_int(&w, "total_ms", total_ms);
    command_json_end(&w);
}

/* ── who asks ── */

static const char *token_file(const struct invocation *in)
{
    const char *file = option_get(in, "token-file");
    return file ? file : getenv("AIRLOCK_TOKEN_FILE");
}

static int read_token(struct invocation *in, int dir, struct buf *out, struct err *e)
{
    const char *file = token_file(in);
    if (file_read(file ? AT_FDCWD : dir, file ? file : SERVE_OPERATOR_FILE, out, e) < 0) {
        if (!file)
            err_hint(e, "Only the user who runs serve is its operator; others ask with --token-file FILE");
        return -1;
    }
    while (out->len > 0 &&
           (out->ptr[out->len - 1] == '\n' || out->ptr[out->len - 1] == '\r' || out->ptr[out->len - 1] == ' '))
        out->len--;
    if (out->len == 0 || !span_is_printable(buf_span(out)))
        return err_set(e, ERR_INPUT, 0, "%s holds no token", file ? file : SERVE_OPERATOR_FILE);
    return 0;
}

static void add_header(struct ask *a, const char *name, struct span value)
{
    auto_buf line = BUF(8192);
    buf_printf(&line, "%s: %.*s", name, (int)value.len, (const char *)value.ptr);
    a->headers = curl_slist_append(a->headers, buf_str(&line));
}

static int read_pin(struct ask *a, int dir, struct err *e)
{
    struct config c;
    struct http_tls tls;
    if (read_config(dir, &c, e) < 0)
        return -1;
    if (!serve_tls(&c, dir, &tls))
        return err_set(e, ERR_BUSY, 0, "serve speaks TLS, and " CONFIG_FILE " has no tls any more; start serve anew");
    return http_tls_pin(&tls, a->pin, e);
}

static int set_up(struct ask *a, int dir, struct err *e)
{
    auto_buf token = BUF(4096);
    if (serve_find(dir, &a->serve, e) < 0 || (a->serve.tls && read_pin(a, dir, e) < 0) ||
        read_token(a->in, dir, &token, e) < 0)
        return -1;
    auto_buf bearer = BUF(8192);
    buf_add_str(&bearer, "Bearer ");
    buf_add_span(&bearer, buf_span(&token));
    add_header(a, "Authorization", buf_span(&bearer));
    add_header(a, "Content-Type", SPAN_LIT("application/json"));
    if (a->environment)
        add_header(a, "Airlock-Environment", span_str(a->environment));
    a->curl = curl_easy_init();
    return a->curl ? 0 : err_set(e, ERR_SYSTEM, 0, "libcurl did not start");
}

static int converse(struct ask *a, const char *text, struct err *e)
{
    auto_fd dir = dir_open(AT_FDCWD, a->in->home, e);
    if (dir < 0 || set_up(a, dir, e) < 0)
        return -1;
    if (choose_model(a, e) == 0 && put_question(a, text, e) == 0)
        return 0;
    if (e->code == ERR_NOTFOUND)
        explain_silence(a, dir, e);
    else if (e->code == ERR_DENIED && token_file(a->in))
        err_prefix(e, "the token in %s", token_file(a->in));
    return -1;
}

static void ask_fini(struct ask *a)
{
    curl_slist_free_all(a->headers);
    if (a->curl)
        curl_easy_cleanup(a->curl);
    sse_fini(&a->sse);
    buf_fini(&a->body);
    buf_fini(&a->answer);
}

static int run(struct invocation *in)
{
    AUTO(ask_fini)
    struct ask a = {.in = in, .environment = option_get(in, "env"), .body = BUF(ANSWER_MAX), .answer = BUF(ANSWER_MAX)};
    struct err e = {0};
    auto_buf typed = BUF(TEXT_MAX);
    const char *text = in->argv[0];
    sse_init(&a.sse);
    if (a.environment && !environment_known(a.environment))
        return command_usage(in, "--env: wanted sandbox, test or prod, found \"%.40s\"", a.environment);
    if (strcmp(text, "-") == 0) {
        if (file_read_fd(STDIN_FILENO, "standard input", &typed, &e) < 0)
            return command_fail(in, &e);
        text = buf_str(&typed);
    }
    if (text[strspn(text, " \t\r\n")] == '\0')
        return command_usage(in, "%s: wanted a question, found nothing",
                             strcmp(in->argv[0], "-") == 0 ? "standard input" : "TEXT");
    if (converse(&a, text, &e) == 0) {
        report(&a);
        return 0;
    }
    if (a.answer.len > 0 && !in->json)
        fputc('\n', stdout);
    return command_fail(in, &e);
}

const struct command CMD_ASK = {
    .name = "ask",
    .usage = "TEXT",
    .summary = "one question to the running serve, its answer streamed",
    .detail = "Asks over loopback as any client does, so quota, access log and the release's own prompt are as for\n"
              "everybody. Who asks is the operator of this machine (a token that serve keeps for its own user), or "
              "whoever's\n"
              "token --token-file or AIRLOCK_TOKEN_FILE names. TEXT of - is read from standard input.\n\n"
              "Which release answered is said on standard error: on a terminal, and with --verbose everywhere.",
    .options = {{"env", "ENV", "where the release stands: prod if nothing is said", false},
                {"model", "NAME", "which release, where several answer", false},
                {"token-file", "FILE", "a token of `airlock token new`", false}},
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
