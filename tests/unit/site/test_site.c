#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "site/config.h"
#include "site/site.h"
#include "store/db_ledger.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/limits.h"

static char root[64];

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/airlock-site-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    struct err e = {0};
    return tree_remove(AT_FDCWD, root, &e);
}

static const char *folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static struct site *made(const char *name)
{
    struct err e = {0};
    if (site_init(folder(name), SITE_CONTOUR, "demo", NULL, &e) < 0)
        fail_msg("%s", e.msg);
    struct site *s = site_open(folder(name), SITE_CONTOUR, &e);
    if (!s)
        fail_msg("%s", e.msg);
    return s;
}

static uint64_t entries(struct site *s)
{
    uint64_t n = 0;
    struct err e = {0};
    assert_int_equal(db_ledger_size(s->db, &n, &e), 0);
    return n;
}

static void init_makes_a_site_that_opens_and_one_entry(void **state)
{
    (void)state;
    auto_site s = made("plain");
    assert_int_equal(entries(s), 1);
    assert_int_equal(strlen(s->config.id), 32);
    struct err e = {0};
    assert_non_null(site_key(s, &e));
    assert_true(digest_equal(public_key_id(private_key_public(s->key)), public_key_id(s->public_key)));
}

static void init_makes_no_persons_key(void **state)
{
    (void)state;
    auto_site s = made("nobody");
    struct err e = {0};
    struct people people = {0};
    struct child *parser = NULL;
    assert_int_equal(people_load(s->db, parser, s->public_key, &people, &e), 0);
    assert_int_equal(people.count, 0);
    people_fini(&people);
}

static void init_twice_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    auto_site s = made("twice");
    struct err e = {0};
    assert_int_equal(site_init(folder("twice"), SITE_CONTOUR, "other", NULL, &e), -1);
    assert_int_equal(e.code, ERR_EXISTS);
    assert_int_equal(entries(s), 1);
}

static void an_interrupted_init_does_not_open_and_is_completed_by_the_next(void **state)
{
    (void)state;
    struct err e = {0};
    site_close(made("half"));
    assert_int_equal(unlinkat(AT_FDCWD, folder("half/" CONFIG_FILE), 0), 0);
    assert_null(site_open(folder("half"), -1, &e));
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.msg, "airlock init"));
    auto_site again = made("half");
    assert_non_null(again);
}

static void the_other_kind_of_site_is_refused_by_name(void **state)
{
    (void)state;
    site_close(made("kind"));
    struct err e = {0};
    assert_null(site_open(folder("kind"), SITE_STATION, &e));
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.msg, "is a contour"));
}

static void root_is_refused_in_another_users_folder_and_changes_nothing(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    site_close(made("theirs"));
    struct err e = {0};
    assert_int_equal(chown(folder("theirs"), 54321, (gid_t)-1), 0);
    assert_null(site_open(folder("theirs"), SITE_CONTOUR, &e));
    assert_int_equal(e.code, ERR_DENIED);
    assert_non_null(strstr(e.msg, "this contour belongs to #54321"));
    assert_non_null(strstr(e.msg, "sudo -u #54321"));
    assert_int_equal(chown(folder("theirs"), 0, (gid_t)-1), 0);
    auto_site again = site_open(folder("theirs"), SITE_CONTOUR, &e);
    assert_non_null(again);
}

static int record(struct site *s, const char *action, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (site_begin(s, e) < 0)
        return -1;
    site_event(s, &w, &entry, action);
    return site_commit(s, &w, NULL, e);
}

static void a_commit_appends_one_entry_and_publishes_it(void **state)
{
    (void)state;
    auto_site s = made("commit");
    struct err e = {0};
    assert_int_equal(record(s, "test", &e), 0);
    assert_int_equal(entries(s), 2);
    auto_buf vkey = BUF(512), report = BUF(65536);
    auto_fd ledger = dir_open(s->dir, "ledger", &e);
    uint64_t published = 0;
    assert_int_equal(site_vkey(s, &vkey, &e), 0);
    assert_int_equal(ledger_verify(ledger, buf_str(&vkey), &report, &published, &e), 1);
    assert_int_equal(published, 2);
}

static void a_rolled_back_transaction_leaves_no_entry(void **state)
{
    (void)state;
    auto_site s = made("back");
    struct err e = {0};
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    assert_int_equal(site_begin(s, &e), 0);
    site_event(s, &w, &entry, "test");
    assert_int_equal(site_append(s, &w, NULL, &e), 0);
    site_rollback(s);
    assert_int_equal(entries(s), 1);
}

static void a_clock_below_the_floor_refuses_every_change(void **state)
{
    (void)state;
    auto_site s = made("clock");
    struct err e = {0};
    assert_int_equal(site_begin(s, &e), 0);
    assert_int_equal(site_raise_floor(s, clock_now_s() + 3600, &e), 0);
    assert_int_equal(db_commit(s->db, &e), 0);
    assert_int_equal(record(s, "test", &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
    assert_non_null(strstr(e.msg, "clock"));
    assert_int_equal(entries(s), 1);
}

static void the_floor_never_goes_down(void **state)
{
    (void)state;
    auto_site s = made("floor");
    struct err e = {0};
    int64_t before, after;
    assert_int_equal(site_begin(s, &e), 0);
    assert_int_equal(site_clock_floor(s, &before, &e), 0);
    assert_int_equal(site_raise_floor(s, before - 1000, &e), 0);
    assert_int_equal(site_clock_floor(s, &after, &e), 0);
    assert_true(after == before);
    site_rollback(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_makes_a_site_that_opens_and_one_entry),
        cmocka_unit_test(init_makes_no_persons_key),
        cmocka_unit_test(init_twice_is_refused_and_changes_nothing),
        cmocka_unit_test(an_interrupted_init_does_not_open_and_is_completed_by_the_next),
        cmocka_unit_test(the_other_kind_of_site_is_refused_by_name),
        cmocka_unit_test(root_is_refused_in_another_users_folder_and_changes_nothing),
        cmocka_unit_test(a_commit_appends_one_entry_and_publishes_it),
        cmocka_unit_test(a_rolled_back_transaction_leaves_no_entry),
        cmocka_unit_test(a_clock_below_the_floor_refuses_every_change),
        cmocka_unit_test(the_floor_never_goes_down),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
