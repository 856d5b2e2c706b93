/* The packages of a release: a row each, and each row what the packages document and the model say. The mirrors show
 * rows; so a row that somebody changed is a package that nobody approved. */
#include <stdlib.h>
#include <string.h>

#include "contour/fsck_internal.h"
#include "ship/model_repository.h"
#include "ship/packages.h"
#include "store/db_package.h"

/* One row in words, and where it stands in the order of rows. */
struct line {
    char *key, *text; /* owned; "pypi six six-1.16.0.tar.gz", and all of it */
};

struct lines {
    struct line *list; /* owned */
    size_t count, room;
};

static void lines_fini(struct lines *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->list[i].key);
        free(l->list[i].text);
    }
    free(l->list);
}

static int add_line(void *arg, const struct package_row *row)
{
    struct lines *l = arg;
    if (l->count == l->room) {
        l->room = l->room ? 2 * l->room : 256;
        l->list = reallocarray(l->list, l->room, sizeof *l->list);
        if (!l->list)
            abort();
    }
    struct line *x = &l->list[l->count++];
    if (asprintf(&x->key, "%s %s %s", row->ecosystem, row->name, row->filename) < 0 ||
        asprintf(&x->text, "version %s, %s, %llu bytes, %s", row->version, digest_text(&row->digest).text,
                 (unsigned long long)row->size, row->about) < 0)
        abort();
    return 0;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct line *)a)->key, ((const struct line *)b)->key);
}

/* What the blobs say. */
static int read_wanted(struct checking *c, const struct release *r, const struct blobs *b, struct lines *out,
                       struct err *e)
{
    auto_packages p = {0};
    struct child *parser = site_parser(c->s, e);
    if (!parser || release_packages(b, parser, r, &p, e) < 0 || packages_each_row(&p, add_line, out, e) < 0)
        return -1;
    return model_repository_each(r, add_line, out);
}

static void compare(struct checking *c, const char *release, const struct lines *wanted, const struct lines *rows)
{
    for (size_t i = 0, k = 0; i < wanted->count || k < rows->count;) {
        int order = i == wanted->count ? 1 : k == rows->count ? -1 : by_key(&wanted->list[i], &rows->list[k]);
        if (order < 0)
            fsck_problem(c->f, "%s: state.db has no row for its package %s", release, wanted->list[i].key);
        else if (order > 0)
            fsck_problem(c->f, "%s: state.db has a row for %s, which it does not bring", release, rows->list[k].key);
        else if (strcmp(wanted->list[i].text, rows->list[k].text) != 0)
            fsck_problem(c->f, "%s: the row of package %s says %.200s; the release says %.200s", release,
                         rows->list[k].key, rows->list[k].text, wanted->list[i].text);
        i += order <= 0;
        k += order >= 0;
    }
}

int fsck_packages(struct checking *c, const struct release *r, const struct blobs *b, struct err *why)
{
    AUTO(lines_fini) struct lines wanted = {0}, rows = {0};
    char release[200];
    snprintf(release, sizeof release, "release %.64s:%.64s", r->name, r->version);
    if (read_wanted(c, r, b, &wanted, why) < 0 || db_package_of_release(c->s->db, &r->digest, add_line, &rows, why) < 0)
        return -1;
    if (wanted.count)
        qsort(wanted.list, wanted.count, sizeof *wanted.list, by_key);
    if (rows.count)
        qsort(rows.list, rows.count, sizeof *rows.list, by_key);
    compare(c, release, &wanted, &rows);
    return 0;
}
