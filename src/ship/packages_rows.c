/* Packages as rows: what the mirrors show of them. */
#include "ship/model_repository.h"
#include "ship/packages.h"

#include <string.h>

#include "util/limits.h"

static int append(const char *bytes, size_t len, void *out)
{
    buf_add(out, bytes, len);
    return buf_ok(out) ? 0 : -1;
}

static int package_row(const struct package *p, int (*each)(void *arg, const struct package_row *row), void *arg,
                       struct buf *about, struct err *e)
{
    buf_clear(about);
    if (json_dump_callback(p->about, append, about, JSON_COMPACT) < 0)
        return err_set(e, ERR_LIMIT, 0, "%s: what it says of itself is too long", p->filename);
    struct package_row row = {.ecosystem = p->ecosystem,
                              .name = p->name,
                              .version = p->version,
                              .filename = p->filename,
                              .digest = p->digest,
                              .size = p->size,
                              .about = buf_str(about)};
    return each(arg, &row);
}

/* The same bytes under the same name came with two collections. */
static bool said_before(const struct packages *p, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (!strcmp(p->evidence[i].name, p->evidence[at].name) &&
            digest_equal(&p->evidence[i].digest, &p->evidence[at].digest))
            return true;
    return false;
}

static int evidence_row(const struct package_evidence *x, int (*each)(void *arg, const struct package_row *row),
                        void *arg)
{
    struct digest_hex hex = digest_hex(&x->digest);
    struct package_row row = {.ecosystem = "evidence",
                              .name = x->name,
                              .version = x->kind,
                              .filename = hex.text,
                              .digest = x->digest,
                              .size = x->size,
                              .about = "{}"};
    return each(arg, &row);
}

int packages_each_row(const struct packages *p, int (*each)(void *arg, const struct package_row *row), void *arg,
                      struct err *e)
{
    auto_buf about = BUF(LIMIT_JSON_BYTES);
    int result = 0;
    for (size_t i = 0; result == 0 && i < p->count; i++)
        result = package_row(&p->items[i], each, arg, &about, e);
    for (size_t i = 0; result == 0 && i < p->evidence_count; i++)
        if (!said_before(p, i))
            result = evidence_row(&p->evidence[i], each, arg);
    return result;
}

struct adding {
    struct db *db;
    const struct digest *release;
    struct err *e;
};

static int add_row(void *arg, const struct package_row *row)
{
    struct adding *a = arg;
    return db_package_add(a->db, a->release, row, a->e);
}

int release_add_rows(struct db *db, const struct release *r, const struct packages *p, struct err *e)
{
    struct adding a = {db, &r->digest, e};
    return packages_each_row(p, add_row, &a, e) < 0 ? -1 : model_repository_each(r, add_row, &a);
}
