/* What an orderly client sees: routes, methods, bodies, tokens, files with ranges, errors in each surface's shape, and
 * an orderly end. */
#include "client.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

static void answer_text(struct http_request *r, const char *text)
{
    struct buf body = BUF(4096);
    buf_add_str(&body, text);
    http_answer(r, 200, "text/plain", &body);
}

static void hello(struct http_request *r, void *arg)
{
    (void)arg;
    const char *who = http_query(r, "who");
    answer_text(r, who ? who : "hello");
}

static void rest(struct http_request *r, void *arg)
{
    (void)arg;
    answer_text(r, http_route_rest(r));
}

static void echo(struct http_request *r, void *arg)
{
    (void)arg;
    struct buf body = BUF(1 << 20);
    buf_add_span(&body, http_body(r));
    http_answer(r, 200, "application/octet-stream", &body);
}

static void token(struct http_request *r, void *arg)
{
    (void)arg;
    struct buf text = BUF(512);
    if (http_token(r, &text))
        http_answer(r, 200, "text/plain", &text);
    else
        http_error(r, 401, NULL, "no token");
    buf_fini(&text);
}

static void file(struct http_request *r, void *arg)
{
    (void)arg;
    int fd = memfd_create("file", MFD_CLOEXEC);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    http_answer_file(r, fd, 10, "application/octet-stream", "\"sha256:abc\"");
}

static int never(struct http_request *r, void *arg)
{
    (void)arg;
    http_error(r, 401, NULL, "not you");
    return -1;
}

static void slow(struct http_request *r, void *arg)
{
    struct timespec pause = {0, 300000000};
    (void)arg;
    nanosleep(&pause, NULL);
    answer_text(r, "slow");
}

static void inside(struct http_request *r, void *arg)
{
    (void)arg;
    struct err e = {0};
    err_set(&e, ERR_IO, 0, "/secret/path: broken");
    http_error_err(r, &e);
}

static const struct http_route routes[] = {
    {.path = "/hello", .methods = HTTP_GET | HTTP_HEAD, .handle = hello},
    {.path = "/quick", .methods = HTTP_GET, .quick = true, .handle = hello},
    {.path = "/tree/", .methods = HTTP_GET, .shape = HTTP_OCI, .handle = rest},
    {.path = "/tree/leaf", .methods = HTTP_GET, .handle = hello},
    {.path = "/echo", .methods = HTTP_POST, .shape = HTTP_OPENAI, .body_max = 300000, .handle = echo},
    {.path = "/token", .methods = HTTP_GET, .shape = HTTP_OCI, .handle = token},
    {.path = "/file", .methods = HTTP_GET | HTTP_HEAD, .handle = file},
    {.path = "/never", .methods = HTTP_POST, .shape = HTTP_OPENAI, .body_max = 1 << 20, .admit = never, .handle = echo},
    {.path = "/slow", .methods = HTTP_GET, .handle = slow},
    {.path = "/inside", .methods = HTTP_GET, .handle = inside},
};

static struct http_server *server;
static char reply[1 << 20];

static int start(void **state)
{
    (void)state;
    server = test_server(routes, ARRAY_LEN(routes), NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_stop(server, 1000);
    server = NULL;
    return 0;
}

/* A request without a body; `more` are header lines. */
static int get(const char *method, const char *target, const char *more)
{
    char request[2048];
    snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method, target,
             more);
    client_exchange(http_port(server), request, reply, sizeof(reply));
    return status_of(reply);
}

static void a_route_answers_and_knows_its_query(void **state)
{
    (void)state;
    assert_int_equal(get("GET", "/hello?who=a%20b", ""), 200);
    assert_string_equal(body_of(reply), "a b");
    assert_int_equal(get("GET", "/quick", ""), 200);
    assert_string_equal(body_of(reply), "hello");
}

static void the_longest_route_wins(void **state)
{
    (void)state;
    assert_int_equal(get("GET", "/tree/a/b", ""), 200);
    assert_string_equal(body_of(reply), "a/b");
    assert_int_equal(get("GET", "/tree/leaf", ""), 200);
    assert_string_equal(body_of(reply), "hello");
}

static void an_unknown_path_or_method_is_named(void **state)
{
    (void)state;
    assert_int_equal(get("GET", "/nowhere", ""), 404);
    assert_non_null(strstr(body_of(reply), "/nowhere"));
    assert_int_equal(get("DELETE", "/hello", ""), 405);
    assert_non_null(strstr(reply, "Allow: GET, HEAD\r\n"));
}

static void head_has_the_length_and_no_body(void **state)
{
    (void)state;
    assert_int_equal(get("HEAD", "/hello", ""), 200);
    assert_non_null(strstr(reply, "Content-Length: 5\r\n"));
    assert_string_equal(body_of(reply), "");
}

static void a_kept_connection_serves_the_next_request(void **state)
{
    (void)state;
    int fd = client_connect(http_port(server));
    for (int i = 0; i < 3; i++) {
        client_send_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(client_read_until(fd, reply, sizeof(reply), "hello"));
        assert_int_equal(status_of(reply), 200);
    }
    close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    client_exchange(http_port(server),
                    "GET /hello?who=first HTTP/1.1\r\nHost: x\r\n\r\n"
                    "GET /hello?who=second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                    reply, sizeof(reply));
    char *first = strstr(reply, "first"), *second = strstr(reply, "second");
    assert_non_null(first);
    assert_non_null(second);
    assert_true(first < second);
}

static void post(const char *head, const char *body, size_t len)
{
    bool ended;
    int fd = client_connect(http_port(server));
    client_send_text(fd, head);
    client_send(fd, body, len);
    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    close(fd);
}

static void a_body_arrives_whole_with_a_length_and_in_chunks(void **state)
{
    (void)state;
    static char large[200000];
    memset(large, 'x', sizeof(large));

    post("POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n", large, sizeof(large));
    assert_int_equal(status_of(reply), 200);
    assert_int_equal(strlen(body_of(reply)), sizeof(large));

    const char chunks[] = "3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n";
    post("POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n", chunks,
         strlen(chunks));
    assert_int_equal(status_of(reply), 200);
    assert_string_equal(body_of(reply), "abcde");
}

static void a_body_over_the_maximum_is_refused_by_its_length_and_by_its_bytes(void **state)
{
    (void)state;
    static char chunk[300100];
    const char *head = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";

    post("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 300001\r\n\r\n", "", 0);
    assert_int_equal(status_of(reply), 413);
    assert_non_null(strstr(reply, "Connection: close"));

    int n = snprintf(chunk, sizeof(chunk), "%x\r\n", 300010);
    memset(chunk + n, 'y', 300010);
    memcpy(chunk + n + 300010, "\r\n0\r\n\r\n", 8);
    post(head, chunk, (size_t)n + 300010 + 7);
    assert_int_equal(status_of(reply), 413);
    assert_non_null(strstr(body_of(reply), "300000"));
}

static void who_is_not_admitted_is_told_before_the_body(void **state)
{
    (void)state;
    const char *head = "POST /never HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n";
    bool ended;
    int fd = client_connect(http_port(server));
    client_send_text(fd, head);
    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    assert_true(ended);
    assert_int_equal(status_of(reply), 401);
    assert_null(strstr(reply, "100 Continue"));
    close(fd);
}

static void a_small_refused_body_is_read_so_that_the_connection_lives(void **state)
{
    (void)state;
    int fd = client_connect(http_port(server));
    client_send_text(fd, "POST /never HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde");
    assert_true(client_read_until(fd, reply, sizeof(reply), "not you"));
    assert_int_equal(status_of(reply), 401);
    client_send_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(client_read_until(fd, reply, sizeof(reply), "hello"));
    close(fd);
}

static void a_token_comes_as_bearer_or_as_the_password_of_basic(void **state)
{
    (void)state;
    assert_int_equal(get("GET", "/token", "Authorization: Bearer abc.DEF-1~\r\n"), 200);
    assert_string_equal(body_of(reply), "abc.DEF-1~");
    assert_int_equal(get("GET", "/token", "Authorization: basic dTpwYTpzcw==\r\n"), 200);
    assert_string_equal(body_of(reply), "pa:ss");
}

static void a_malformed_or_doubled_token_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "Authorization: Bearer\r\n",
                                      "Authorization: Bearer a b\r\n",
                                      "Authorization: Digest abc\r\n",
                                      "Authorization: Basic !!!\r\n",
                                      "Authorization: Basic dXNlcg==\r\n",
                                      "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(get("GET", "/token", bad[i]), 401);
}

static void errors_have_the_shape_of_their_surface(void **state)
{
    (void)state;
    assert_int_equal(get("GET", "/token", ""), 401);
    assert_string_equal(body_of(reply), "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"no token\"}]}");
    post("POST /never HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n", "x", 1);
    assert_string_equal(body_of(reply),
                        "{\"error\":{\"message\":\"not you\",\"type\":\"authentication_error\",\"param\":null,"
                        "\"code\":\"invalid_api_key\"}}");
}

static void what_failed_inside_is_not_told_outside(void **state)
{
    (void)state;
    assert_int_equal(get("GET", "/inside", ""), 500);
    assert_null(strstr(reply, "secret"));
}

static void a_file_is_sent_whole_and_in_parts(void **state)
{
    (void)state;
    assert_int_equal(get("GET", "/file", ""), 200);
    assert_string_equal(body_of(reply), "0123456789");
    assert_non_null(strstr(reply, "ETag: \"sha256:abc\""));
    assert_int_equal(get("GET", "/file", "Range: bytes=2-4\r\n"), 206);
    assert_string_equal(body_of(reply), "234");
    assert_non_null(strstr(reply, "Content-Range: bytes 2-4/10\r\n"));
    assert_non_null(strstr(reply, "Content-Length: 3\r\n"));
    assert_int_equal(get("GET", "/file", "Range: bytes=-3\r\n"), 206);
    assert_string_equal(body_of(reply), "789");
}

static void a_range_that_is_not_there_is_416_and_says_the_size(void **state)
{
    (void)state;
    assert_int_equal(get("GET", "/file", "Range: bytes=10-\r\n"), 416);
    assert_non_null(strstr(reply, "Content-Range: bytes */10\r\n"));
    assert_int_equal(get("GET", "/file", "Range: bytes=-0\r\n"), 416);
}

static void a_thousand_ranges_are_answered_with_the_whole(void **state)
{
    (void)state;
    static char request[16384], *at = request;
    at += snprintf(at, 200, "GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: bytes=0-1");
    for (int i = 0; i < 999; i++)
        at += snprintf(at, 16, ",%d-%d", i % 5, i % 5 + 3);
    snprintf(at, 16, "\r\n\r\n");
    client_exchange(http_port(server), request, reply, sizeof(reply));
    assert_int_equal(status_of(reply), 200);
    assert_string_equal(body_of(reply), "0123456789");
}

static void conditions_are_held_against_the_etag(void **state)
{
    (void)state;
    assert_int_equal(get("GET", "/file", "If-None-Match: \"sha256:abc\"\r\n"), 304);
    assert_string_equal(body_of(reply), "");
    assert_int_equal(get("GET", "/file", "If-None-Match: \"sha256:other\"\r\n"), 200);
    assert_int_equal(get("GET", "/file", "Range: bytes=0-1\r\nIf-Range: \"sha256:abc\"\r\n"), 206);
    assert_int_equal(get("GET", "/file", "Range: bytes=0-1\r\nIf-Range: \"sha256:other\"\r\n"), 200);
}

static void an_address_that_is_not_loopback_is_refused_until_there_is_tls(void **state)
{
    (void)state;
    static const char *const bad[] = {"0.0.0.0", "192.0.2.1", "::", "2001:db8::1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_options o = {.address = bad[i], .routes = routes, .route_count = 1};
        struct err e = {0};
        assert_null(http_start(&o, &e));
        assert_int_equal(e.code, ERR_DENIED);
        assert_non_null(strstr(e.msg, "TLS"));
    }
}

static void a_port_that_is_taken_is_said_to_be(void **state)
{
    (void)state;
    struct http_options o = {.address = "127.0.0.1", .port = http_port(server), .routes = routes, .route_count = 1};
    struct err e = {0};
    assert_null(http_start(&o, &e));
    assert_int_equal(e.code, ERR_BUSY);
}

static void a_request_in_hand_is_finished_when_the_server_stops(void **state)
{
    (void)state;
    bool ended;
    struct timespec pause = {0, 100000000};
    int fd = client_connect(http_port(server));
    client_send_text(fd, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    nanosleep(&pause, NULL);

    http_stop(server, 5000);

    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    assert_int_equal(status_of(reply), 200);
    assert_true(ended);
    assert_non_null(strstr(reply, "Connection: close"));
    close(fd);
    server = test_server(routes, ARRAY_LEN(routes), NULL); /* for the teardown */
}

static void answers_are_counted(void **state)
{
    (void)state;
    struct http_counts c;
    get("GET", "/hello", "");
    get("GET", "/nowhere", "");
    http_counts(server, &c);
    assert_int_equal(c.status[2], 1);
    assert_int_equal(c.status[4], 1);
    assert_int_equal(c.requests, 1);
    assert_int_equal(c.refused, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_route_answers_and_knows_its_query),
        T(the_longest_route_wins),
        T(an_unknown_path_or_method_is_named),
        T(head_has_the_length_and_no_body),
        T(a_kept_connection_serves_the_next_request),
        T(pipelined_requests_are_answered_in_order),
        T(a_body_arrives_whole_with_a_length_and_in_chunks),
        T(a_body_over_the_maximum_is_refused_by_its_length_and_by_its_bytes),
        T(who_is_not_admitted_is_told_before_the_body),
        T(a_small_refused_body_is_read_so_that_the_connection_lives),
        T(a_token_comes_as_bearer_or_as_the_password_of_basic),
        T(a_malformed_or_doubled_token_is_none),
        T(errors_have_the_shape_of_their_surface),
        T(what_failed_inside_is_not_told_outside),
        T(a_file_is_sent_whole_and_in_parts),
        T(a_range_that_is_not_there_is_416_and_says_the_size),
        T(a_thousand_ranges_are_answered_with_the_whole),
        T(conditions_are_held_against_the_etag),
        T(an_address_that_is_not_loopback_is_refused_until_there_is_tls),
        T(a_port_that_is_taken_is_said_to_be),
        T(a_request_in_hand_is_finished_when_the_server_stops),
        T(answers_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
