/* Requests through gateway and stand-in engine: what the client sees, what the engine sees, what is recorded. */
#include "fixture.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "util/clock.h"

#define ANNA      "anna.consumer.prod"
#define ASK(text) "{\"model\":\"assistant\",\"messages\":[{\"role\":\"user\",\"content\":\"" text "\"}]}"
#define STREAM(text) \
    "{\"model\":\"assistant\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"" text "\"}]}"

static struct fixture f;
static char reply[4 << 20];
static struct buf records = BUF(4 << 20);

static int start(void **state)
{
    (void)state;
    fixture_start(&f, 0, false);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fixture_stop(&f);
    assert_int_equal(f.held, 0);
    buf_fini(&records);
    return 0;
}

static void contains(const char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("wanted \"%s\" in: %.2000s", wanted, text);
}

static void lacks(const char *text, const char *unwanted)
{
    if (strstr(text, unwanted))
        fail_msg("did not want \"%s\" in: %.2000s", unwanted, text);
}

static void the_engine_sees_the_releases_prompt_first_and_the_answer_names_the_release(void **state)
{
    (void)state;
    int zero = 0;
    struct digest release = digest_of(span_of(&zero, sizeof(zero)));

    assert_int_equal(fixture_ask(&f, ANNA, ASK("hello there"), reply, sizeof(reply)), 200);

    contains(body_of(reply), "hello there [system:");
    contains(body_of(reply), "BLUE");
    contains(reply, "Airlock-Release: ");
    contains(reply, digest_text(&release).text);
    contains(reply, "Airlock-Overhead-Us: ");
}

static void an_answer_names_the_release_and_not_the_engines_file(void **state)
{
    (void)state;
    assert_int_equal(fixture_ask(&f, ANNA, ASK("hi"), reply, sizeof(reply)), 200);
    contains(body_of(reply), "\"model\":\"assistant\"");
    lacks(body_of(reply), "mock-engine");
    assert_int_equal(fixture_ask(&f, ANNA, STREAM("hi"), reply, sizeof(reply)), 200);
    contains(reply, "\"model\":\"assistant\"");
    lacks(reply, "mock-engine");
}

static void a_request_leaves_a_record_without_its_text(void **state)
{
    (void)state;
    fixture_ask(&f, ANNA, ASK("my secret"), reply, sizeof(reply));
    fixture_records(&f, 1, &records);
    const char *line = buf_str(&records);
    contains(line, "\"person\":\"anna\",\"role\":\"consumer\",\"environment\":\"prod\",\"model\":\"assistant\"");
    contains(line, "\"status\":200,\"outcome\":\"answered\",\"stream\":false,\"tokens_in\":5,\"tokens_out\":4");
    contains(line, "\"release\":\"sha256:");
    lacks(line, "secret");
}

static void a_stream_comes_event_by_event_and_ends_with_its_mark(void **state)
{
    (void)state;
    int fd = fixture_send(&f, ANNA, STREAM("/slow 4 100"));
    int64_t begun = clock_mono_ms();
    assert_true(client_read_until(fd, reply, sizeof(reply), "\"content\":\"word\""));
    assert_true(clock_mono_ms() - begun < 350);
    lacks(reply, "[DONE]");
    assert_true(client_read_until(fd, reply, sizeof(reply), "data: [DONE]\n\n"));
    lacks(reply, "\"usage\"");
    close(fd);
    fixture_records(&f, 1, &records);
    contains(buf_str(&records), "\"stream\":true,\"tokens_in\":6,\"tokens_out\":4,\"first_token_ms\":");
}

static void the_usage_of_a_stream_is_given_to_who_asks_for_it(void **state)
{
    (void)state;
    assert_int_equal(fixture_ask(&f, ANNA,
                                 "{\"model\":\"assistant\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
                                 "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
                                 reply, sizeof(reply)),
                     200);
    contains(reply, "\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":3");
}

/* Takes the chunks of HTTP away, in place. */
static void join_chunks(char *text)
{
    char *to = strstr(text, "\r\n\r\n") + 4, *from = to, *data;
    for (size_t len; (len = (size_t)strtoul(from, &data, 16)) > 0; from = data + 2 + len + 2) {
        memmove(to, data + 2, len);
        to += len;
    }
    *to = 0;
}

static void a_long_stream_arrives_whole(void **state)
{
    (void)state;
    assert_int_equal(fixture_ask(&f, ANNA, STREAM("/big 64"), reply, sizeof(reply)), 200);
    join_chunks(reply);
    unsigned words = 0;
    for (const char *at = reply; (at = strstr(at, "0123456789abcde\"")); at++)
        words++;
    assert_int_equal(words, 4096);
    contains(reply, "data: [DONE]\n\n");
}

static void a_client_that_leaves_ends_the_engines_work(void **state)
{
    (void)state;
    int fd = fixture_send(&f, ANNA, STREAM("/slow 1000 20"));
    assert_true(client_read_until(fd, reply, sizeof(reply), "word"));
    close(fd);
    fixture_records(&f, 1, &records);
    contains(buf_str(&records), "\"status\":499,\"outcome\":\"client-left\"");
    for (int64_t until = clock_mono_ms() + 2000; f.held && clock_mono_ms() < until;)
        poll(NULL, 0, 5);
    assert_int_equal(f.held, 0);
}

static void a_client_that_leaves_before_the_answer_is_noticed(void **state)
{
    (void)state;
    int fd = fixture_send(&f, ANNA, ASK("/stall"));
    poll(NULL, 0, 200);
    assert_int_equal(f.held, 1);
    close(fd);
    fixture_records(&f, 1, &records);
    contains(buf_str(&records), "\"outcome\":\"client-left\"");
}

static void a_stream_whose_engine_thinks_for_long_begins_and_is_kept_awake(void **state)
{
    (void)state;
    int fd = fixture_send(&f, ANNA, STREAM("/stall"));
    assert_true(client_read_until(fd, reply, sizeof(reply), ": still here\n\n"));
    contains(reply, "HTTP/1.1 200 OK");
    contains(reply, "Content-Type: text/event-stream");
    close(fd);
    fixture_records(&f, 1, &records);
    contains(buf_str(&records), "\"status\":499,\"outcome\":\"client-left\"");
}

static void an_engine_that_is_lost_in_mid_stream_ends_in_an_error_event(void **state)
{
    (void)state;
    assert_int_equal(fixture_ask(&f, ANNA, STREAM("/drop 3"), reply, sizeof(reply)), 200);
    contains(reply, "word");
    contains(reply, "data: {\"error\":{\"message\":\"the engine was lost");
    lacks(reply, "[DONE]");
    fixture_records(&f, 1, &records);
    contains(buf_str(&records), "\"status\":502,\"outcome\":\"engine-lost\",\"stream\":true");
}

static void an_engine_that_dies_gives_502_and_then_503(void **state)
{
    (void)state;
    assert_int_equal(fixture_ask(&f, ANNA, ASK("/die 0"), reply, sizeof(reply)), 502);
    contains(body_of(reply), "\"code\":\"engine_lost\"");
    waitpid(f.engines[0], NULL, 0);
    assert_int_equal(fixture_ask(&f, ANNA, ASK("hello"), reply, sizeof(reply)), 503);
    contains(reply, "Retry-After: ");
}

static void an_error_of_the_engine_is_told_with_its_reason(void **state)
{
    (void)state;
    assert_int_equal(fixture_ask(&f, ANNA, ASK("/status 422"), reply, sizeof(reply)), 400);
    contains(body_of(reply), "the engine answered 422: as the request asked");
    assert_int_equal(fixture_ask(&f, ANNA, ASK("/status 500"), reply, sizeof(reply)), 502);
    assert_int_equal(fixture_ask(&f, ANNA, STREAM("/status 503"), reply, sizeof(reply)), 503);
}

static void who_has_no_identity_or_the_wrong_role_or_place_is_refused(void **state)
{
    (void)state;
    assert_int_equal(fixture_ask(&f, "unknown", ASK("hi"), reply, sizeof(reply)), 401);
    contains(reply, "WWW-Authenticate: ");
    contains(body_of(reply), "\"type\":\"authentication_error\"");
    assert_int_equal(fixture_ask(&f, "vera.viewer.prod", ASK("hi"), reply, sizeof(reply)), 403);
    assert_int_equal(fixture_ask(&f, "tom.consumer.test", ASK("hi"), reply, sizeof(reply)), 404);
    contains(body_of(reply), "\"code\":\"model_not_found\"");
    contains(body_of(reply), "in test");
    assert_int_equal(fixture_ask(&f, "eve.engineer.~", ASK("hi"), reply, sizeof(reply)), 200);
}

static void an_unknown_model_is_404_and_one_that_starts_is_503(void **state)
{
    (void)state;
    assert_int_equal(fixture_ask(&f, ANNA,
                                 "{\"model\":\"nobody\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", reply,
                                 sizeof(reply)),
                     404);
    assert_int_equal(fixture_ask(&f, ANNA,
                                 "{\"model\":\"starting\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", reply,
                                 sizeof(reply)),
                     503);
    contains(reply, "Retry-After: 2");
    fixture_records(&f, 2, &records);
    contains(buf_str(&records), "\"model\":\"nobody\",\"status\":404,\"outcome\":\"refused\"");
}

static void media_that_would_be_fetched_is_refused(void **state)
{
    (void)state;
    assert_int_equal(fixture_ask(&f, ANNA,
                                 "{\"model\":\"assistant\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
                                 "\"image_url\",\"image_url\":{\"url\":\"http://192.0.2.1/x.png\"}}]}]}",
                                 reply, sizeof(reply)),
                     400);
    contains(body_of(reply), "/messages/0/content/0/image_url/url");
}

static void models_lists_what_the_environment_points_at(void **state)
{
    (void)state;
    client_exchange(http_port(f.server),
                    "GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " ANNA "\r\n\r\n",
                    reply, sizeof(reply));
    assert_int_equal(status_of(reply), 200);
    contains(body_of(reply), "{\"object\":\"list\",\"data\":[{\"id\":\"assistant\",\"object\":\"model\"");
    client_exchange(http_port(f.server),
                    "GET /v1/models/nobody HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " ANNA
                    "\r\n\r\n",
                    reply, sizeof(reply));
    assert_int_equal(status_of(reply), 404);
}

static void nothing_is_answered_while_the_access_log_cannot_be_written(void **state)
{
    (void)state;
    f.record_fails = 1;
    fixture_ask(&f, ANNA, ASK("first"), reply, sizeof(reply));
    assert_int_equal(fixture_ask(&f, ANNA, ASK("second"), reply, sizeof(reply)), 503);
    contains(body_of(reply), "access log");
    f.record_fails = 0;
    assert_int_equal(fixture_ask(&f, ANNA, ASK("third"), reply, sizeof(reply)), 503);
    assert_int_equal(fixture_ask(&f, ANNA, ASK("fourth"), reply, sizeof(reply)), 200);
}

/* ── a switch while requests run ── */

static _Atomic int asking, failed, blue, green;

static void *keep_asking(void *arg)
{
    char *out = malloc(65536);
    (void)arg;
    assert_non_null(out);
    while (asking) {
        if (fixture_ask(&f, ANNA, STREAM("/slow 5 10"), out, 65536) != 200 || !strstr(out, "[DONE]"))
            failed++;
        if (fixture_ask(&f, ANNA, ASK("which"), out, 65536) != 200)
            failed++;
        blue += strstr(out, "BLUE") != NULL;
        green += strstr(out, "GREEN") != NULL;
    }
    free(out);
    return NULL;
}

static void a_switch_fails_no_request(void **state)
{
    (void)state;
    pthread_t clients[8];
    asking = 1;
    failed = blue = green = 0;
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        assert_int_equal(pthread_create(&clients[i], NULL, keep_asking, NULL), 0);
    for (int i = 0; i < 10; i++) {
        poll(NULL, 0, 100);
        __atomic_store_n(&f.current, i % 2 == 0, __ATOMIC_SEQ_CST);
    }
    asking = 0;
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        pthread_join(clients[i], NULL);
    assert_int_equal(failed, 0);
    assert_true(blue > 0);
    assert_true(green > 0);
}

static void a_stop_in_mid_stream_ends_it_with_a_record(void **state)
{
    bool ended;
    int fd = fixture_send(&f, ANNA, STREAM("/slow 1000 50"));
    assert_true(client_read_until(fd, reply, sizeof(reply), "word"));
    http_stop(f.server, 100);
    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    assert_true(ended);
    close(fd);
    fixture_records(&f, 1, &records);
    f.server = test_server(f.routes, GATEWAY_ROUTES, NULL);
    (void)state;
}

/* ── with other options ── */

static void a_token_over_its_quota_gets_429_and_the_others_go_on(void **state)
{
    (void)state;
    fixture_start(&f, 3, false);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fixture_ask(&f, ANNA, ASK("hi"), reply, sizeof(reply)), 200);
    assert_int_equal(fixture_ask(&f, ANNA, ASK("hi"), reply, sizeof(reply)), 429);
    contains(reply, "Retry-After: 20");
    contains(body_of(reply), "rate_limit");
    assert_int_equal(fixture_ask(&f, "otto.consumer.prod", ASK("hi"), reply, sizeof(reply)), 200);
    fixture_records(&f, 5, &records);
    contains(buf_str(&records), "\"status\":429,\"outcome\":\"refused\"");
}

static void prompts_are_recorded_when_the_site_asks_for_it(void **state)
{
    (void)state;
    fixture_start(&f, 0, true);
    fixture_ask(&f, ANNA, ASK("my secret"), reply, sizeof(reply));
    fixture_records(&f, 1, &records);
    contains(buf_str(&records), "\"messages\":[{\"role\":\"user\",\"content\":\"my secret\"}]");
    lacks(buf_str(&records), "BLUE");
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_engine_sees_the_releases_prompt_first_and_the_answer_names_the_release),
        T(an_answer_names_the_release_and_not_the_engines_file),
        T(a_request_leaves_a_record_without_its_text),
        T(a_stream_comes_event_by_event_and_ends_with_its_mark),
        T(the_usage_of_a_stream_is_given_to_who_asks_for_it),
        T(a_long_stream_arrives_whole),
        T(a_client_that_leaves_ends_the_engines_work),
        T(a_client_that_leaves_before_the_answer_is_noticed),
        T(a_stream_whose_engine_thinks_for_long_begins_and_is_kept_awake),
        T(an_engine_that_is_lost_in_mid_stream_ends_in_an_error_event),
        T(an_engine_that_dies_gives_502_and_then_503),
        T(an_error_of_the_engine_is_told_with_its_reason),
        T(who_has_no_identity_or_the_wrong_role_or_place_is_refused),
        T(an_unknown_model_is_404_and_one_that_starts_is_503),
        T(media_that_would_be_fetched_is_refused),
        T(models_lists_what_the_environment_points_at),
        T(nothing_is_answered_while_the_access_log_cannot_be_written),
        T(a_switch_fails_no_request),
        T(a_stop_in_mid_stream_ends_it_with_a_record),
        cmocka_unit_test_teardown(a_token_over_its_quota_gets_429_and_the_others_go_on, stop),
        cmocka_unit_test_teardown(prompts_are_recorded_when_the_site_asks_for_it, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
