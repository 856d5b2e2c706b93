/* Clients that are slow, silent or many: each is cut at its deadline, none keeps the others waiting. Deadlines here are
 * short, so that the tests are; the defaults are in server.c. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#include "util/clock.h"

static void hello(struct http_request *r, void *arg)
{
    struct buf body = BUF(64);
    (void)arg;
    buf_add_str(&body, "hello");
    http_answer(r, 200, "text/plain", &body);
}

#define LARGE (64U << 20)

static void large(struct http_request *r, void *arg)
{
    int fd = memfd_create("large", MFD_CLOEXEC);
    (void)arg;
    assert_int_equal(ftruncate(fd, LARGE), 0);
    http_answer_file(r, fd, LARGE, "application/octet-stream", NULL);
}

static const struct http_route routes[] = {
    {.path = "/hello", .methods = HTTP_GET | HTTP_POST, .body_max = 1 << 20, .handle = hello},
    {.path = "/large", .methods = HTTP_GET, .handle = large},
};

static const struct http_options hurried = {
    .header_deadline_ms = 500, .grace_ms = 500, .idle_ms = 1500, .min_rate = 10000, .comment_ms = 500};

static struct http_server *server;
static char reply[1 << 16];

static void start(const struct http_options *o)
{
    server = test_server(routes, ARRAY_LEN(routes), o);
}

static int stop(void **state)
{
    (void)state;
    http_stop(server, 0);
    return 0;
}

/* Sends `text` once, then the byte `drip` every 50 ms until the server closes; returns how long that took. */
static int64_t drip_until_cut(int fd, const char *text, char drip)
{
    int64_t begun = clock_mono_ms();
    client_send_text(fd, text);
    while (clock_mono_ms() - begun < CLIENT_TIMEOUT_MS) {
        bool ended;
        client_read(fd, reply, sizeof(reply), 50, &ended);
        if (ended)
            break;
        client_send(fd, &drip, 1);
    }
    return clock_mono_ms() - begun;
}

static uint64_t cut_count(void)
{
    struct http_counts c;
    http_counts(server, &c);
    return c.cut;
}

static void a_connection_that_says_nothing_is_cut(void **state)
{
    (void)state;
    start(&hurried);
    bool ended;
    int64_t begun = clock_mono_ms();
    int fd = client_connect(http_port(server));
    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    assert_true(ended);
    assert_in_range(clock_mono_ms() - begun, 400, 3000);
    close(fd);
}

static void a_head_that_drips_is_cut(void **state)
{
    (void)state;
    start(&hurried);
    int fd = client_connect(http_port(server));
    assert_in_range(drip_until_cut(fd, "GET /hello HTTP/1.1\r\nHost: x\r\nX: ", 'a'), 400, 3000);
    assert_int_equal(cut_count(), 1);
    close(fd);
    fd = client_connect(http_port(server));
    assert_in_range(drip_until_cut(fd, "GET /he", 'l'), 400, 3000);
    close(fd);
}

static void a_head_that_drips_on_a_kept_connection_is_cut(void **state)
{
    (void)state;
    start(&hurried);
    int fd = client_connect(http_port(server));
    client_send_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(client_read_until(fd, reply, sizeof(reply), "hello"));
    assert_in_range(drip_until_cut(fd, "GET /he", 'l'), 400, 4000);
    close(fd);
}

static void a_body_that_drips_is_cut(void **state)
{
    (void)state;
    start(&hurried);
    int fd = client_connect(http_port(server));
    assert_in_range(drip_until_cut(fd, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", 'b'), 400,
                    4000);
    assert_int_equal(cut_count(), 1);
    close(fd);
}

static void a_body_at_the_asked_rate_is_taken(void **state)
{
    (void)state;
    start(&hurried);
    static char piece[4000];
    struct timespec pause = {0, 100000000}; /* 40,000 bytes a second */
    int fd = client_connect(http_port(server));
    client_send_text(fd, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n");
    for (int i = 0; i < 15; i++) {
        client_send(fd, piece, sizeof(piece));
        nanosleep(&pause, NULL);
    }
    assert_true(client_read_until(fd, reply, sizeof(reply), "hello"));
    assert_int_equal(cut_count(), 0);
    close(fd);
}

static void a_reader_that_stops_reading_is_cut(void **state)
{
    (void)state;
    start(&hurried);
    int64_t begun = clock_mono_ms();
    int fd = client_connect(http_port(server));
    client_send_text(fd, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    while (cut_count() == 0 && clock_mono_ms() - begun < CLIENT_TIMEOUT_MS)
        poll(NULL, 0, 20);
    assert_int_equal(cut_count(), 1);
    close(fd);
}

static void a_reader_that_reads_gets_all(void **state)
{
    (void)state;
    start(&hurried);
    static char piece[1 << 20];
    size_t total = 0;
    int fd = client_connect(http_port(server));
    client_send_text(fd, "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    for (ssize_t n; (n = recv(fd, piece, sizeof(piece), 0)) > 0;)
        total += (size_t)n;
    assert_true(total > LARGE);
    assert_int_equal(cut_count(), 0);
    close(fd);
}

static void one_address_has_at_most_its_share(void **state)
{
    (void)state;
    struct http_options o = {.per_address_max = 3, .loop_threads = 1};
    start(&o);
    bool ended;
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = client_connect(http_port(server));
        client_send_text(fds[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(client_read_until(fds[i], reply, sizeof(reply), "hello"));
    }
    int fourth = client_connect(http_port(server));
    client_send_text(fourth, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read(fourth, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    assert_true(ended);
    assert_string_equal(reply, "");
    close(fourth);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

static void when_all_places_are_taken_the_idle_ones_are_given_up(void **state)
{
    (void)state;
    struct http_options o = {
        .connections_max = 16, .loop_threads = 1, .header_deadline_ms = 500, .idle_ms = 60000, .grace_ms = 500};
    start(&o);
    int fds[16];
    for (int i = 0; i < 16; i++) {
        fds[i] = client_connect(http_port(server));
        client_send_text(fds[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(client_read_until(fds[i], reply, sizeof(reply), "hello"));
    }

    int late = client_connect(http_port(server));
    client_send_text(late, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");

    assert_true(client_read_until(late, reply, sizeof(reply), "hello"));
    close(late);
    for (int i = 0; i < 16; i++)
        close(fds[i]);
}

static size_t resident_bytes(void)
{
    unsigned long all = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &all, &resident), 2);
    fclose(f);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* As many as the limit on descriptors lets us have in one process, where each takes two; at most 10,000. */
static size_t idle_count(void)
{
    struct rlimit r;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    size_t n = r.rlim_cur > 20200 ? 10000 : (size_t)(r.rlim_cur - 200) / 2;
    return n;
}

static void ten_thousand_idle_connections_leave_room_for_the_next_request(void **state)
{
    (void)state;
    struct http_options o = {.header_deadline_ms = 60000, .idle_ms = 60000};
    start(&o);
    size_t count = idle_count(), before = resident_bytes();
    int *fds = calloc(count, sizeof(int));
    assert_non_null(fds);
    for (size_t i = 0; i < count; i++)
        fds[i] = client_connect(http_port(server));
    struct http_counts c;
    int64_t until = clock_mono_ms() + CLIENT_TIMEOUT_MS;
    do {
        poll(NULL, 0, 10);
        http_counts(server, &c);
    } while (c.connections < count && clock_mono_ms() < until);
    assert_int_equal(c.connections, count);
    print_message("# %zu idle connections, %zu bytes each\n", count, (resident_bytes() - before) / count);
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__) /* which have shadows of their own */
    assert_true((resident_bytes() - before) / count < 48 * 1024);
#endif

    int64_t begun = clock_mono_ms();
    int fd = client_connect(http_port(server));
    client_send_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(client_read_until(fd, reply, sizeof(reply), "hello"));
    assert_true(clock_mono_ms() - begun < 1000);
    close(fd);
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    free(fds);
}

#define T(name) cmocka_unit_test_teardown(name, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_connection_that_says_nothing_is_cut),
        T(a_head_that_drips_is_cut),
        T(a_head_that_drips_on_a_kept_connection_is_cut),
        T(a_body_that_drips_is_cut),
        T(a_body_at_the_asked_rate_is_taken),
        T(a_reader_that_stops_reading_is_cut),
        T(a_reader_that_reads_gets_all),
        T(one_address_has_at_most_its_share),
        T(when_all_places_are_taken_the_idle_ones_are_given_up),
        T(ten_thousand_idle_connections_leave_room_for_the_next_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
