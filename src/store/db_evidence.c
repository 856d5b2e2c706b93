#include "store/db_internal.h"
#include "store/db_release.h"

#define EVIDENCE_COLUMNS "id, subject, predicate_type, environment, result, origin, time, envelope"

int db_evidence_add(struct db *db, const struct evidence_row *row, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "INSERT INTO evidence(" EVIDENCE_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                    " ON CONFLICT(id) DO NOTHING",
                    "evidence", e) < 0)
        return -1;
    bind_digest(&q, 1, &row->id);
    bind_digest(&q, 2, &row->subject);
    bind_text(&q, 3, row->predicate_type);
    bind_text(&q, 4, row->environment);
    bind_text(&q, 5, row->result);
    bind_text(&q, 6, row->origin);
    bind_int(&q, 7, row->time_s);
    bind_bytes(&q, 8, row->envelope);
    return query_run(&q, e);
}

int db_evidence_get(struct db *db, const struct digest *id, struct buf *envelope, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT envelope FROM evidence WHERE id = ?1", "evidence", e) < 0)
        return -1;
    bind_digest(&q, 1, id);
    int row = query_step(&q, e);
    if (row < 0)
        return -1;
    if (row == 0)
        return err_set(e, ERR_NOTFOUND, 0, "there is no evidence %s", digest_text(id).text);
    buf_add_span(envelope, column_bytes(&q, 0));
    return buf_check(envelope, "evidence", e);
}

int db_evidence_each(struct db *db, const struct digest *subject, const char *predicate_type,
                     int (*each)(void *arg, const struct evidence_row *row), void *arg, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT " EVIDENCE_COLUMNS " FROM evidence"
                    " WHERE (?1 IS NULL OR subject = ?1) AND (?2 IS NULL OR predicate_type = ?2) ORDER BY arrival",
                    "evidence", e) < 0)
        return -1;
    if (subject)
        bind_digest(&q, 1, subject);
    if (predicate_type)
        bind_text(&q, 2, predicate_type);
    int result;
    while ((result = query_step(&q, e)) > 0) {
        struct evidence_row row = {
            .predicate_type = column_text(&q, 2),
            .environment = column_text(&q, 3),
            .result = column_text(&q, 4),
            .origin = column_text(&q, 5),
            .time_s = column_int(&q, 6),
            .envelope = column_bytes(&q, 7),
        };
        if (column_digest(&q, 0, &row.id, e) < 0 || column_digest(&q, 1, &row.subject, e) < 0)
            return -1;
        result = each(arg, &row);
        if (result)
            return result;
    }
    return result;
}
