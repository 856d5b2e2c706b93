/* Bodies that stream: a handler pulls them piece by piece, a slow handler makes its client wait, and whatever goes
 * wrong on either side, the other one learns it. Deadlines are short, so that the tests are. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "util/clock.h"

#define LARGE (48U << 20)

/* What the handlers found; the tests wait for it. */
static _Atomic unsigned entered, ended, gone;
static _Atomic int failed_code;
static atomic_bool opened;

static void wait_until(const _Atomic unsigned *what, unsigned wanted)
{
    int64_t until = clock_mono_ms() + CLIENT_TIMEOUT_MS;
    while (atomic_load(what) < wanted && clock_mono_ms() < until)
        poll(NULL, 0, 5);
    assert_int_equal(atomic_load(what), wanted);
}

static void wait_for_gate(void)
{
    int64_t until = clock_mono_ms() + CLIENT_TIMEOUT_MS;
    while (!atomic_load(&opened) && clock_mono_ms() < until)
        poll(NULL, 0, 5);
}

/* The byte at `at` of every body that these tests send. */
static char byte_at(uint64_t at)
{
    return (char)(at * 31 + (at >> 12));
}

/* Reads to the end. -1 when it failed, with *e, or a byte was not the one that was sent. */
static int64_t swallow(struct http_request *r, struct err *e)
{
    static _Thread_local char piece[40000];
    uint64_t at = 0;
    ssize_t n;
    while ((n = http_body_read(r, piece, sizeof(piece), e)) > 0)
        for (ssize_t i = 0; i < n; i++)
            if (piece[i] != byte_at(at++))
                return err_set(e, ERR_IO, 0, "byte %llu is another", (unsigned long long)at - 1);
    return n < 0 ? -1 : (int64_t)at;
}

static void sink(struct http_request *r, void *arg)
{
    struct err e = {0};
    struct buf body = BUF(256);
    (void)arg;
    entered++;
    int64_t length = http_body_length(r), got = swallow(r, &e);
    failed_code = (int)e.code;
    if (got >= 0) {
        const char *type = http_header(r, "content-type");
        buf_printf(&body, "length %lld got %lld type %s peer %s", (long long)length, (long long)got,
                   type ? type : "none", http_peer(r));
        http_answer(r, 201, "text/plain", &body);
    } else {
        http_error_err(r, &e);
    }
    ended++;
}

static void gated_sink(struct http_request *r, void *arg)
{
    static _Atomic unsigned waiting;
    waiting++;
    entered++;
    wait_for_gate();
    entered--;
    sink(r, arg);
}

static void watched_sink(struct http_request *r, void *arg)
{
    static char piece[1000];
    struct err e = {0};
    (void)http_body_read(r, piece, sizeof(piece), &e);
    http_on_gone(r, (void (*)(void *))arg, NULL);
    entered++;
    while (http_body_read(r, piece, sizeof(piece), &e) > 0)
        continue;
    failed_code = (int)e.code;
    http_error_err(r, &e);
    ended++;
}

static void is_gone(void *arg)
{
    (void)arg;
    gone++;
}

/* Answers when it has seen some of the body. */
static void full_disk(struct http_request *r, void *arg)
{
    char piece[100];
    struct err e = {0};
    (void)arg;
    assert_true(http_body_read(r, piece, sizeof(piece), &e) > 0);
    http_put_header(r, "Docker-Upload-UUID", "17");
    http_error(r, 507, NULL, "no room is left");
}

static void never(struct http_request *r, void *arg)
{
    (void)arg;
    http_error(r, 403, NULL, "not here");
}

static void name(struct http_request *r, void *arg)
{
    struct buf body = BUF(64);
    buf_add_str(&body, arg);
    http_answer(r, 200, "text/plain", &body);
}

#define UPLOADING HTTP_PUT | HTTP_POST | HTTP_PATCH, .streams_body = true

static const struct http_route routes[] = {
    {.path = "/sink", .methods = UPLOADING, .body_max = 5ULL << 30, .handle = sink},
    {.path = "/gated", .methods = UPLOADING, .body_max = 1U << 30, .handle = gated_sink},
    {.path = "/watched", .methods = UPLOADING, .body_max = 1U << 30, .handle = watched_sink, .arg = (void *)is_gone},
    {.path = "/small", .methods = UPLOADING, .body_max = 100000, .handle = sink},
    {.path = "/full", .methods = UPLOADING, .body_max = 1U << 30, .handle = full_disk},
    {.path = "/never", .methods = UPLOADING, .body_max = 1U << 30, .handle = never},
    {.path = "/thing", .methods = HTTP_GET, .handle = name, .arg = "got"},
    {.path = "/thing", .methods = HTTP_DELETE | HTTP_PUT, .streams_body = true, .handle = name, .arg = "changed"},
};

static struct http_server *server;
static char reply[1 << 16];

static void start(const struct http_options *o)
{
    entered = ended = gone = 0;
    failed_code = 0;
    opened = false;
    server = test_server(routes, ARRAY_LEN(routes), o);
}

static int stop(void **state)
{
    (void)state;
    atomic_store(&opened, true);
    http_stop(server, 0);
    return 0;
}

static void send_body(int fd, uint64_t from, uint64_t len)
{
    static _Thread_local char piece[65536];
    while (len > 0) {
        size_t n = len < sizeof(piece) ? (size_t)len : sizeof(piece);
        for (size_t i = 0; i < n; i++)
            piece[i] = byte_at(from + i);
        client_send(fd, piece, n);
        from += n;
        len -= n;
    }
}

static int begin_put(const char *path, const char *more)
{
    char head[512];
    int fd = client_connect(http_port(server));
    snprintf(head, sizeof(head), "PUT %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, more);
    client_send_text(fd, head);
    return fd;
}

static int read_status(int fd)
{
    bool over;
    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &over);
    close(fd);
    assert_true(over);
    return status_of(reply);
}

static void a_large_body_of_known_length_comes_whole(void **state)
{
    (void)state;
    start(NULL);
    int fd = begin_put("/sink", "Content-Type: a/b\r\nConnection: close\r\nContent-Length: 50331648\r\n");
    send_body(fd, 0, LARGE);
    assert_int_equal(read_status(fd), 201);
    assert_string_equal(body_of(reply), "length 50331648 got 50331648 type a/b peer 127.0.0.1");
}

static void a_large_body_in_chunks_comes_whole(void **state)
{
    (void)state;
    start(NULL);
    int fd = begin_put("/sink", "Transfer-Encoding: chunked\r\nConnection: close\r\n");
    uint64_t sent = 0;
    for (unsigned i = 1; sent < LARGE; i++) {
        char size[32];
        uint64_t n = (uint64_t)i * 7919 % 200000 + 1;
        snprintf(size, sizeof(size), "%llx\r\n", (unsigned long long)n);
        client_send_text(fd, size);
        send_body(fd, sent, n);
        client_send_text(fd, "\r\n");
        sent += n;
    }
    client_send_text(fd, "0\r\n\r\n");
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "length -1 got %llu ", (unsigned long long)sent);
    assert_int_equal(read_status(fd), 201);
    assert_non_null(strstr(reply, wanted));
}

static void a_request_without_a_body_has_an_empty_one(void **state)
{
    (void)state;
    start(NULL);
    assert_int_equal(read_status(begin_put("/sink", "Connection: close\r\n")), 201);
    assert_non_null(strstr(reply, "length 0 got 0"));
    assert_int_equal(read_status(begin_put("/sink", "Content-Length: 0\r\nConnection: close\r\n")), 201);
    assert_non_null(strstr(reply, "length 0 got 0"));
}

static void a_kept_connection_carries_one_upload_after_another(void **state)
{
    (void)state;
    start(NULL);
    int fd = client_connect(http_port(server));
    for (int i = 0; i < 20; i++) {
        client_send_text(fd, "PATCH /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n");
        send_body(fd, 0, 300000);
        assert_true(client_read_until(fd, reply, sizeof(reply), "got 300000 type none peer 127.0.0.1"));
        assert_null(strstr(reply, "Connection: close"));
    }
    close(fd);
}

static void one_path_has_several_routes_by_method(void **state)
{
    (void)state;
    start(NULL);
    client_exchange(http_port(server), "GET /thing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", reply,
                    sizeof(reply));
    assert_string_equal(body_of(reply), "got");
    client_exchange(http_port(server), "DELETE /thing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", reply,
                    sizeof(reply));
    assert_string_equal(body_of(reply), "changed");
    client_exchange(http_port(server), "PATCH /thing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", reply,
                    sizeof(reply));
    assert_int_equal(status_of(reply), 405);
    assert_non_null(strstr(reply, "Allow: GET, PUT, DELETE\r\n"));
}

/* ── the handler is slow, or full ── */

static void a_handler_that_does_not_read_makes_its_client_wait(void **state)
{
    (void)state;
    start(NULL);
    int fd = begin_put("/gated", "Content-Length: 268435456\r\n");
    static char piece[1 << 20];
    uint64_t sent = 0;
    wait_until(&entered, 1);
    for (struct pollfd p = {fd, POLLOUT, 0}; poll(&p, 1, 500) > 0;) {
        ssize_t n = send(fd, piece, sizeof(piece), MSG_DONTWAIT | MSG_NOSIGNAL);
        assert_true(n > 0);
        sent += (uint64_t)n;
        assert_true(sent < 64U << 20); /* the kernel's own buffers, and no more */
    }
    close(fd);
}

static void a_slow_handler_is_no_slow_client(void **state)
{
    (void)state;
    struct http_options o = {.grace_ms = 200, .min_rate = 100000};
    start(&o);
    int fd = begin_put("/gated", "Content-Length: 3000000\r\nConnection: close\r\n");
    wait_until(&entered, 1);
    pthread_t sender;
    (void)sender;
    poll(NULL, 0, 700); /* longer than the grace, and not a byte has been asked for */
    atomic_store(&opened, true);
    send_body(fd, 0, 3000000);
    assert_int_equal(read_status(fd), 201);
    assert_non_null(strstr(reply, "got 3000000 "));
}

static void an_answer_before_the_end_reaches_a_client_that_still_sends(void **state)
{
    (void)state;
    start(NULL);
    for (int i = 0; i < 20; i++) {
        int fd = begin_put("/full", i % 2 ? "Content-Length: 8388608\r\n" : "Transfer-Encoding: chunked\r\n");
        if (i % 2 == 0)
            client_send_text(fd, "800000\r\n");
        send_body(fd, 0, 8388608);
        assert_int_equal(read_status(fd), 507);
        assert_string_equal(body_of(reply), "no room is left\n");
        assert_non_null(strstr(reply, "Connection: close\r\n"));
        assert_non_null(strstr(reply, " GMT\r\n"));
        assert_non_null(strstr(reply, "Docker-Upload-UUID: 17\r\n"));
    }
    struct http_counts c;
    http_counts(server, &c);
    assert_int_equal(c.status[5], 20);
}

static void an_answer_before_the_end_reaches_a_client_that_has_stopped(void **state)
{
    (void)state;
    start(NULL);
    int fd = begin_put("/full", "Content-Length: 8388608\r\n");
    send_body(fd, 0, 1000);
    assert_int_equal(read_status(fd), 507);
    assert_string_equal(body_of(reply), "no room is left\n");
}

static void behind_an_answer_before_the_end_nothing_is_answered(void **state)
{
    (void)state;
    start(NULL);
    int fd = begin_put("/full", "Content-Length: 100\r\n");
    send_body(fd, 0, 50);
    assert_true(client_read_until(fd, reply, sizeof(reply), "no room is left\n"));
    send_body(fd, 50, 50);
    client_send_text(fd, "GET /thing HTTP/1.1\r\nHost: x\r\n\r\n");
    bool over;
    assert_int_equal(client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &over), 0);
    assert_true(over);
    close(fd);
}

static void an_answer_without_reading_refuses_the_body_before_it_is_sent(void **state)
{
    (void)state;
    start(NULL);
    int fd = begin_put("/never", "Content-Length: 1000000\r\nExpect: 100-continue\r\n");
    assert_int_equal(read_status(fd), 403);
    assert_null(strstr(reply, "100 Continue"));
    fd = begin_put("/small", "Content-Length: 1000000\r\nExpect: 100-continue\r\n");
    assert_int_equal(read_status(fd), 413);
    assert_null(strstr(reply, "100 Continue"));
    assert_int_equal(entered, 0);
}

static void a_client_that_waits_to_be_asked_is_asked_by_the_first_read(void **state)
{
    (void)state;
    start(NULL);
    int fd = begin_put("/gated", "Content-Length: 1000\r\nExpect: 100-continue\r\nConnection: close\r\n");
    bool over;
    wait_until(&entered, 1);
    assert_int_equal(client_read(fd, reply, sizeof(reply), 200, &over), 0);
    atomic_store(&opened, true);
    assert_true(client_read_until(fd, reply, sizeof(reply), "HTTP/1.1 100 Continue\r\n\r\n"));
    send_body(fd, 0, 1000);
    assert_int_equal(read_status(fd), 201);
}

static void a_refused_body_that_is_sent_all_the_same_does_not_hide_the_answer(void **state)
{
    (void)state;
    start(NULL);
    for (int i = 0; i < 20; i++) {
        int fd = begin_put("/never", "Content-Length: 8388608\r\n");
        send_body(fd, 0, 8388608);
        assert_int_equal(read_status(fd), 403);
        assert_string_equal(body_of(reply), "not here\n");
    }
}

/* ── limits ── */

static void a_body_over_the_limit_is_refused_by_its_length(void **state)
{
    (void)state;
    start(NULL);
    assert_int_equal(read_status(begin_put("/small", "Content-Length: 100001\r\n")), 413);
    assert_int_equal(read_status(begin_put("/sink", "Content-Length: 5368709121\r\n")), 413);
    assert_int_equal(read_status(begin_put("/sink", "Content-Length: 18446744073709551615\r\n")), 413);
    assert_int_equal(read_status(begin_put("/thing", "Content-Length: 70000\r\n")), 413);
    assert_int_equal(entered, 0);
}

static void a_chunked_body_over_the_limit_ends_there(void **state)
{
    (void)state;
    start(NULL);
    int fd = begin_put("/small", "Transfer-Encoding: chunked\r\n");
    client_send_text(fd, "30d40\r\n");
    send_body(fd, 0, 200000);
    assert_int_equal(read_status(fd), 413);
    wait_until(&ended, 1);
    assert_int_equal(failed_code, ERR_LIMIT);
}

static void a_chunked_body_of_just_the_limit_is_taken(void **state)
{
    (void)state;
    start(NULL);
    int fd = begin_put("/small", "Transfer-Encoding: chunked\r\n");
    client_send_text(fd, "186a0\r\n");
    send_body(fd, 0, 100000);
    client_send_text(fd, "\r\n0\r\n\r\n");
    assert_int_equal(read_status(fd), 201);
    assert_non_null(strstr(reply, "got 100000 "));
}

static void one_upload_too_many_is_told_to_come_back(void **state)
{
    (void)state;
    struct http_options o = {.uploads_max = 2};
    start(&o);
    int first = begin_put("/gated", "Content-Length: 1000\r\nConnection: close\r\n");
    int second = begin_put("/gated", "Content-Length: 1000\r\nConnection: close\r\n");
    wait_until(&entered, 2);

    assert_int_equal(read_status(begin_put("/sink", "Content-Length: 1000\r\n")), 503);
    assert_non_null(strstr(reply, "Retry-After: 1\r\n"));
    assert_int_equal(read_status(begin_put("/sink", "Connection: close\r\n")), 503);
    client_exchange(http_port(server), "GET /thing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", reply,
                    sizeof(reply));
    assert_int_equal(status_of(reply), 200);

    atomic_store(&opened, true);
    send_body(first, 0, 1000);
    send_body(second, 0, 1000);
    assert_int_equal(read_status(first), 201);
    assert_int_equal(read_status(second), 201);
    int fd = begin_put("/sink", "Content-Length: 1000\r\nConnection: close\r\n");
    send_body(fd, 0, 1000);
    assert_int_equal(read_status(fd), 201);
}

static void two_uploads_at_once_do_not_mix(void **state)
{
    (void)state;
    start(NULL);
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = begin_put("/sink", "Content-Length: 4194304\r\nConnection: close\r\n");
    for (uint64_t at = 0; at < 4194304; at += 262144)
        for (int i = 0; i < 4; i++)
            send_body(fds[i], at, 262144);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(read_status(fds[i]), 201);
        assert_non_null(strstr(reply, "got 4194304 "));
    }
}

/* ── the client is slow, or leaves ── */

static void a_body_that_falls_asleep_is_cut_however_much_has_come(void **state)
{
    (void)state;
    struct http_options o = {.grace_ms = 400, .min_rate = 10000};
    start(&o);
    int64_t begun = clock_mono_ms();
    int fd = begin_put("/sink", "Content-Length: 100000000\r\n");
    send_body(fd, 0, 32U << 20);
    wait_until(&ended, 1);
    assert_int_equal(failed_code, ERR_INPUT);
    assert_in_range(clock_mono_ms() - begun, 300, 8000);
    struct http_counts c;
    http_counts(server, &c);
    assert_int_equal(c.cut, 1);
    close(fd);
}

static void a_body_that_drips_is_cut(void **state)
{
    (void)state;
    struct http_options o = {.grace_ms = 400, .min_rate = 10000};
    start(&o);
    int fd = begin_put("/sink", "Transfer-Encoding: chunked\r\n");
    int64_t until = clock_mono_ms() + CLIENT_TIMEOUT_MS;
    for (uint64_t at = 0; ended == 0 && clock_mono_ms() < until; at++) {
        client_send_text(fd, "1\r\n");
        send_body(fd, at, 1);
        client_send_text(fd, "\r\n");
        poll(NULL, 0, 40);
    }
    assert_int_equal(ended, 1);
    assert_int_equal(failed_code, ERR_INPUT);
    close(fd);
}

static void a_client_that_leaves_in_the_middle_ends_the_read(void **state)
{
    (void)state;
    start(NULL);
    for (unsigned i = 1; i <= 20; i++) {
        int fd = begin_put("/sink", i % 2 ? "Content-Length: 1000000\r\n" : "Transfer-Encoding: chunked\r\n");
        if (i % 2 == 0)
            client_send_text(fd, "f4240\r\n");
        send_body(fd, 0, 500000);
        close(fd);
        wait_until(&ended, i);
        assert_int_equal(failed_code, ERR_INPUT);
    }
    struct http_counts c;
    int64_t until = clock_mono_ms() + CLIENT_TIMEOUT_MS;
    do {
        poll(NULL, 0, 5);
        http_counts(server, &c);
    } while ((c.in_hand || c.connections) && clock_mono_ms() < until);
    assert_int_equal(c.in_hand, 0);
    assert_int_equal(c.connections, 0);
}

static void who_asked_is_told_that_the_client_left(void **state)
{
    (void)state;
    start(NULL);
    int fd = begin_put("/watched", "Content-Length: 1000000\r\n");
    send_body(fd, 0, 5000);
    wait_until(&entered, 1);
    close(fd);
    wait_until(&ended, 1);
    wait_until(&gone, 1);
}

static void a_client_that_closes_its_sending_side_behind_the_body_gets_its_answer(void **state)
{
    (void)state;
    start(NULL);
    int fd = begin_put("/gated", "Content-Length: 500000\r\n");
    wait_until(&entered, 1);
    atomic_store(&opened, true);
    send_body(fd, 0, 500000);
    shutdown(fd, SHUT_WR);
    assert_int_equal(read_status(fd), 201);
    assert_non_null(strstr(reply, "got 500000 "));
}

static void a_client_that_closes_its_sending_side_in_the_middle_has_sent_no_body(void **state)
{
    (void)state;
    start(NULL);
    int fd = begin_put("/sink", "Content-Length: 500000\r\n");
    send_body(fd, 0, 400000);
    shutdown(fd, SHUT_WR);
    wait_until(&ended, 1);
    assert_int_equal(failed_code, ERR_INPUT);
    close(fd);
}

static void a_server_that_goes_down_ends_the_uploads_in_hand(void **state)
{
    (void)state;
    start(NULL);
    int fd = begin_put("/sink", "Content-Length: 1000000\r\n");
    send_body(fd, 0, 1000);
    wait_until(&entered, 1);
    http_stop(server, 100);
    assert_int_equal(ended, 1);
    assert_int_equal(failed_code, ERR_BUSY);
    close(fd);
    start(NULL);
}

static void broken_chunks_end_the_read(void **state)
{
    (void)state;
    static const char *const chunks[] = {"FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n",
                                         "-1\r\nabc\r\n0\r\n\r\n",
                                         "0x3\r\nabc\r\n0\r\n\r\n",
                                         "3 \r\nabc\r\n0\r\n\r\n",
                                         "zz\r\nabc\r\n0\r\n\r\n",
                                         "2\r\nabcdef\r\n0\r\n\r\n"};
    start(NULL);
    for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
        int fd = begin_put("/sink", "Transfer-Encoding: chunked\r\n");
        client_send_text(fd, chunks[i]);
        int status = read_status(fd);
        if (status && (status < 400 || status > 599))
            fail_msg("found status %d for %s", status, chunks[i]);
        wait_until(&ended, (unsigned)i + 1);
        assert_int_not_equal(failed_code, 0);
    }
}

#define T(name) cmocka_unit_test_teardown(name, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_large_body_of_known_length_comes_whole),
        T(a_large_body_in_chunks_comes_whole),
        T(a_request_without_a_body_has_an_empty_one),
        T(a_kept_connection_carries_one_upload_after_another),
        T(one_path_has_several_routes_by_method),
        T(a_handler_that_does_not_read_makes_its_client_wait),
        T(a_slow_handler_is_no_slow_client),
        T(an_answer_before_the_end_reaches_a_client_that_still_sends),
        T(an_answer_before_the_end_reaches_a_client_that_has_stopped),
        T(behind_an_answer_before_the_end_nothing_is_answered),
        T(an_answer_without_reading_refuses_the_body_before_it_is_sent),
        T(a_client_that_waits_to_be_asked_is_asked_by_the_first_read),
        T(a_refused_body_that_is_sent_all_the_same_does_not_hide_the_answer),
        T(a_body_over_the_limit_is_refused_by_its_length),
        T(a_chunked_body_over_the_limit_ends_there),
        T(a_chunked_body_of_just_the_limit_is_taken),
        T(one_upload_too_many_is_told_to_come_back),
        T(two_uploads_at_once_do_not_mix),
        T(a_body_that_falls_asleep_is_cut_however_much_has_come),
        T(a_body_that_drips_is_cut),
        T(a_client_that_leaves_in_the_middle_ends_the_read),
        T(who_asked_is_told_that_the_client_left),
        T(a_client_that_closes_its_sending_side_behind_the_body_gets_its_answer),
        T(a_client_that_closes_its_sending_side_in_the_middle_has_sent_no_body),
        T(a_server_that_goes_down_ends_the_uploads_in_hand),
        T(broken_chunks_end_the_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
