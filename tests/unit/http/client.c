#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/log.h"

struct http_server *test_server(const struct http_route *routes, size_t count, const struct http_options *options)
{
    struct http_options o = {0};
    struct err e = {0};
    if (options)
        o = *options;
    o.address = "127.0.0.1";
    o.routes = routes;
    o.route_count = count;
    log_set_format(LOG_SILENT);
    struct http_server *s = http_start(&o, &e);
    if (!s)
        fail_msg("%s", e.msg);
    return s;
}

int client_connect(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
        fail_msg("connect: %s", strerror(errno));
    return fd;
}

void client_send(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    int64_t until = clock_mono_ms() + CLIENT_TIMEOUT_MS;
    while (len > 0) {
        struct pollfd p = {fd, POLLOUT, 0};
        int64_t left = until - clock_mono_ms();
        if (left <= 0 || poll(&p, 1, (int)left) <= 0)
            return;
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            return;
        at += n;
        len -= (size_t)n;
    }
}

void client_send_text(int fd, const char *text)
{
    client_send(fd, text, strlen(text));
}

/* >0 bytes, 0 end, -1 nothing came in time */
static ssize_t read_some(int fd, char *out, size_t room, int quiet_ms)
{
    struct pollfd p = {fd, POLLIN, 0};
    if (poll(&p, 1, quiet_ms) <= 0)
        return -1;
    ssize_t n = recv(fd, out, room, 0);
    return n < 0 ? 0 : n;
}

size_t client_read(int fd, char *out, size_t room, int quiet_ms, bool *ended)
{
    size_t len = 0;
    *ended = false;
    while (len + 1 < room) {
        ssize_t n = read_some(fd, out + len, room - len - 1, quiet_ms);
        *ended = n == 0;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    out[len] = 0;
    return len;
}

bool client_read_until(int fd, char *out, size_t room, const char *text)
{
    size_t len = 0;
    out[0] = 0;
    while (!memmem(out, len, text, strlen(text))) {
        ssize_t n = len + 1 < room ? read_some(fd, out + len, room - len - 1, CLIENT_TIMEOUT_MS) : -1;
        if (n <= 0)
            return false;
        len += (size_t)n;
        out[len] = 0;
    }
    return true;
}

size_t client_exchange(uint16_t port, const char *request, char *out, size_t room)
{
    bool ended;
    int fd = client_connect(port);
    client_send_text(fd, request);
    size_t len = client_read(fd, out, room, CLIENT_TIMEOUT_MS, &ended);
    close(fd);
    return len;
}

int status_of(const char *reply)
{
    return !strncmp(reply, "HTTP/1.", 7) && strlen(reply) > 12 ? (int)strtol(reply + 9, NULL, 10) : 0;
}

const char *body_of(const char *reply)
{
    const char *end = strstr(reply, "\r\n\r\n");
    return end ? end + 4 : "";
}
