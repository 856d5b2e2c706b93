/* The packages of a release against those that admitted releases hold: a name that people take for another, and a file
 * that was another file before. */
#include <stdio.h>
#include <string.h>

#include "scan/internal.h"
#include "ship/packages.h"
#include "store/db_package.h"

struct known {
    char skeleton[512 + 8]; /* ecosystem and what such names have in common */
    char *name, *filename;  /* owned */
    struct digest digest;
    size_t row; /* of the report; SIZE_MAX: held by another release */
};

struct comparing {
    struct known *list; /* owned */
    size_t count, room;
};

static char *copy_of(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

static void add(struct comparing *c, const char *ecosystem, const char *name, const char *filename,
                const struct digest *id, size_t row)
{
    if (c->count == c->room) {
        c->room = c->room ? 2 * c->room : 256;
        c->list = reallocarray(c->list, c->room, sizeof *c->list);
        if (!c->list)
            abort();
    }
    struct known *k = &c->list[c->count++];
    *k = (struct known){.name = copy_of(name), .filename = copy_of(filename), .digest = *id, .row = row};
    int len = snprintf(k->skeleton, sizeof k->skeleton, "%.7s ", ecosystem);
    package_name_skeleton(name, k->skeleton + len, sizeof k->skeleton - (size_t)len);
}

/* Names that clients ask a registry for; a file's or a model's is its owner's own. */
static bool has_names(const char *ecosystem)
{
    return strcmp(ecosystem, "pypi") == 0 || strcmp(ecosystem, "npm") == 0 || strcmp(ecosystem, "deb") == 0;
}

static int add_held(void *arg, const struct package_row *row)
{
    if (has_names(row->ecosystem))
        add(arg, row->ecosystem, row->name, row->filename, &row->digest, SIZE_MAX);
    return 0;
}

/* What looks alike stands together; of one name, of one file, too. */
static int by_likeness(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    int order = strcmp(x->skeleton, y->skeleton);
    order = order ? order : strcmp(x->name, y->name);
    order = order ? order : strcmp(x->filename, y->filename);
    return order ? order : digest_compare(&x->digest, &y->digest);
}

static void compare_pair(struct scan_report *out, const struct known *ours, const struct known *other)
{
    char text[400];
    if (ours->row == SIZE_MAX)
        return;
    const char *where = other->row == SIZE_MAX ? "an admitted release" : "this release";
    if (strcmp(ours->name, other->name) != 0) {
        snprintf(text, sizeof text, "people take the name \"%.100s\" for \"%.100s\", which %s holds", ours->name,
                 other->name, where);
        scan_add_finding(out, &out->files[ours->row], SEVERITY_HIGH, "package-look-alike", text);
    } else if (strcmp(ours->filename, other->filename) == 0 && !digest_equal(&ours->digest, &other->digest)) {
        snprintf(text, sizeof text, "%s holds this file with other bytes, %s", where, digest_text(&other->digest).text);
        scan_add_finding(out, &out->files[ours->row], SEVERITY_HIGH, "package-changed", text);
    }
}

/* Each of ours against its neighbours of the same likeness: one of another name, and one of the same file, are next to
 * it or next to its own kind. */
static void compare_all(struct comparing *c, struct scan_report *out)
{
    for (size_t from = 0, to; from < c->count; from = to) {
        for (to = from + 1; to < c->count && strcmp(c->list[to].skeleton, c->list[from].skeleton) == 0; to++)
            ;
        const struct known *first = &c->list[from], *last = &c->list[to - 1];
        for (size_t i = from; i < to; i++) {
            const struct known *k = &c->list[i];
            if (strcmp(first->name, last->name) != 0)
                compare_pair(out, k, strcmp(k->name, first->name) == 0 ? last : first);
            if (i > from && strcmp(k[-1].name, k->name) == 0)
                compare_pair(out, k, k - 1);
            if (i + 1 < to && strcmp(k[1].name, k->name) == 0)
                compare_pair(out, k, k + 1);
        }
    }
}

int scan_held(struct site *s, const struct release *r, struct scan_report *out, struct err *e)
{
    struct comparing c = {0};
    for (size_t i = 0; i < out->count; i++) {
        const struct package *p = out->files[i].package;
        if (p && has_names(p->ecosystem))
            add(&c, p->ecosystem, p->name, p->filename, &p->digest, i);
    }
    int result = c.count ? db_package_held(s->db, &r->digest, add_held, &c, e) : 0;
    if (result == 0 && c.count) {
        qsort(c.list, c.count, sizeof *c.list, by_likeness);
        compare_all(&c, out);
    }
    for (size_t i = 0; i < c.count; i++) {
        free(c.list[i].name);
        free(c.list[i].filename);
    }
    free(c.list);
    return result;
}
