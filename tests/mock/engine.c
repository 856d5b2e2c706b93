/* A stand-in for an engine, used as the engine of small releases in tests: it listens on a unix socket as llama-server
 * does (`--host FILE.sock`), answers /health, /v1/models and /v1/chat/completions, streamed and not, and is
 * deterministic. One static file, one thread a connection. Not a product: it reads its requests as a test needs it.
 *
 *   mock-engine --host FILE.sock [-m|--model FILE] [--load-ms N] [--word-ms N] [any other option of llama-server]
 *
 * The answer to a conversation is the last user message, " [system:HHHHHHHH]" (FNV-1a of all system messages), and, if
 * a system message holds "marker:WORD", " WORD". A user message that begins with one of these words asks for something
 * else:
 *
 *   /json TEXT      TEXT and nothing else          /slow N MS   N words, MS milliseconds apart
 *   /big KIB        that many KiB of text          /drop N      closes the connection after N words
 *   /die N          ends the program after N words /stall       says nothing until the client leaves
 *   /status CODE    an error of that status        /file PATH   "readable" or "not readable": what a boundary lets
 * through
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX (32U << 20)
#define HEAD_MAX    65536U

static struct {
    const char *socket_path, *model;
    long load_ms, word_ms;
    int64_t ready_ms;
} mock;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* One connection: bytes read and not yet used. */
struct conn {
    int fd;
    char *bytes; /* NUL-terminated */
    size_t len;
};

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool send_reply(int fd, int status, const char *body, size_t len)
{
    char head[256];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", status, len);
    char *all = malloc((size_t)n + len);
    if (!all)
        abort();
    memcpy(all, head, (size_t)n);
    memcpy(all + n, body, len);
    bool sent = send_all(fd, all, (size_t)n + len);
    free(all);
    return sent;
}

static bool send_error(int fd, int status, const char *message)
{
    char body[512];
    int n = snprintf(body, sizeof(body), "{\"error\":{\"code\":%d,\"message\":\"%s\",\"type\":\"mock_error\"}}", status,
                     message);
    return send_reply(fd, status, body, (size_t)n);
}

/* One server-sent event as one HTTP chunk. */
static bool send_event(int fd, const char *data)
{
    size_t len = strlen(data), room = len + 64;
    char *all = malloc(room);
    if (!all)
        abort();
    int n = snprintf(all, room, "%zx\r\ndata: %s\n\n\r\n", len + 8, data);
    bool sent = send_all(fd, all, (size_t)n);
    free(all);
    return sent;
}

/* What the conversation asks for. */
struct task {
    char *text; /* the answer; owned */
    long word_ms, stop_after;
    bool stall, drop, die;
    int status;
    unsigned prompt_tokens;
    long max_tokens;
    bool stream, usage;
    char model[128];
};

static unsigned count_words(const char *text)
{
    unsigned words = 0;
    for (bool in = false; *text; text++) {
        bool space = *text == ' ' || *text == '\n';
        words += !space && !in;
        in = !space;
    }
    return words;
}

static const char *message_text(const json_t *message)
{
    const json_t *content = json_object_get(message, "content"), *part;
    if (json_is_string(content))
        return json_string_value(content);
    size_t i;
    json_array_foreach(content, i, part) if (json_is_string(json_object_get(part, "text"))) return json_string_value(
        json_object_get(part, "text"));
    return "";
}

static char *format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *pattern, ...)
{
    char *out = NULL;
    va_list args;
    va_start(args, pattern);
    if (vasprintf(&out, pattern, args) < 0)
        abort();
    va_end(args);
    return out;
}

/* `word` ends with a space. */
static char *repeat(const char *word, size_t count)
{
    size_t len = strlen(word);
    char *out = malloc(len * count + 1);
    if (!out)
        abort();
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * len, word, len);
    out[count ? len * count - 1 : 0] = 0; /* without the last space */
    return out;
}

/* The number that stands n-th behind the command word. */
static long number(const char *text, int n)
{
    while (n-- > 0 && text)
        text = strchr(text + 1, ' ');
    return text ? strtol(text, NULL, 10) : 0;
}

static void plan_answer(struct task *t, const char *user, uint32_t hash, const char *marker, int marker_len)
{
    if (!strncmp(user, "/json ", 6)) {
        t->text = format("%s", user + 6);
    } else if (!strncmp(user, "/slow ", 6)) {
        t->text = repeat("word ", (size_t)number(user, 1));
        t->word_ms = number(user, 2);
    } else if (!strncmp(user, "/big ", 5)) {
        t->text = repeat("0123456789abcde ", 64 * (size_t)number(user, 1));
    } else if (!strncmp(user, "/drop ", 6) || !strncmp(user, "/die ", 5)) {
        t->stop_after = number(user, 1);
        t->text = repeat("word ", (size_t)t->stop_after + 1);
        t->drop = user[2] == 'r';
        t->die = !t->drop;
    } else if (!strncmp(user, "/status ", 8)) {
        t->status = (int)number(user, 1);
    } else if (!strncmp(user, "/stall", 6)) {
        t->stall = true;
    } else if (!strncmp(user, "/file ", 6)) {
        t->text = format("%s", access(user + 6, R_OK) == 0 ? "readable" : "not readable");
    } else {
        t->text = format("%s [system:%08x]%s%.*s", user, hash, marker_len ? " " : "", marker_len, marker);
    }
}

static bool plan(struct task *t, const json_t *request)
{
    const json_t *messages = json_object_get(request, "messages"), *message;
    const char *user = "", *marker = "";
    int marker_len = 0;
    uint32_t hash = 2166136261U;
    size_t i;
    json_array_foreach(messages, i, message)
    {
        const char *text = message_text(message), *role = json_string_value(json_object_get(message, "role"));
        t->prompt_tokens += count_words(text);
        if (role && !strcmp(role, "user"))
            user = text;
        if (!role || strcmp(role, "system") != 0)
            continue;
        for (const char *c = text; *c; c++)
            hash = (hash ^ (uint8_t)*c) * 16777619U;
        const char *found = strstr(text, "marker:");
        if (found) {
            marker = found + 7;
            marker_len = (int)strcspn(marker, " \n.,;");
        }
    }
    t->stop_after = -1;
    t->word_ms = mock.word_ms;
    t->max_tokens = (long)json_integer_value(json_object_get(request, "max_tokens"));
    t->stream = json_is_true(json_object_get(request, "stream"));
    t->usage = json_is_true(json_object_get(json_object_get(request, "stream_options"), "include_usage"));
    const char *model = json_string_value(json_object_get(request, "model"));
    /* As llama-server does: the file, and not what was asked for. */
    snprintf(t->model, sizeof(t->model), "%s", mock.model ? mock.model : model ? model : "mock");
    plan_answer(t, user, hash, marker, marker_len);
    return json_array_size(messages) > 0;
}

/* Length of the next word with the space in front of it; 0 at the end. */
static size_t next_word(const char *text)
{
    size_t n = strspn(text, " ");
    return text[n] ? n + strcspn(text + n, " ") : strlen(text);
}

static char *chunk(const struct task *t, json_t *delta, const char *finish)
{
    json_t *o = json_pack("{s:s, s:s, s:i, s:s, s:[{s:i, s:o, s:s?}]}", "id", "chatcmpl-mock", "object",
                          "chat.completion.chunk", "created", 0, "model", t->model, "choices", "index", 0, "delta",
                          delta, "finish_reason", finish);
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

static bool send_chunk(int fd, char *text)
{
    bool sent = send_event(fd, text);
    free(text);
    return sent;
}

static void wait_until_gone(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    char byte;
    while (poll(&p, 1, -1) < 0 || recv(fd, &byte, 1, 0) > 0)
        continue;
}

static bool send_usage(int fd, const struct task *t, long words)
{
    json_t *o = json_pack("{s:s, s:s, s:i, s:s, s:[], s:{s:i, s:i, s:i}}", "id", "chatcmpl-mock", "object",
                          "chat.completion.chunk", "created", 0, "model", t->model, "choices", "usage", "prompt_tokens",
                          (int)t->prompt_tokens, "completion_tokens", (int)words, "total_tokens",
                          (int)(t->prompt_tokens + (unsigned)words));
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return send_chunk(fd, text);
}

/* The words of the answer, one event each. *finish says how it ended. */
static bool stream_words(int fd, const struct task *t, long *words, const char **finish)
{
    for (const char *at = t->text; *at;) {
        if (t->max_tokens && *words >= t->max_tokens) {
            *finish = "length";
            break;
        }
        if (t->stop_after >= 0 && *words >= t->stop_after) {
            if (t->die)
                _exit(3);
            return false;
        }
        size_t n = next_word(at);
        if (t->word_ms)
            sleep_ms(t->word_ms);
        if (!send_chunk(fd, chunk(t, json_pack("{s:s%}", "content", at, n), NULL)))
            return false;
        at += n;
        (*words)++;
    }
    return true;
}

static bool answer_streamed(int fd, const struct task *t)
{
    static const char head[] =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    long words = 0;
    const char *finish = "stop";
    if (!send_all(fd, head, sizeof(head) - 1) ||
        !send_chunk(fd, chunk(t, json_pack("{s:s, s:n}", "role", "assistant", "content"), NULL)) ||
        !stream_words(fd, t, &words, &finish) || !send_chunk(fd, chunk(t, json_object(), finish)) ||
        (t->usage && !send_usage(fd, t, words)))
        return false;
    return send_event(fd, "[DONE]") && send_all(fd, "0\r\n\r\n", 5);
}

static bool answer_whole(int fd, const struct task *t)
{
    if (t->die)
        _exit(3);
    if (t->drop)
        return false;
    size_t len = 0;
    long words = 0;
    while (t->text[len] && (!t->max_tokens || words < t->max_tokens)) {
        len += next_word(t->text + len);
        words++;
        if (t->word_ms)
            sleep_ms(t->word_ms);
    }
    json_t *o = json_pack("{s:s, s:s, s:i, s:s, s:[{s:i, s:{s:s, s:s%}, s:s}], s:{s:i, s:i, s:i}}", "id",
                          "chatcmpl-mock", "object", "chat.completion", "created", 0, "model", t->model, "choices",
                          "index", 0, "message", "role", "assistant", "content", t->text, len, "finish_reason",
                          t->text[len] ? "length" : "stop", "usage", "prompt_tokens", (int)t->prompt_tokens,
                          "completion_tokens", (int)words, "total_tokens", (int)t->prompt_tokens + (int)words);
    char *text = json_dumps(o, JSON_COMPACT);
    bool sent = send_reply(fd, 200, text, strlen(text));
    free(text);
    json_decref(o);
    return sent;
}

static bool chat(int fd, const char *body, size_t len)
{
    json_t *request = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    if (!request)
        return send_error(fd, 400, "the request is no JSON");
    struct task t = {.status = 200};
    bool alive;
    if (!plan(&t, request)) {
        alive = send_error(fd, 400, "messages: wanted at least one");
    } else if (t.stall) {
        wait_until_gone(fd);
        alive = false;
    } else if (t.status != 200) {
        alive = send_error(fd, t.status, "as the request asked");
    } else {
        alive = t.stream ? answer_streamed(fd, &t) : answer_whole(fd, &t);
    }
    free(t.text);
    json_decref(request);
    return alive;
}

static bool answer(int fd, const char *head, const char *body, size_t len)
{
    static const char models[] = "{\"object\":\"list\",\"data\":[{\"id\":\"mock\",\"object\":\"model\"}]}";
    bool loading = now_ms() < mock.ready_ms;
    if (!strncmp(head, "GET /health ", 12) || !strncmp(head, "GET /v1/health ", 15))
        return loading ? send_error(fd, 503, "Loading model") : send_reply(fd, 200, "{\"status\":\"ok\"}", 15);
    if (loading)
        return send_error(fd, 503, "Loading model");
    if (!strncmp(head, "GET /v1/models ", 15))
        return send_reply(fd, 200, models, sizeof(models) - 1);
    if (!strncmp(head, "POST /v1/chat/completions ", 26))
        return chat(fd, body, len);
    return send_error(fd, 404, "no such path");
}

/* Reads until `wanted` bytes are there; false when the client has left. */
static bool fill(struct conn *c, size_t wanted)
{
    while (c->len < wanted) {
        ssize_t n = recv(c->fd, c->bytes + c->len, wanted - c->len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        c->len += (size_t)n;
        c->bytes[c->len] = 0;
    }
    return true;
}

/* Reads the head of the next request; returns its length with the empty line, or 0. */
static size_t read_head(struct conn *c)
{
    char *end;
    while (!(end = strstr(c->bytes, "\r\n\r\n"))) {
        if (c->len >= HEAD_MAX)
            return 0;
        ssize_t n = recv(c->fd, c->bytes + c->len, HEAD_MAX - c->len, 0);
        if (n <= 0)
            return 0;
        c->len += (size_t)n;
        c->bytes[c->len] = 0;
    }
    return (size_t)(end - c->bytes) + 4;
}

static void *serve(void *arg)
{
    struct conn c = {.fd = (int)(intptr_t)arg, .bytes = malloc(HEAD_MAX + 1)};
    if (!c.bytes)
        abort();
    c.bytes[0] = 0;
    for (size_t head; (head = read_head(&c)) > 0;) {
        c.bytes[head - 1] = 0;
        const char *field = strcasestr(c.bytes, "\nContent-Length:");
        size_t body = field ? (size_t)strtoul(field + 16, NULL, 10) : 0;
        if (strcasestr(c.bytes, "\nExpect: 100"))
            send_all(c.fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        size_t room = head + body > HEAD_MAX ? head + body : HEAD_MAX;
        if (body > REQUEST_MAX || !(c.bytes = realloc(c.bytes, room + 1)) || !fill(&c, head + body) ||
            !answer(c.fd, c.bytes, c.bytes + head, body))
            break;
        c.len -= head + body;
        memmove(c.bytes, c.bytes + head + body, c.len);
        c.bytes[c.len] = 0;
    }
    free(c.bytes);
    close(c.fd);
    return NULL;
}

static int listen_on(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (strlen(path) >= sizeof(a.sun_path)) {
        fprintf(stderr, "mock-engine: %s: longer than a socket's path may be\n", path);
        return -1;
    }
    memcpy(a.sun_path, path, strlen(path) + 1);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1024) < 0) {
        fprintf(stderr, "mock-engine: %s: %s\n", path, strerror(errno));
        return -1;
    }
    return fd;
}

static bool model_is_readable(const char *path)
{
    char magic[4];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && read(fd, magic, sizeof(magic)) > 0;
    if (!good)
        fprintf(stderr, "mock-engine: model %s: %s\n", path, fd < 0 ? strerror(errno) : "empty");
    if (fd >= 0)
        close(fd);
    return good;
}

static bool is(const char *word, const char *option)
{
    return !strcmp(word, option);
}

static void leave(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (is(argv[i], "--host"))
            mock.socket_path = argv[++i];
        else if (is(argv[i], "-m") || is(argv[i], "--model"))
            mock.model = argv[++i];
        else if (is(argv[i], "--load-ms"))
            mock.load_ms = strtol(argv[++i], NULL, 10);
        else if (is(argv[i], "--word-ms"))
            mock.word_ms = strtol(argv[++i], NULL, 10);
    }
    if (!mock.socket_path) {
        fprintf(stderr, "mock-engine: --host FILE.sock is missing\n");
        return 2;
    }
    signal(SIGTERM, leave);
    signal(SIGINT, leave);
    if (mock.model && !model_is_readable(mock.model))
        return 1;
    mock.ready_ms = now_ms() + mock.load_ms;
    int listener = listen_on(mock.socket_path);
    if (listener < 0)
        return 1;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&small, 256U << 10);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        pthread_t thread;
        if (fd >= 0 && pthread_create(&thread, &small, serve, (void *)(intptr_t)fd) != 0)
            close(fd);
    }
}
