#include "store/db_scan.h"

#include <string.h>

#include "store/db_internal.h"

static int take_row(struct query *q, struct scan_row *out, struct err *e)
{
    out->scanner = column_text(q, 2);
    out->stamp = column_bytes(q, 3);
    out->seal = column_bytes(q, 4);
    out->reply = column_bytes(q, 5);
    return column_digest(q, 0, &out->key, e) < 0 ? -1 : column_digest(q, 1, &out->blob, e);
}

int db_scan_get(struct db *db, const struct digest *key, struct scan_row *out, struct buf *bytes, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT key, blob, scanner, stamp, seal, reply FROM scan WHERE key = ?1", "scans", e) < 0)
        return -1;
    bind_digest(&q, 1, key);
    int row = query_step(&q, e);
    if (row <= 0)
        return row;
    if (take_row(&q, out, e) < 0)
        return -1;
    size_t scanner = bytes->len, stamp_len = out->stamp.len, seal_len = out->seal.len;
    buf_add(bytes, out->scanner, strlen(out->scanner) + 1);
    buf_add_span(bytes, out->stamp);
    buf_add_span(bytes, out->seal);
    buf_add_span(bytes, out->reply);
    if (buf_check(bytes, "a remembered scan", e) < 0)
        return -1;
    out->scanner = (const char *)bytes->ptr + scanner;
    struct span rest = span_of(bytes->ptr + scanner + strlen(out->scanner) + 1, stamp_len + seal_len + out->reply.len);
    return span_take(&rest, stamp_len, &out->stamp) && span_take(&rest, seal_len, &out->seal) &&
                   span_take(&rest, rest.len, &out->reply)
               ? 1
               : err_set(e, ERR_SYSTEM, 0, "a remembered scan that cannot be copied");
}

int db_scan_put(struct db *db, const struct scan_row *row, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "INSERT OR REPLACE INTO scan VALUES(?1, ?2, ?3, ?4, ?5, ?6)", "scans", e) < 0)
        return -1;
    bind_digest(&q, 1, &row->key);
    bind_digest(&q, 2, &row->blob);
    bind_text(&q, 3, row->scanner);
    bind_bytes(&q, 4, row->stamp);
    bind_bytes(&q, 5, row->seal);
    bind_bytes(&q, 6, row->reply);
    return query_run(&q, e);
}

int db_scan_forget(struct db *db, const char *scanner, uint64_t *rows, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "DELETE FROM scan WHERE scanner <> ?1 OR"
                    " (NOT EXISTS(SELECT 1 FROM blob b WHERE b.digest = scan.blob) AND"
                    " NOT EXISTS(SELECT 1 FROM release_blob r WHERE r.digest = scan.blob))",
                    "scans", e) < 0)
        return -1;
    bind_text(&q, 1, scanner);
    if (query_run(&q, e) < 0)
        return -1;
    *rows = (uint64_t)sqlite3_changes64(db->handle);
    return 0;
}

int db_scan_each(struct db *db, int (*each)(void *arg, const struct scan_row *row), void *arg, struct err *e)
{
    auto_query q = {0};
    int result;
    if (query_begin(&q, db, "SELECT key, blob, scanner, stamp, seal, reply FROM scan ORDER BY key", "scans", e) < 0)
        return -1;
    while ((result = query_step(&q, e)) > 0) {
        struct scan_row row;
        if (take_row(&q, &row, e) < 0)
            return -1;
        result = each(arg, &row);
        if (result)
            return result;
    }
    return result;
}
