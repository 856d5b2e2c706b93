#include "store/db_push.h"

#include <string.h>

#include "store/db_internal.h"

#define OF_VIEW          " WHERE repository = ?1 AND person = ?2"
#define MANIFEST_COLUMNS "digest, named, media_type, size, subject, artifact_type, annotations, time"

/* Binds a view to ?1 and ?2. */
static void bind_view(struct query *q, const struct push_view *v)
{
    bind_text(q, 1, v->repository);
    bind_text(q, 2, v->person);
}

static int not_there(const struct push_view *v, const char *what, const char *which, struct err *e)
{
    return err_set(e, ERR_NOTFOUND, 0, "%s pushed no %s %s into %s", v->person, what, which,
                   v->repository ? v->repository : "any repository");
}

/* Runs a statement that removes one row, and says when there was none. */
static int removed_one(struct query *q, const struct push_view *v, const char *what, const char *which, struct err *e)
{
    if (query_run(q, e) < 0)
        return -1;
    return sqlite3_changes(q->db->handle) > 0 ? 0 : not_there(v, what, which, e);
}

/* ── blobs ── */

int db_push_blob_add(struct db *db, const struct push_view *v, const struct digest *id, uint64_t size, int64_t time_s,
                     struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "INSERT INTO pushed_blob(repository, person, digest, size, time) VALUES(?1, ?2, ?3, ?4, ?5)"
                    " ON CONFLICT DO UPDATE SET time = excluded.time",
                    "pushed blobs", e) < 0)
        return -1;
    bind_view(&q, v);
    bind_digest(&q, 3, id);
    bind_uint(&q, 4, size);
    bind_int(&q, 5, time_s);
    return query_run(&q, e);
}

int db_push_blob_get(struct db *db, const struct push_view *v, const struct digest *id, uint64_t *size, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT size FROM pushed_blob"
                    " WHERE digest = ?3 AND person = ?2 AND (?1 IS NULL OR repository = ?1) LIMIT 1",
                    "pushed blobs", e) < 0)
        return -1;
    if (v->repository)
        bind_text(&q, 1, v->repository);
    bind_text(&q, 2, v->person);
    bind_digest(&q, 3, id);
    int row = query_step(&q, e);
    if (row <= 0)
        return row < 0 ? -1 : not_there(v, "blob", digest_text(id).text, e);
    if (size)
        *size = column_uint(&q, 0);
    return 0;
}

int db_push_blob_remove(struct db *db, const struct push_view *v, const struct digest *id, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "DELETE FROM pushed_blob" OF_VIEW " AND digest = ?3", "pushed blobs", e) < 0)
        return -1;
    bind_view(&q, v);
    bind_digest(&q, 3, id);
    return removed_one(&q, v, "blob", digest_text(id).text, e);
}

int db_push_bytes(struct db *db, const char *repository, uint64_t *bytes, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT ifnull(sum(size), 0) FROM"
                    " (SELECT digest, size FROM pushed_blob WHERE repository = ?1 UNION"
                    " SELECT digest, size FROM pushed_manifest WHERE repository = ?1)",
                    "pushed blobs and manifests", e) < 0)
        return -1;
    bind_text(&q, 1, repository);
    if (query_step(&q, e) < 0)
        return -1;
    *bytes = column_uint(&q, 0);
    return 0;
}

/* ── manifests ── */

int db_push_manifest_add(struct db *db, const struct push_view *v, const struct push_manifest_row *row, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "INSERT OR REPLACE INTO pushed_manifest(repository, person, " MANIFEST_COLUMNS
                    ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    "pushed manifests", e) < 0)
        return -1;
    bind_view(&q, v);
    bind_digest(&q, 3, &row->digest);
    bind_text(&q, 4, row->named);
    bind_text(&q, 5, row->media_type);
    bind_uint(&q, 6, row->size);
    bind_text(&q, 7, row->subject);
    bind_text(&q, 8, row->artifact_type);
    bind_text(&q, 9, row->annotations);
    bind_int(&q, 10, row->time_s);
    return query_run(&q, e);
}

static int read_manifest(struct query *q, struct push_manifest_row *row, struct err *e)
{
    *row = (struct push_manifest_row){
        .named = column_text(q, 1),
        .media_type = column_text(q, 2),
        .size = column_uint(q, 3),
        .subject = column_text(q, 4),
        .artifact_type = column_text(q, 5),
        .annotations = column_text(q, 6),
        .time_s = column_int(q, 7),
    };
    return column_digest(q, 0, &row->digest, e);
}

int db_push_manifest_get(struct db *db, const struct push_view *v, const struct digest *id,
                         struct push_manifest_row *row, struct buf *strings, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT " MANIFEST_COLUMNS " FROM pushed_manifest" OF_VIEW " AND digest = ?3",
                    "pushed manifests", e) < 0)
        return -1;
    bind_view(&q, v);
    bind_digest(&q, 3, id);
    int step = query_step(&q, e);
    if (step <= 0)
        return step < 0 ? -1 : not_there(v, "manifest", digest_text(id).text, e);
    if (read_manifest(&q, row, e) < 0)
        return -1;
    const char **const texts[] = {&row->named, &row->media_type, &row->subject, &row->artifact_type, &row->annotations};
    size_t at[ARRAY_LEN(texts)];
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        at[i] = string_keep(strings, *texts[i]);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = string_at(strings, at[i]);
    return buf_check(strings, "pushed manifest", e);
}

int db_push_manifest_remove(struct db *db, const struct push_view *v, const struct digest *id, struct err *e)
{
    auto_query tags = {0}, q = {0};
    if (query_begin(&tags, db, "DELETE FROM pushed_tag" OF_VIEW " AND digest = ?3", "tags", e) < 0)
        return -1;
    bind_view(&tags, v);
    bind_digest(&tags, 3, id);
    if (query_run(&tags, e) < 0 ||
        query_begin(&q, db, "DELETE FROM pushed_manifest" OF_VIEW " AND digest = ?3", "pushed manifests", e) < 0)
        return -1;
    bind_view(&q, v);
    bind_digest(&q, 3, id);
    return removed_one(&q, v, "manifest", digest_text(id).text, e);
}

int db_push_referrer_each(struct db *db, const struct push_view *v, const char *subject, const char *artifact_type,
                          const char *after, int (*each)(void *arg, const struct push_manifest_row *row), void *arg,
                          struct err *e)
{
    auto_query q = {0};
    int result;
    if (query_begin(&q, db,
                    "SELECT " MANIFEST_COLUMNS " FROM pushed_manifest" OF_VIEW
                    " AND subject = ?3 AND (?4 IS NULL OR artifact_type = ?4) AND named > ?5 ORDER BY named",
                    "pushed manifests", e) < 0)
        return -1;
    bind_view(&q, v);
    bind_text(&q, 3, subject);
    if (artifact_type)
        bind_text(&q, 4, artifact_type);
    bind_text(&q, 5, after);
    while ((result = query_step(&q, e)) > 0) {
        struct push_manifest_row row;
        if (read_manifest(&q, &row, e) < 0)
            return -1;
        result = each(arg, &row);
        if (result)
            return result;
    }
    return result;
}

/* ── tags ── */

int db_push_tag_set(struct db *db, const struct push_view *v, const char *tag, const struct digest *id,
                    const char *named, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "INSERT OR REPLACE INTO pushed_tag(repository, person, tag, digest, named)"
                    " VALUES(?1, ?2, ?3, ?4, ?5)",
                    "tags", e) < 0)
        return -1;
    bind_view(&q, v);
    bind_text(&q, 3, tag);
    bind_digest(&q, 4, id);
    bind_text(&q, 5, named);
    return query_run(&q, e);
}

int db_push_tag_get(struct db *db, const struct push_view *v, const char *tag, struct digest *id,
                    char named[DIGEST512_TEXT_SIZE], struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT digest, named FROM pushed_tag" OF_VIEW " AND tag = ?3", "tags", e) < 0)
        return -1;
    bind_view(&q, v);
    bind_text(&q, 3, tag);
    int row = query_step(&q, e);
    if (row <= 0)
        return row < 0 ? -1 : not_there(v, "tag", tag, e);
    snprintf(named, DIGEST512_TEXT_SIZE, "%s", column_text(&q, 1));
    return column_digest(&q, 0, id, e);
}

int db_push_tag_remove(struct db *db, const struct push_view *v, const char *tag, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "DELETE FROM pushed_tag" OF_VIEW " AND tag = ?3", "tags", e) < 0)
        return -1;
    bind_view(&q, v);
    bind_text(&q, 3, tag);
    return removed_one(&q, v, "tag", tag, e);
}

int db_push_tag_each(struct db *db, const struct push_view *v, const char *after,
                     int (*each)(void *arg, const char *tag, const struct digest *id), void *arg, struct err *e)
{
    auto_query q = {0};
    int result;
    if (query_begin(&q, db, "SELECT tag, digest FROM pushed_tag" OF_VIEW " AND tag > ?3 ORDER BY tag", "tags", e) < 0)
        return -1;
    bind_view(&q, v);
    bind_text(&q, 3, after);
    while ((result = query_step(&q, e)) > 0) {
        struct digest id;
        if (column_digest(&q, 1, &id, e) < 0)
            return -1;
        result = each(arg, column_text(&q, 0), &id);
        if (result)
            return result;
    }
    return result;
}

/* ── second names ── */

int db_push_alias_add(struct db *db, const struct digest512 *alias, const struct digest *id, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "INSERT OR IGNORE INTO digest_alias(sha512, digest) VALUES(?1, ?2)", "digests", e) < 0)
        return -1;
    bind_bytes(&q, 1, span_of(alias->bytes, DIGEST512_SIZE));
    bind_digest(&q, 2, id);
    return query_run(&q, e);
}

int db_push_alias_get(struct db *db, const struct digest512 *alias, struct digest *id, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT digest FROM digest_alias WHERE sha512 = ?1", "digests", e) < 0)
        return -1;
    bind_bytes(&q, 1, span_of(alias->bytes, DIGEST512_SIZE));
    int row = query_step(&q, e);
    if (row <= 0)
        return row < 0 ? -1 : err_set(e, ERR_NOTFOUND, 0, "nothing is known as %s", digest512_text(alias).text);
    return column_digest(&q, 0, id, e);
}

/* ── what stays ── */

/* A release that was pushed has no shipment; here, not admitted, it needs its blobs in pushed/. */
#define PUSHED_RELEASE " FROM release_blob b JOIN release r ON r.digest = b.release WHERE r.shipment = 0"

int db_push_needed(struct db *db, const struct digest *id, bool *needed, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT EXISTS(SELECT 1 FROM pushed_blob WHERE digest = ?1)"
                    " OR EXISTS(SELECT 1 FROM pushed_manifest WHERE digest = ?1)"
                    " OR EXISTS(SELECT 1" PUSHED_RELEASE " AND r.admitted = 0 AND b.digest = ?1)",
                    "pushed blobs", e) < 0)
        return -1;
    bind_digest(&q, 1, id);
    if (query_step(&q, e) < 0)
        return -1;
    *needed = column_int(&q, 0) != 0;
    return 0;
}

int db_push_release_of(struct db *db, const char *name, const struct digest *id, struct digest *release, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db, "SELECT b.release" PUSHED_RELEASE " AND r.name = ?1 AND b.digest = ?2 LIMIT 1", "releases",
                    e) < 0)
        return -1;
    bind_text(&q, 1, name);
    bind_digest(&q, 2, id);
    int row = query_step(&q, e);
    if (row <= 0)
        return row < 0 ? -1 : err_set(e, ERR_NOTFOUND, 0, "%s is part of no pushed release", digest_text(id).text);
    return column_digest(&q, 0, release, e);
}

int db_push_forget_admitted(struct db *db, struct err *e)
{
    static const char *const texts[] = {
#define FORGET(table)                                                                                        \
    "DELETE FROM " table " WHERE EXISTS(SELECT 1" PUSHED_RELEASE " AND r.admitted = 1 AND b.digest = " table \
    ".digest AND " table ".repository = 'sandbox/' || r.name)"
        FORGET("pushed_tag"), FORGET("pushed_manifest"), FORGET("pushed_blob")};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        auto_query q = {0};
        if (query_begin(&q, db, texts[i], "pushed blobs", e) < 0 || query_run(&q, e) < 0)
            return -1;
    }
    return 0;
}
