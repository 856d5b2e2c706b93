#include "engine/ask.h"

#include <curl/curl.h>
#include <pthread.h>
#include <string.h>

#include "sandbox/door_curl.h"
#include "util/clock.h"
#include "util/limits.h"

/* Enough to touch every weight, few enough to be quick. */
#define WARMUP_TOKENS 16
#define ANSWER_MAX    (1U << 20)

static void init_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_NOTHING) != 0)
        abort();
}

static size_t take(char *bytes, size_t one, size_t len, void *arg)
{
    struct buf *out = arg;
    (void)one;
    buf_add(out, bytes, len);
    return buf_ok(out) ? len : 0;
}

static int look(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct ask *ask = arg;
    (void)a, (void)b, (void)c, (void)d;
    return ask->give_up && ask->give_up(ask->arg);
}

static CURL *handle(const struct ask *a, const char *url, struct buf *reply, struct door_call *call)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    CURL *curl = curl_easy_init();
    if (!curl)
        abort();
    int64_t left = a->until_ms - clock_mono_ms();
    door_call_begin(call, a->door, curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(left > 1 ? left : 1));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, a);
    return curl;
}

/* Nobody listens yet is no failure; that somebody else might listen is. */
static int refused(const struct door_call *call, struct err *e)
{
    if (call->e.code == ERR_NONE || call->e.code == ERR_BUSY)
        return 0;
    *e = call->e;
    return -1;
}

int ask_health(const struct ask *a, struct err *e)
{
    struct door_call call;
    auto_buf reply = BUF(ANSWER_MAX);
    long status = 0;
    CURL *curl = handle(a, "http://engine/health", &reply, &call);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    door_call_end(&call);
    if (refused(&call, e) < 0)
        return -1;
    return status == 200 || status == 404 || status == 405;
}

static void put_message(struct json_out *w, const char *role, const char *text)
{
    json_out_object(w);
    json_put_string(w, "role", role);
    json_put_string(w, "content", text);
    json_out_object_end(w);
}

static void put_parameters(struct json_out *w, const json_t *parameters)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)parameters, key, value)
    {
        if (strcmp(key, "max_tokens") == 0 || strcmp(key, "stream") == 0)
            continue;
        auto_free char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        if (!text)
            continue;
        json_out_key(w, key);
        json_out_raw(w, span_str(text));
    }
}

static void write_request(const struct ask *a, const struct prompts *p, const char *text, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "model", a->model);
    json_put_array(&w, "messages");
    if (*p->system)
        put_message(&w, "system", p->system);
    put_message(&w, "user", text);
    json_out_array_end(&w);
    json_put_int(&w, "max_tokens", WARMUP_TOKENS);
    json_put_bool(&w, "stream", false);
    put_parameters(&w, p->parameters);
    json_out_object_end(&w);
}

/* An answer is a chat completion with a message in it. */
static bool is_answer(struct span body)
{
    struct err ignored;
    auto_json root = json_parse(body, ANSWER_MAX, "answer", &ignored);
    const json_t *choice = json_array_get(json_object_get(root, "choices"), 0);
    return json_is_object(json_object_get(choice, "message"));
}

static int judge(CURLcode result, long status, struct buf *reply, const char *text, struct err *e)
{
    if (result == CURLE_ABORTED_BY_CALLBACK)
        return err_set(e, ERR_BUSY, 0, "the warm-up was given up");
    if (result == CURLE_OPERATION_TIMEDOUT)
        return err_set(e, ERR_UNDECIDED, 0, "no answer to the warm-up prompt \"%.60s\" in time", text);
    if (result == CURLE_COULDNT_CONNECT || (result == CURLE_OK && status == 503))
        return 0;
    if (result != CURLE_OK)
        return err_set(e, ERR_INPUT, 0, "the warm-up prompt \"%.60s\" got no answer: %s", text,
                       curl_easy_strerror(result));
    if (status == 200 && is_answer(buf_span(reply)))
        return 1;
    return err_set(e, ERR_INPUT, 0,
                   "to the warm-up prompt \"%.60s\" it answered status %ld and %zu bytes that are no "
                   "chat completion",
                   text, status, reply->len);
}

int ask_warmup(const struct ask *a, const struct prompts *p, const char *text, struct err *e)
{
    auto_buf request = BUF(LIMIT_JSON_BYTES), reply = BUF(ANSWER_MAX);
    struct door_call call;
    long status = 0;
    write_request(a, p, text, &request);
    if (buf_check(&request, "a warm-up request", e) < 0)
        return -1;
    CURL *curl = handle(a, "http://engine/v1/chat/completions", &reply, &call);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request.len);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, buf_str(&request));
    CURLcode result = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    door_call_end(&call);
    if (call.e.code != ERR_NONE)
        return refused(&call, e);
    return judge(result, status, &reply, text, e);
}
