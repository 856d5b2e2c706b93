/* The cache of answers: what is given again, what is not, and when all of it goes. */
#include "client.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "registry/cache.h"
#include "store/db_ledger.h"
#include "util/auto.h"
#include "util/file.h"
#include "util/json.h"

static char folder[64];
static int dir = -1;
static struct db *db;
static struct callers *callers;
static struct cache *cache;
static struct http_server *server;
static struct identity anna = {.person = "anna", .role_name = "consumer"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct buf records;
static atomic_bool log_full;
static _Atomic unsigned made;                /* answers that the handler made */
static void (*_Atomic while_it_works)(void); /* between the look at the generation and the answer */
static _Atomic size_t extra;                 /* bytes that each answer has more */

static void must(int result, const struct err *e)
{
    if (result < 0)
        fail_msg("%s", e->msg);
}

static int record(void *arg, struct span line, struct err *e)
{
    (void)arg;
    if (log_full)
        return err_set(e, ERR_NOSPACE, 0, "full");
    pthread_mutex_lock(&lock);
    buf_add_span(&records, line);
    buf_add_byte(&records, '\n');
    pthread_mutex_unlock(&lock);
    return 0;
}

/* One ledger entry of this action, committed. */
static void decide(const char *action)
{
    struct err e = {0};
    char entry[256];
    snprintf(entry, sizeof(entry), "{\"time\":\"2026-11-24T08:00:00Z\",\"actor\":\"airlock\",\"action\":\"%s\"}",
             action);
    struct digest leaf = digest_of(span_str(entry));
    must(db_begin(db, &e), &e);
    must(db_ledger_add(db, 1, span_str(entry), &leaf, NULL, &e), &e);
    must(db_commit(db, &e), &e);
    /* The cache may be this much behind. */
    nanosleep(&(struct timespec){0, 2000000}, NULL);
}

static bool at_once(struct http_request *r, void *arg)
{
    (void)arg;
    return cache_answer(cache, r, &anna);
}

static void handle(struct http_request *r, void *arg)
{
    static const char line[] =
        "{\"time\":\"2026-11-24T08:00:00Z\",\"kind\":\"pull\",\"person\":\"ben\",\"role\":\"engineer\","
        "\"environment\":\"prod\",\"what\":\"x\",\"status\":200,\"bytes\":1}";
    struct err e;
    struct buf body = BUF(8 << 20);
    (void)arg;
    uint64_t generation = cache_renew(cache);
    void (*work)(void) = while_it_works;
    if (work)
        work();
    buf_printf(&body, "answer %u to %s", ++made, http_path(r));
    if (extra) {
        memset(buf_room(&body, extra), 'x', extra);
        buf_grown(&body, extra);
    }
    if (record(NULL, span_str(line), &e) < 0) {
        buf_fini(&body);
        http_error(r, 503, NULL, "no log");
        return;
    }
    http_put_header(r, "ETag", "\"tag\"");
    cache_answer_new(cache, r, generation, span_str(line), "text/x", &body);
}

static const struct http_route routes[] = {
    {.path = "/p/", .methods = HTTP_GET | HTTP_HEAD, .at_once = at_once, .handle = handle}};

static int start(void **state)
{
    struct err e = {0};
    (void)state;
    made = 0;
    extra = 0;
    log_full = false;
    while_it_works = NULL;
    records = BUF(16 << 20);
    snprintf(folder, sizeof(folder), "/tmp/airlock-cache-XXXXXX");
    assert_non_null(mkdtemp(folder));
    dir = dir_open(AT_FDCWD, folder, &e);
    db = db_make(dir, &e);
    callers = db ? callers_open(dir, &e) : NULL;
    if (!callers)
        fail_msg("%s", e.msg);
    cache = cache_new(callers, record, NULL);
    server = test_server(routes, ARRAY_LEN(routes), NULL);
    decide("init");
    return 0;
}

static int stop(void **state)
{
    struct err e = {0};
    (void)state;
    http_stop(server, 0);
    cache_free(cache);
    callers_close(callers);
    db_close(db);
    close(dir);
    buf_fini(&records);
    return tree_remove(AT_FDCWD, folder, &e);
}

static char reply[5 << 20];

static const char *ask(const char *method, const char *path, const char *headers)
{
    char request[1024];
    snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method, path,
             headers);
    client_exchange(http_port(server), request, reply, sizeof(reply));
    return body_of(reply);
}

static unsigned count(const char *text)
{
    unsigned found = 0;
    pthread_mutex_lock(&lock);
    for (const char *at = buf_str(&records); (at = strstr(at, text)); at++)
        found++;
    pthread_mutex_unlock(&lock);
    return found;
}

static void the_second_question_is_answered_as_the_first(void **state)
{
    (void)state;
    assert_string_equal(ask("GET", "/p/a", ""), "answer 1 to /p/a");
    for (int i = 0; i < 5; i++) {
        assert_string_equal(ask("GET", "/p/a", ""), "answer 1 to /p/a");
        assert_int_equal(status_of(reply), 200);
        assert_non_null(strstr(reply, "Content-Type: text/x\r\n"));
        assert_non_null(strstr(reply, "ETag: \"tag\"\r\n"));
        assert_non_null(strstr(reply, "X-Content-Type-Options: nosniff\r\n"));
    }
    assert_int_equal(made, 1);
}

static void each_answer_is_recorded_for_who_asked(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        ask("GET", "/p/a", "");
    assert_int_equal(count("\"person\":\"ben\",\"role\":\"engineer\",\"environment\""), 1);
    assert_int_equal(
        count("\"kind\":\"pull\",\"person\":\"anna\",\"role\":\"consumer\",\"environment\":\"prod\",\"what\":\"x\","
              "\"status\":200,\"bytes\":1}\n"),
        3);
    struct span all = buf_span(&records), line;
    struct err e = {0};
    while (span_take_until(&all, '\n', &line)) {
        auto_json j = json_parse(line, 4096, "record", &e);
        assert_non_null(j);
    }
}

static void what_is_asked_otherwise_is_another_question(void **state)
{
    (void)state;
    ask("GET", "/p/a", "Accept: text/x\r\n");
    assert_string_equal(ask("GET", "/p/a", "Accept: text/x\r\n"), "answer 1 to /p/a");
    assert_string_equal(ask("GET", "/p/a", "Accept: text/y\r\n"), "answer 2 to /p/a");
    assert_string_equal(ask("GET", "/p/a", "Accept: text/x\r\nAccept: text/y\r\n"), "answer 3 to /p/a");
    assert_string_equal(ask("GET", "/p/b", "Accept: text/x\r\n"), "answer 4 to /p/b");
    assert_string_equal(ask("GET", "/p/a", "Accept: text/x\r\n"), "answer 1 to /p/a");
}

static void queries_conditions_and_ranges_are_never_answered_from_it(void **state)
{
    (void)state;
    static const char *const headers[] = {"Range: bytes=0-1\r\n", "If-None-Match: \"tag\"\r\n", "If-Match: \"tag\"\r\n",
                                          "if-modified-since: x\r\n"};
    ask("GET", "/p/a", "");
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        ask("GET", "/p/a", headers[i]);
    assert_int_equal(made, 1 + ARRAY_LEN(headers));
    ask("GET", "/p/a?x=1", "");
    ask("GET", "/p/a?x=1", "");
    assert_int_equal(made, 3 + ARRAY_LEN(headers));
    ask("HEAD", "/p/a", "");
    assert_int_equal(made, 4 + ARRAY_LEN(headers));
}

static void a_decision_makes_all_of_it_go(void **state)
{
    (void)state;
    ask("GET", "/p/a", "");
    ask("GET", "/p/b", "");
    decide("promote");
    assert_string_equal(ask("GET", "/p/a", ""), "answer 3 to /p/a");
    assert_string_equal(ask("GET", "/p/b", ""), "answer 4 to /p/b");
    assert_string_equal(ask("GET", "/p/b", ""), "answer 4 to /p/b");
}

static void a_batch_of_accesses_is_no_decision(void **state)
{
    (void)state;
    ask("GET", "/p/a", "");
    for (int i = 0; i < 3; i++) {
        decide("access-batch");
        assert_string_equal(ask("GET", "/p/a", ""), "answer 1 to /p/a");
    }
    decide("access-batch");
    decide("rollback");
    decide("access-batch");
    assert_string_equal(ask("GET", "/p/a", ""), "answer 2 to /p/a");
}

static void a_commit_without_an_entry_counts_as_a_decision(void **state)
{
    (void)state;
    struct err e = {0};
    ask("GET", "/p/a", "");
    must(db_begin(db, &e), &e);
    must(db_meta_set(db, "key", SPAN_LIT("value"), &e), &e);
    must(db_commit(db, &e), &e);
    nanosleep(&(struct timespec){0, 2000000}, NULL);
    assert_string_equal(ask("GET", "/p/a", ""), "answer 2 to /p/a");
}

static void promote_meanwhile(void)
{
    while_it_works = NULL;
    decide("promote");
    cache_renew(cache); /* as another request does it */
}

static void an_answer_that_a_decision_has_overtaken_is_not_kept(void **state)
{
    (void)state;
    while_it_works = promote_meanwhile;
    assert_string_equal(ask("GET", "/p/a", ""), "answer 1 to /p/a");
    assert_string_equal(ask("GET", "/p/a", ""), "answer 2 to /p/a");
    assert_string_equal(ask("GET", "/p/a", ""), "answer 2 to /p/a");
}

static void nothing_is_given_that_cannot_be_recorded(void **state)
{
    (void)state;
    ask("GET", "/p/a", "");
    log_full = true;
    ask("GET", "/p/a", "");
    assert_int_equal(status_of(reply), 503);
    log_full = false;
    assert_string_equal(ask("GET", "/p/a", ""), "answer 1 to /p/a");
}

static void the_oldest_answers_go_when_it_is_full(void **state)
{
    (void)state;
    extra = 3 << 20;
    for (int i = 0; i < 30; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/p/%d", i);
        ask("GET", path, "");
    }
    assert_int_equal(made, 30);
    ask("GET", "/p/29", "");
    assert_int_equal(made, 30);
    ask("GET", "/p/0", "");
    assert_int_equal(made, 31);
    extra = (4 << 20) + 1; /* larger than any that is kept */
    ask("GET", "/p/large", "");
    ask("GET", "/p/large", "");
    assert_int_equal(made, 33);
}

static void *asker(void *arg)
{
    char request[256], answer[4096];
    for (int i = 0; i < 100; i++) {
        snprintf(request, sizeof(request), "GET /p/%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", i % 3);
        client_exchange(http_port(server), request, answer, sizeof(answer));
        if (status_of(answer) != 200)
            atomic_fetch_add((_Atomic unsigned *)arg, 1);
    }
    return NULL;
}

static void many_may_ask_while_things_are_decided(void **state)
{
    (void)state;
    pthread_t threads[4];
    _Atomic unsigned failed = 0;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, asker, &failed), 0);
    for (int i = 0; i < 10; i++)
        decide(i % 3 ? "access-batch" : "promote");
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(failed, 0);
    assert_int_equal(count("\n"), 400);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_second_question_is_answered_as_the_first),
        T(each_answer_is_recorded_for_who_asked),
        T(what_is_asked_otherwise_is_another_question),
        T(queries_conditions_and_ranges_are_never_answered_from_it),
        T(a_decision_makes_all_of_it_go),
        T(a_batch_of_accesses_is_no_decision),
        T(a_commit_without_an_entry_counts_as_a_decision),
        T(an_answer_that_a_decision_has_overtaken_is_not_kept),
        T(nothing_is_given_that_cannot_be_recorded),
        T(the_oldest_answers_go_when_it_is_full),
        T(many_may_ask_while_things_are_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
