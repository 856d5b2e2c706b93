#include "gate/policy_diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ship/shipment.h"
#include "store/db_release.h"

struct comparison {
    struct site *s;
    const struct policy *now, *other;
    int (*each)(void *arg, const struct policy_difference *d);
    void *arg;
    struct err *e;
};

/* The database must not be read while the parse process works, so the digests are collected first. */
struct digests {
    struct digest *list;
    size_t count, room;
};

static int collect(void *arg, const struct release_row *row)
{
    struct digests *d = arg;
    if (row->discarded)
        return 0;
    if (d->count == d->room) {
        d->room = d->room ? 2 * d->room : 16;
        d->list = reallocarray(d->list, d->room, sizeof *d->list);
        if (!d->list)
            abort();
    }
    d->list[d->count++] = row->digest;
    return 0;
}

static bool stands(struct site *s, const char *environment, const struct release_row *row)
{
    struct digest there;
    struct err ignored = {0};
    return db_pointer_get(s->db, environment, row->name, &there, &ignored) == 0 && digest_equal(&there, &row->digest);
}

static int compare_in(const struct comparison *c, const struct release_row *row, const struct release *r,
                      const struct evidence *ev, const char *environment)
{
    struct verdict before, after;
    char name[160];
    if (gate_evaluate_under(c->s, c->now, r, environment, ev, &before, c->e) < 0 ||
        gate_evaluate_under(c->s, c->other, r, environment, ev, &after, c->e) < 0)
        return -1;
    if (before.passed == after.passed)
        return 0;
    snprintf(name, sizeof name, "%s:%s", row->name, row->version);
    struct policy_difference d = {name, row->digest, environment, stands(c->s, environment, row), &before, &after};
    return c->each(c->arg, &d);
}

static int compare_release(const struct comparison *c, const struct digest *id)
{
    static const char *const environments[] = {ENVIRONMENT_SANDBOX, ENVIRONMENT_TEST, ENVIRONMENT_PROD};
    struct release_row row;
    auto_buf names = BUF(1024);
    auto_evidence ev = {0};
    if (db_release_get(c->s->db, id, &row, &names, c->e) < 0)
        return -1;
    struct blobs *blobs = release_blobs(c->s, &row, c->e);
    struct release *r = blobs ? release_of_row(c->s, blobs, &row, c->e) : NULL;
    int result = r ? evidence_load(c->s, id, &ev, c->e) : -1;
    for (size_t i = 0; result == 0 && i < ARRAY_LEN(environments); i++)
        result = compare_in(c, &row, r, &ev, environments[i]);
    release_free(r);
    blobs_close(blobs);
    return result;
}

int policy_diff(struct site *s, const struct policy *other, int (*each)(void *arg, const struct policy_difference *d),
                void *arg, size_t *releases, struct err *e)
{
    struct policy now;
    struct digests all = {0};
    struct comparison c = {s, &now, other, each, arg, e};
    int result = policy_load(s, &now, e) < 0 || db_release_each(s->db, collect, &all, e) < 0 ? -1 : 0;
    for (size_t i = 0; result == 0 && i < all.count; i++)
        result = compare_release(&c, &all.list[i]);
    *releases = all.count;
    free(all.list);
    return result;
}
