#include "store/db_release.h"

#include <string.h>

#include "store/db_advisories.h"
#include "store/db_internal.h"

enum { WAITING, ADMITTED, DISCARDED }; /* the column admitted */

#define RELEASE_COLUMNS "digest, name, version, shipment, admitted, time"

static int read_release(struct query *q, struct release_row *row, struct err *e)
{
    *row = (struct release_row){
        .name = column_text(q, 1),
        .version = column_text(q, 2),
        .shipment = column_uint(q, 3),
        .admitted = column_int(q, 4) == ADMITTED,
        .discarded = column_int(q, 4) == DISCARDED,
        .time_s = column_int(q, 5),
    };
    return column_digest(q, 0, &row->digest, e);
}

static int bring_back(struct db *db, const struct release_row *row, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "UPDATE release SET shipment = ?2, admitted = ?3, time = ?4 WHERE digest = ?1", "releases",
                    e) < 0)
        return -1;
    bind_digest(&q, 1, &row->digest);
    bind_uint(&q, 2, row->shipment);
    bind_int(&q, 3, row->admitted ? ADMITTED : WAITING);
    bind_int(&q, 4, row->time_s);
    return query_run(&q, e);
}

int db_release_add(struct db *db, const struct release_row *row, struct err *e)
{
    struct release_row old;
    auto_buf names = BUF(4096);
    struct err none = {0};
    if (db_release_find(db, row->name, row->version, &old, &names, &none) == 0) {
        if (digest_equal(&old.digest, &row->digest))
            return old.discarded ? bring_back(db, row, e) : 0;
        return err_set(e, ERR_EXISTS, 0,
                       "%s:%s is %s already; a version never changes: the new content %s needs a new one", row->name,
                       row->version, digest_text(&old.digest).text, digest_text(&row->digest).text);
    }
    if (none.code != ERR_NOTFOUND)
        return err_set(e, none.code, none.sys_errno, "%s", none.msg);
    auto_query q = {0};
    if (query_begin(&q, db, "INSERT INTO release VALUES(?1, ?2, ?3, ?4, ?5, ?6)", "releases", e) < 0)
        return -1;
    bind_digest(&q, 1, &row->digest);
    bind_text(&q, 2, row->name);
    bind_text(&q, 3, row->version);
    bind_uint(&q, 4, row->shipment);
    bind_int(&q, 5, row->admitted ? ADMITTED : WAITING);
    bind_int(&q, 6, row->time_s);
    return query_run(&q, e);
}

int db_release_admit(struct db *db, const struct digest *release, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "UPDATE release SET admitted = 1 WHERE digest = ?1 RETURNING name", "releases", e) < 0)
        return -1;
    bind_digest(&q, 1, release);
    int row = query_step(&q, e);
    if (row < 0)
        return -1;
    if (row == 0)
        return err_set(e, ERR_NOTFOUND, 0, "there is no release %s", digest_text(release).text);
    return query_run(&q, e);
}

int db_release_discard(struct db *db, const struct digest *release, struct err *e)
{
    static const char *const sql[] = {"DELETE FROM release_blob WHERE release = ?1",
                                      "DELETE FROM package WHERE release = ?1",
                                      "UPDATE release SET admitted = 2 WHERE digest = ?1"};
    for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
        auto_query q = {0};
        if (query_begin(&q, db, sql[i], "releases", e) < 0)
            return -1;
        bind_digest(&q, 1, release);
        if (query_run(&q, e) < 0)
            return -1;
    }
    return 0;
}

/* One row of a bound query, its strings moved into *names. 1, 0, -1. */
static int take_release(struct query *q, struct release_row *row, struct buf *names, struct err *e)
{
    int found = query_step(q, e);
    if (found <= 0)
        return found;
    if (read_release(q, row, e) < 0)
        return -1;
    size_t name = string_keep(names, row->name), version = string_keep(names, row->version);
    if (buf_check(names, "the name of a release", e) < 0)
        return -1;
    row->name = string_at(names, name);
    row->version = string_at(names, version);
    return 1;
}

int db_release_get(struct db *db, const struct digest *release, struct release_row *row, struct buf *names,
                   struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT " RELEASE_COLUMNS " FROM release WHERE digest = ?1", "releases", e) < 0)
        return -1;
    bind_digest(&q, 1, release);
    int found = take_release(&q, row, names, e);
    if (found == 0)
        return err_set(e, ERR_NOTFOUND, 0, "there is no release %s", digest_text(release).text);
    return found < 0 ? -1 : 0;
}

int db_release_find(struct db *db, const char *name, const char *version, struct release_row *row, struct buf *names,
                    struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT " RELEASE_COLUMNS " FROM release WHERE name = ?1 AND version = ?2", "releases", e) <
        0)
        return -1;
    bind_text(&q, 1, name);
    bind_text(&q, 2, version);
    int found = take_release(&q, row, names, e);
    if (found == 0)
        return err_set(e, ERR_NOTFOUND, 0, "there is no release %s:%s", name, version);
    return found < 0 ? -1 : 0;
}

int db_release_each(struct db *db, int (*each)(void *arg, const struct release_row *row), void *arg, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT " RELEASE_COLUMNS " FROM release ORDER BY name, time, version", "releases", e) < 0)
        return -1;
    int result;
    while ((result = query_step(&q, e)) > 0) {
        struct release_row row;
        if (read_release(&q, &row, e) < 0)
            return -1;
        result = each(arg, &row);
        if (result)
            return result;
    }
    return result;
}

int db_release_blob_add(struct db *db, const struct digest *release, const struct digest *blob, const char *media_type,
                        uint64_t size, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "INSERT INTO release_blob VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                    "blobs of a release", e) < 0)
        return -1;
    bind_digest(&q, 1, release);
    bind_digest(&q, 2, blob);
    bind_text(&q, 3, media_type);
    bind_uint(&q, 4, size);
    return query_run(&q, e);
}

int db_release_blob_each(struct db *db, const struct digest *release,
                         int (*each)(void *arg, const struct digest *id, const char *media_type, uint64_t size),
                         void *arg, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT digest, media_type, size FROM release_blob WHERE release = ?1 ORDER BY digest",
                    "blobs of a release", e) < 0)
        return -1;
    bind_digest(&q, 1, release);
    int result;
    while ((result = query_step(&q, e)) > 0) {
        struct digest id;
        if (column_digest(&q, 0, &id, e) < 0)
            return -1;
        result = each(arg, &id, column_text(&q, 1), column_uint(&q, 2));
        if (result)
            return result;
    }
    return result;
}

int db_blob_needed(struct db *db, const struct digest *id, bool *needed, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT EXISTS(SELECT 1 FROM release_blob b JOIN release r ON r.digest = b.release"
                    " WHERE b.digest = ?1 AND (r.admitted = 1 OR r.shipment = 0))"
                    " OR EXISTS(SELECT 1 FROM collection_blob WHERE digest = ?1)"
                    " OR ?1 = (SELECT subject FROM evidence WHERE predicate_type = '" DB_ADVISORIES_TYPE "'"
                    " ORDER BY arrival DESC LIMIT 1)",
                    "what needs a blob", e) < 0)
        return -1;
    bind_digest(&q, 1, id);
    if (query_step(&q, e) < 0)
        return -1;
    *needed = column_int(&q, 0) != 0;
    return 0;
}

int db_blob_remove(struct db *db, const struct digest *id, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "DELETE FROM blob WHERE digest = ?1", "blobs", e) < 0)
        return -1;
    bind_digest(&q, 1, id);
    return query_run(&q, e);
}
