/* The supervisor's decisions, with engines, gate, database and site made of nothing: what
 * supervisor_world.c defines stands in the place of those. Runs under ThreadSanitizer too. */
#include "supervisor_world.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/db_release.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"

/* ── helpers ── */

static void set_wanted(int n)
{
    world.wanted = n;
    world.version++;
}

static void set_foreign(int n)
{
    world.foreign = n;
}

static void set_crash(int n)
{
    world.crash = n;
}

static int setup(void **state)
{
    pthread_mutex_lock(&world.lock);
    world.wanted = 0;
    world.previous = -1;
    world.crash = world.foreign = -1;
    world.alive = world.halted = world.gates = 0;
    world.keep_standby = true;
    world.end_stops = false;
    world.model_bytes = 0;
    supervisor_meminfo = "/proc/meminfo";
    for (int i = 0; i < RELEASES; i++) {
        world.start_ms[i] = world.starts[i] = 0;
        world.problem[i] = ERR_NONE;
        world.denied[i] = world.unwaived[i] = false;
    }
    pthread_mutex_unlock(&world.lock);
    snprintf(world.home, sizeof world.home, "/tmp/airlock-supervisor-XXXXXX");
    assert_non_null(mkdtemp(world.home));
    *state = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(world.alive, 0); /* whatever was started was ended */
    return tree_remove(AT_FDCWD, world.home, &e);
}

static struct supervisor *begin(void)
{
    struct err e = {0};
    struct supervisor *v = supervisor_start(world.home, &e);
    if (!v)
        fail_msg("%s", e.msg);
    return v;
}

/* Which release answers now; -1: none, and *code says why. */
static int answers(struct supervisor *v, enum err_code *code)
{
    struct err e = {0};
    struct engine_ref *ref = supervisor_take(v, "prod", "assistant", &e);
    int n = ref ? number_of(&ref->release) : -1;
    *code = e.code;
    supervisor_give(ref);
    return n;
}

static void wait_for(struct supervisor *v, int n)
{
    enum err_code code;
    for (int64_t until = clock_mono_ms() + 10000; clock_mono_ms() < until; usleep(1000))
        if (answers(v, &code) == n)
            return;
    fail_msg("release %d does not answer", n);
}

static int count(const int *what)
{
    pthread_mutex_lock(&world.lock);
    int n = *what;
    pthread_mutex_unlock(&world.lock);
    return n;
}

static void wait_count(const int *what, int n)
{
    for (int64_t until = clock_mono_ms() + 10000; clock_mono_ms() < until; usleep(1000))
        if (count(what) == n)
            return;
    fail_msg("wanted %d, found %d", n, count(what));
}

static bool status_has(struct supervisor *v, const char *word)
{
    auto_buf text = BUF(1U << 20);
    struct json_out w;
    json_out_init(&w, &text);
    json_out_object(&w);
    supervisor_json(v, &w);
    json_out_object_end(&w);
    return strstr(buf_str(&text), word);
}

static void wait_status(struct supervisor *v, const char *word)
{
    for (int64_t until = clock_mono_ms() + 10000; clock_mono_ms() < until; usleep(1000))
        if (status_has(v, word))
            return;
    fail_msg("the status never says %s", word);
}

/* ── rules ── */

static void what_the_pointer_names_is_started_and_answers(void **state)
{
    (void)state;
    struct supervisor *v = begin();
    struct err e;
    size_t waiting;
    wait_for(v, 0);
    assert_null(supervisor_take(v, "prod", "other", &e));
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_null(supervisor_take(v, "test", "assistant", &e));
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_true(supervisor_ready(v, &waiting));
    supervisor_stop(v);
    assert_int_equal(count(&world.halted), 1);
}

static void while_it_starts_callers_are_told_to_try_again(void **state)
{
    (void)state;
    world.start_ms[0] = 300;
    struct supervisor *v = begin();
    enum err_code code = ERR_NOTFOUND;
    wait_count(&world.starts[0], 1);
    assert_int_equal(answers(v, &code), -1);
    assert_int_equal(code, ERR_BUSY);
    size_t waiting;
    assert_false(supervisor_ready(v, &waiting));
    assert_int_equal(waiting, 1);
    wait_for(v, 0);
    supervisor_stop(v);
}

static void the_old_one_answers_until_the_new_one_is_ready(void **state)
{
    (void)state;
    world.start_ms[1] = 200;
    struct supervisor *v = begin();
    enum err_code code;
    wait_for(v, 0);
    locked(set_wanted, 1);
    int seen;
    for (int64_t until = clock_mono_ms() + 10000; (seen = answers(v, &code)) == 0 && clock_mono_ms() < until;)
        usleep(500);
    assert_int_equal(seen, 1); /* never a moment without one */
    supervisor_stop(v);
}

static void the_way_back_to_a_standby_starts_nothing_but_asks_the_gate(void **state)
{
    (void)state;
    struct supervisor *v = begin();
    wait_for(v, 0);
    locked(set_wanted, 1);
    wait_for(v, 1);
    pthread_mutex_lock(&world.lock);
    world.start_ms[0] = 5000;
    pthread_mutex_unlock(&world.lock);
    int64_t begun = clock_mono_ms();
    locked(set_wanted, 0);
    wait_for(v, 0);
    assert_true(clock_mono_ms() - begun < 4000);
    assert_int_equal(count(&world.starts[0]), 1);
    assert_int_equal(count(&world.gates), 1);
    assert_int_equal(count(&world.alive), 2);
    supervisor_stop(v);
}

static void a_standby_that_is_denied_now_is_not_switched_to(void **state)
{
    (void)state;
    struct supervisor *v = begin();
    enum err_code code;
    wait_for(v, 0);
    locked(set_wanted, 1);
    wait_for(v, 1);
    pthread_mutex_lock(&world.lock);
    world.denied[0] = true;
    pthread_mutex_unlock(&world.lock);
    locked(set_wanted, 0);
    wait_status(v, "recalled");
    usleep(50000);
    assert_int_equal(answers(v, &code), 1);
    assert_int_equal(count(&world.gates), 1); /* asked once, not again and again */
    assert_true(status_has(v, "running-older"));
    supervisor_stop(v);
}

static void what_runs_on_a_waiver_that_ended_goes_when_the_policy_says_so(void **state)
{
    (void)state;
    enum err_code code;
    world.unwaived[0] = world.end_stops = true;
    struct supervisor *v = begin();
    wait_status(v, "its waiver has ended");
    assert_int_equal(answers(v, &code), -1);
    assert_int_equal(count(&world.starts[0]), 1); /* and it is not started again */
    locked(set_wanted, 1);
    wait_for(v, 1);
    supervisor_stop(v);
}

static void what_runs_on_a_waiver_that_ended_runs_on_otherwise(void **state)
{
    (void)state;
    enum err_code code;
    world.unwaived[0] = true;
    struct supervisor *v = begin();
    wait_for(v, 0);
    usleep(2200000); /* it is looked at a second after the switch */
    assert_int_equal(answers(v, &code), 0);
    supervisor_stop(v);
}

static void a_serve_that_has_just_begun_loads_what_stood_there_before(void **state)
{
    (void)state;
    world.previous = 1;
    struct supervisor *v = begin();
    wait_for(v, 0);
    wait_status(v, "\"standby\"");
    locked(set_wanted, 1);
    wait_for(v, 1);
    assert_int_equal(count(&world.starts[1]), 1);
    assert_int_equal(count(&world.gates), 1); /* it was switched to, not started again */
    supervisor_stop(v);
}

static void a_standby_that_is_still_loading_is_waited_for_not_started_twice(void **state)
{
    (void)state;
    world.previous = 1;
    world.start_ms[1] = 300;
    struct supervisor *v = begin();
    wait_for(v, 0);
    wait_count(&world.starts[1], 1);
    locked(set_wanted, 1);
    wait_for(v, 1);
    assert_int_equal(count(&world.starts[1]), 1);
    supervisor_stop(v);
}

static void a_standby_that_cannot_be_loaded_hinders_nobody(void **state)
{
    (void)state;
    enum err_code code;
    size_t waiting;
    world.previous = 1;
    world.problem[1] = ERR_INPUT;
    struct supervisor *v = begin();
    wait_count(&world.starts[1], 1);
    usleep(50000);
    assert_int_equal(answers(v, &code), 0);
    assert_true(supervisor_ready(v, &waiting));
    assert_int_equal(count(&world.starts[1]), 1);
    supervisor_stop(v);
}

static void a_standby_that_is_still_loading_gives_way_to_a_restart(void **state)
{
    (void)state;
    world.previous = 1;
    world.start_ms[1] = 60000;
    struct supervisor *v = begin();
    wait_for(v, 0);
    wait_count(&world.starts[1], 1);
    locked(set_crash, 0);
    wait_count(&world.starts[0], 2);
    wait_for(v, 0);
    supervisor_stop(v);
}

static void without_standby_the_old_one_is_ended(void **state)
{
    (void)state;
    world.keep_standby = false;
    struct supervisor *v = begin();
    wait_for(v, 0);
    locked(set_wanted, 1);
    wait_for(v, 1);
    wait_count(&world.alive, 1);
    assert_int_equal(count(&world.halted), 1);
    supervisor_stop(v);
}

/* A host with so much memory to give; what /proc/meminfo says around it is there too. */
static void available_kib(uint64_t kib)
{
    static char path[96];
    struct err e;
    auto_buf text = BUF(4096);
    snprintf(path, sizeof path, "%s/meminfo", world.home);
    buf_printf(&text,
               "MemTotal:       99999999 kB\nMemFree:             1 kB\nMemAvailable:   %8llu kB\nBuffers: 0 kB\n",
               (unsigned long long)kib);
    assert_int_equal(file_write(AT_FDCWD, path, buf_span(&text), 0600, &e), 0);
    supervisor_meminfo = path;
}

static void memory_allows_what_a_model_and_three_tenths_more_leave_room_for(void **state)
{
    (void)state;
    uint64_t gib = 1ULL << 30, kib = gib / 1024 / 10 * 13; /* 1.3 GiB */
    available_kib(kib);
    assert_false(memory_allows(gib));
    available_kib(kib + 1);
    assert_true(memory_allows(gib));
    available_kib(kib / 2);
    assert_false(memory_allows(gib));
    assert_true(memory_allows(gib / 4));
}

static void where_nobody_can_tell_memory_allows(void **state)
{
    (void)state;
    supervisor_meminfo = "/nowhere/meminfo";
    assert_true(memory_allows(1ULL << 40));
}

static void the_old_one_is_kept_as_standby_when_memory_allows(void **state)
{
    (void)state;
    world.model_bytes = 1ULL << 30;
    available_kib(2U << 20);
    struct supervisor *v = begin();
    wait_for(v, 0);
    locked(set_wanted, 1);
    wait_for(v, 1);
    wait_status(v, "\"standby\"");
    assert_int_equal(count(&world.alive), 2);
    assert_int_equal(count(&world.halted), 0);
    supervisor_stop(v);
}

static void the_old_one_is_ended_when_memory_does_not_allow_a_standby(void **state)
{
    (void)state;
    world.model_bytes = 1ULL << 30;
    available_kib(1U << 20);
    struct supervisor *v = begin();
    wait_for(v, 0);
    locked(set_wanted, 1);
    wait_for(v, 1);
    wait_count(&world.halted, 1);
    assert_int_equal(count(&world.alive), 1);
    assert_false(status_has(v, "\"standby\""));
    supervisor_stop(v);
}

static void nothing_is_loaded_beforehand_when_memory_does_not_allow_it(void **state)
{
    (void)state;
    world.previous = 1;
    world.model_bytes = 1ULL << 30;
    available_kib(1U << 20);
    struct supervisor *v = begin();
    wait_for(v, 0);
    usleep(50000);
    assert_int_equal(count(&world.starts[1]), 0);
    supervisor_stop(v);
}

static void who_holds_an_engine_keeps_it_over_a_switch(void **state)
{
    (void)state;
    world.keep_standby = false;
    struct supervisor *v = begin();
    struct err e;
    wait_for(v, 0);
    struct engine_ref *held = supervisor_take(v, "prod", "assistant", &e);
    locked(set_wanted, 1);
    wait_for(v, 1);
    usleep(50000);
    assert_int_equal(count(&world.halted), 0);
    assert_string_equal((const char *)held->door, "/nowhere/0");
    supervisor_give(held);
    wait_count(&world.halted, 1);
    supervisor_stop(v);
}

static void a_start_that_fails_leaves_the_old_one_answering(void **state)
{
    (void)state;
    world.problem[1] = ERR_DENIED;
    struct supervisor *v = begin();
    enum err_code code;
    wait_for(v, 0);
    locked(set_wanted, 1);
    wait_count(&world.starts[1], 1);
    usleep(100000);
    assert_int_equal(answers(v, &code), 0);
    assert_int_equal(count(&world.starts[1]), 1); /* a refusal is final */
    locked(set_wanted, 2);
    wait_for(v, 2);
    supervisor_stop(v);
}

static void nothing_to_answer_with_says_why(void **state)
{
    (void)state;
    world.problem[0] = ERR_DENIED;
    struct supervisor *v = begin();
    struct err e;
    wait_status(v, "\"failed\"");
    assert_null(supervisor_take(v, "prod", "assistant", &e));
    assert_int_equal(e.code, ERR_UNDECIDED);
    assert_non_null(strstr(e.msg, "release 0 cannot start"));
    supervisor_stop(v);
}

static void an_engine_that_dies_is_started_again(void **state)
{
    (void)state;
    struct supervisor *v = begin();
    wait_for(v, 0);
    locked(set_crash, 0);
    wait_for(v, -1);
    wait_for(v, 0);
    assert_int_equal(count(&world.starts[0]), 2);
    supervisor_stop(v);
}

static void one_that_offers_anothers_socket_is_ended_at_once_and_for_good(void **state)
{
    (void)state;
    struct supervisor *v = begin();
    struct err e = {0};
    wait_for(v, 0);
    struct engine_ref *held = supervisor_take(v, "prod", "assistant", &e); /* whoever waits for it waits in vain */
    locked(set_foreign, 0);
    wait_count(&world.halted, 1);
    supervisor_give(held);
    assert_null(supervisor_take(v, "prod", "assistant", &e));
    assert_int_equal(e.code, ERR_UNDECIDED);
    assert_non_null(strstr(e.msg, "its socket is another's"));
    usleep(100000);
    assert_int_equal(count(&world.starts[0]), 1);
    locked(set_wanted, 1); /* another release is another engine */
    wait_for(v, 1);
    supervisor_stop(v);
}

static void a_restart_leaves_the_standby_as_it_is(void **state)
{
    (void)state;
    world.previous = 1;
    struct supervisor *v = begin();
    wait_for(v, 0);
    wait_status(v, "\"standby\"");
    locked(set_crash, 0);
    wait_count(&world.starts[0], 2);
    wait_for(v, 0);
    locked(set_wanted, 1);
    wait_for(v, 1);
    assert_int_equal(count(&world.starts[1]), 1);
    supervisor_stop(v);
}

static void a_standby_that_dies_is_forgotten(void **state)
{
    (void)state;
    struct supervisor *v = begin();
    enum err_code code;
    wait_for(v, 0);
    locked(set_wanted, 1);
    wait_for(v, 1);
    locked(set_crash, 0);
    wait_count(&world.alive, 1);
    assert_int_equal(answers(v, &code), 1);
    locked(set_wanted, 0); /* now it must be started */
    wait_for(v, 0);
    assert_int_equal(count(&world.starts[0]), 2);
    supervisor_stop(v);
}

static void a_pointer_that_moves_on_gives_up_the_start(void **state)
{
    (void)state;
    world.start_ms[1] = 60000;
    struct supervisor *v = begin();
    wait_for(v, 0);
    locked(set_wanted, 1);
    wait_count(&world.starts[1], 1);
    locked(set_wanted, 2);
    wait_for(v, 2);
    locked(set_wanted, 1);
    wait_count(&world.starts[1], 2);
    int64_t begun = clock_mono_ms();
    supervisor_stop(v); /* in the middle of it */
    assert_true(clock_mono_ms() - begun < 5000);
}

static void only_one_supervisor_runs_in_one_contour(void **state)
{
    (void)state;
    struct supervisor *v = begin();
    struct err e;
    assert_null(supervisor_start(world.home, &e));
    assert_int_equal(e.code, ERR_BUSY);
    supervisor_stop(v);
}

struct crowd {
    struct supervisor *v;
    atomic_bool stop;
    atomic_int taken, refused;
};

static void *take_and_give(void *arg)
{
    struct crowd *c = arg;
    while (!atomic_load(&c->stop)) {
        struct err e;
        struct engine_ref *ref = supervisor_take(c->v, "prod", "assistant", &e);
        atomic_fetch_add(ref ? &c->taken : &c->refused, 1);
        if (ref && (ref->prompts == NULL || ((const char *)ref->door)[9] != '0' + number_of(&ref->release)))
            abort();
        if (ref && atomic_load(&c->taken) % 7 == 0)
            usleep(500);
        supervisor_give(ref);
    }
    return NULL;
}

static void a_crowd_never_finds_nothing_while_pointers_move(void **state)
{
    (void)state;
    struct crowd c = {.v = begin()};
    pthread_t threads[8];
    wait_for(c.v, 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &c), 0);
    for (int i = 1; i < 20; i++) {
        locked(set_wanted, i % 3);
        wait_for(c.v, i % 3);
    }
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&c.refused), 0);
    assert_true(atomic_load(&c.taken) > 100);
    supervisor_stop(c.v);
}

static void the_status_file_holds_what_runs_and_goes_with_it(void **state)
{
    (void)state;
    struct supervisor *v = begin();
    struct err e;
    char path[96];
    snprintf(path, sizeof path, "%s/run/engines.json", world.home);
    wait_for(v, 0);
    locked(set_wanted, 1);
    wait_for(v, 1);
    auto_json root = NULL;
    for (int i = 0; i < 500 && !json_object_get(json_array_get(json_object_get(root, "engines"), 0), "standby"); i++) {
        auto_buf text = BUF(1U << 20);
        usleep(10000);
        json_decref(root);
        root = file_read(AT_FDCWD, path, &text, &e) < 0 ? NULL : json_parse(buf_span(&text), text.len, path, &e);
    }
    const json_t *row = json_array_get(json_object_get(root, "engines"), 0);
    assert_string_equal(json_get_string(row, "state", ""), "running");
    assert_string_equal(json_get_string(row, "version", ""), "v1.0.0");
    assert_string_equal(json_get_string(json_object_get(row, "standby"), "version", ""), "v0.0.0");
    supervisor_stop(v);
    assert_int_equal(access(path, F_OK), -1);
}

/* Two slots made by hand: the writer makes the golden file. */
static void the_status_is_the_golden_file(void **state)
{
    (void)state;
    struct fake_engine new = {.base.id = "prod-assistant-00000001"}, old = {.base.id = "prod-assistant-00000002"};
    struct loaded active = {.face = {.release = digest_number(1), .version = "v1.1.0", .created_s = 1795500000},
                            .engine = &new.base};
    struct loaded standby = {.face = {.release = digest_number(0), .version = "v1.0.0", .created_s = 1795400000},
                             .engine = &old.base};
    char name[] = "assistant", other[] = "translator";
    struct slot second = {.env = "test",
                          .name = other,
                          .wanted = digest_number(2),
                          .failures = 5,
                          .since_s = 1795500010,
                          .error = "the engine of translator:v2.0.0 ended with status 1"};
    struct slot first = {.env = "prod",
                         .name = name,
                         .wanted = digest_number(1),
                         .active = &active,
                         .standby = &standby,
                         .since_s = 1795500001,
                         .next = &second};
    struct supervisor v = {.lock = PTHREAD_MUTEX_INITIALIZER, .slots = &first};
    memcpy(active.face.release_digest, digest_text(&active.face.release).text, DIGEST_TEXT_SIZE);
    memcpy(standby.face.release_digest, digest_text(&standby.face.release).text, DIGEST_TEXT_SIZE);

    auto_buf made = BUF(1U << 20), golden = BUF(1U << 20);
    struct json_out w;
    struct err e;
    char path[4096];
    json_out_init(&w, &made);
    json_out_object(&w);
    json_put_string(&w, "schema", ENGINES_SCHEMA);
    json_put_int(&w, "pid", 4711);
    supervisor_json(&v, &w);
    json_out_object_end(&w);
    buf_add_byte(&made, '\n');
    snprintf(path, sizeof path, "%s/docs/formats/examples/engines.json", getenv("AIRLOCK_SOURCE"));
    if (file_read(AT_FDCWD, path, &golden, &e) < 0)
        fail_msg("%s; made: %s", e.msg, buf_str(&made));
    assert_string_equal(buf_str(&made), buf_str(&golden));
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(what_the_pointer_names_is_started_and_answers),
        RULE(while_it_starts_callers_are_told_to_try_again),
        RULE(the_old_one_answers_until_the_new_one_is_ready),
        RULE(the_way_back_to_a_standby_starts_nothing_but_asks_the_gate),
        RULE(a_standby_that_is_denied_now_is_not_switched_to),
        RULE(what_runs_on_a_waiver_that_ended_goes_when_the_policy_says_so),
        RULE(what_runs_on_a_waiver_that_ended_runs_on_otherwise),
        RULE(a_serve_that_has_just_begun_loads_what_stood_there_before),
        RULE(a_standby_that_is_still_loading_is_waited_for_not_started_twice),
        RULE(a_standby_that_cannot_be_loaded_hinders_nobody),
        RULE(a_standby_that_is_still_loading_gives_way_to_a_restart),
        RULE(without_standby_the_old_one_is_ended),
        RULE(memory_allows_what_a_model_and_three_tenths_more_leave_room_for),
        RULE(where_nobody_can_tell_memory_allows),
        RULE(the_old_one_is_kept_as_standby_when_memory_allows),
        RULE(the_old_one_is_ended_when_memory_does_not_allow_a_standby),
        RULE(nothing_is_loaded_beforehand_when_memory_does_not_allow_it),
        RULE(who_holds_an_engine_keeps_it_over_a_switch),
        RULE(a_start_that_fails_leaves_the_old_one_answering),
        RULE(nothing_to_answer_with_says_why),
        RULE(an_engine_that_dies_is_started_again),
        RULE(one_that_offers_anothers_socket_is_ended_at_once_and_for_good),
        RULE(a_restart_leaves_the_standby_as_it_is),
        RULE(a_standby_that_dies_is_forgotten),
        RULE(a_pointer_that_moves_on_gives_up_the_start),
        RULE(only_one_supervisor_runs_in_one_contour),
        RULE(a_crowd_never_finds_nothing_while_pointers_move),
        RULE(the_status_file_holds_what_runs_and_goes_with_it),
        RULE(the_status_is_the_golden_file),
    };
    log_set_format(LOG_SILENT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
