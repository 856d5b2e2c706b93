/* The DNS stub: answers every name with NXDOMAIN, and tells the session who asked for what. Its two sockets were made
 * inside the box's network namespace; the process itself is confined (ROLE_STUB), because what it reads was written by
 * the program under test. It answers only when the session has found out who asks: until then the asker waits, and so
 * is still there to be found. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "parse/dns.h"
#include "sandbox/role.h"
#include "silence/event.h"
#include "util/auto.h"

/* With our five descriptors within the limit of role.c. */
#define CONNECTIONS_MAX 8
#define UDP_QUERY_MAX   4096U
#define TCP_QUERY_MAX   4096U
#define GO_TIMEOUT_MS   3000

struct connection {
    int fd; /* -1: free */
    uint16_t port;
    size_t len;
    uint8_t bytes[2 + TCP_QUERY_MAX];
};

struct stub {
    int session, udp, tcp;
    bool over, owes_pong;
    struct connection connections[CONNECTIONS_MAX];
};

/* Reports a query and waits for the go; a ping that comes first is owed an answer later. */
static void report(struct stub *s, const struct dns_question *q, const char *wrong, const char *proto, uint16_t port)
{
    struct silence_event event = {.kind = EVENT_QUERY, .source_port = port};
    struct pollfd p = {.fd = s->session, .events = POLLIN};
    char go = 0;
    snprintf(event.op, sizeof(event.op), "resolve");
    snprintf(event.proto, sizeof(event.proto), "%s", proto);
    snprintf(event.name, sizeof(event.name), "%s", wrong ? "(a query that is malformed)" : q->name);
    if (!wrong)
        snprintf(event.type, sizeof(event.type), "%s", dns_type_text(q->type).text);
    if (event_send(s->session, &event) < 0)
        s->over = true;
    while (!s->over && go != SILENCE_GO && poll(&p, 1, GO_TIMEOUT_MS) == 1) {
        if (recv(s->session, &go, 1, 0) != 1)
            s->over = true;
        s->owes_pong |= go == SILENCE_PING;
    }
}

/* Parses, reports, and makes the answer; empty when there is none to give. */
static void handle(struct stub *s, struct span message, const char *proto, uint16_t port, struct buf *answer)
{
    struct dns_question q;
    struct err e = {0};
    bool fine = dns_query_parse(message, &q, &e) == 0;
    report(s, &q, fine ? NULL : e.msg, proto, port);
    if (fine)
        dns_answer_nxdomain(&q, answer);
}

/* True when there was one. */
static bool serve_udp(struct stub *s)
{
    static uint8_t bytes[UDP_QUERY_MAX];
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    ssize_t got = recvfrom(s->udp, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from, &size);
    if (got < 0)
        return false;
    auto_buf answer = BUF(1024);
    handle(s, span_of(bytes, (size_t)got), "dns", ntohs(from.sin_port), &answer);
    if (answer.len > 0)
        (void)sendto(s->udp, answer.ptr, answer.len, MSG_DONTWAIT, (const struct sockaddr *)&from, size);
    return true;
}

static bool accept_tcp(struct stub *s)
{
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    int fd = accept4(s->tcp, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return false;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &s->connections[i];
        if (c->fd >= 0)
            continue;
        c->fd = fd;
        c->port = ntohs(from.sin_port);
        c->len = 0;
        return true;
    }
    close(fd); /* more connections than anybody's resolver makes */
    return true;
}

static void drop(struct connection *c)
{
    close(c->fd);
    c->fd = -1;
}

/* Answers every whole message in the connection's bytes. */
static void serve_messages(struct stub *s, struct connection *c)
{
    struct span rest = span_of(c->bytes, c->len), message;
    for (;;) {
        struct span at = rest;
        uint16_t len;
        if (!span_take_be16(&at, &len) || !span_take(&at, len, &message))
            break;
        auto_buf answer = BUF(1024), framed = BUF(1026);
        handle(s, message, "dns/tcp", c->port, &answer);
        buf_add_be16(&framed, (uint16_t)answer.len);
        buf_add_span(&framed, buf_span(&answer));
        if (answer.len > 0)
            (void)send(c->fd, framed.ptr, framed.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        rest = at;
    }
    memmove(c->bytes, rest.ptr, rest.len);
    c->len = rest.len;
}

static bool serve_tcp(struct stub *s, struct connection *c)
{
    if (c->fd < 0)
        return false;
    ssize_t got = recv(c->fd, c->bytes + c->len, sizeof(c->bytes) - c->len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got > 0) {
        c->len += (size_t)got;
        serve_messages(s, c);
    }
    if (got <= 0 || c->len == sizeof(c->bytes))
        drop(c);
    return true;
}

/* Serves until nothing is waiting any more. */
static void serve_all(struct stub *s)
{
    for (bool busy = true; busy && !s->over;) {
        busy = serve_udp(s);
        busy |= accept_tcp(s);
        for (size_t i = 0; i < CONNECTIONS_MAX; i++)
            busy |= serve_tcp(s, &s->connections[i]);
    }
}

/* A pong says: whatever came before the ping was reported. */
static void hear_session(struct stub *s)
{
    char word;
    if (recv(s->session, &word, 1, 0) != 1)
        s->over = true;
    else
        s->owes_pong |= word == SILENCE_PING;
}

static void pay_pong(struct stub *s)
{
    struct silence_event pong = {.kind = EVENT_PONG};
    if (!s->owes_pong || s->over)
        return;
    serve_all(s);
    s->owes_pong = false;
    if (event_send(s->session, &pong) < 0)
        s->over = true;
}

static void loop(struct stub *s)
{
    struct pollfd p[3 + CONNECTIONS_MAX] = {
        {.fd = s->session, .events = POLLIN}, {.fd = s->udp, .events = POLLIN}, {.fd = s->tcp, .events = POLLIN}};
    while (!s->over) {
        for (size_t i = 0; i < CONNECTIONS_MAX; i++)
            p[3 + i] = (struct pollfd){.fd = s->connections[i].fd, .events = POLLIN};
        if (poll(p, ARRAY_LEN(p), -1) < 0 && errno != EINTR)
            return;
        if (p[0].revents)
            hear_session(s);
        serve_all(s);
        pay_pong(s);
    }
}

int stub_main(int sock, int udp, int tcp)
{
    static struct stub s;
    struct err e = {0};
    s = (struct stub){.session = sock, .udp = udp, .tcp = tcp};
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        s.connections[i].fd = -1;
    if (sandbox_enter(ROLE_STUB, -1, &e) < 0) {
        fprintf(stderr, "airlock: the DNS stub: %s\n", e.msg);
        return 1;
    }
    loop(&s);
    return 0;
}
