#include "contour/ref.h"

#include <string.h>

#include "gate/policy.h"
#include "ship/release.h"
#include "util/limits.h"

static int no_ref(const char *ref, struct err *e)
{
    err_set(e, ERR_USAGE, 0, "\"%.120s\" names no release", ref);
    return err_hint(e, "Wanted name:v1.2.3, name@sha256:…, prod/name or shipment:N");
}

bool ref_is_shipment(const char *ref, uint64_t *number)
{
    struct span s = span_str(ref);
    return span_take_prefix(&s, SPAN_LIT("shipment:")) && span_decimal(s, number) && *number > 0;
}

/* Copies at most size - 1 bytes; false when it does not fit. */
static bool copy_part(const char *from, size_t len, char *to, size_t size)
{
    if (len == 0 || len >= size)
        return false;
    memcpy(to, from, len);
    to[len] = '\0';
    return true;
}

int ref_pointer(const char *ref, char environment[17], char name[65], struct err *e)
{
    const char *slash = strchr(ref, '/');
    if (!slash || !copy_part(ref, (size_t)(slash - ref), environment, 17) ||
        !copy_part(slash + 1, strlen(slash + 1), name, 65) || !release_name_ok(name))
        return err_set(e, ERR_USAGE, 0, "\"%.120s\" is no pointer; wanted ENV/NAME, for example prod/assistant", ref);
    if (!environment_known(environment))
        return err_set(e, ERR_USAGE, 0, "\"%s\" is no environment; wanted sandbox, test or prod", environment);
    return 0;
}

struct of_shipment {
    uint64_t number;
    size_t count;
    struct digest release;
    struct buf *list;
};

static int take_of_shipment(void *arg, const struct release_row *row)
{
    struct of_shipment *found = arg;
    if (row->shipment != found->number)
        return 0;
    found->release = row->digest;
    buf_printf(found->list, "%s%s:%s", found->count++ ? ", " : "", row->name, row->version);
    return 0;
}

static int shipment_is(void *arg, const struct shipment_row *row)
{
    (void)row;
    *(bool *)arg = true;
    return 0;
}

static int by_shipment(struct site *s, uint64_t number, struct release_row *row, struct buf *names, struct err *e)
{
    auto_buf list = BUF(4096);
    bool there = false;
    struct of_shipment found = {.number = number, .list = &list};
    if (db_shipment_each(s->db, number, shipment_is, &there, e) < 0 ||
        db_release_each(s->db, take_of_shipment, &found, e) < 0)
        return -1;
    if (!there) {
        err_set(e, ERR_NOTFOUND, 0, "this contour received no shipment %llu", (unsigned long long)number);
        return err_hint(e, "`airlock status` lists what there is");
    }
    if (found.count == 1)
        return db_release_get(s->db, &found.release, row, names, e);
    if (found.count == 0)
        return err_set(e, ERR_NOTFOUND, 0, "shipment:%llu brought no release that was not here already",
                       (unsigned long long)number);
    return err_set(e, ERR_USAGE, 0, "shipment:%llu holds %zu releases; name one of them: %s",
                   (unsigned long long)number, found.count, buf_str(&list));
}

static int by_pointer(struct site *s, const char *ref, struct release_row *row, struct buf *names, struct err *e)
{
    char environment[17], name[65];
    struct digest release;
    if (ref_pointer(ref, environment, name, e) < 0)
        return -1;
    if (db_pointer_get(s->db, environment, name, &release, e) < 0) {
        if (e->code == ERR_NOTFOUND)
            err_set(e, ERR_NOTFOUND, 0, "nothing called %s stands in %s", name, environment);
        return -1;
    }
    return db_release_get(s->db, &release, row, names, e);
}

static int by_digest(struct site *s, const char *ref, const char *at, struct release_row *row, struct buf *names,
                     struct err *e)
{
    struct digest d;
    if (digest_parse(span_str(at + 1), &d, e) < 0)
        return no_ref(ref, e);
    if (db_release_get(s->db, &d, row, names, e) < 0) {
        if (e->code == ERR_NOTFOUND)
            err_set(e, ERR_NOTFOUND, 0, "no release has the digest %s", digest_text(&d).text);
        return -1;
    }
    if (strlen(row->name) != (size_t)(at - ref) || strncmp(row->name, ref, (size_t)(at - ref)) != 0)
        return err_set(e, ERR_NOTFOUND, 0, "the release %s is %s:%s, not %.64s", digest_text(&d).text, row->name,
                       row->version, ref);
    return 0;
}

static int by_version(struct site *s, const char *ref, const char *colon, struct release_row *row, struct buf *names,
                      struct err *e)
{
    char name[LIMIT_NAME_CHARS + 1];
    if (!copy_part(ref, (size_t)(colon - ref), name, sizeof name) || !release_name_ok(name) ||
        !release_version_ok(colon + 1))
        return no_ref(ref, e);
    if (db_release_find(s->db, name, colon + 1, row, names, e) == 0)
        return 0;
    if (e->code != ERR_NOTFOUND)
        return -1;
    err_set(e, ERR_NOTFOUND, 0, "no release %s here", ref);
    return err_hint(e, "`airlock status` lists what there is");
}

int ref_release(struct site *s, const char *ref, struct release_row *row, struct buf *names, struct err *e)
{
    uint64_t number;
    const char *at = strchr(ref, '@'), *colon = strchr(ref, ':');
    if (ref_is_shipment(ref, &number))
        return by_shipment(s, number, row, names, e);
    if (at)
        return by_digest(s, ref, at, row, names, e);
    if (strchr(ref, '/'))
        return by_pointer(s, ref, row, names, e);
    return colon ? by_version(s, ref, colon, row, names, e) : no_ref(ref, e);
}
