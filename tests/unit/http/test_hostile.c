/* Malformed requests: each is refused, its connection closed, and what was pipelined behind it is never answered. The
 * first seven groups pass the library's parser and are the guard's; the others are the library's own, held here so that
 * another version of it cannot change them unseen. */
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static _Atomic unsigned handled, smuggled;

static void take(struct http_request *r, void *arg)
{
    struct buf body = BUF(64);
    (void)arg;
    handled++;
    buf_add_str(&body, "taken");
    http_answer(r, 200, "text/plain", &body);
}

static void second(struct http_request *r, void *arg)
{
    struct buf body = BUF(64);
    (void)arg;
    smuggled++;
    buf_add_str(&body, "SMUGGLED");
    http_answer(r, 200, "text/plain", &body);
}

static const struct http_route routes[] = {
    {.path = "/take", .methods = HTTP_POST | HTTP_GET, .body_max = 65536, .handle = take},
    {.path = "/tree/", .methods = HTTP_GET, .handle = take},
    {.path = "/second", .methods = HTTP_GET, .handle = second},
};

static struct http_server *server;
static char reply[1 << 16];

static int start(void **state)
{
    (void)state;
    handled = smuggled = 0;
    struct http_options o = {.header_deadline_ms = 2000, .grace_ms = 2000, .idle_ms = 2000};
    server = test_server(routes, ARRAY_LEN(routes), &o);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_stop(server, 0);
    return 0;
}

/* Sends `len` bytes, then a second request, and reads to the end. Status 0: closed without an answer. */
static int send_hostile(const char *bytes, size_t len)
{
    bool ended;
    int fd = client_connect(http_port(server));
    client_send(fd, bytes, len);
    client_send_text(fd, "GET /second HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    close(fd);
    if (!ended)
        fail_msg("not closed after: %.200s\nreply: %.300s", bytes, reply);
    if (handled || smuggled)
        fail_msg("handled after: %.200s\nreply: %.300s", bytes, reply);
    return status_of(reply);
}

static int send_hostile_text(const char *text)
{
    return send_hostile(text, strlen(text));
}

static void refused_each(const char *const *requests, size_t count, int status)
{
    for (size_t i = 0; i < count; i++) {
        int found = send_hostile(requests[i], strlen(requests[i]));
        if (found != status)
            fail_msg("found status %d, wanted %d, for: %s\nreply: %.300s", found, status, requests[i], reply);
    }
}

#define REFUSED(...)                                         \
    do {                                                     \
        static const char *const requests[] = {__VA_ARGS__}; \
        refused_each(requests, ARRAY_LEN(requests), 400);    \
        struct http_counts c;                                \
        http_counts(server, &c);                             \
        assert_int_equal(c.refused, ARRAY_LEN(requests));    \
    } while (0)

static void a_length_together_with_chunks_is_refused(void **state)
{
    (void)state;
    REFUSED("POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            "POST /take HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

static void two_lengths_or_two_encodings_are_refused(void **state)
{
    (void)state;
    REFUSED(
        "POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
        "POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nabcde",
        "POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

static void a_space_before_the_colon_is_refused(void **state)
{
    (void)state;
    REFUSED("POST /take HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nabcde",
            "POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n");
}

static void an_encoding_other_than_chunked_is_refused(void **state)
{
    (void)state;
    REFUSED("POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
            "POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            "POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
            "POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n");
}

static void a_name_with_a_byte_that_is_no_token_is_refused(void **state)
{
    (void)state;
    REFUSED("GET /take HTTP/1.1\r\nHost: x\r\nX@Y: 1\r\n\r\n", "GET /take HTTP/1.1\r\nHost: x\r\nX(Y: 1\r\n\r\n",
            "GET /take HTTP/1.1\r\nHost: x\r\nX\x80Y: 1\r\n\r\n", "GET /take HTTP/1.1\r\nHost: x\r\nX\x01Y: 1\r\n\r\n");
}

static void a_host_that_is_missing_doubled_or_more_than_a_host_is_refused(void **state)
{
    (void)state;
    REFUSED("GET /take HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "GET /take HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n",
            "GET /take HTTP/1.1\r\nHost: x/y\r\n\r\n", "GET /take HTTP/1.1\r\nHost: user@x\r\n\r\n",
            "GET /take HTTP/1.1\r\nHost: \r\n\r\n", "GET /take HTTP/1.0\r\nX: y\r\n\r\n");
}

static void a_target_with_another_host_is_refused(void **state)
{
    (void)state;
    REFUSED("GET http://other/take HTTP/1.1\r\nHost: x\r\n\r\n", "GET http://x:81/take HTTP/1.1\r\nHost: x:80\r\n\r\n",
            "GET http://user@x/take HTTP/1.1\r\nHost: x\r\n\r\n");
}

static void paths_that_can_be_read_in_two_ways_are_refused(void **state)
{
    (void)state;
    REFUSED("GET /tree/a%00b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /tree/%2e%2e/take HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /tree/../take HTTP/1.1\r\nHost: x\r\n\r\n", "GET /tree/%c0%af HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET //tree/a HTTP/1.1\r\nHost: x\r\n\r\n", "GET /tree//a HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /tree/a%2fb HTTP/1.1\r\nHost: x\r\n\r\n", "GET /tree/%zz HTTP/1.1\r\nHost: x\r\n\r\n");
}

static void a_nul_or_a_bare_cr_is_refused(void **state)
{
    (void)state;
    static const char nul[] = "GET /take HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n";
    static const char nul_in_target[] = "GET /take\0/x HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char nul_in_length[] = "POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 5\0 6\r\n\r\nabcde";
    assert_int_equal(send_hostile(nul, sizeof(nul) - 1), 400);
    assert_int_equal(send_hostile(nul_in_target, sizeof(nul_in_target) - 1), 400);
    assert_int_equal(send_hostile(nul_in_length, sizeof(nul_in_length) - 1), 400);
    assert_int_equal(send_hostile_text("GET /take HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n"), 400);
}

/* The library glues the second line to the header's name: "Content-Length5", and the body would be the next request. */
static void folded_headers_are_refused(void **state)
{
    (void)state;
    REFUSED("POST /take HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n 5\r\n\r\nabcde",
            "POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n \r\n\r\nabcde",
            "POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\tchunked\r\n\r\n0\r\n\r\n",
            "GET /take HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\nY: c\r\n\r\n",
            "GET /take HTTP/1.1\r\n X: a\r\nHost: x\r\n\r\n");
}

/* The library takes the head to be over there: what follows would be hidden from the guard. */
static void a_line_without_a_name_is_refused(void **state)
{
    (void)state;
    REFUSED("POST /take HTTP/1.1\r\nHost: x\r\n: y\r\nContent-Length: 5\r\n\r\nabcde",
            "GET /take HTTP/1.1\r\nHost: x\r\n:\r\n\r\n", "GET /take HTTP/1.1\r\n: y\r\nHost: x\r\n\r\n");
}

static void bare_line_feeds_are_refused(void **state)
{
    (void)state;
    REFUSED("GET /take HTTP/1.1\nHost: x\n\n", "GET /take HTTP/1.1\r\nHost: x\nX: a\r\n\r\n",
            "GET /take HTTP/1.1\r\nHost: x\r\n\n", "GET /take HTTP/1.1\nHost: x\r\n\r\n");
}

static void a_first_line_with_more_than_single_spaces_is_refused(void **state)
{
    (void)state;
    REFUSED("GET  /take HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(send_hostile_text("GET /take  HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
    assert_int_equal(send_hostile_text("GET /take /x HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
    assert_int_equal(send_hostile_text("GET\t/take\tHTTP/1.1\r\nHost: x\r\n\r\n"), 0);
}

static void control_characters_are_refused(void **state)
{
    (void)state;
    REFUSED("GET /take HTTP/1.1\r\nHost: x\r\nX: a\x01"
            "b\r\n\r\n");
}

/* ── what the library refuses by itself: any 4xx or 5xx, or nothing, and the end ── */

static void broken(const char *what, const char *bytes, size_t len)
{
    int status = send_hostile(bytes, len);
    if (status && (status < 400 || status > 599))
        fail_msg("%s: found status %d\nreply: %.300s", what, status, reply);
}

static void broken_text(const char *what, const char *text)
{
    broken(what, text, strlen(text));
}

static void broken_chunk(const char *what, const char *chunks)
{
    char request[4096];
    int n = snprintf(request, sizeof(request), "POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s",
                     chunks);
    broken(what, request, (size_t)n);
}

static void broken_chunks_never_reach_a_handler(void **state)
{
    (void)state;
    broken_chunk("size that overflows", "FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n");
    broken_chunk("negative size", "-1\r\nabc\r\n0\r\n\r\n");
    broken_chunk("0x", "0x3\r\nabc\r\n0\r\n\r\n");
    broken_chunk("space behind a size", "3 \r\nabc\r\n0\r\n\r\n");
    broken_chunk("space before a size", " 3\r\nabc\r\n0\r\n\r\n");
    broken_chunk("no size", "\r\nabc\r\n0\r\n\r\n");
    broken_chunk("size that is no number", "zz\r\nabc\r\n0\r\n\r\n");
    broken_chunk("data longer than its size", "2\r\nabcdef\r\n0\r\n\r\n");
}

/* The library takes bare LF between chunks, and trailers of any name. So nothing may follow in such a connection. */
static void behind_a_chunked_body_nothing_is_answered(void **state)
{
    (void)state;
    static const char *const bodies[] = {"3\r\nabc\r\n0\r\n\r\n", "3\nabc\n0\n\n",
                                         "3\r\nabc\r\n0\r\nContent-Length: 5\r\nHost: y\r\n\r\n",
                                         "3\r\nabc\r\n0\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        char request[512];
        snprintf(request, sizeof(request),
                 "POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s"
                 "GET /second HTTP/1.1\r\nHost: x\r\n\r\n",
                 bodies[i]);
        client_exchange(http_port(server), request, reply, sizeof(reply));
        assert_int_equal(status_of(reply), 200);
        assert_int_equal(handled, i + 1);
        assert_int_equal(smuggled, 0);
        assert_null(strstr(reply, "SMUGGLED"));
    }
}

static void a_chunk_extension_of_a_megabyte_ends_the_connection(void **state)
{
    (void)state;
    size_t len = 1 << 20;
    char *request = malloc(len + 200);
    assert_non_null(request);
    int n = snprintf(request, 200, "POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;");
    memset(request + n, 'e', len);
    memcpy(request + n + len, "\r\nabc\r\n0\r\n\r\n", 12);
    broken("chunk extension", request, (size_t)n + len + 12);
    free(request);
}

static char *repeated(const char *head, const char *unit, size_t count, const char *tail)
{
    auto_buf out = BUF(8 << 20);
    buf_add_str(&out, head);
    for (size_t i = 0; i < count; i++)
        buf_add_str(&out, unit);
    buf_add_str(&out, tail);
    return buf_steal_str(&out);
}

static void heads_that_are_too_large_are_refused(void **state)
{
    (void)state;
    char *many = repeated("GET /take HTTP/1.1\r\nHost: x\r\n", "X-Header: y\r\n", 10000, "\r\n");
    broken("10,000 headers", many, strlen(many));
    char *large = repeated("GET /take HTTP/1.1\r\nHost: x\r\nX: ", "0123456789abcdef", 65536, "\r\n\r\n");
    broken("header of a megabyte", large, strlen(large));
    char *line = repeated("GET /", "0123456789abcdef", 65536, " HTTP/1.1\r\nHost: x\r\n\r\n");
    broken("request line of a megabyte", line, strlen(line));
    free(many);
    free(large);
    free(line);
}

static void other_versions_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"GET /take\r\n\r\n",
                                      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                      "GET /take HTTP/0.9\r\nHost: x\r\n\r\n",
                                      "GET /take HTTP/1.7\r\nHost: x\r\n\r\n",
                                      "GET /take http/1.1\r\nHost: x\r\n\r\n",
                                      "GET /take FTP/1.1\r\nHost: x\r\n\r\n",
                                      "GET /take HTTP/1.1 x\r\nHost: x\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        broken(bad[i], bad[i], strlen(bad[i]));
}

static void what_is_no_http_at_all_ends_the_connection(void **state)
{
    (void)state;
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello \r\n\r\n";
    broken("TLS", hello, sizeof(hello) - 1);
    broken_text("a method that is no token", "G@T /take HTTP/1.1\r\nHost: x\r\n\r\n");
    broken_text("noise", "\xff\xfe\xfd\r\n\r\n\r\n");
}

static void the_server_still_serves_after_all_that(void **state)
{
    (void)state;
    send_hostile_text("POST /take HTTP/1.1\r\nHost: x/\r\n\r\n");
    client_exchange(http_port(server), "GET /take HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", reply,
                    sizeof(reply));
    assert_int_equal(status_of(reply), 200);
    assert_string_equal(body_of(reply), "taken");
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_length_together_with_chunks_is_refused),
        T(two_lengths_or_two_encodings_are_refused),
        T(a_space_before_the_colon_is_refused),
        T(an_encoding_other_than_chunked_is_refused),
        T(a_name_with_a_byte_that_is_no_token_is_refused),
        T(a_host_that_is_missing_doubled_or_more_than_a_host_is_refused),
        T(a_target_with_another_host_is_refused),
        T(paths_that_can_be_read_in_two_ways_are_refused),
        T(a_nul_or_a_bare_cr_is_refused),
        T(control_characters_are_refused),
        T(folded_headers_are_refused),
        T(a_line_without_a_name_is_refused),
        T(bare_line_feeds_are_refused),
        T(a_first_line_with_more_than_single_spaces_is_refused),
        T(broken_chunks_never_reach_a_handler),
        T(behind_a_chunked_body_nothing_is_answered),
        T(a_chunk_extension_of_a_megabyte_ends_the_connection),
        T(heads_that_are_too_large_are_refused),
        T(other_versions_are_refused),
        T(what_is_no_http_at_all_ends_the_connection),
        T(the_server_still_serves_after_all_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
