#include "store/db_ledger.h"

#include "store/db_access.h"
#include "store/db_internal.h"

int db_ledger_add(struct db *db, int64_t time_s, struct span entry, const struct digest *leaf, uint64_t *seq,
                  struct err *e)
{
    if (!db->in_transaction)
        return err_set(e, ERR_SYSTEM, 0, "a ledger entry belongs into the transaction of what it records");
    auto_query q = {0};
    if (query_begin(&q, db, "INSERT INTO ledger SELECT coalesce(max(seq) + 1, 0), ?1, ?2, ?3 FROM ledger RETURNING seq",
                    "ledger", e) < 0)
        return -1;
    bind_int(&q, 1, time_s);
    bind_bytes(&q, 2, entry);
    bind_digest(&q, 3, leaf);
    if (query_step(&q, e) < 0)
        return -1;
    if (seq)
        *seq = column_uint(&q, 0);
    return query_run(&q, e);
}

/* The newest row decides, so that a row missing before it is seen as missing, not as a shorter ledger. */
int db_ledger_size(struct db *db, uint64_t *size, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT coalesce(max(seq) + 1, 0) FROM ledger", "ledger", e) < 0)
        return -1;
    if (query_step(&q, e) < 0)
        return -1;
    *size = column_uint(&q, 0);
    return 0;
}

int db_ledger_each(struct db *db, uint64_t from, uint64_t to, int (*each)(void *arg, const struct ledger_row *row),
                   void *arg, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT seq, time, entry, leaf FROM ledger WHERE seq >= ?1 AND seq < ?2 ORDER BY seq",
                    "ledger", e) < 0)
        return -1;
    bind_uint(&q, 1, from);
    bind_uint(&q, 2, to <= INT64_MAX ? to : INT64_MAX);
    int result;
    while ((result = query_step(&q, e)) > 0) {
        struct ledger_row row = {
            .seq = column_uint(&q, 0),
            .time_s = column_int(&q, 1),
            .entry = column_bytes(&q, 2),
        };
        if (column_digest(&q, 3, &row.leaf, e) < 0)
            return -1;
        result = each(arg, &row);
        if (result)
            return result;
    }
    return result;
}

/* JSON escapes the quotes of its strings, so only a member reads like this. */
int db_ledger_accesses_only(struct db *db, uint64_t *size, bool *only, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT ifnull(max(seq) + 1, ?1), ifnull(min(instr(entry, CAST('\"action\":\"access-batch\"'"
                    " AS BLOB))), 0) FROM ledger WHERE seq >= ?1",
                    "ledger", e) < 0)
        return -1;
    bind_uint(&q, 1, *size);
    if (query_step(&q, e) < 0)
        return -1;
    *size = column_uint(&q, 0);
    *only = column_int(&q, 1) != 0;
    return 0;
}

int db_ledger_last_time(struct db *db, int64_t *time_s, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT time FROM ledger ORDER BY seq DESC LIMIT 1", "ledger", e) < 0)
        return -1;
    int row = query_step(&q, e);
    if (row < 0)
        return -1;
    *time_s = row ? column_int(&q, 0) : 0;
    return 0;
}

/* ── batches of access records ── */

#define BATCH_COLUMNS "first, count, segment, offset, length, ledger_seq"

int db_access_batch_add(struct db *db, const struct access_batch_row *row, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "INSERT INTO access_batch(" BATCH_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                    "access batches", e) < 0)
        return -1;
    bind_uint(&q, 1, row->first);
    bind_uint(&q, 2, row->count);
    bind_text(&q, 3, row->segment);
    bind_uint(&q, 4, row->offset);
    bind_uint(&q, 5, row->length);
    bind_uint(&q, 6, row->ledger_seq);
    return query_run(&q, e);
}

static struct access_batch_row read_batch(struct query *q)
{
    return (struct access_batch_row){
        .first = column_uint(q, 0),
        .count = column_uint(q, 1),
        .segment = column_text(q, 2),
        .offset = column_uint(q, 3),
        .length = column_uint(q, 4),
        .ledger_seq = column_uint(q, 5),
    };
}

int db_access_batch_find(struct db *db, uint64_t record, struct access_batch_row *row, struct buf *strings,
                         struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT " BATCH_COLUMNS " FROM access_batch WHERE first <= ?1 ORDER BY first DESC LIMIT 1",
                    "access batches", e) < 0)
        return -1;
    bind_uint(&q, 1, record <= INT64_MAX ? record : INT64_MAX);
    int found = query_step(&q, e);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set(e, ERR_NOTFOUND, 0, "no batch holds access record %llu", (unsigned long long)record);
    *row = read_batch(&q);
    size_t at = string_keep(strings, row->segment);
    row->segment = string_at(strings, at);
    return buf_check(strings, "the name of a segment", e);
}

int db_access_batch_each(struct db *db, int (*each)(void *arg, const struct access_batch_row *row), void *arg,
                         struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT " BATCH_COLUMNS " FROM access_batch ORDER BY first", "access batches", e) < 0)
        return -1;
    int result;
    while ((result = query_step(&q, e)) > 0) {
        struct access_batch_row row = read_batch(&q);
        result = each(arg, &row);
        if (result)
            return result;
    }
    return result;
}
