/* Access records are what docs/formats says; the metrics are OpenMetrics. */
#include "gateway/metrics.h"
#include "gateway/record.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/file.h"

static void golden(const char *name, struct buf *out)
{
    char path[1024];
    struct err e = {0};
    snprintf(path, sizeof(path), "%s/docs/formats/examples/%s", getenv("AIRLOCK_SOURCE"), name);
    if (file_read(AT_FDCWD, path, out, &e) < 0)
        fail_msg("%s", e.msg);
}

/* The log puts the id first; the golden line has it. */
static void assert_golden(const char *name, struct buf *record)
{
    auto_buf wanted = BUF(65536), found = BUF(65536);
    golden(name, &wanted);
    buf_add_str(&found, "{\"id\":4711,");
    buf_add(&found, record->ptr + 1, record->len - 1);
    buf_add_byte(&found, '\n');
    assert_string_equal(buf_str(&found), buf_str(&wanted));
}

static struct access_request example(const struct identity *who, const struct digest *release)
{
    return (struct access_request){.time_s = 1795507200,
                                   .request = "9f2c4e8a11d07b36-17",
                                   .who = who,
                                   .environment = "prod",
                                   .model = "assistant",
                                   .release = release,
                                   .status = 200,
                                   .outcome = "answered",
                                   .stream = true,
                                   .tokens_in = 24,
                                   .tokens_out = 112,
                                   .first_token_ms = 83,
                                   .total_ms = 1210};
}

static void the_record_of_a_request_is_the_golden_one(void **state)
{
    (void)state;
    struct identity who = {.person = "anna", .role = ROLE_CONSUMER, .role_name = "consumer", .environment = "prod"};
    struct digest release = digest_of(SPAN_LIT("release"));
    struct access_request a = example(&who, &release);
    auto_buf out = BUF(4096);
    record_request(&a, &out);
    assert_golden("access-request.json", &out);
}

static void the_record_of_a_refusal_names_no_release(void **state)
{
    (void)state;
    struct identity who = {.person = "anna", .role = ROLE_CONSUMER, .role_name = "consumer", .environment = "prod"};
    struct access_request a = example(&who, NULL);
    a.status = 404;
    a.outcome = "refused";
    a.stream = false;
    a.tokens_in = a.tokens_out = 0;
    a.first_token_ms = -1;
    a.total_ms = 0;
    a.model = "nobody";
    auto_buf out = BUF(4096);
    record_request(&a, &out);
    assert_golden("access-request-refused.json", &out);
}

static void a_long_conversation_is_counted_and_not_kept(void **state)
{
    (void)state;
    struct identity who = {.person = "anna", .role_name = "consumer"};
    struct access_request a = example(&who, NULL);
    auto_buf text = BUF(1 << 20), out = BUF(65536);
    struct err e = {0};
    buf_add_str(&text, "[\"");
    for (int i = 0; i < 20000; i++)
        buf_add_byte(&text, 'x');
    buf_add_str(&text, "\"]");
    auto_json messages = json_parse(buf_span(&text), 1 << 20, "messages", &e);
    a.messages = messages;
    record_request(&a, &out);
    assert_true(buf_ok(&out));
    assert_non_null(strstr(buf_str(&out), "\"messages_bytes\":20004"));
    assert_null(strstr(buf_str(&out), "xxxx"));
}

static void buckets_of_a_histogram_add_up(void **state)
{
    (void)state;
    static struct metrics m;
    auto_buf out = BUF(65536);
    histogram_add(&m.first_token, 50000);           /* 0.05 ms */
    histogram_add(&m.first_token, 100000);          /* on the bound */
    histogram_add(&m.first_token, 3000000);         /* 3 ms */
    histogram_add(&m.first_token, 3600000000000LL); /* an hour */
    m.requests[2] = 4;
    metrics_write(&m, &out);
    const char *text = buf_str(&out);
    assert_non_null(strstr(text, "airlock_first_token_seconds_bucket{le=\"0.000100\"} 2\n"));
    assert_non_null(strstr(text, "airlock_first_token_seconds_bucket{le=\"0.005000\"} 3\n"));
    assert_non_null(strstr(text, "airlock_first_token_seconds_bucket{le=\"60.000000\"} 3\n"));
    assert_non_null(strstr(text, "airlock_first_token_seconds_bucket{le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(text, "airlock_first_token_seconds_sum 3600.003150\n"));
    assert_non_null(strstr(text, "airlock_chat_requests_total{status=\"2xx\"} 4\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_record_of_a_request_is_the_golden_one),
        cmocka_unit_test(the_record_of_a_refusal_names_no_release),
        cmocka_unit_test(a_long_conversation_is_counted_and_not_kept),
        cmocka_unit_test(buckets_of_a_histogram_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
