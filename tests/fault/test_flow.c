/* The flow of flow.h is failed, killed and cut at the n-th call. Afterwards: what was acknowledged is there, nothing is
 * half, and the same flow again completes. Every n with AIRLOCK_TEST_ALL=1, otherwise a spread. The last test takes
 * each fsync of ours out in turn and asks that a power cut then does harm: so the tests would notice a missing one. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "flow.h"
#include "store/db_fault.h"
#include "util/file.h"
#include "util/log.h"
#include "util/sys_fault.h"

#define SPREAD 40 /* values of n where not every one is taken */

/* Written by the child. */
struct shared {
    struct flow_progress progress;
    struct fault_counts counts;
    struct err err;
};

static struct shared *shared;
static struct private_key *key;
static struct fault_counts counts; /* of a run without a fault */
static struct err e;

struct place {
    char path[64];
    int dir, work;
};

static void place_make(struct place *p)
{
    memcpy(p->path, "/tmp/airlock-fault-XXXXXX", sizeof "/tmp/airlock-fault-XXXXXX");
    if (!mkdtemp(p->path))
        fail_msg("mkdtemp");
    p->dir = dir_open(AT_FDCWD, p->path, &e);
    assert_int_equal(mkdirat(p->dir, "work", 0755) | mkdirat(p->dir, "stash", 0755), 0);
    p->work = dir_open(p->dir, "work", &e);
}

static void place_drop(struct place *p)
{
    close(p->work);
    close(p->dir);
    tree_remove(AT_FDCWD, p->path, &e);
}

static void child(const struct place *p, const char *spec, size_t skip)
{
    auto_buf stash = BUF(200);
    struct err why = {0};
    buf_printf(&stash, "%s/stash", p->path);
    log_set_format(LOG_SILENT);
    if (spec && !fault_arm(spec, skip, buf_str(&stash)))
        _exit(99);
    int result = flow_run(p->work, key, &shared->progress, &why);
    shared->counts = fault_count();
    shared->err = why;
    if (spec && strcmp(spec, "count") == 0 && skip)
        fault_print_sync(skip);
    fault_finish();
    _exit(result < 0 ? err_exit_status(why.code) : 0);
}

/* Runs the flow in a process of its own; returns its exit status, or -1 when it was killed. */
static int run(const struct place *p, const char *spec, size_t skip)
{
    int status;
    fflush(NULL);
    memset(shared, 0, sizeof *shared);
    pid_t pid = fork();
    if (pid == 0)
        child(p, spec, skip);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* One fault, and what must hold after it; false with *e. */
static bool survives(const char *spec, size_t skip, bool death)
{
    struct place p;
    place_make(&p);
    int status = run(&p, spec, skip);
    struct flow_progress done = shared->progress;
    bool fine = false;
    if (death ? status > 0 : status != 0 && status != 7)
        err_set(&e, ERR_INPUT, 0, "status %d: %s", status, shared->err.msg);
    else if (flow_check(p.work, key, &done, false, &e) < 0)
        err_prefix(&e, "after the fault");
    else if ((status = run(&p, NULL, 0)) != 0)
        err_set(&e, ERR_INPUT, 0, "again: status %d: %s", status, shared->err.msg);
    else if (flow_check(p.work, key, &shared->progress, true, &e) < 0)
        err_prefix(&e, "after running again");
    else
        fine = true;
    place_drop(&p);
    return fine;
}

static uint64_t step_of(uint64_t total)
{
    if (getenv("AIRLOCK_TEST_ALL") || total <= SPREAD)
        return 1;
    return total / SPREAD;
}

/* n = first … total in steps, a prime-ish step so that different kinds of calls are met. */
static void all_survive(const char *kind, uint64_t first, uint64_t total, bool death)
{
    uint64_t step = step_of(total);
    unsigned tried = 0;
    for (uint64_t n = first; n <= total; n += step, tried++) {
        char spec[40];
        snprintf(spec, sizeof spec, "%s:%llu", kind, (unsigned long long)n);
        if (!survives(spec, 0, death))
            fail_msg("%s of %llu: %s", spec, (unsigned long long)total, e.msg);
    }
    assert_true(tried >= 20);
}

static int setup(void **state)
{
    (void)state;
    struct place p;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    key = private_key_new(KEY_ED25519, &e);
    db_fault_install();
    place_make(&p);
    int status = run(&p, "count", 0);
    counts = shared->counts;
    if (status != 0)
        print_message("# without a fault: status %d: %s\n", status, shared->err.msg);
    else if ((status = flow_check(p.work, key, &shared->progress, true, &e)) != 0)
        print_message("# without a fault: %s\n", e.msg);
    else
        print_message("# %llu calls, %llu changes, %zu places that sync\n", (unsigned long long)counts.calls,
                      (unsigned long long)counts.changes, counts.syncs);
    place_drop(&p);
    return status;
}

static int teardown(void **state)
{
    (void)state;
    private_key_free(key);
    return 0;
}

static void the_injector_counts_ours_and_sqlites_calls(void **state)
{
    (void)state;
    assert_true(counts.calls > counts.changes);
    assert_true(counts.changes > 100);
    assert_true(counts.syncs >= 8);
}

static void an_io_error_at_any_call_is_reported_and_repaired_by_running_again(void **state)
{
    (void)state;
    all_survive("eio", 1, counts.calls, false);
}

static void a_full_disk_at_any_call_is_reported_and_repaired_by_running_again(void **state)
{
    (void)state;
    all_survive("enospc", 2, counts.calls, false);
}

static void a_disk_that_stays_full_is_reported(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < counts.calls; n += counts.calls / 10) {
        char spec[40];
        snprintf(spec, sizeof spec, "enospc:%llu+", (unsigned long long)n);
        if (!survives(spec, 0, false))
            fail_msg("%s: %s", spec, e.msg);
    }
}

static void death_at_any_change_leaves_nothing_half(void **state)
{
    (void)state;
    all_survive("kill", 1, counts.changes, true);
}

static void a_power_cut_at_any_change_takes_nothing_acknowledged(void **state)
{
    (void)state;
    all_survive("cut", 1, counts.changes, true);
}

static void a_power_cut_that_keeps_names_shows_no_empty_file(void **state)
{
    (void)state;
    all_survive("tear", 1, counts.changes, true);
}

/* A process that is killed, and then a power cut at the end of the one that goes on: the second must not take the first
 * one's word for what is durable. */
static bool survives_both(uint64_t n, size_t k)
{
    struct place p;
    char spec[40];
    place_make(&p);
    snprintf(spec, sizeof spec, "kill:%llu", (unsigned long long)n);
    run(&p, spec, 0);
    run(&p, "cut:0", k);
    bool fine = flow_check(p.work, key, &shared->progress, true, &e) == 0;
    place_drop(&p);
    return fine;
}

static void a_power_cut_after_a_death_takes_nothing(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= counts.changes; n += step_of(counts.changes))
        if (!survives_both(n, 0))
            fail_msg("kill:%llu, then cut:0: %s", (unsigned long long)n, e.msg);
}

static void a_power_cut_after_the_end_takes_nothing(void **state)
{
    (void)state;
    if (!survives("cut:0", 0, true) || !survives("tear:0", 0, true))
        fail_msg("%s", e.msg);
}

/* True when leaving out place k is noticed by some cut. */
static bool is_missed(size_t k)
{
    static const char *const kinds[] = {"cut", "tear"};
    for (uint64_t n = 0; n <= counts.changes; n++) {
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
            char spec[40];
            snprintf(spec, sizeof spec, "%s:%llu", kinds[i], (unsigned long long)n);
            if (!survives(spec, k, true))
                return true;
        }
        if (n > 0 && !survives_both(n, k))
            return true;
    }
    return false;
}

static void name_place(size_t k)
{
    struct place p;
    place_make(&p);
    print_message("# leaving out sync %zu of %zu is not noticed\n", k, counts.syncs);
    run(&p, "count", k);
    place_drop(&p);
}

static void every_sync_of_ours_is_missed_when_it_is_left_out(void **state)
{
    (void)state;
    unsigned idle = 0;
    for (size_t k = 1; k <= counts.syncs; k++)
        if (!is_missed(k)) {
            name_place(k);
            idle++;
        }
    assert_int_equal(idle, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_injector_counts_ours_and_sqlites_calls),
        cmocka_unit_test(an_io_error_at_any_call_is_reported_and_repaired_by_running_again),
        cmocka_unit_test(a_full_disk_at_any_call_is_reported_and_repaired_by_running_again),
        cmocka_unit_test(a_disk_that_stays_full_is_reported),
        cmocka_unit_test(death_at_any_change_leaves_nothing_half),
        cmocka_unit_test(a_power_cut_at_any_change_takes_nothing_acknowledged),
        cmocka_unit_test(a_power_cut_that_keeps_names_shows_no_empty_file),
        cmocka_unit_test(a_power_cut_after_the_end_takes_nothing),
        cmocka_unit_test(a_power_cut_after_a_death_takes_nothing),
        cmocka_unit_test(every_sync_of_ours_is_missed_when_it_is_left_out),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
