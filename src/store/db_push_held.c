/* What views hold as a whole: for gc, which looks for what nothing needs, and for status. */
#include "store/db_internal.h"
#include "store/db_push.h"

#define OF_VIEW " WHERE repository = ?1 AND person = ?2"

int db_push_sum_each(struct db *db, int (*each)(void *arg, const struct push_sum *sum), void *arg, struct err *e)
{
    auto_query q = {0};
    int result;
    if (query_begin(&q, db,
                    "SELECT repository, count(*) - sum(manifest), sum(size), sum(manifest), max(time) FROM ("
                    "SELECT repository, digest, size, max(manifest) AS manifest, max(time) AS time FROM ("
                    "SELECT repository, digest, size, 0 AS manifest, time FROM pushed_blob UNION ALL"
                    " SELECT repository, digest, size, 1, time FROM pushed_manifest) GROUP BY repository, digest)"
                    " GROUP BY repository ORDER BY repository",
                    "pushed blobs", e) < 0)
        return -1;
    while ((result = query_step(&q, e)) > 0) {
        struct push_sum sum = {column_text(&q, 0), column_uint(&q, 1), column_uint(&q, 2), column_uint(&q, 3),
                               column_int(&q, 4)};
        result = each(arg, &sum);
        if (result)
            return result;
    }
    return result;
}

int db_push_view_each(struct db *db, int64_t before_s, int (*each)(void *arg, const struct push_view *v), void *arg,
                      struct err *e)
{
    auto_query q = {0};
    int result;
    if (query_begin(&q, db,
                    "SELECT repository, person FROM pushed_blob WHERE time < ?1 UNION "
                    "SELECT repository, person FROM pushed_manifest WHERE time < ?1",
                    "pushed blobs", e) < 0)
        return -1;
    bind_int(&q, 1, before_s);
    while ((result = query_step(&q, e)) > 0) {
        struct push_view v = {column_text(&q, 0), column_text(&q, 1)};
        result = each(arg, &v);
        if (result)
            return result;
    }
    return result;
}

static void bind_view_before(struct query *q, const struct push_view *v, int64_t before_s)
{
    bind_text(q, 1, v->repository);
    bind_text(q, 2, v->person);
    bind_int(q, 3, before_s);
}

int db_push_manifest_each(struct db *db, const struct push_view *v, int64_t before_s,
                          int (*each)(void *arg, const struct push_manifest_row *row, bool stays), void *arg,
                          struct err *e)
{
    auto_query q = {0};
    int result;
    if (query_begin(&q, db,
                    "SELECT digest, named, media_type, size, subject, time, time >= ?3"
                    " OR EXISTS(SELECT 1 FROM pushed_tag t WHERE t.repository = ?1 AND t.person = ?2"
                    " AND t.digest = m.digest)"
                    " OR subject IN (SELECT 'sha256:' || lower(hex(digest)) FROM release)"
                    " FROM pushed_manifest m" OF_VIEW,
                    "pushed manifests", e) < 0)
        return -1;
    bind_view_before(&q, v, before_s);
    while ((result = query_step(&q, e)) > 0) {
        struct push_manifest_row row = {.named = column_text(&q, 1),
                                        .media_type = column_text(&q, 2),
                                        .size = column_uint(&q, 3),
                                        .subject = column_text(&q, 4),
                                        .artifact_type = "",
                                        .annotations = "",
                                        .time_s = column_int(&q, 5)};
        if (column_digest(&q, 0, &row.digest, e) < 0)
            return -1;
        result = each(arg, &row, column_int(&q, 6) != 0);
        if (result)
            return result;
    }
    return result;
}

int db_push_blob_each(struct db *db, const struct push_view *v, int64_t before_s,
                      int (*each)(void *arg, const struct digest *id), void *arg, struct err *e)
{
    auto_query q = {0};
    int result;
    if (query_begin(&q, db, "SELECT digest FROM pushed_blob" OF_VIEW " AND time < ?3", "pushed blobs", e) < 0)
        return -1;
    bind_view_before(&q, v, before_s);
    while ((result = query_step(&q, e)) > 0) {
        struct digest id;
        if (column_digest(&q, 0, &id, e) < 0)
            return -1;
        result = each(arg, &id);
        if (result)
            return result;
    }
    return result;
}

/* A manifest that comes again is a new row with a new time. */
int db_push_view_mark(struct db *db, const struct push_view *v, uint64_t *mark, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT ifnull(sum(time), 0) + ifnull(max(rowid), 0)"
                    " + (SELECT count(*) FROM pushed_tag" OF_VIEW ") FROM pushed_manifest" OF_VIEW,
                    "pushed manifests", e) < 0)
        return -1;
    bind_text(&q, 1, v->repository);
    bind_text(&q, 2, v->person);
    if (query_step(&q, e) < 0)
        return -1;
    *mark = column_uint(&q, 0);
    return 0;
}
