#include "store/db_internal.h"
#include "store/db_release.h"

const char *shipment_state_name(enum shipment_state s)
{
    static const char *const names[] = {"quarantined", "admitted", "discarded"};
    return names[s];
}

int db_shipment_add(struct db *db, const struct shipment_row *row, uint64_t *number, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "INSERT INTO shipment(folder, station, sequence, issued, expires, received, state)"
                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING number",
                    "shipments", e) < 0)
        return -1;
    bind_text(&q, 1, row->folder);
    bind_text(&q, 2, row->station);
    bind_uint(&q, 3, row->sequence);
    bind_int(&q, 4, row->issued_s);
    bind_int(&q, 5, row->expires_s);
    bind_int(&q, 6, row->received_s);
    bind_int(&q, 7, row->state);
    if (query_step(&q, e) < 0)
        return -1;
    if (number)
        *number = column_uint(&q, 0);
    return query_run(&q, e);
}

int db_shipment_set_state(struct db *db, uint64_t number, enum shipment_state state, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "UPDATE shipment SET state = ?2 WHERE number = ?1 RETURNING number", "shipments", e) < 0)
        return -1;
    bind_uint(&q, 1, number);
    bind_int(&q, 2, state);
    int row = query_step(&q, e);
    if (row < 0)
        return -1;
    if (row == 0)
        return err_set(e, ERR_NOTFOUND, 0, "there is no shipment:%llu", (unsigned long long)number);
    return query_run(&q, e);
}

int db_shipment_each(struct db *db, uint64_t number, int (*each)(void *arg, const struct shipment_row *row), void *arg,
                     struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT number, folder, station, sequence, issued, expires, received, state FROM shipment"
                    " WHERE ?1 = 0 OR number = ?1 ORDER BY number",
                    "shipments", e) < 0)
        return -1;
    bind_uint(&q, 1, number);
    int result;
    while ((result = query_step(&q, e)) > 0) {
        struct shipment_row row = {
            .number = column_uint(&q, 0),
            .folder = column_text(&q, 1),
            .station = column_text(&q, 2),
            .sequence = column_uint(&q, 3),
            .issued_s = column_int(&q, 4),
            .expires_s = column_int(&q, 5),
            .received_s = column_int(&q, 6),
            .state = (enum shipment_state)column_int(&q, 7), /* the schema checks its values */
        };
        result = each(arg, &row);
        if (result)
            return result;
    }
    return result;
}

int db_shipment_blob_add(struct db *db, uint64_t number, const struct digest *id, uint64_t size, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "INSERT INTO shipment_blob VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    "blobs of a shipment", e) < 0)
        return -1;
    bind_uint(&q, 1, number);
    bind_digest(&q, 2, id);
    bind_uint(&q, 3, size);
    return query_run(&q, e);
}

/* Rows (digest, size) of a query whose parameters are bound. */
static int each_blob(struct query *q, int (*each)(void *arg, const struct digest *id, uint64_t size), void *arg,
                     struct err *e)
{
    int result;
    while ((result = query_step(q, e)) > 0) {
        struct digest id;
        if (column_digest(q, 0, &id, e) < 0)
            return -1;
        result = each(arg, &id, column_uint(q, 1));
        if (result)
            return result;
    }
    return result;
}

int db_shipment_blob_each(struct db *db, uint64_t number,
                          int (*each)(void *arg, const struct digest *id, uint64_t size), void *arg, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT digest, size FROM shipment_blob WHERE shipment = ?1 ORDER BY digest",
                    "blobs of a shipment", e) < 0)
        return -1;
    bind_uint(&q, 1, number);
    return each_blob(&q, each, arg, e);
}

int db_blob_add(struct db *db, const struct digest *id, uint64_t size, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "INSERT INTO blob VALUES(?1, ?2) ON CONFLICT DO NOTHING", "blobs", e) < 0)
        return -1;
    bind_digest(&q, 1, id);
    bind_uint(&q, 2, size);
    return query_run(&q, e);
}

int db_blob_each(struct db *db, int (*each)(void *arg, const struct digest *id, uint64_t size), void *arg,
                 struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT digest, size FROM blob ORDER BY digest", "blobs", e) < 0)
        return -1;
    return each_blob(&q, each, arg, e);
}
