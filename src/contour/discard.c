/* Order: in one transaction the rules are looked at, the rows go, the ledger entry is added; the folder in quarantine
 * goes after the commit (contour_tidy), blobs of the store with the next gc. */
#include "contour/discard.h"

#include <stdlib.h>
#include <string.h>

#include "contour/promote.h"
#include "util/limits.h"

struct standing {
    struct site *s;
    const struct release_row *row;
    char where[64]; /* "" when it is free to go */
};

static int look_at_pointer(void *arg, const struct pointer_row *pointer)
{
    struct standing *w = arg;
    struct digest previous;
    struct err none = {0};
    if (strcmp(pointer->name, w->row->name) != 0)
        return 0;
    if (digest_equal(&pointer->release, &w->row->digest))
        snprintf(w->where, sizeof w->where, "it stands in %s", pointer->environment);
    else if (contour_previous(w->s, pointer->environment, pointer->name, &previous, &none) == 0 &&
             digest_equal(&previous, &w->row->digest))
        snprintf(w->where, sizeof w->where, "a rollback of %s would bring it back", pointer->environment);
    return w->where[0] != '\0';
}

static int check_free(struct site *s, const struct release_row *row, struct err *e)
{
    struct standing w = {.s = s, .row = row};
    if (row->discarded)
        return err_set(e, ERR_EXISTS, 0, "%s:%s was discarded already", row->name, row->version);
    if (db_pointer_each(s->db, NULL, look_at_pointer, &w, e) < 0)
        return -1;
    if (!w.where[0])
        return 0;
    err_set(e, ERR_DENIED, 0, "%s:%s cannot be discarded: %s", row->name, row->version, w.where);
    return err_hint(e, "`airlock promote` another release there first, twice where a rollback would come back to it");
}

static int add_bytes(void *arg, const struct digest *id, const char *media_type, uint64_t size)
{
    (void)id;
    (void)media_type;
    *(uint64_t *)arg += size;
    return 0;
}

/* Inside the transaction. */
static int drop(struct site *s, const struct release_row *row, const char *reason, struct discard_result *out,
                struct err *e)
{
    struct json_out w;
    char name[128];
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (check_free(s, row, e) < 0 || db_release_blob_each(s->db, &row->digest, add_bytes, &out->bytes, e) < 0 ||
        db_release_discard(s->db, &row->digest, e) < 0)
        return -1;
    snprintf(name, sizeof name, "%s:%s", row->name, row->version);
    site_event(s, &w, &entry, "discard");
    json_put_string(&w, "release", name);
    json_put_digest(&w, "digest", &row->digest);
    json_put_string(&w, "from", row->admitted ? "store" : "quarantine");
    json_put_string(&w, "reason", reason);
    out->releases++;
    return site_append(s, &w, NULL, e);
}

struct waiting {
    uint64_t shipment;
    struct digest list[64]; /* a shipment has at most so many releases (ship/receive.h) */
    size_t count;
    bool admitted; /* something of it was */
};

static int look_at_release(void *arg, const struct release_row *row)
{
    struct waiting *w = arg;
    if (row->shipment != w->shipment)
        return 0;
    w->admitted |= row->admitted;
    if (!row->admitted && !row->discarded && w->count < ARRAY_LEN(w->list))
        w->list[w->count++] = row->digest;
    return 0;
}

static int drop_one(struct site *s, const struct digest *id, const char *reason, struct discard_result *out,
                    uint64_t *shipment, struct err *e)
{
    struct release_row row;
    auto_buf names = BUF(1024);
    if (db_release_get(s->db, id, &row, &names, e) < 0)
        return -1;
    *shipment = row.admitted ? 0 : row.shipment;
    return drop(s, &row, reason, out, e);
}

/* When nothing of a shipment waits any more, it is done with. */
static int close_shipment(struct site *s, uint64_t number, struct err *e)
{
    struct waiting w = {.shipment = number};
    if (number == 0)
        return 0;
    if (db_release_each(s->db, look_at_release, &w, e) < 0)
        return -1;
    return w.count ? 0 : db_shipment_set_state(s->db, number, w.admitted ? SHIPMENT_ADMITTED : SHIPMENT_DISCARDED, e);
}

static int finish(struct site *s, int result, struct err *e)
{
    struct err later = {0}; /* the folder can be removed by the next command as well */
    if (result < 0 || site_commit(s, NULL, NULL, e) < 0) {
        site_rollback(s);
        return -1;
    }
    (void)contour_tidy(s, &later);
    return 0;
}

int discard_release(struct site *s, const struct digest *release, const char *reason, struct discard_result *out,
                    struct err *e)
{
    uint64_t shipment = 0;
    *out = (struct discard_result){0};
    if (site_begin(s, e) < 0)
        return -1;
    int result = drop_one(s, release, reason, out, &shipment, e) < 0 ? -1 : close_shipment(s, shipment, e);
    return finish(s, result, e);
}

static int is_that_shipment(void *arg, const struct shipment_row *row)
{
    return row->number == *(const uint64_t *)arg;
}

static int check_shipment(struct site *s, uint64_t number, struct err *e)
{
    int found = db_shipment_each(s->db, 0, is_that_shipment, &number, e);
    if (found)
        return found < 0 ? -1 : 0;
    err_set(e, ERR_NOTFOUND, 0, "there is no such shipment: shipment:%llu", (unsigned long long)number);
    return err_hint(e, "`airlock status` lists those that were received");
}

int discard_shipment(struct site *s, uint64_t number, const char *reason, struct discard_result *out, struct err *e)
{
    struct waiting w = {.shipment = number};
    uint64_t shipment;
    *out = (struct discard_result){0};
    if (site_begin(s, e) < 0)
        return -1;
    int result = check_shipment(s, number, e);
    if (result == 0)
        result = db_release_each(s->db, look_at_release, &w, e);
    if (result == 0 && w.count == 0)
        result = err_set(e, ERR_DENIED, 0, "nothing of shipment:%llu waits in quarantine", (unsigned long long)number);
    for (size_t i = 0; result == 0 && i < w.count; i++)
        result = drop_one(s, &w.list[i], reason, out, &shipment, e);
    return finish(s, result < 0 ? -1 : close_shipment(s, number, e), e);
}
