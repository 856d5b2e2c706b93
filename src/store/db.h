/* The state database: SQLite in WAL mode with synchronous=FULL, so that what a commit has returned for survives a power
 * cut. All SQL of the program is in db*.c; every other file calls typed functions (db_*.h). A decision and its ledger
 * entry are committed in one transaction: db_begin … db_ledger_add … db_commit. Hard rule: rows are a cache of what
 * signed documents say; whoever decides verifies the document, not the row. One handle is used by one thread at a time;
 * several handles and processes may be open. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/digest.h"

struct db;

/* Opens `state.db` in directory `dir`; db_make makes it with the schema when it is not there. A database of
 * an older version (2) is carried over to this one, in one transaction; another version is refused. NULL: ERR_NOTFOUND,
 * ERR_IO, ERR_INPUT (not our database). */
struct db *db_open(int dir, struct err *e);
struct db *db_make(int dir, struct err *e);
void db_close(struct db *db);

/* BEGIN IMMEDIATE (waits up to 30 s for another writer, then ERR_BUSY), COMMIT, ROLLBACK. Not nested. */
int db_begin(struct db *db, struct err *e);
int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);

/* Rolls back unless committed: auto_tx struct db *tx = db; … db_commit(tx); */
static inline void auto_db_rollback(struct db **db)
{
    if (*db)
        db_rollback(*db); /* no effect after a commit */
}
#define auto_tx AUTO(auto_db_rollback)

/* A number that changes whenever another process has committed (PRAGMA data_version): how `serve` sees that something
 * happened. */
int db_data_version(struct db *db, int64_t *version, struct err *e);

/* Named values: the contour's name and id, the importer's floor, and the like. ERR_NOTFOUND when absent. */
int db_meta_get(struct db *db, const char *key, struct buf *value, struct err *e);
int db_meta_set(struct db *db, const char *key, struct span value, struct err *e);

/* A copy of the whole database as it stands at one moment, while others write: `state.db` in directory `dir`, replaced
 * whole and durably (SQLite's online backup). ERR_NOSPACE, ERR_IO. */
int db_backup(struct db *db, int dir, struct err *e);

/* PRAGMA integrity_check: 0, or ERR_INPUT with what SQLite says. */
int db_check(struct db *db, struct err *e);
