#include "store/db_internal.h"
#include "store/db_release.h"

#define POINTER_COLUMNS "environment, name, release, time, action, ledger_seq"

static int write_pointer(struct db *db, const char *sql, const struct pointer_row *row, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, sql, "pointers", e) < 0)
        return -1;
    bind_text(&q, 1, row->environment);
    bind_text(&q, 2, row->name);
    bind_digest(&q, 3, &row->release);
    bind_int(&q, 4, row->time_s);
    bind_text(&q, 5, row->action);
    bind_uint(&q, 6, row->ledger_seq);
    return query_run(&q, e);
}

int db_pointer_set(struct db *db, const struct pointer_row *row, struct err *e)
{
    if (write_pointer(db, "INSERT OR REPLACE INTO pointer(" POINTER_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6)", row,
                      e) < 0)
        return -1;
    return write_pointer(db, "INSERT INTO pointer_history(" POINTER_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6)", row, e);
}

int db_pointer_get(struct db *db, const char *environment, const char *name, struct digest *release, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT release FROM pointer WHERE environment = ?1 AND name = ?2", "pointers", e) < 0)
        return -1;
    bind_text(&q, 1, environment);
    bind_text(&q, 2, name);
    int row = query_step(&q, e);
    if (row < 0)
        return -1;
    if (row == 0)
        return err_set(e, ERR_NOTFOUND, 0, "%s/%s points at no release", environment, name);
    return column_digest(&q, 0, release, e);
}

/* Rows of a bound query over POINTER_COLUMNS. */
static int each_pointer(struct query *q, int (*each)(void *arg, const struct pointer_row *row), void *arg,
                        struct err *e)
{
    int result;
    while ((result = query_step(q, e)) > 0) {
        struct pointer_row row = {
            .environment = column_text(q, 0),
            .name = column_text(q, 1),
            .time_s = column_int(q, 3),
            .action = column_text(q, 4),
            .ledger_seq = column_uint(q, 5),
        };
        if (column_digest(q, 2, &row.release, e) < 0)
            return -1;
        result = each(arg, &row);
        if (result)
            return result;
    }
    return result;
}

int db_pointer_each(struct db *db, const char *environment, int (*each)(void *arg, const struct pointer_row *row),
                    void *arg, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT " POINTER_COLUMNS " FROM pointer WHERE ?1 IS NULL OR environment = ?1"
                    " ORDER BY environment, name",
                    "pointers", e) < 0)
        return -1;
    if (environment)
        bind_text(&q, 1, environment);
    return each_pointer(&q, each, arg, e);
}

int db_pointer_history(struct db *db, const char *environment, const char *name,
                       int (*each)(void *arg, const struct pointer_row *row), void *arg, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT " POINTER_COLUMNS " FROM pointer_history WHERE environment = ?1 AND name = ?2"
                    " ORDER BY step DESC",
                    "pointers", e) < 0)
        return -1;
    bind_text(&q, 1, environment);
    bind_text(&q, 2, name);
    return each_pointer(&q, each, arg, e);
}

int db_environment_blob(struct db *db, const char *environment, const char *name, const struct digest *blob,
                        uint64_t *size, struct buf *media_type, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT b.size, b.media_type FROM pointer p JOIN release_blob b ON b.release = p.release"
                    " WHERE p.environment = ?1 AND (?2 IS NULL OR p.name = ?2) AND b.digest = ?3 LIMIT 1",
                    "blobs of an environment", e) < 0)
        return -1;
    bind_text(&q, 1, environment);
    if (name)
        bind_text(&q, 2, name);
    bind_digest(&q, 3, blob);
    int row = query_step(&q, e);
    if (row < 0)
        return -1;
    if (row == 0)
        return err_set(e, ERR_NOTFOUND, 0, "%s is part of no release in %s%s%s", digest_text(blob).text, environment,
                       name ? "/" : "", name ? name : "");
    if (size)
        *size = column_uint(&q, 0);
    if (media_type)
        buf_add_str(media_type, column_text(&q, 1));
    return media_type ? buf_check(media_type, "media type", e) : 0;
}
