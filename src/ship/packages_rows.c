/* Packages as rows: what the mirrors show of them. */
#include "ship/packages.h"

#include <string.h>

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

/* The same bytes under the same name came with two collections. */
static bool said_before(const struct packages *p, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (!strcmp(p->evidence[i].name, p->evidence[at].name) &&
            digest_equal(&p->evidence[i].digest, &p->evidence[at].digest))
            return true;
    return false;
}

static int add_evidence(struct db *db, const struct digest *release, const struct package_evidence *x, struct err *e)
{
    struct digest_hex hex = digest_hex(&x->digest);
    struct package_row row = {.ecosystem = "evidence",
                              .name = x->name,
                              .version = x->kind,
                              .filename = hex.text,
                              .digest = x->digest,
                              .size = x->size,
                              .about = "{}"};
    return db_package_add(db, release, &row, e);
}

int packages_add_rows(struct db *db, const struct digest *release, const struct packages *p, struct err *e)
{
    for (size_t i = 0; i < p->count; i++)
        if (add_row(db, release, &p->items[i], e) < 0)
            return -1;
    for (size_t i = 0; i < p->evidence_count; i++)
        if (!said_before(p, i) && add_evidence(db, release, &p->evidence[i], e) < 0)
            return -1;
    return 0;
}
