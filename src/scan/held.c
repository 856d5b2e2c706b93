/* The packages of a release against each other and against those that admitted releases hold: a name that people take
 * for another, and a package that was another file before, under whatever spelling of the file's name. */
#include <stdio.h>
#include <string.h>

#include "parse/package.h"
#include "scan/internal.h"
#include "ship/packages.h"
#include "store/db_package.h"

struct known {
    char skeleton[512 + 8]; /* ecosystem and what such names have in common */
    char *name, *filename;  /* owned */
    char *identity;         /* owned; parse/package.h */
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

static void add(struct comparing *c, const struct package_row *from, size_t row)
{
    char identity[PACKAGE_IDENTITY_SIZE];
    if (c->count == c->room) {
        c->room = c->room ? 2 * c->room : 256;
        c->list = reallocarray(c->list, c->room, sizeof *c->list);
        if (!c->list)
            abort();
    }
    package_identity(from->ecosystem, from->name, from->version, from->filename, identity);
    struct known *k = &c->list[c->count++];
    *k = (struct known){.name = copy_of(from->name),
                        .filename = copy_of(from->filename),
                        .identity = copy_of(identity),
                        .digest = from->digest,
                        .row = row};
    int len = snprintf(k->skeleton, sizeof k->skeleton, "%.7s ", from->ecosystem);
    package_name_skeleton(from->ecosystem, from->name, k->skeleton + len, sizeof k->skeleton - (size_t)len);
}

/* Names that clients ask a registry for; a file's or a model's is its owner's own. */
static bool has_names(const char *ecosystem)
{
    return strcmp(ecosystem, "pypi") == 0 || strcmp(ecosystem, "npm") == 0 || strcmp(ecosystem, "deb") == 0;
}

static int add_held(void *arg, const struct package_row *row)
{
    if (has_names(row->ecosystem))
        add(arg, row, SIZE_MAX);
    return 0;
}

/* What looks alike stands together; in it each name; of a name each package; of a package each file. */
static int by_likeness(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    int order = strcmp(x->skeleton, y->skeleton);
    order = order ? order : strcmp(x->name, y->name);
    order = order ? order : strcmp(x->identity, y->identity);
    return order ? order : digest_compare(&x->digest, &y->digest);
}

static bool same_name(const struct known *a, const struct known *b)
{
    return strcmp(a->name, b->name) == 0;
}

static bool same_file(const struct known *a, const struct known *b)
{
    return digest_equal(&a->digest, &b->digest);
}

static void find_alike(struct scan_report *out, const struct known *ours, const struct known *other)
{
    char text[400];
    snprintf(text, sizeof text, "people take the name \"%.100s\" for \"%.100s\", which %s holds", ours->name,
             other->name, other->row == SIZE_MAX ? "an admitted release" : "this release");
    scan_add_finding(out, &out->files[ours->row], SEVERITY_HIGH, "package-look-alike", text);
}

static void find_changed(struct scan_report *out, const struct known *ours, const struct known *other)
{
    char text[600];
    const char *where = other->row == SIZE_MAX ? "an admitted release" : "this release";
    if (strcmp(ours->filename, other->filename) == 0)
        snprintf(text, sizeof text, "%s holds this file with other bytes, %s", where, digest_text(&other->digest).text);
    else
        snprintf(text, sizeof text,
                 "%s holds this package as %.300s with other bytes, %s: clients take the two for one", where,
                 other->filename, digest_text(&other->digest).text);
    scan_add_finding(out, &out->files[ours->row], SEVERITY_HIGH, "package-changed", text);
}

/* Each of ours in list[from..to) against the first or the last of it, whichever is not the same: what stands between is
 * of the one kind or of the other. */
static void compare(const struct known *list, size_t from, size_t to, struct scan_report *out,
                    bool (*same)(const struct known *, const struct known *),
                    void (*find)(struct scan_report *, const struct known *, const struct known *))
{
    const struct known *first = &list[from], *last = &list[to - 1];
    if (same(first, last))
        return;
    for (size_t i = from; i < to; i++)
        if (list[i].row != SIZE_MAX)
            find(out, &list[i], same(&list[i], first) ? last : first);
}

static void compare_all(const struct comparing *c, struct scan_report *out)
{
    for (size_t from = 0, to; from < c->count; from = to) {
        for (to = from + 1; to < c->count && strcmp(c->list[to].skeleton, c->list[from].skeleton) == 0; to++)
            ;
        compare(c->list, from, to, out, same_name, find_alike);
    }
    for (size_t from = 0, to; from < c->count; from = to) {
        for (to = from + 1;
             to < c->count && strcmp(c->list[to].identity, c->list[from].identity) == 0 &&
             same_name(&c->list[to], &c->list[from]) && strcmp(c->list[to].skeleton, c->list[from].skeleton) == 0;
             to++)
            ;
        compare(c->list, from, to, out, same_file, find_changed);
    }
}

int scan_held(struct site *s, const struct release *r, struct scan_report *out, struct err *e)
{
    struct comparing c = {0};
    for (size_t i = 0; i < out->count; i++) {
        const struct package *p = out->files[i].package;
        if (!p || !has_names(p->ecosystem))
            continue;
        struct package_row row = {.ecosystem = p->ecosystem,
                                  .name = p->name,
                                  .version = p->version,
                                  .filename = p->filename,
                                  .digest = p->digest};
        add(&c, &row, i);
    }
    int result = c.count ? db_package_held(s->db, &r->digest, add_held, &c, e) : 0;
    if (result == 0 && c.count) {
        qsort(c.list, c.count, sizeof *c.list, by_likeness);
        compare_all(&c, out);
    }
    for (size_t i = 0; i < c.count; i++) {
        free(c.list[i].name);
        free(c.list[i].filename);
        free(c.list[i].identity);
    }
    free(c.list);
    return result;
}
