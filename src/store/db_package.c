#include "store/db_package.h"

#include "store/db_internal.h"

#define COLUMNS "k.ecosystem, k.name, k.version, k.filename, k.digest, k.size, k.about"
#define OF_ENVIRONMENT \
    " FROM pointer p JOIN package k ON k.release = p.release WHERE p.environment = ?1 AND k.ecosystem = ?2"

int db_package_add(struct db *db, const struct digest *release, const struct package_row *row, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "INSERT INTO package(release, ecosystem, name, version, filename, digest, size, about)"
                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    "packages", e) < 0)
        return -1;
    bind_digest(&q, 1, release);
    bind_text(&q, 2, row->ecosystem);
    bind_text(&q, 3, row->name);
    bind_text(&q, 4, row->version);
    bind_text(&q, 5, row->filename);
    bind_digest(&q, 6, &row->digest);
    bind_uint(&q, 7, row->size);
    bind_text(&q, 8, row->about);
    return query_run(&q, e);
}

static int read_row(struct query *q, struct package_row *row, struct err *e)
{
    *row = (struct package_row){
        .ecosystem = column_text(q, 0),
        .name = column_text(q, 1),
        .version = column_text(q, 2),
        .filename = column_text(q, 3),
        .size = column_uint(q, 5),
        .about = column_text(q, 6),
    };
    return column_digest(q, 4, &row->digest, e);
}

static int each_row(struct query *q, int (*each)(void *arg, const struct package_row *row), void *arg, struct err *e)
{
    int result;
    while ((result = query_step(q, e)) > 0) {
        struct package_row row;
        if (read_row(q, &row, e) < 0)
            return -1;
        result = each(arg, &row);
        if (result)
            return result;
    }
    return result;
}

int db_package_of_release(struct db *db, const struct digest *release,
                          int (*each)(void *arg, const struct package_row *row), void *arg, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT " COLUMNS " FROM package k WHERE k.release = ?1 ORDER BY k.ecosystem, k.name, k.filename",
                    "packages", e) < 0)
        return -1;
    bind_digest(&q, 1, release);
    return each_row(&q, each, arg, e);
}

int db_package_held(struct db *db, const struct digest *except, int (*each)(void *arg, const struct package_row *row),
                    void *arg, struct err *e)
{
    auto_query q = {0};
    int result;
    if (query_begin(&q, db,
                    "SELECT DISTINCT k.ecosystem, k.name, k.version, k.filename, k.digest FROM package k"
                    " JOIN release r ON r.digest = k.release WHERE r.admitted = 1 AND k.release <> ?1",
                    "packages", e) < 0)
        return -1;
    bind_digest(&q, 1, except);
    while ((result = query_step(&q, e)) > 0) {
        struct package_row row = {.ecosystem = column_text(&q, 0),
                                  .name = column_text(&q, 1),
                                  .version = column_text(&q, 2),
                                  .filename = column_text(&q, 3)};
        if (column_digest(&q, 4, &row.digest, e) < 0)
            return -1;
        result = each(arg, &row);
        if (result)
            return result;
    }
    return result;
}

int db_package_each(struct db *db, const char *environment, const char *ecosystem, const char *name,
                    int (*each)(void *arg, const struct package_row *row), void *arg, struct err *e)
{
    auto_query q = {0};
    /* Two texts, so that a page about one name is one walk down the index. */
    if (query_begin(&q, db,
                    name ? "SELECT DISTINCT " COLUMNS OF_ENVIRONMENT
                           " AND k.name = ?3 ORDER BY k.name, k.filename, k.digest"
                         : "SELECT DISTINCT " COLUMNS OF_ENVIRONMENT " ORDER BY k.name, k.filename, k.digest",
                    "packages", e) < 0)
        return -1;
    bind_text(&q, 1, environment);
    bind_text(&q, 2, ecosystem);
    if (name)
        bind_text(&q, 3, name);
    return each_row(&q, each, arg, e);
}

int db_package_names(struct db *db, const char *environment, const char *ecosystem,
                     int (*each)(void *arg, const char *name), void *arg, struct err *e)
{
    auto_query q = {0};
    int result;
    if (query_begin(&q, db, "SELECT DISTINCT k.name" OF_ENVIRONMENT " ORDER BY k.name", "packages", e) < 0)
        return -1;
    bind_text(&q, 1, environment);
    bind_text(&q, 2, ecosystem);
    while ((result = query_step(&q, e)) > 0) {
        result = each(arg, column_text(&q, 0));
        if (result)
            return result;
    }
    return result;
}

int package_row_copy(const struct package_row *from, struct package_row *to, struct buf *strings, struct err *e)
{
    const char *const texts[] = {from->ecosystem, from->name, from->version, from->filename, from->about};
    size_t at[ARRAY_LEN(texts)];
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        at[i] = string_keep(strings, texts[i]);
    if (buf_check(strings, "package", e) < 0)
        return -1;
    *to = *from;
    to->ecosystem = string_at(strings, at[0]);
    to->name = string_at(strings, at[1]);
    to->version = string_at(strings, at[2]);
    to->filename = string_at(strings, at[3]);
    to->about = string_at(strings, at[4]);
    return 0;
}

int db_package_file_each(struct db *db, const char *environment, const char *ecosystem, const char *name,
                         const char *filename, int (*each)(void *arg, const struct package_row *row), void *arg,
                         struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT DISTINCT " COLUMNS OF_ENVIRONMENT " AND k.name = ?3 AND k.filename = ?4 ORDER BY k.digest",
                    "packages", e) < 0)
        return -1;
    bind_text(&q, 1, environment);
    bind_text(&q, 2, ecosystem);
    bind_text(&q, 3, name);
    bind_text(&q, 4, filename);
    return each_row(&q, each, arg, e);
}

int db_package_bringer(struct db *db, const char *environment, const struct package_row *row, struct buf *release,
                       struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT r.name || ':' || r.version FROM pointer p JOIN package k ON k.release = p.release"
                    " JOIN release r ON r.digest = p.release WHERE p.environment = ?1 AND k.ecosystem = ?2"
                    " AND k.name = ?3 AND k.filename = ?4 AND k.digest = ?5 ORDER BY 1 LIMIT 1",
                    "packages", e) < 0)
        return -1;
    bind_text(&q, 1, environment);
    bind_text(&q, 2, row->ecosystem);
    bind_text(&q, 3, row->name);
    bind_text(&q, 4, row->filename);
    bind_digest(&q, 5, &row->digest);
    int step = query_step(&q, e);
    if (step < 0)
        return -1;
    if (step == 0)
        return err_set(e, ERR_NOTFOUND, 0, "%s of %s is part of no release in %s", row->filename, row->name,
                       environment);
    buf_add_str(release, column_text(&q, 0));
    return buf_check(release, "release", e);
}

int db_package_each_brought(struct db *db, const char *environment, const char *ecosystem,
                            int (*each)(void *arg, const char *release, const struct package_row *row), void *arg,
                            struct err *e)
{
    auto_query q = {0};
    int result;
    if (query_begin(&q, db, "SELECT " COLUMNS ", p.name" OF_ENVIRONMENT " ORDER BY p.name, k.name, k.filename",
                    "packages", e) < 0)
        return -1;
    bind_text(&q, 1, environment);
    bind_text(&q, 2, ecosystem);
    while ((result = query_step(&q, e)) > 0) {
        struct package_row row;
        if (read_row(&q, &row, e) < 0)
            return -1;
        result = each(arg, column_text(&q, 7), &row);
        if (result)
            return result;
    }
    return result;
}

int db_package_of_digest(struct db *db, const char *environment, const struct digest *digest,
                         int (*each)(void *arg, const struct package_row *row), void *arg, struct err *e)
{
    auto_query q = {0};
    if (query_begin(&q, db,
                    "SELECT " COLUMNS " FROM pointer p JOIN package k ON k.release = p.release"
                    " WHERE p.environment = ?1 AND k.digest = ?2",
                    "packages", e) < 0)
        return -1;
    bind_text(&q, 1, environment);
    bind_digest(&q, 2, digest);
    return each_row(&q, each, arg, e);
}
