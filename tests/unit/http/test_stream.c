/* Streams and late answers: bytes arrive when they are added, a full ring turns the producer away, and each side learns
 * that the other has left. */
#include "client.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "util/clock.h"

/* The request that a handler has left to the test, or the stream that it has begun. */
static struct http_request *_Atomic held;
static struct http_stream *_Atomic stream;
static _Atomic unsigned gone, drained;

static void count(void *arg)
{
    (*(_Atomic unsigned *)arg)++;
}

static _Atomic unsigned slow;

static void hold(struct http_request *r, void *arg)
{
    (void)arg;
    http_on_gone(r, count, &gone);
    http_on_slow(r, 100, count, &slow);
    held = r;
}

static void on_drained(void *arg)
{
    (void)arg;
    drained++;
}

static void on_gone(void *arg)
{
    (void)arg;
    gone++;
}

static void begin_stream(struct http_request *r, void *arg)
{
    struct http_stream_hooks hooks = {.drained = on_drained, .gone = on_gone};
    stream = http_answer_stream(r, 200, "application/octet-stream", arg != NULL, &hooks);
}

static const struct http_route routes[] = {
    {.path = "/hold", .methods = HTTP_GET, .handle = hold, .deadline_ms = 5000},
    {.path = "/hold/quick", .methods = HTTP_GET, .quick = true, .handle = hold, .deadline_ms = 5000},
    {.path = "/hold/short", .methods = HTTP_GET, .handle = hold, .deadline_ms = 200},
    {.path = "/bytes", .methods = HTTP_GET, .handle = begin_stream},
    {.path = "/events", .methods = HTTP_GET, .handle = begin_stream, .arg = &gone},
};

static struct http_server *server;
static char reply[1 << 20];

static int start(void **state)
{
    struct http_options o = {.comment_ms = 300, .grace_ms = 60000};
    (void)state;
    held = NULL;
    stream = NULL;
    gone = drained = slow = 0;
    server = test_server(routes, ARRAY_LEN(routes), &o);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_stop(server, 0);
    return 0;
}

static int ask(const char *target)
{
    char request[256];
    int fd = client_connect(http_port(server));
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target);
    client_send_text(fd, request);
    return fd;
}

#define WAIT_UNTIL(condition)                                 \
    do {                                                      \
        int64_t until_ = clock_mono_ms() + CLIENT_TIMEOUT_MS; \
        while (!(condition) && clock_mono_ms() < until_)      \
            poll(NULL, 0, 2);                                 \
        assert_true(condition);                               \
    } while (0)

static void answer_held(const char *text)
{
    struct buf body = BUF(64);
    buf_add_str(&body, text);
    http_answer(held, 200, "text/plain", &body);
}

static void an_answer_may_come_later_and_from_another_thread(void **state)
{
    (void)state;
    static const char *const targets[] = {"/hold", "/hold/quick"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        bool ended;
        held = NULL;
        int fd = ask(targets[i]);
        WAIT_UNTIL(held);
        poll(NULL, 0, 50);
        answer_held("late");
        client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
        assert_true(ended);
        assert_string_equal(body_of(reply), "late");
        close(fd);
    }
    assert_int_equal(gone, 0);
}

static void a_handler_learns_that_its_client_has_left(void **state)
{
    (void)state;
    int fd = ask("/hold");
    WAIT_UNTIL(held);
    close(fd);
    WAIT_UNTIL(gone == 1);
    answer_held("nobody reads this");
}

static void a_handler_learns_that_its_client_has_waited_for_a_while(void **state)
{
    (void)state;
    int fd = ask("/hold");
    WAIT_UNTIL(held);
    assert_int_equal(slow, 0);
    WAIT_UNTIL(slow == 1);
    poll(NULL, 0, 300);
    assert_int_equal(slow, 1);
    assert_int_equal(gone, 0);
    answer_held("late");
    assert_true(client_read_until(fd, reply, sizeof(reply), "late"));
    close(fd);
}

static void a_handler_learns_that_its_deadline_has_passed(void **state)
{
    (void)state;
    int fd = ask("/hold/short");
    WAIT_UNTIL(gone == 1);
    answer_held("late");
    assert_true(client_read_until(fd, reply, sizeof(reply), "late"));
    close(fd);
}

static void bytes_arrive_when_they_are_added(void **state)
{
    (void)state;
    bool ended;
    int fd = ask("/bytes");
    WAIT_UNTIL(stream);
    assert_int_equal(http_stream_add(stream, SPAN_LIT("first")), 0);
    assert_true(client_read_until(fd, reply, sizeof(reply), "first"));
    assert_int_equal(http_stream_add(stream, SPAN_LIT("second")), 0);
    assert_true(client_read_until(fd, reply, sizeof(reply), "second"));
    http_stream_end(stream, false);
    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    assert_true(ended);
    assert_non_null(strstr(reply, "0\r\n\r\n"));
    assert_int_equal(gone, 0);
    close(fd);
}

static void a_broken_stream_has_no_end_mark(void **state)
{
    (void)state;
    bool ended;
    int fd = ask("/bytes");
    WAIT_UNTIL(stream);
    http_stream_add(stream, SPAN_LIT("some"));
    http_stream_end(stream, true);
    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    assert_true(ended);
    assert_non_null(strstr(reply, "some"));
    assert_null(strstr(reply, "0\r\n\r\n"));
    close(fd);
}

static void a_stalled_reader_turns_the_producer_away_and_a_drained_ring_calls_it_back(void **state)
{
    (void)state;
    static uint8_t piece[16384];
    size_t added = 0, read = 0;
    int fd = ask("/bytes");
    WAIT_UNTIL(stream);

    int result = 0;
    for (int64_t until = clock_mono_ms() + CLIENT_TIMEOUT_MS; clock_mono_ms() < until;) {
        result = http_stream_add(stream, span_of(piece, sizeof(piece)));
        if (result == 0) {
            added += sizeof(piece);
            continue;
        }
        poll(NULL, 0, 100); /* the kernel's buffers may still take some */
        if (!http_stream_reserve(stream, sizeof(piece)))
            break;
    }
    assert_int_equal(result, 1);
    assert_true(added < 64U << 20);
    drained = 0;
    assert_int_equal(http_stream_add(stream, span_of(piece, sizeof(piece))), 1);
    assert_int_equal(drained, 0);

    while (!drained) {
        ssize_t n = recv(fd, reply, sizeof(reply), 0);
        assert_true(n > 0);
        read += (size_t)n;
    }
    assert_int_equal(http_stream_add(stream, span_of(piece, sizeof(piece))), 0);
    http_stream_end(stream, false);
    for (ssize_t n; (n = recv(fd, reply, sizeof(reply), 0)) > 0;)
        read += (size_t)n;
    assert_true(read > added + sizeof(piece));
    close(fd);
}

static void a_producer_learns_that_its_client_has_left(void **state)
{
    (void)state;
    int fd = ask("/events");
    WAIT_UNTIL(stream);
    http_stream_add(stream, SPAN_LIT("data: 1\n\n"));
    assert_true(client_read_until(fd, reply, sizeof(reply), "data: 1"));
    close(fd);
    WAIT_UNTIL(gone == 1);
    assert_int_equal(http_stream_add(stream, SPAN_LIT("data: 2\n\n")), -1);
    http_stream_end(stream, true);
    assert_int_equal(gone, 1);
}

static void a_half_closed_client_still_gets_the_rest_of_its_stream(void **state)
{
    (void)state;
    bool ended;
    int fd = ask("/events");
    WAIT_UNTIL(stream);
    http_stream_add(stream, SPAN_LIT("data: 1\n\n"));
    assert_true(client_read_until(fd, reply, sizeof(reply), "data: 1"));
    shutdown(fd, SHUT_WR);
    poll(NULL, 0, 400);
    assert_int_equal(http_stream_add(stream, SPAN_LIT("data: 2\n\n")), 0);
    http_stream_end(stream, false);
    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    assert_true(ended);
    assert_non_null(strstr(reply, "data: 2"));
    assert_non_null(strstr(reply, "0\r\n\r\n"));
    close(fd);
}

static void a_silent_event_stream_gets_comment_lines(void **state)
{
    (void)state;
    int fd = ask("/events");
    WAIT_UNTIL(stream);
    assert_true(client_read_until(fd, reply, sizeof(reply), ": still here\n\n"));
    assert_non_null(strstr(reply, "Content-Type: text/event-stream\r\n"));
    http_stream_end(stream, false);
    close(fd);
}

static void *end_when_gone(void *arg)
{
    (void)arg;
    for (int64_t until = clock_mono_ms() + CLIENT_TIMEOUT_MS; !gone && clock_mono_ms() < until;)
        poll(NULL, 0, 2);
    http_stream_end(stream, true);
    return NULL;
}

static void a_server_that_stops_ends_its_streams(void **state)
{
    (void)state;
    bool ended;
    pthread_t producer;
    int fd = ask("/events");
    WAIT_UNTIL(stream);
    assert_int_equal(pthread_create(&producer, NULL, end_when_gone, NULL), 0);

    http_stop(server, 100);

    pthread_join(producer, NULL);
    assert_int_equal(gone, 1);
    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    assert_true(ended);
    close(fd);
    start(state); /* for the teardown */
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_answer_may_come_later_and_from_another_thread),
        T(a_handler_learns_that_its_client_has_left),
        T(a_handler_learns_that_its_client_has_waited_for_a_while),
        T(a_handler_learns_that_its_deadline_has_passed),
        T(bytes_arrive_when_they_are_added),
        T(a_broken_stream_has_no_end_mark),
        T(a_stalled_reader_turns_the_producer_away_and_a_drained_ring_calls_it_back),
        T(a_producer_learns_that_its_client_has_left),
        T(a_half_closed_client_still_gets_the_rest_of_its_stream),
        T(a_silent_event_stream_gets_comment_lines),
        T(a_server_that_stops_ends_its_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
