/* A state database in a folder of its own, and the hand of somebody who can write to it. */
#pragma once

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>

#include "store/db.h"
#include "util/file.h"

struct test_db {
    char path[64];
    int dir;
    struct db *db;
};

static inline void test_db_open(struct test_db *t)
{
    struct err e = {0};
    snprintf(t->path, sizeof t->path, "/tmp/airlock-trust-XXXXXX");
    assert_non_null(mkdtemp(t->path));
    t->dir = dir_open(AT_FDCWD, t->path, &e);
    assert_true(t->dir >= 0);
    t->db = db_make(t->dir, &e);
    if (!t->db)
        fail_msg("%s", e.msg);
}

static inline void test_db_close(struct test_db *t)
{
    struct err e = {0};
    db_close(t->db);
    close(t->dir);
    assert_int_equal(tree_remove(AT_FDCWD, t->path, &e), 0);
}

/* Runs SQL past the program, as an attacker with write access would; ?1 is `blob` when it is given. Fails the test
 * unless at least one row was changed. */
static inline void attacker_writes(const struct test_db *t, const char *sql, struct span blob)
{
    char file[96];
    sqlite3 *handle;
    sqlite3_stmt *statement;
    snprintf(file, sizeof file, "%s/state.db", t->path);
    assert_int_equal(sqlite3_open(file, &handle), SQLITE_OK);
    if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(handle));
    if (blob.ptr)
        sqlite3_bind_blob(statement, 1, blob.ptr, (int)blob.len, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE)
        fail_msg("%s", sqlite3_errmsg(handle));
    assert_true(sqlite3_changes(handle) > 0);
    sqlite3_finalize(statement);
    sqlite3_close(handle);
}

static inline void attacker_runs(const struct test_db *t, const char *sql)
{
    char file[96];
    sqlite3 *handle;
    snprintf(file, sizeof file, "%s/state.db", t->path);
    assert_int_equal(sqlite3_open(file, &handle), SQLITE_OK);
    if (sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(handle));
    sqlite3_close(handle);
}
