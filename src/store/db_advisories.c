#include "store/db_advisories.h"

#include "store/db_internal.h"

int db_advisories_newest(struct db *db, struct digest *subject, struct digest *id, struct buf *envelope, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT subject, id, envelope FROM evidence WHERE predicate_type = '" DB_ADVISORIES_TYPE "'"
                    " ORDER BY arrival DESC LIMIT 1",
                    "advisories", e) < 0)
        return -1;
    int row = query_step(&q, e);
    if (row < 0)
        return -1;
    if (row == 0)
        return err_set(e, ERR_NOTFOUND, 0, "no advisories were taken in here");
    if (column_digest(&q, 0, subject, e) < 0 || column_digest(&q, 1, id, e) < 0)
        return -1;
    buf_add_span(envelope, column_bytes(&q, 2));
    return buf_check(envelope, "advisories", e);
}
