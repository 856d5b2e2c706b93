/* A box that listens, and the relay behind it: the place that was named is reached, nothing else is, and all of it is
 * on record. The place is a server of this test's own on the loopback outside. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box_fixture.h"
#include "sandbox/relay.h"
#include "util/auto.h"

#define NAMED       "127.83.0.2"
#define UNNAMED     "127.83.0.3"
#define INSIDE_PORT 443

/* ── inside ── */

static int connect_to(const char *address, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &at.sin_addr);
    auto_fd fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (const struct sockaddr *)&at, sizeof at) < 0 ? -1 : fd_steal(&fd);
}

/* Says `word`, and how many bytes came back until the other side ended: 0 when as many as are wanted. */
static int ask(const char *word, size_t wanted)
{
    char bytes[4096];
    size_t total = 0;
    ssize_t got;
    auto_fd fd = connect_to(NAMED, INSIDE_PORT);
    if (fd < 0 || send(fd, word, strlen(word), MSG_NOSIGNAL) < 0)
        return errno;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0)
        total += (size_t)got;
    return total == wanted ? 0 : ERANGE;
}

static int inside(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "ask") == 0)
        return ask("hello\n", strtoul(argv[2], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "connect") == 0) {
        auto_fd fd = connect_to(argv[2], (uint16_t)strtoul(argv[3], NULL, 10));
        return fd < 0 ? errno : 0;
    }
    return 99;
}

/* ── outside ── */

/* Answers every connection: reads a line, then sends `bytes` of zeros (SIZE_MAX: without end) or, mute, nothing. A
 * proxy first takes a CONNECT, keeps its first line, and says yes. */
struct server {
    int fd;
    uint16_t port;
    size_t bytes;
    bool mute, proxy;
    char asked[64];
    pthread_t thread;
};

static bool be_proxy(struct server *s, int fd)
{
    char head[2048] = "";
    size_t len = 0;
    while (!strstr(head, "\r\n\r\n")) {
        ssize_t got = recv(fd, head + len, sizeof head - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        head[len] = '\0';
    }
    snprintf(s->asked, sizeof s->asked, "%.*s", (int)strcspn(head, "\r"), head);
    return send(fd, "HTTP/1.1 200 yes\r\n\r\n", 20, MSG_NOSIGNAL) == 20;
}

static void answer(struct server *s, int fd)
{
    static const char zeros[65536];
    char line[64];
    if (s->proxy && !be_proxy(s, fd))
        return;
    if (recv(fd, line, sizeof line, 0) <= 0)
        return;
    if (s->mute)
        (void)recv(fd, line, sizeof line, 0); /* until the other side gives up */
    for (size_t left = s->mute ? 0 : s->bytes; left > 0;) {
        ssize_t sent = send(fd, zeros, left < sizeof zeros ? left : sizeof zeros, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        left -= (size_t)sent;
    }
}

static void *serve(void *arg)
{
    struct server *s = arg;
    for (;;) {
        auto_fd fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        answer(s, fd);
    }
}

static void server_start(struct server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(bind(s->fd, (const struct sockaddr *)&at, sizeof at), errno);
    assert_return_code(listen(s->fd, 8), errno);
    assert_return_code(getsockname(s->fd, (struct sockaddr *)&at, &len), errno);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

/* Runs this program inside with one way out, to the port; its exit status. */
static int run(const char *const arguments[], uint16_t port, const struct relay_limits *limits,
               struct relay_record *record)
{
    const struct box_listen at = {NAMED, INSIDE_PORT};
    struct box_spec *spec = fixture_spec(arguments);
    struct box *b = NULL;
    struct box_relay *r = NULL;
    struct err e = {0};
    spec->listens = &at;
    spec->listen_count = 1;
    if (box_start(spec, &b, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(b->listener_count, 1);
    const struct relay_place place = {.listener = b->listeners[0], .host = "127.0.0.1", .port = port};
    assert_return_code(box_relay_start(&place, 1, limits, &r, &e), 0);
    assert_int_equal(box_wait(b, 30000, &e), 1);
    int status = b->status;
    box_relay_stop(r, record);
    box_free(b);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const struct relay_limits NONE = {0};

static void the_named_place_is_reached_and_every_byte_is_counted(void **state)
{
    (void)state;
    struct server s = {.bytes = 300000};
    server_start(&s);
    auto_relay_record record = {0};

    int status = run((const char *const[]){"ask", "300000", NULL}, s.port, &NONE, &record);

    server_stop(&s);
    assert_int_equal(status, 0);
    assert_int_equal(record.count, 1);
    assert_int_equal(record.list[0].sent, 6);
    assert_int_equal(record.list[0].received, 300000);
    assert_true(record.list[0].end_ms >= record.list[0].begin_ms);
    assert_string_equal(record.list[0].why, "");
    assert_false(record.over_limit);
}

static void nothing_else_is_reached(void **state)
{
    (void)state;
    struct server s = {.bytes = 1};
    server_start(&s);
    char port[8];
    snprintf(port, sizeof port, "%u", s.port);
    const struct {
        const char *address, *port;
        int error;
    } rows[] = {
        {UNNAMED, "443", ECONNREFUSED},
        {NAMED, "80", ECONNREFUSED},
        {"127.0.0.1", port, ECONNREFUSED}, /* the server itself: on the loopback of the host, not of the box */
        {"192.0.2.1", "443", ENETUNREACH},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_relay_record record = {0};
        assert_int_equal(
            run((const char *const[]){"connect", rows[i].address, rows[i].port, NULL}, s.port, &NONE, &record),
            rows[i].error);
        assert_int_equal(record.count, 0);
    }
    server_stop(&s);
}

static void a_place_that_is_not_there_is_on_record_with_the_reason(void **state)
{
    (void)state;
    struct server s = {0};
    server_start(&s);
    server_stop(&s); /* its port is free again */
    auto_relay_record record = {0};

    int status = run((const char *const[]){"ask", "1", NULL}, s.port, &NONE, &record);

    assert_int_not_equal(status, 0);
    assert_int_equal(record.count, 1);
    assert_int_equal(record.list[0].received, 0);
    assert_string_not_equal(record.list[0].why, "");
}

static void a_body_without_end_is_cut_at_the_limit(void **state)
{
    (void)state;
    struct server s = {.bytes = SIZE_MAX};
    server_start(&s);
    auto_relay_record record = {0};
    const struct relay_limits limits = {.bytes = 1U << 20};

    run((const char *const[]){"ask", "1", NULL}, s.port, &limits, &record);

    server_stop(&s);
    assert_true(record.over_limit);
    assert_true(record.list[0].received > limits.bytes && record.list[0].received < 2 * limits.bytes);
    assert_non_null(strstr(record.list[0].why, "more bytes"));
}

static void a_place_that_says_nothing_is_cut_after_the_time(void **state)
{
    (void)state;
    struct server s = {.mute = true};
    server_start(&s);
    auto_relay_record record = {0};
    const struct relay_limits limits = {.idle_ms = 200};

    int status = run((const char *const[]){"ask", "0", NULL}, s.port, &limits, &record);

    server_stop(&s);
    assert_int_not_equal(status, 99);
    assert_non_null(strstr(record.list[0].why, "nothing moved"));
}

static void a_proxy_of_the_environment_is_asked_to_connect(void **state)
{
    (void)state;
    struct server s = {.bytes = 300000, .proxy = true};
    server_start(&s);
    char proxy[64];
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", s.port);
    setenv("http_proxy", proxy, 1);
    auto_relay_record record = {0};

    int status = run((const char *const[]){"ask", "300000", NULL}, 9, &NONE, &record);

    unsetenv("http_proxy");
    server_stop(&s);
    assert_int_equal(status, 0);
    assert_string_equal(s.asked, "CONNECT 127.0.0.1:9 HTTP/1.1");
    assert_int_equal(record.list[0].received, 300000);
}

int main(int argc, char **argv)
{
    fixture_become(argc, argv, inside);
    signal(SIGPIPE, SIG_IGN);
    static const char *const proxies[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < ARRAY_LEN(proxies); i++)
        unsetenv(proxies[i]); /* the developer's own */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_named_place_is_reached_and_every_byte_is_counted),
        cmocka_unit_test(nothing_else_is_reached),
        cmocka_unit_test(a_place_that_is_not_there_is_on_record_with_the_reason),
        cmocka_unit_test(a_body_without_end_is_cut_at_the_limit),
        cmocka_unit_test(a_place_that_says_nothing_is_cut_after_the_time),
        cmocka_unit_test(a_proxy_of_the_environment_is_asked_to_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
