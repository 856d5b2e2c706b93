/* What the db*.c files share: the handle, prepared statements, and one way to turn SQLite's answers into ours. Hard
 * rule: nobody outside src/store includes this. */
#pragma once

#include <sqlite3.h>

#include "store/db.h"

#define DB_STATEMENTS 96

struct db_cached {
    const char *sql; /* the literal itself: compared by address */
    sqlite3_stmt *stmt;
    bool busy; /* lent; a callback may run the same SQL again */
};

struct db {
    sqlite3 *handle;
    int dir; /* kept open: its path may be asked for */
    bool in_transaction;
    struct db_cached cache[DB_STATEMENTS];
    size_t cached;
};

/* One run of a statement: bind (numbered from 1), step, read columns, and it goes back by itself. */
struct query {
    struct db *db;
    sqlite3_stmt *stmt;
    struct db_cached *home; /* NULL: finalize it */
    const char *what;       /* for messages: "releases" */
};

/* `sql` and `what` are string literals. */
int query_begin(struct query *q, struct db *db, const char *sql, const char *what, struct err *e);
void query_end(struct query *q);
#define auto_query AUTO(query_end) struct query

void bind_int(struct query *q, int n, int64_t value);
void bind_uint(struct query *q, int n, uint64_t value); /* fails at the step when above INT64_MAX */
void bind_text(struct query *q, int n, const char *text);
void bind_bytes(struct query *q, int n, struct span bytes);
void bind_digest(struct query *q, int n, const struct digest *d);

/* 1: a row; 0: no more; -1: *e. A broken constraint is ERR_EXISTS. */
int query_step(struct query *q, struct err *e);
/* For a statement without rows. */
int query_run(struct query *q, struct err *e);

int64_t column_int(struct query *q, int n);
uint64_t column_uint(struct query *q, int n);
const char *column_text(struct query *q, int n); /* never NULL; lives until the next step */
struct span column_bytes(struct query *q, int n);
int column_digest(struct query *q, int n, struct digest *out, struct err *e); /* ERR_INPUT: not 32 bytes */

#define DB_FILE "state.db"

/* The absolute path of `name` in `dir`, which SQLite wants. */
int db_path(int dir, const char *name, struct buf *path, struct err *e);

int db_fail(struct db *db, int code, const char *what, struct err *e);

/* Copies `text` into *strings (with its NUL) and returns where it begins there: strings grow, so pointers are made
 * afterwards by string_at. */
size_t string_keep(struct buf *strings, const char *text);
const char *string_at(const struct buf *strings, size_t at);

/* The entries that change what people may do: their actions begin so. A query that uses the partial index of the schema
 * has this condition word for word. */
#define DB_LEDGER_RIGHTS                                                                 \
    "(instr(entry, CAST('\"person-' AS BLOB)) OR instr(entry, CAST('\"token-' AS BLOB))" \
    " OR instr(entry, CAST('\"group-' AS BLOB)) OR instr(entry, CAST('\"grant-' AS BLOB)))"

extern const char DB_SCHEMA[];
#define DB_SCHEMA_VERSION 3
#define DB_SCHEMA_OLDEST  2 /* of which an opened database is carried over to DB_SCHEMA_VERSION */
extern const char *const DB_MIGRATIONS[DB_SCHEMA_VERSION];
#define DB_APPLICATION_ID 0x4149524c /* "AIRL" */
