/* Packages as rows: what the mirrors show of them. */
#include "ship/packages.h"
#include "store/db_package.h"
#include "util/limits.h"

static int append(const char *bytes, size_t len, void *out)
{
    buf_add(out, bytes, len);
    return buf_ok(out) ? 0 : -1;
}

static int add_row(struct db *db, const struct digest *release, const struct package *p, struct err *e)
{
    auto_buf about = BUF(LIMIT_JSON_BYTES);
    if (json_dump_callback(p->about, append, &about, JSON_COMPACT) < 0)
        return err_set(e, ERR_LIMIT, 0, "%s: what it says of itself is too long", p->filename);
    struct package_row row = {.ecosystem = p->ecosystem,
                              .name = p->name,
                              .version = p->version,
                              .filename = p->filename,
                              .digest = p->digest,
                              .size = p->size,
                              .about = buf_str(&about)};
    return db_package_add(db, release, &row, e);
}

int packages_add_rows(struct db *db, const struct digest *release, const struct packages *p, struct err *e)
{
    for (size_t i = 0; i < p->count; i++)
        if (add_row(db, release, &p->items[i], e) < 0)
            return -1;
    return 0;
}
