/* The door over a real contour and a real server: who comes in, what is said to who does not, what is recorded, and
 * what is answered without looking anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "../contour/contour.h"
#include "client.h"
#include "contour/identity_change.h"
#include "gateway/callers.h"
#include "gateway/callers_porter.h"
#include "util/clock.h"

static struct test_contour t;
static struct callers *callers;
static struct callers_source source;
static struct http_server *server;
/* The monotonic clock, put forward: linked in the place of the real one. */
static _Atomic int64_t ahead_ms;
int64_t __real_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void)
{
    return __real_clock_mono_ms() + ahead_ms;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct buf records;
static char reply[16384];

static int record(void *arg, struct span line, struct err *e)
{
    (void)arg;
    (void)e;
    pthread_mutex_lock(&lock);
    buf_add_span(&records, line);
    buf_add_byte(&records, '\n');
    pthread_mutex_unlock(&lock);
    return 0;
}

static void handle(struct http_request *r, void *arg)
{
    enum ability what = *(const enum ability *)arg;
    struct identity who;
    struct digest token;
    struct buf body = BUF(256);
    bool known = callers_admit_at_once(&source, r, what, &who, &token);
    if (!known && callers_admit(&source, r, what, &who, &token) < 0)
        return;
    buf_printf(&body, "%s %s", known ? "known" : "looked-up", who.person);
    http_answer(r, 200, "text/plain", &body);
}

static int set_up(void **state)
{
    (void)state;
    static enum ability see = ABILITY_SEE, metrics = ABILITY_METRICS;
    static struct http_route routes[] = {{.path = "/see", .methods = HTTP_GET, .handle = handle, .arg = &see},
                                         {.path = "/metrics", .methods = HTTP_GET, .handle = handle, .arg = &metrics}};
    struct err e = {0};
    struct http_options o = {.per_address_max = 64};
    contour_make(&t);
    records = BUF(1U << 20);
    callers = callers_open(t.site->dir, &e);
    if (!callers || callers_trust(callers, t.site->public_key, &e) < 0)
        fail_msg("%s", e.msg);
    callers_set_records(callers, record, NULL);
    source = (struct callers_source){.callers = callers};
    server = test_server(routes, ARRAY_LEN(routes), &o);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_stop(server, 0);
    callers_close(callers);
    buf_fini(&records);
    contour_remove(&t);
    return 0;
}

static struct token_text give(const char *person, enum role role)
{
    struct err e = {0};
    struct token_text text;
    struct token w = {.role = role, .environment = "prod", .repository = "*"};
    snprintf(w.person, sizeof w.person, "%s", person);
    if (token_give(t.site, &w, &text, &e) < 0)
        fail_msg("%s", e.msg);
    return text;
}

/* From an address of loopback. */
static int connect_from(const char *address)
{
    struct sockaddr_in from = {.sin_family = AF_INET},
                       to = {.sin_family = AF_INET, .sin_port = htons(http_port(server))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, address, &from.sin_addr);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static int get_from(const char *address, const char *path, const char *authorization)
{
    char request[512];
    bool ended;
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s%s\r\n", path,
             authorization ? "Authorization: " : "", authorization ? authorization : "", authorization ? "\r\n" : "");
    int fd = connect_from(address);
    client_send_text(fd, request);
    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    close(fd);
    return status_of(reply);
}

static int get(const char *address, const char *token)
{
    char authorization[128];
    snprintf(authorization, sizeof(authorization), "Bearer %s", token ? token : "");
    return get_from(address, "/see", token ? authorization : NULL);
}

static int guess(const char *address)
{
    static unsigned count;
    char token[64];
    snprintf(token, sizeof(token), "%u-is-what-I-try", count++);
    return get(address, token);
}

static bool was_recorded(const char *text)
{
    pthread_mutex_lock(&lock);
    bool is = strstr(buf_str(&records), text) != NULL;
    pthread_mutex_unlock(&lock);
    return is;
}

static unsigned count_records(const char *text)
{
    unsigned n = 0;
    pthread_mutex_lock(&lock);
    for (const char *at = buf_str(&records); (at = strstr(at, text)); at++)
        n++;
    pthread_mutex_unlock(&lock);
    return n;
}

/* ── in ── */

static void the_second_request_of_a_token_is_answered_from_memory(void **state)
{
    (void)state;
    struct token_text text = give("clara", ROLE_VIEWER);
    assert_int_equal(get("127.0.0.1", text.text), 200);
    assert_string_equal(body_of(reply), "looked-up clara");
    assert_int_equal(get("127.0.0.1", text.text), 200);
    assert_string_equal(body_of(reply), "known clara");
    assert_int_equal(buf_span(&records).len, 0); /* what was given is for the handler to record */
}

static void the_operators_token_is_in_no_database(void **state)
{
    (void)state;
    callers_set_operator(callers, SPAN_LIT("made-by-serve"), "os:root");
    assert_int_equal(get("127.0.0.1", "made-by-serve"), 200);
    assert_string_equal(body_of(reply), "known os:root");
    assert_int_equal(get("127.0.0.1", ""), 401); /* nothing is not it */
}

static void before_a_key_is_trusted_no_token_is(void **state)
{
    (void)state;
    struct err e = {0};
    struct identity who;
    struct token_text text = give("clara", ROLE_VIEWER);
    struct callers *c = callers_open(t.site->dir, &e);
    assert_int_equal(callers_identify(c, span_str(text.text), &who, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
    callers_close(c);
}

static void a_revoked_token_is_soon_refused_and_so_is_one_whose_group_was_left(void **state)
{
    (void)state;
    struct err e = {0};
    struct digest hash;
    struct token_text one = give("clara", ROLE_VIEWER);
    assert_int_equal(group_make(t.site, "readers", &e), 0);
    struct grant g = {.role = ROLE_CONSUMER, .to = "group:readers", .environment = "*", .repository = "*"};
    assert_int_equal(grant_give(t.site, &g, &e), 0);
    assert_int_equal(group_put(t.site, "readers", "dora", &e), 0);
    struct token_text two = give("dora", ROLE_CONSUMER);
    assert_int_equal(get("127.0.0.1", one.text), 200);
    assert_int_equal(get("127.0.0.1", two.text), 200);

    assert_true(token_hash(span_str(one.text), &hash));
    assert_int_equal(token_end(t.site, &hash, "clara", &e), 0);
    assert_int_equal(group_leave(t.site, "readers", "dora", &e), 0);

    int64_t until = clock_mono_ms() + CLIENT_TIMEOUT_MS;
    struct identity who;
    while (callers_identify(callers, span_str(one.text), &who, &e) == 0 && clock_mono_ms() < until)
        poll(NULL, 0, 20);
    poll(NULL, 0, CALLERS_RIGHTS_MS);
    assert_int_equal(get("127.0.0.1", one.text), 401);
    assert_int_equal(get("127.0.0.1", two.text), 401);
}

/* ── providers ── */

static enum caller_answer by_header(void *arg, const struct caller_ask *ask, struct identity *out, struct err *e)
{
    const char *name = http_header(ask->r, arg);
    if (!name)
        return CALLER_NOT_MINE;
    if (strcmp(name, "anna") != 0) {
        err_set(e, ERR_DENIED, 0, "nobody here is called so");
        return CALLER_NOBODY;
    }
    *out = (struct identity){.person = "anna", .role = ROLE_VIEWER, .role_name = "viewer", .environment = "*"};
    return CALLER_IS;
}

/* "TOKEN\r\nX-Name: NAME": a header more. */
static int get_as(const char *name)
{
    char request[256];
    bool ended;
    snprintf(request, sizeof(request), "GET /see HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Name: %s\r\n\r\n", name);
    int fd = connect_from("127.0.0.1");
    client_send_text(fd, request);
    client_read(fd, reply, sizeof(reply), CLIENT_TIMEOUT_MS, &ended);
    close(fd);
    return status_of(reply);
}

static void a_provider_more_is_asked_after_the_others(void **state)
{
    (void)state;
    assert_int_equal(get_as("anna"), 401);
    callers_provide(callers, &(struct caller_provider){"header", by_header, (void *)"X-Name"});
    assert_int_equal(get_as("anna"), 200);
    assert_string_equal(body_of(reply), "known anna");
    assert_int_equal(get_as("mallory"), 401);
    struct token_text text = give("clara", ROLE_VIEWER);
    assert_int_equal(get("127.0.0.1", text.text), 200); /* and the tokens are what they were */
    assert_string_equal(body_of(reply), "looked-up clara");
}

/* ── not in ── */

static void who_is_refused_is_recorded_and_no_token_is(void **state)
{
    (void)state;
    struct token_text text = give("clara", ROLE_VIEWER);
    assert_int_equal(get("127.0.0.3", NULL), 401);
    assert_non_null(strstr(reply, "WWW-Authenticate: Basic"));
    assert_true(
        was_recorded("\"kind\":\"call\",\"person\":\"\",\"role\":\"\",\"address\":\"127.0.0.3\",\"method\":\"GET\","
                     "\"path\":\"/see\",\"status\":401,\"bytes\":0}"));
    assert_int_equal(get("127.0.0.4", "a-wrong-one"), 401);
    assert_true(
        was_recorded("\"address\":\"127.0.0.4\",\"method\":\"GET\",\"path\":\"/see\",\"status\":401,\"bytes\":0,"
                     "\"token\":\""));
    char authorization[128];
    snprintf(authorization, sizeof authorization, "Bearer %s", text.text);
    assert_int_equal(get_from("127.0.0.5", "/metrics", authorization), 403);
    assert_true(
        was_recorded("\"person\":\"clara\",\"role\":\"viewer\",\"address\":\"127.0.0.5\",\"method\":\"GET\",\"path\":"
                     "\"/metrics\",\"status\":403"));
    assert_false(was_recorded("a-wrong-one"));
    assert_false(was_recorded(text.text));
}

static void a_guesser_waits_then_is_locked_and_the_right_token_works_from_elsewhere(void **state)
{
    (void)state;
    struct token_text text = give("clara", ROLE_VIEWER), unseen = give("dora", ROLE_VIEWER);
    assert_int_equal(get("127.0.0.66", text.text), 200);
    for (unsigned i = 0; i <= PORTER_FREE; i++)
        assert_int_equal(guess("127.0.0.66"), 401);
    assert_int_equal(guess("127.0.0.66"), 429);
    assert_non_null(strstr(reply, "Retry-After: 1\r\n"));
    assert_int_equal(get("127.0.0.66", unseen.text), 429); /* it would have to be looked up */
    assert_int_equal(get("127.0.0.66", text.text), 200);   /* it was right before */
    assert_int_equal(get("127.0.0.66", NULL), 401);        /* clients begin so */

    for (unsigned i = 0; i < 2 * PORTER_HASTE && !was_recorded("\"kind\":\"lock\""); i++)
        guess("127.0.0.66");

    assert_true(was_recorded("\"kind\":\"lock\",\"person\":\"\",\"address\":\"127.0.0.66\",\"failures\":"));
    assert_int_equal(get("127.0.0.66", text.text), 200); /* it was right within the hour */
    assert_int_equal(get("127.0.0.66", unseen.text), 429);
    assert_int_equal(guess("127.0.0.66"), 429);
    const char *header = strstr(reply, "Retry-After: ");
    assert_non_null(header);
    assert_true(strtoul(header + 13, NULL, 10) > PORTER_LOCK_S / 2);
    assert_int_equal(get("127.0.0.66", NULL), 401); /* clients begin so, and go on with a token that is known */
    assert_int_equal(get_from("127.0.0.66", "/see", "Nothing"), 429);
    assert_int_equal(get("127.0.0.67", text.text), 200);
    assert_int_equal(get("127.0.0.67", unseen.text), 200);
    assert_int_equal(get("127.0.0.66", unseen.text), 200); /* known from elsewhere now */
    callers_set_operator(callers, SPAN_LIT("made-by-serve"), "os:root");
    assert_int_equal(get("127.0.0.66", "made-by-serve"), 200);
    assert_int_equal(count_records("\"kind\":\"lock\""), 1);
}

static void lock_out(const char *address)
{
    for (unsigned i = 0; i < 3 * PORTER_HASTE; i++)
        guess(address);
    assert_int_equal(guess(address), 429);
}

static void in_a_locked_address_a_token_that_was_revoked_does_not_work(void **state)
{
    (void)state;
    struct err e = {0};
    struct token_text text = give("clara", ROLE_VIEWER);
    struct digest id = digest_of(span_str(text.text));
    assert_int_equal(get("127.0.0.66", text.text), 200);
    lock_out("127.0.0.66");
    assert_int_equal(get("127.0.0.66", text.text), 200);
    assert_int_equal(token_end(t.site, &id, "os:root", &e), 0);
    ahead_ms += CALLERS_CACHE_MS + CALLERS_RIGHTS_MS;
    assert_int_equal(get("127.0.0.66", text.text), 429);
    const char *header = strstr(reply, "Retry-After: ");
    assert_non_null(header);
    assert_true(strtoul(header + 13, NULL, 10) > PORTER_LOCK_S / 2); /* and the lock is what it was */
}

static void in_a_locked_address_a_token_that_was_right_long_ago_waits(void **state)
{
    (void)state;
    struct token_text text = give("clara", ROLE_VIEWER), other = give("dora", ROLE_VIEWER);
    assert_int_equal(get("127.0.0.66", text.text), 200);
    ahead_ms += CALLERS_KNOWN_MS / 2;
    assert_int_equal(get("127.0.0.66", other.text), 200);
    ahead_ms += CALLERS_KNOWN_MS / 2 + 2 * CALLERS_CACHE_MS;
    lock_out("127.0.0.66");
    assert_int_equal(get("127.0.0.66", text.text), 429);
    assert_int_equal(get("127.0.0.66", other.text), 200);
}

static void many_addresses_that_guess_fill_neither_memory_nor_the_log(void **state)
{
    (void)state;
    char address[32];
    unsigned wrong = 0;
    struct token_text text = give("clara", ROLE_VIEWER);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(address, sizeof(address), "127.3.%u.%u", i / 100, 1 + i % 100);
        wrong += guess(address) == 401;
        wrong += guess(address) == 401;
        wrong += guess(address) == 401;
    }
    assert_int_equal(wrong, 900); /* three tries from each cost nothing */
    assert_int_equal(get("127.9.9.9", text.text), 200);
    assert_int_equal(count_records("\"status\":401"), PORTER_RECORDS_ALL);
}

static void what_was_left_out_is_told_at_the_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PORTER_RECORDS + 5; i++)
        assert_int_equal(get("127.0.0.8", NULL), 401);
    assert_int_equal(count_records("\"status\":401"), PORTER_RECORDS);
    http_stop(server, 0);
    callers_close(callers);
    callers = NULL;
    server = NULL;
    assert_true(was_recorded("\"kind\":\"left-out\",\"person\":\"\",\"address\":\"127.0.0.8\",\"count\":5}"));
}

#define RULE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(the_second_request_of_a_token_is_answered_from_memory),
        RULE(the_operators_token_is_in_no_database),
        RULE(before_a_key_is_trusted_no_token_is),
        RULE(a_revoked_token_is_soon_refused_and_so_is_one_whose_group_was_left),
        RULE(a_provider_more_is_asked_after_the_others),
        RULE(who_is_refused_is_recorded_and_no_token_is),
        RULE(a_guesser_waits_then_is_locked_and_the_right_token_works_from_elsewhere),
        RULE(in_a_locked_address_a_token_that_was_revoked_does_not_work),
        RULE(in_a_locked_address_a_token_that_was_right_long_ago_waits),
        RULE(many_addresses_that_guess_fill_neither_memory_nor_the_log),
        RULE(what_was_left_out_is_told_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
