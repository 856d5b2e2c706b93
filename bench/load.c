/* A load generator for bench/gateway: N kept connections, one chat request after another on each, at a fixed rate over
 * all of them (or as fast as the answers come); one thread on epoll. Prints one JSON object: latencies in microseconds.
 *
 *   load --socket FILE.sock | --port N  [--token T] --connections N --requests N [--rate PER_SECOND] [--stream]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REPLY_MAX 65536U

struct conn {
    int fd;
    bool busy;
    int64_t due_ns; /* when its next request is to go */
    int64_t sent_ns, first_ns;
    size_t len;
    char reply[REPLY_MAX + 1];
};

static struct {
    const char *socket_path, *token;
    uint16_t port;
    unsigned connections, requests;
    double rate;
    bool stream;
    char request[2048];
    size_t request_len;
    int epoll;
    struct conn *conns;
    uint32_t *total_us, *first_us;
    unsigned begun, done, failed;
} load;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void conn_open(struct conn *c)
{
    struct sockaddr_un u = {.sun_family = AF_UNIX};
    struct sockaddr_in i = {.sin_family = AF_INET, .sin_port = htons(load.port)};
    int one = 1;
    i.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(load.socket_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        fail("socket");
    if (load.socket_path)
        memcpy(u.sun_path, load.socket_path, strnlen(load.socket_path, sizeof(u.sun_path) - 1));
    int connected = load.socket_path ? connect(c->fd, (struct sockaddr *)&u, sizeof(u))
                                     : connect(c->fd, (struct sockaddr *)&i, sizeof(i));
    if (connected < 0)
        fail("connect");
    if (!load.socket_path)
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
        fail("epoll_ctl");
}

static void make_request(void)
{
    char body[512];
    int n = snprintf(body, sizeof(body),
                     "{\"model\":\"assistant\",\"messages\":[{\"role\":\"user\",\"content\":\"What is the capital of "
                     "France?\"}]%s}",
                     load.stream ? ",\"stream\":true" : "");
    int len = snprintf(
        load.request, sizeof(load.request),
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n%s%s%sContent-Type: application/json\r\n"
        "Content-Length: %d\r\n\r\n%s",
        load.token ? "Authorization: Bearer " : "", load.token ? load.token : "", load.token ? "\r\n" : "", n, body);
    load.request_len = (size_t)len;
}

/* The time runs from when the request was due, so that a server which keeps others waiting is not flattered. */
static void begin(struct conn *c, int64_t now)
{
    c->busy = true;
    c->len = 0;
    c->first_ns = 0;
    c->sent_ns = load.rate > 0 && c->due_ns < now ? c->due_ns : now;
    load.begun++;
    if (send(c->fd, load.request, load.request_len, MSG_NOSIGNAL) != (ssize_t)load.request_len)
        fail("send");
}

static bool whole(const struct conn *c)
{
    const char *end = strstr(c->reply, "\r\n\r\n");
    if (!end)
        return false;
    const char *length = strcasestr(c->reply, "\r\nContent-Length: ");
    if (length && length < end)
        return c->len >= (size_t)(end + 4 - c->reply) + (size_t)strtoul(length + 18, NULL, 10);
    return c->len >= 7 && !memcmp(c->reply + c->len - 7, "\r\n0\r\n\r\n", 7);
}

static void finish(struct conn *c, int64_t now, int64_t interval_ns)
{
    c->busy = false;
    bool good = !strncmp(c->reply, "HTTP/1.1 200", 12) && strstr(c->reply, "capital of France");
    load.failed += !good && !load.stream;
    load.failed += load.stream && !strstr(c->reply, "[DONE]");
    load.total_us[load.done] = (uint32_t)((now - c->sent_ns) / 1000);
    load.first_us[load.done] = (uint32_t)(((c->first_ns ? c->first_ns : now) - c->sent_ns) / 1000);
    load.done++;
    c->due_ns = load.rate > 0 ? c->due_ns + interval_ns : now;
}

static void take(struct conn *c, int64_t interval_ns)
{
    ssize_t n = recv(c->fd, c->reply + c->len, REPLY_MAX - c->len, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        errno = n == 0 ? ECONNRESET : errno;
        fail("the connection ended");
    }
    c->len += (size_t)n;
    c->reply[c->len] = 0;
    if (!c->first_ns && strstr(c->reply, "\"content\":\""))
        c->first_ns = now_ns();
    if (whole(c))
        finish(c, now_ns(), interval_ns);
}

static int64_t begin_what_is_due(void)
{
    int64_t now = now_ns(), next = INT64_MAX;
    for (unsigned i = 0; i < load.connections && load.begun < load.requests; i++) {
        struct conn *c = &load.conns[i];
        if (!c->busy && c->due_ns <= now)
            begin(c, now);
        else if (!c->busy && c->due_ns < next)
            next = c->due_ns;
    }
    return next;
}

static void run(void)
{
    struct epoll_event events[256];
    int64_t interval_ns = load.rate > 0 ? (int64_t)(1e9 * load.connections / load.rate) : 0, start = now_ns();
    for (unsigned i = 0; i < load.connections; i++)
        load.conns[i].due_ns = start + (load.rate > 0 ? (int64_t)(1e9 / load.rate * i) : 0);
    while (load.done < load.requests) {
        int64_t next = begin_what_is_due(), now = now_ns();
        struct timespec wait = {1, 0};
        if (next != INT64_MAX && next - now < 1000000000) {
            wait.tv_sec = 0;
            wait.tv_nsec = next > now ? next - now : 0;
        }
        int n = epoll_pwait2(load.epoll, events, 256, &wait, NULL);
        for (int i = 0; i < n; i++)
            take(events[i].data.ptr, interval_ns);
    }
    printf("{\"seconds\":%.3f,", (double)(now_ns() - start) / 1e9);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void print(const char *name, uint32_t *us)
{
    qsort(us, load.done, sizeof(*us), compare);
    printf("\"%s_p50_us\":%u,\"%s_p99_us\":%u,", name, us[load.done / 2], name, us[(size_t)load.done * 99 / 100]);
}

static void parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(option, "--stream")) {
            load.stream = true;
            continue;
        }
        i++;
        if (!strcmp(option, "--socket"))
            load.socket_path = value;
        else if (!strcmp(option, "--port"))
            load.port = (uint16_t)strtoul(value, NULL, 10);
        else if (!strcmp(option, "--token"))
            load.token = value;
        else if (!strcmp(option, "--connections"))
            load.connections = (unsigned)strtoul(value, NULL, 10);
        else if (!strcmp(option, "--requests"))
            load.requests = (unsigned)strtoul(value, NULL, 10);
        else if (!strcmp(option, "--rate"))
            load.rate = strtod(value, NULL);
    }
    if ((!load.socket_path && !load.port) || !load.connections || load.requests < load.connections) {
        fprintf(stderr,
                "usage: load --socket FILE|--port N [--token T] --connections N --requests N [--rate R] [--stream]\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.conns = calloc(load.connections, sizeof(*load.conns));
    load.total_us = calloc(load.requests, sizeof(*load.total_us));
    load.first_us = calloc(load.requests, sizeof(*load.first_us));
    if (load.epoll < 0 || !load.conns || !load.total_us || !load.first_us)
        fail("memory");
    make_request();
    for (unsigned i = 0; i < load.connections; i++)
        conn_open(&load.conns[i]);
    run();
    print("total", load.total_us);
    print("first", load.first_us);
    printf("\"requests\":%u,\"failed\":%u}\n", load.done, load.failed);
    return load.failed ? 1 : 0;
}
