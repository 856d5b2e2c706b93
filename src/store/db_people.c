#include "store/db_people.h"

#include <string.h>

#include "store/db_internal.h"

/* The name that holds the key, if another one than `name` does. 1: *holder is set, 0, -1. */
static int key_holder(struct db *db, const struct person_row *row, struct buf *holder, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT name FROM person WHERE key_id = ?1 AND name <> ?2 AND revoked = 0 LIMIT 1",
                    "people", e) < 0)
        return -1;
    bind_digest(&q, 1, &row->key_id);
    bind_text(&q, 2, row->name);
    int found = query_step(&q, e);
    if (found > 0)
        buf_add_str(holder, column_text(&q, 0));
    return found;
}

int db_person_add(struct db *db, const struct person_row *row, struct err *e)
{
    auto_buf holder = BUF(1024);
    int taken = key_holder(db, row, &holder, e);
    if (taken < 0)
        return -1;
    if (taken > 0)
        return err_set(e, ERR_EXISTS, 0, "the key of %s is %s's already; each person needs a key of their own",
                       row->name, buf_str(&holder));
    auto_query q = {0};
    if (query_begin(&q, db,
                    "INSERT INTO person VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET key_id = ?3,"
                    " added = ?4, revoked = ?5, record = ?6 WHERE person.revoked = 1 RETURNING name",
                    "people", e) < 0)
        return -1;
    bind_text(&q, 1, row->name);
    bind_text(&q, 2, row->role);
    bind_digest(&q, 3, &row->key_id);
    bind_int(&q, 4, row->added_s);
    bind_int(&q, 5, row->revoked);
    bind_bytes(&q, 6, row->record);
    int added = query_step(&q, e);
    if (added < 0)
        return -1;
    if (added == 0)
        return err_set(e, ERR_EXISTS, 0, "%s has the role %s already", row->name, row->role);
    return query_run(&q, e);
}

int db_person_revoke(struct db *db, const char *name, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "UPDATE person SET revoked = 1 WHERE name = ?1", "people", e) < 0)
        return -1;
    bind_text(&q, 1, name);
    return query_run(&q, e);
}

int db_person_each(struct db *db, const char *name, int (*each)(void *arg, const struct person_row *row), void *arg,
                   struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT name, role, key_id, added, revoked, record FROM person WHERE ?1 IS NULL OR name = ?1"
                    " ORDER BY name, role",
                    "people", e) < 0)
        return -1;
    if (name)
        bind_text(&q, 1, name);
    int result;
    while ((result = query_step(&q, e)) > 0) {
        struct person_row row = {
            .name = column_text(&q, 0),
            .role = column_text(&q, 1),
            .added_s = column_int(&q, 3),
            .revoked = column_int(&q, 4) != 0,
            .record = column_bytes(&q, 5),
        };
        if (column_digest(&q, 2, &row.key_id, e) < 0)
            return -1;
        result = each(arg, &row);
        if (result)
            return result;
    }
    return result;
}

/* ── tokens ── */

int db_token_add(struct db *db, const struct token_row *row, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "INSERT INTO token VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", "tokens", e) < 0)
        return -1;
    bind_digest(&q, 1, &row->hash);
    bind_text(&q, 2, row->person);
    bind_text(&q, 3, row->role);
    bind_text(&q, 4, row->environment);
    bind_int(&q, 5, row->created_s);
    bind_int(&q, 6, row->expires_s);
    bind_int(&q, 7, row->revoked);
    bind_text(&q, 8, row->repository);
    bind_bytes(&q, 9, row->record);
    return query_run(&q, e);
}

#define TOKEN_COLUMNS "hash, person, role, environment, created, expires, revoked, repository, record"

static int read_token(struct query *q, struct token_row *row, struct err *e)
{
    *row = (struct token_row){
        .person = column_text(q, 1),
        .role = column_text(q, 2),
        .environment = column_text(q, 3),
        .created_s = column_int(q, 4),
        .expires_s = column_int(q, 5),
        .revoked = column_int(q, 6) != 0,
        .repository = column_text(q, 7),
        .record = column_bytes(q, 8),
    };
    return column_digest(q, 0, &row->hash, e);
}

int db_token_get(struct db *db, const struct digest *hash, struct token_row *row, struct buf *strings, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT " TOKEN_COLUMNS " FROM token WHERE hash = ?1", "tokens", e) < 0)
        return -1;
    bind_digest(&q, 1, hash);
    int found = query_step(&q, e);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set(e, ERR_NOTFOUND, 0, "there is no such token");
    if (read_token(&q, row, e) < 0)
        return -1;
    size_t person = string_keep(strings, row->person), role = string_keep(strings, row->role),
           environment = string_keep(strings, row->environment), repository = string_keep(strings, row->repository),
           record = strings->len;
    buf_add_span(strings, row->record);
    if (buf_check(strings, "a token", e) < 0)
        return -1;
    row->person = string_at(strings, person);
    row->role = string_at(strings, role);
    row->environment = string_at(strings, environment);
    row->repository = string_at(strings, repository);
    row->record.ptr = strings->ptr + record;
    return 0;
}

int db_token_each(struct db *db, int (*each)(void *arg, const struct token_row *row), void *arg, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT " TOKEN_COLUMNS " FROM token ORDER BY created, hash", "tokens", e) < 0)
        return -1;
    int result;
    while ((result = query_step(&q, e)) > 0) {
        struct token_row row;
        if (read_token(&q, &row, e) < 0)
            return -1;
        result = each(arg, &row);
        if (result)
            return result;
    }
    return result;
}

int db_token_revoke(struct db *db, const struct digest *hash, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "UPDATE token SET revoked = 1 WHERE hash = ?1 RETURNING revoked", "tokens", e) < 0)
        return -1;
    bind_digest(&q, 1, hash);
    int found = query_step(&q, e);
    if (found < 0)
        return -1;
    return found ? query_run(&q, e) : err_set(e, ERR_NOTFOUND, 0, "there is no such token");
}

/* ── what the ledger says about rights ── */

int db_rights_mark(struct db *db, int64_t *mark, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT ifnull(max(seq), -1) FROM ledger WHERE " DB_LEDGER_RIGHTS, "ledger", e) < 0 ||
        query_step(&q, e) < 0)
        return -1;
    *mark = column_int(&q, 0);
    return 0;
}

int db_rights_each(struct db *db, int (*each)(void *arg, uint64_t seq, struct span entry), void *arg, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT seq, entry FROM ledger WHERE " DB_LEDGER_RIGHTS " ORDER BY seq", "ledger", e) < 0)
        return -1;
    int result;
    while ((result = query_step(&q, e)) > 0) {
        result = each(arg, column_uint(&q, 0), column_bytes(&q, 1));
        if (result)
            return result;
    }
    return result;
}

/* ── trusted metadata ── */

int db_trust_set(struct db *db, const char *station, const char *file, uint64_t version, struct span bytes,
                 struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "INSERT OR REPLACE INTO trust VALUES(?1, ?2, ?3, ?4)", "trusted metadata", e) < 0)
        return -1;
    bind_text(&q, 1, station);
    bind_text(&q, 2, file);
    bind_uint(&q, 3, version);
    bind_bytes(&q, 4, bytes);
    return query_run(&q, e);
}

int db_trust_get(struct db *db, const char *station, const char *file, uint64_t *version, struct buf *bytes,
                 struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT version, bytes FROM trust WHERE station = ?1 AND file = ?2", "trusted metadata",
                    e) < 0)
        return -1;
    bind_text(&q, 1, station);
    bind_text(&q, 2, file);
    int found = query_step(&q, e);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set(e, ERR_NOTFOUND, 0, "no %s is trusted for station %.16s", file, station);
    if (version)
        *version = column_uint(&q, 0);
    if (!bytes)
        return 0;
    buf_add_span(bytes, column_bytes(&q, 1));
    return buf_check(bytes, file, e);
}

int db_trust_remove(struct db *db, const char *station, const char *file, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "DELETE FROM trust WHERE station = ?1 AND file = ?2", "trusted metadata", e) < 0)
        return -1;
    bind_text(&q, 1, station);
    bind_text(&q, 2, file);
    return query_run(&q, e);
}

int db_trust_each(struct db *db, int (*each)(void *arg, const char *station, const char *file, uint64_t version),
                  void *arg, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT station, file, version FROM trust ORDER BY station, file", "trusted metadata", e) <
        0)
        return -1;
    int result;
    while ((result = query_step(&q, e)) > 0) {
        result = each(arg, column_text(&q, 0), column_text(&q, 1), column_uint(&q, 2));
        if (result)
            return result;
    }
    return result;
}
