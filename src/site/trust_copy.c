/* trust/<fingerprint>/<file>: what state.db holds of each station, for other tools to read. A copy: nothing here is
 * ever read back. */
#include <string.h>

#include "site/site.h"
#include "util/file.h"
#include "util/limits.h"

struct copy {
    struct site *site;
    int dir;
    struct err *e;
};

/* A row is data: it names a file beside the others, and no other place. */
static bool is_file_name(const char *name)
{
    return name[0] && name[0] != '.' && !strchr(name, '/');
}

static int copy_file(void *arg, const char *station, const char *file, uint64_t version)
{
    struct copy *c = arg;
    auto_buf bytes = BUF(LIMIT_TUF_TARGETS_BYTES), path = BUF(256);
    if (!is_file_name(station) || !is_file_name(file))
        return err_set(c->e, ERR_INPUT, 0, "state.db: trusted metadata under the name %.64s/%.64s", station, file);
    if (db_trust_get(c->site->db, station, file, &version, &bytes, c->e) < 0 ||
        dir_make(c->dir, station, 0755, c->e) < 0)
        return -1;
    buf_printf(&path, "%s/%s", station, file);
    if (buf_check(&path, "trust/", c->e) < 0)
        return -1;
    return file_write(c->dir, buf_str(&path), buf_span(&bytes), 0644, c->e);
}

int site_copy_trust(struct site *s, struct err *e)
{
    if (dir_make(s->dir, "trust", 0755, e) < 0)
        return -1;
    auto_fd dir = dir_open(s->dir, "trust", e);
    if (dir < 0)
        return -1;
    struct copy c = {s, dir, e};
    return db_trust_each(s->db, copy_file, &c, e);
}
