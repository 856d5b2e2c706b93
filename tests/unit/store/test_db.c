/* The state database: transactions, what survives, and what is refused. */
#include "scratch.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/db.h"
#include "store/db_ledger.h"
#include "util/file.h"

static struct err e;

static struct db *fresh(void **state)
{
    struct scratch *s = *state;
    struct db *db = db_make(s->dir, &e);
    assert_non_null(db);
    return db;
}

static void a_value_set_is_there_after_opening_again(void **state)
{
    struct scratch *s = *state;
    struct db *db = fresh(state);
    assert_int_equal(db_meta_set(db, "name", SPAN_LIT("one"), &e), 0);
    assert_int_equal(db_meta_set(db, "name", SPAN_LIT("two"), &e), 0);
    db_close(db);

    db = db_open(s->dir, &e);

    assert_non_null(db);
    auto_buf value = BUF(100);
    assert_int_equal(db_meta_get(db, "name", &value, &e), 0);
    assert_string_equal(buf_str(&value), "two");
    assert_int_equal(db_meta_get(db, "other", &value, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    db_close(db);
}

static void a_folder_without_a_database_says_not_found(void **state)
{
    struct scratch *s = *state;

    assert_null(db_open(s->dir, &e));

    assert_int_equal(e.code, ERR_NOTFOUND);
}

static void an_unfinished_database_does_not_open_and_is_completed(void **state)
{
    struct scratch *s = *state;
    assert_int_equal(file_write(s->dir, "state.db", SPAN_LIT(""), 0600, &e), 0);

    assert_null(db_open(s->dir, &e));
    assert_int_equal(e.code, ERR_NOTFOUND);
    db_close(fresh(state));

    struct db *db = db_open(s->dir, &e);
    assert_non_null(db);
    db_close(db);
}

static void what_is_no_database_is_refused(void **state)
{
    struct scratch *s = *state;
    uint8_t junk[4096];
    memset(junk, 'x', sizeof junk);
    assert_int_equal(file_write(s->dir, "state.db", span_of(junk, sizeof junk), 0600, &e), 0);

    assert_null(db_open(s->dir, &e));

    assert_int_equal(e.code, ERR_INPUT);
}

static void a_database_of_another_version_is_refused(void **state)
{
    struct scratch *s = *state;
    db_close(fresh(state));
    scratch_flip(s, "state.db", 62); /* user_version: bytes 60 to 63 of the header, file format section 1.3 */

    assert_null(db_open(s->dir, &e));

    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "schema version"));
}

/* ── older versions ── */

static void run_sql(struct scratch *s, const char *sql)
{
    char path[512];
    sqlite3 *raw;
    snprintf(path, sizeof path, "%s/state.db", s->path);
    assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
    assert_int_equal(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(raw);
}

/* Version 2 as that version made it. */
static void make_version_2(struct scratch *s)
{
    char path[512];
    auto_buf sql = BUF(65536);
    snprintf(path, sizeof path, "%s/tests/unit/store/schema-2.sql", getenv("AIRLOCK_SOURCE"));
    assert_int_equal(file_read(AT_FDCWD, path, &sql, &e), 0);
    run_sql(s, "PRAGMA journal_mode=WAL");
    run_sql(s, buf_str(&sql));
}

static int add_line(void *out, int count, char **values, char **names)
{
    (void)names;
    for (int i = 0; i < count; i++)
        buf_printf(out, "%s ", values[i] ? values[i] : "-");
    buf_add_byte(out, '\n');
    return 0;
}

static void read_schema(struct scratch *s, struct buf *out)
{
    char path[512];
    sqlite3 *raw;
    snprintf(path, sizeof path, "%s/state.db", s->path);
    assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
    assert_int_equal(sqlite3_exec(raw,
                                  "SELECT user_version FROM pragma_user_version;"
                                  "SELECT type, name, sql FROM sqlite_schema ORDER BY name",
                                  add_line, out, NULL),
                     SQLITE_OK);
    sqlite3_close(raw);
}

static void a_database_of_version_2_becomes_what_a_new_one_is_and_keeps_its_rows(void **state)
{
    struct scratch *s = *state;
    auto_buf fresh_schema = BUF(65536), carried = BUF(65536), value = BUF(16);
    db_close(fresh(state));
    read_schema(s, &fresh_schema);
    assert_int_equal(unlinkat(s->dir, "state.db", 0), 0);
    make_version_2(s);

    struct db *db = db_open(s->dir, &e);

    assert_non_null(db);
    assert_int_equal(db_meta_get(db, "kept", &value, &e), 0);
    assert_string_equal(buf_str(&value), "old");
    assert_int_equal(db_check(db, &e), 0);
    db_close(db);
    read_schema(s, &carried);
    assert_string_equal(buf_str(&carried), buf_str(&fresh_schema));
    db = db_open(s->dir, &e); /* and again */
    assert_non_null(db);
    db_close(db);
}

static void a_step_that_fails_leaves_the_old_version_whole(void **state)
{
    struct scratch *s = *state;
    auto_buf before = BUF(65536), after = BUF(65536);
    make_version_2(s);
    run_sql(s, "CREATE TABLE scan_blob(in_the_way INTEGER)"); /* what the step's index is called */
    read_schema(s, &before);

    assert_null(db_open(s->dir, &e));

    read_schema(s, &after);
    assert_string_equal(buf_str(&after), buf_str(&before));
}

static void versions_before_the_oldest_are_refused(void **state)
{
    struct scratch *s = *state;
    make_version_2(s);
    run_sql(s, "PRAGMA user_version=1");

    assert_null(db_open(s->dir, &e));

    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "schema version 1"));
}

/* ── transactions ── */

static void a_transaction_that_is_not_committed_leaves_nothing(void **state)
{
    struct db *db = fresh(state);
    {
        auto_tx struct db *tx = db;
        assert_int_equal(db_begin(tx, &e), 0);
        assert_int_equal(db_meta_set(tx, "key", SPAN_LIT("value"), &e), 0);
    }

    auto_buf value = BUF(100);
    assert_int_equal(db_meta_get(db, "key", &value, &e), -1);
    assert_int_equal(db_begin(db, &e), 0);
    assert_int_equal(db_begin(db, &e), -1);
    db_rollback(db);
    db_close(db);
}

static void another_handle_sees_that_something_was_committed(void **state)
{
    struct scratch *s = *state;
    struct db *one = fresh(state), *two = db_open(s->dir, &e);
    int64_t before, after;
    assert_int_equal(db_data_version(two, &before, &e), 0);

    assert_int_equal(db_meta_set(one, "key", SPAN_LIT("value"), &e), 0);

    assert_int_equal(db_data_version(two, &after, &e), 0);
    assert_int_not_equal(before, after);
    db_close(one);
    db_close(two);
}

static void a_ledger_row_outside_a_transaction_is_refused(void **state)
{
    struct db *db = fresh(state);
    struct digest leaf = digest_of(SPAN_LIT("x"));

    assert_int_equal(db_ledger_add(db, 1, SPAN_LIT("{}"), &leaf, NULL, &e), -1);

    assert_int_equal(e.code, ERR_SYSTEM);
    db_close(db);
}

static int in_order(void *arg, const struct ledger_row *row)
{
    uint64_t *next = arg;
    assert_int_equal(row->seq, *next);
    assert_true(span_equal_str(row->entry, *next ? "b" : "a"));
    ++*next;
    return 0;
}

static void ledger_rows_are_numbered_from_zero(void **state)
{
    struct db *db = fresh(state);
    struct digest leaf = digest_of(SPAN_LIT("x"));
    uint64_t seq = 9, size = 9, next = 0;
    int64_t last = 9;
    assert_int_equal(db_ledger_size(db, &size, &e), 0);
    assert_int_equal(size, 0);
    assert_int_equal(db_ledger_last_time(db, &last, &e), 0);
    assert_int_equal(last, 0);

    assert_int_equal(db_begin(db, &e), 0);
    assert_int_equal(db_ledger_add(db, 100, SPAN_LIT("a"), &leaf, &seq, &e), 0);
    assert_int_equal(seq, 0);
    assert_int_equal(db_ledger_add(db, 200, SPAN_LIT("b"), &leaf, &seq, &e), 0);
    assert_int_equal(seq, 1);
    assert_int_equal(db_commit(db, &e), 0);

    assert_int_equal(db_ledger_size(db, &size, &e), 0);
    assert_int_equal(size, 2);
    assert_int_equal(db_ledger_last_time(db, &last, &e), 0);
    assert_int_equal(last, 200);
    assert_int_equal(db_ledger_each(db, 0, UINT64_MAX, in_order, &next, &e), 0);
    assert_int_equal(next, 2);
    db_close(db);
}

static void a_sound_database_passes_its_check_and_a_damaged_one_does_not(void **state)
{
    struct scratch *s = *state;
    struct db *db = fresh(state);
    auto_buf value = BUF(100000);
    for (size_t i = 0; i < 50000; i++)
        buf_add_byte(&value, 'v');
    assert_int_equal(db_meta_set(db, "large", buf_span(&value), &e), 0);
    assert_int_equal(db_check(db, &e), 0);
    db_close(db);

    uint8_t zeros[4096] = {0};
    int fd = openat(s->dir, "state.db", O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, 4096), sizeof zeros);
    close(fd);

    db = db_open(s->dir, &e);
    assert_true(!db || db_check(db, &e) < 0);
    assert_int_equal(e.code, ERR_INPUT);
    db_close(db);
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_value_set_is_there_after_opening_again),
        T(a_folder_without_a_database_says_not_found),
        T(an_unfinished_database_does_not_open_and_is_completed),
        T(what_is_no_database_is_refused),
        T(a_database_of_another_version_is_refused),
        T(a_database_of_version_2_becomes_what_a_new_one_is_and_keeps_its_rows),
        T(a_step_that_fails_leaves_the_old_version_whole),
        T(versions_before_the_oldest_are_refused),
        T(a_transaction_that_is_not_committed_leaves_nothing),
        T(another_handle_sees_that_something_was_committed),
        T(a_ledger_row_outside_a_transaction_is_refused),
        T(ledger_rows_are_numbered_from_zero),
        T(a_sound_database_passes_its_check_and_a_damaged_one_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
