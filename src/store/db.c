#include "store/db.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "store/db_internal.h"
#include "util/file.h"
#include "util/sys.h"

#define BUSY_TIMEOUT_MS 30000

/* ── opening ── */

/* SQLite wants a path; the directory's own one is asked of the kernel, so that a handle does not depend on the working
 * directory. */
int db_path(int dir, const char *name, struct buf *path, struct err *e)
{
    char link[40], target[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    ssize_t n = readlink(link, target, sizeof target);
    if (n < 0 || (size_t)n >= sizeof target)
        return err_set(e, ERR_SYSTEM, errno, "find the path of the folder of %s (is /proc mounted?)", name);
    buf_add(path, target, (size_t)n);
    buf_printf(path, "/%s", name);
    return buf_check(path, name, e);
}

static int run(struct db *db, const char *sql, const char *what, struct err *e)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : db_fail(db, code, what, e);
}

/* synchronous=FULL: the WAL is synced at each commit. trusted_schema and defensive mode: a database that somebody else
 * wrote cannot run more than SQL. */
static int configure(struct db *db, struct err *e)
{
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
    return run(db, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON;",
               "settings of " DB_FILE, e);
}

static struct db *open_file(int dir, int flags, struct err *e)
{
    auto_buf path = BUF(PATH_MAX + 32);
    auto_fd own = dir_open(dir, ".", e);
    if (own < 0 || db_path(own, DB_FILE, &path, e) < 0)
        return NULL;
    struct db *db = calloc(1, sizeof *db);
    if (!db)
        abort();
    db->dir = fd_steal(&own);
    int code = sqlite3_open_v2(buf_str(&path), &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        db_fail(db, code, "open " DB_FILE, e);
        db_close(db);
        return NULL;
    }
    if (configure(db, e) < 0) {
        db_close(db);
        return NULL;
    }
    return db;
}

static int pragma_int(struct db *db, const char *sql, int64_t *out, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, sql, DB_FILE, e) < 0)
        return -1;
    int row = query_step(&q, e);
    if (row < 0)
        return -1;
    *out = row ? column_int(&q, 0) : 0;
    return 0;
}

/* 1: ours; 0: empty, the schema is still to be made; -1. *found is the version, which may be an older one
 * that we know how to carry over. */
static int recognise(struct db *db, int64_t *found, struct err *e)
{
    int64_t application = 0, version = 0, tables = 0;
    if (pragma_int(db, "PRAGMA application_id", &application, e) < 0 ||
        pragma_int(db, "PRAGMA user_version", &version, e) < 0 ||
        pragma_int(db, "SELECT count(*) FROM sqlite_schema", &tables, e) < 0)
        return -1;
    if (application == 0 && version == 0 && tables == 0)
        return 0;
    if (application != DB_APPLICATION_ID)
        return err_set(e, ERR_INPUT, 0, DB_FILE " is a database of another program (application id %lld)",
                       (long long)application);
    if (version < DB_SCHEMA_OLDEST || version > DB_SCHEMA_VERSION)
        return err_set(e, ERR_INPUT, 0, DB_FILE " has schema version %lld; this program works with version %d",
                       (long long)version, DB_SCHEMA_VERSION);
    *found = version;
    return 1;
}

/* All steps in one transaction: whoever interrupts it finds the old version. */
static int carry_over(struct db *db, struct err *e)
{
    int64_t version = 0;
    char pragma[48];
    if (db_begin(db, e) < 0)
        return -1;
    auto_tx struct db *tx = db;
    if (recognise(db, &version, e) < 0) /* again: somebody else may have been faster */
        return -1;
    for (; version < DB_SCHEMA_VERSION; version++)
        if (run(db, DB_MIGRATIONS[version], "carry " DB_FILE " over to this version", e) < 0)
            return -1;
    snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", DB_SCHEMA_VERSION);
    return run(db, pragma, "carry " DB_FILE " over to this version", e) < 0 ? -1 : db_commit(tx, e);
}

/* As recognise, and of this version then. */
static int take_up(struct db *db, struct err *e)
{
    int64_t version = DB_SCHEMA_VERSION;
    int known = recognise(db, &version, e);
    return known == 1 && version < DB_SCHEMA_VERSION && carry_over(db, e) < 0 ? -1 : known;
}

struct db *db_open(int dir, struct err *e)
{
    struct stat st;
    if (fstatat(dir, DB_FILE, &st, 0) < 0) {
        err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno, DB_FILE);
        return NULL;
    }
    struct db *db = open_file(dir, SQLITE_OPEN_READWRITE, e);
    int known = db ? take_up(db, e) : -1;
    if (known == 0)
        err_set(e, ERR_NOTFOUND, 0, DB_FILE " is empty: it was being made when something interrupted it");
    if (known == 1)
        return db;
    db_close(db);
    return NULL;
}

static int make_schema(struct db *db, struct err *e)
{
    if (run(db, "PRAGMA journal_mode=WAL", "WAL mode of " DB_FILE, e) < 0 || db_begin(db, e) < 0)
        return -1;
    auto_tx struct db *tx = db;
    int64_t version;
    int known = recognise(db, &version, e);
    if (known != 0)
        return known < 0 ? -1 : 0; /* somebody else was faster */
    char pragmas[96];
    snprintf(pragmas, sizeof pragmas, "PRAGMA application_id=%d; PRAGMA user_version=%d;", DB_APPLICATION_ID,
             DB_SCHEMA_VERSION);
    if (run(db, DB_SCHEMA, "schema of " DB_FILE, e) < 0 || run(db, pragmas, "schema of " DB_FILE, e) < 0)
        return -1;
    return db_commit(tx, e);
}

struct db *db_make(int dir, struct err *e)
{
    struct db *db = open_file(dir, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, e);
    int known = db ? take_up(db, e) : -1;
    if (known == 1 || (known == 0 && make_schema(db, e) == 0))
        return db;
    db_close(db);
    return NULL;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < db->cached; i++)
        sqlite3_finalize(db->cache[i].stmt);
    sqlite3_close_v2(db->handle);
    close(db->dir);
    free(db);
}

/* ── transactions ── */

int db_begin(struct db *db, struct err *e)
{
    if (db->in_transaction)
        return err_set(e, ERR_SYSTEM, 0, "a transaction of " DB_FILE " is open already");
    if (run(db, "BEGIN IMMEDIATE", "begin a transaction", e) < 0)
        return -1;
    db->in_transaction = true;
    return 0;
}

int db_commit(struct db *db, struct err *e)
{
    if (run(db, "COMMIT", "commit", e) < 0) {
        db_rollback(db);
        return -1;
    }
    db->in_transaction = false;
    return 0;
}

void db_rollback(struct db *db)
{
    if (!db->in_transaction)
        return;
    /* An I/O error may have rolled back already. */
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    db->in_transaction = false;
}

/* ── small things ── */

int db_data_version(struct db *db, int64_t *version, struct err *e)
{
    return pragma_int(db, "PRAGMA data_version", version, e);
}

int db_meta_get(struct db *db, const char *key, struct buf *value, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT value FROM meta WHERE key = ?1", "settings", e) < 0)
        return -1;
    bind_text(&q, 1, key);
    int row = query_step(&q, e);
    if (row < 0)
        return -1;
    if (row == 0)
        return err_set(e, ERR_NOTFOUND, 0, DB_FILE " holds no value \"%s\"", key);
    buf_add_span(value, column_bytes(&q, 0));
    return buf_check(value, key, e);
}

int db_meta_set(struct db *db, const char *key, struct span value, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "INSERT INTO meta VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                    "settings", e) < 0)
        return -1;
    bind_text(&q, 1, key);
    bind_bytes(&q, 2, value);
    return query_run(&q, e);
}

int db_check(struct db *db, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "PRAGMA integrity_check(20)", "integrity check", e) < 0)
        return -1;
    auto_buf found = BUF(900);
    int row;
    while ((row = query_step(&q, e)) > 0 && strcmp(column_text(&q, 0), "ok") != 0)
        buf_printf(&found, "%s%s", found.len ? "; " : "", column_text(&q, 0));
    if (row < 0)
        return -1;
    if (found.len)
        return err_set(e, ERR_INPUT, 0, DB_FILE ": %s", buf_str(&found));
    auto_query keys = {0};
    if (query_begin(&keys, db, "PRAGMA foreign_key_check", "reference check", e) < 0)
        return -1;
    row = query_step(&keys, e);
    if (row > 0)
        return err_set(e, ERR_INPUT, 0, DB_FILE ": table %s, row %lld points at a row of %s that is not there",
                       column_text(&keys, 0), (long long)column_int(&keys, 1), column_text(&keys, 2));
    return row;
}
