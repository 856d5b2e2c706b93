/* Statements: prepared once a handle and text, lent, and given back. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "store/db_internal.h"

/* SQLite calls a file system that answers EIO corrupt (os_unix.c, unixRead; vdbe.c): the database itself need not be.
 * The file remembers what the system said. */
static bool io_failed(struct db *db)
{
    sqlite3_file *wal = NULL;
    int error = 0, wal_error = 0;
    if (!db->handle)
        return false;
    sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
    sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    if (wal && wal->pMethods)
        wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &wal_error);
    return error == EIO || wal_error == EIO;
}

int db_fail(struct db *db, int code, const char *what, struct err *e)
{
    const char *why = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code);
    int error = db->handle ? sqlite3_system_errno(db->handle) : 0;
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(e, ERR_BUSY, 0, "%s: another process has been writing to state.db for too long; try again",
                       what);
    case SQLITE_FULL:
        return err_set(e, ERR_NOSPACE, 0, "%s: %s", what, why);
    case SQLITE_CONSTRAINT:
        return err_set(e, ERR_EXISTS, 0, "%s: %s", what, why);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        if (io_failed(db))
            return err_set(e, ERR_IO, EIO, "%s: read state.db", what);
        return err_set(e, ERR_INPUT, 0, "%s: state.db is damaged: %s", what, why);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
        return err_set(e, ERR_IO, error, "%s: %s", what, why);
    default:
        return err_set(e, ERR_SYSTEM, 0, "%s: %s", what, why);
    }
}

static struct db_cached *cache_find(struct db *db, const char *sql)
{
    for (size_t i = 0; i < db->cached; i++)
        if (db->cache[i].sql == sql && !db->cache[i].busy)
            return &db->cache[i];
    return NULL;
}

int query_begin(struct query *q, struct db *db, const char *sql, const char *what, struct err *e)
{
    *q = (struct query){.db = db, .what = what};
    q->home = cache_find(db, sql);
    if (!q->home) {
        int code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &q->stmt, NULL);
        if (code != SQLITE_OK)
            return db_fail(db, code, what, e);
        if (db->cached == DB_STATEMENTS)
            return 0;
        q->home = &db->cache[db->cached++];
        *q->home = (struct db_cached){.sql = sql, .stmt = q->stmt};
    }
    q->stmt = q->home->stmt;
    q->home->busy = true;
    return 0;
}

void query_end(struct query *q)
{
    if (!q->stmt)
        return;
    if (q->home) {
        sqlite3_reset(q->stmt);
        sqlite3_clear_bindings(q->stmt);
        q->home->busy = false;
    } else {
        sqlite3_finalize(q->stmt);
    }
    q->stmt = NULL;
}

/* Binding fails only for a wrong index or without memory: both are ours to find in tests, not the caller's to handle.
 */
static void must(int code)
{
    if (code != SQLITE_OK)
        abort();
}

void bind_int(struct query *q, int n, int64_t value)
{
    must(sqlite3_bind_int64(q->stmt, n, value));
}

/* A number above INT64_MAX becomes NULL, which every column of ours refuses. */
void bind_uint(struct query *q, int n, uint64_t value)
{
    if (value <= INT64_MAX)
        must(sqlite3_bind_int64(q->stmt, n, (int64_t)value));
    else
        must(sqlite3_bind_null(q->stmt, n));
}

void bind_text(struct query *q, int n, const char *text)
{
    must(sqlite3_bind_text(q->stmt, n, text, -1, SQLITE_STATIC));
}

void bind_bytes(struct query *q, int n, struct span bytes)
{
    must(sqlite3_bind_blob64(q->stmt, n, bytes.len ? (const void *)bytes.ptr : "", bytes.len, SQLITE_STATIC));
}

void bind_digest(struct query *q, int n, const struct digest *d)
{
    bind_bytes(q, n, span_of(d->bytes, DIGEST_SIZE));
}

int query_step(struct query *q, struct err *e)
{
    int code = sqlite3_step(q->stmt);
    if (code == SQLITE_ROW)
        return 1;
    return code == SQLITE_DONE ? 0 : db_fail(q->db, code, q->what, e);
}

int query_run(struct query *q, struct err *e)
{
    return query_step(q, e) < 0 ? -1 : 0;
}

int64_t column_int(struct query *q, int n)
{
    return sqlite3_column_int64(q->stmt, n);
}

uint64_t column_uint(struct query *q, int n)
{
    int64_t value = column_int(q, n);
    return value < 0 ? 0 : (uint64_t)value;
}

const char *column_text(struct query *q, int n)
{
    const unsigned char *text = sqlite3_column_text(q->stmt, n);
    return text ? (const char *)text : "";
}

struct span column_bytes(struct query *q, int n)
{
    const void *bytes = sqlite3_column_blob(q->stmt, n);
    return span_of(bytes, (size_t)sqlite3_column_bytes(q->stmt, n));
}

int column_digest(struct query *q, int n, struct digest *out, struct err *e)
{
    struct span bytes = column_bytes(q, n);
    if (bytes.len != DIGEST_SIZE)
        return err_set(e, ERR_INPUT, 0, "state.db, %s: a digest has %zu bytes; wanted %d", q->what, bytes.len,
                       DIGEST_SIZE);
    memcpy(out->bytes, bytes.ptr, DIGEST_SIZE);
    return 0;
}

size_t string_keep(struct buf *strings, const char *text)
{
    size_t at = strings->len;
    buf_add(strings, text, strlen(text) + 1);
    return at;
}

const char *string_at(const struct buf *strings, size_t at)
{
    return (const char *)strings->ptr + at;
}
