#include "store/db_collection.h"

#include "store/db_internal.h"

int db_collection_add(struct db *db, const struct collection_row *row, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "INSERT INTO collection(digest, name, time, turn)"
                    " VALUES(?1, ?2, ?3, (SELECT coalesce(max(turn), 0) + 1 FROM collection))"
                    " ON CONFLICT(digest) DO UPDATE SET time = excluded.time, turn = excluded.turn",
                    "collections", e) < 0)
        return -1;
    bind_digest(&q, 1, &row->digest);
    bind_text(&q, 2, row->name);
    bind_int(&q, 3, row->time_s);
    return query_run(&q, e);
}

int db_collection_blob_add(struct db *db, const struct digest *collection, const struct digest *id,
                           const char *media_type, uint64_t size, struct err *e)
{
    auto_query q = {0};
    if (query_begin(
            &q, db,
            "INSERT OR IGNORE INTO collection_blob(collection, digest, media_type, size) VALUES(?1, ?2, ?3, ?4)",
            "blobs of collections", e) < 0)
        return -1;
    bind_digest(&q, 1, collection);
    bind_digest(&q, 2, id);
    bind_text(&q, 3, media_type);
    bind_uint(&q, 4, size);
    return query_run(&q, e);
}

int db_collection_newest(struct db *db, const char *name, struct digest *digest, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT digest FROM collection WHERE name = ?1 ORDER BY turn DESC LIMIT 1", "collections",
                    e) < 0)
        return -1;
    bind_text(&q, 1, name);
    int step = query_step(&q, e);
    if (step == 0)
        return err_set(e, ERR_NOTFOUND, 0, "no collection \"%.64s\" is in this station", name);
    return step < 0 ? -1 : column_digest(&q, 0, digest, e);
}

int db_collection_find(struct db *db, const char *name, const struct digest *digest, int64_t *time_s, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT time FROM collection WHERE digest = ?1 AND name = ?2", "collections", e) < 0)
        return -1;
    bind_digest(&q, 1, digest);
    bind_text(&q, 2, name);
    int step = query_step(&q, e);
    if (step == 0)
        return err_set(e, ERR_NOTFOUND, 0, "no collection %.64s@%s is in this station", name, digest_text(digest).text);
    if (step < 0)
        return -1;
    *time_s = column_int(&q, 0);
    return 0;
}

int db_collection_each(struct db *db, int (*each)(void *arg, const struct collection_row *row), void *arg,
                       struct err *e)
{
    auto_query q = {0};
    int result;
    if (query_begin(&q, db, "SELECT name, digest, time FROM collection ORDER BY name, turn DESC", "collections", e) < 0)
        return -1;
    while ((result = query_step(&q, e)) > 0) {
        struct collection_row row = {.name = column_text(&q, 0), .time_s = column_int(&q, 2)};
        if (column_digest(&q, 1, &row.digest, e) < 0)
            return -1;
        result = each(arg, &row);
        if (result)
            return result;
    }
    return result;
}
