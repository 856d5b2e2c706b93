#include "cli/shipment_view.h"

#include <stdio.h>
#include <string.h>

#include "cli/artifacts.h"
#include "store/db_release.h"
#include "util/clock.h"
#include "util/limits.h"

#define OUT_MAX (16U << 20)

struct shipment_view {
    bool json, found;
    uint64_t number;
    struct json_out j;
    struct buf *out;
};

static int show_shipment_row(void *arg, const struct shipment_row *row)
{
    struct shipment_view *v = arg;
    const char *state = shipment_state_name(row->state);
    v->found = true;
    if (v->json) {
        command_json(&v->j, v->out, "received-shipment");
        json_put_uint(&v->j, "number", row->number);
        json_put_string(&v->j, "station", row->station);
        json_put_uint(&v->j, "sequence", row->sequence);
        json_put_time(&v->j, "issued", row->issued_s);
        json_put_time(&v->j, "expires", row->expires_s);
        json_put_time(&v->j, "received", row->received_s);
        json_put_string(&v->j, "state", state);
        json_put_array(&v->j, "releases");
        return 0;
    }
    printf("shipment:%llu\n  station    %s\n  sequence   %llu\n  issued     %s\n  expires    %s\n  received   %s\n"
           "  state      %s\n",
           (unsigned long long)row->number, row->station, (unsigned long long)row->sequence,
           time_text(row->issued_s).text, time_text(row->expires_s).text, time_text(row->received_s).text, state);
    return 0;
}

static int show_shipment_release(void *arg, const struct release_row *row)
{
    struct shipment_view *v = arg;
    if (row->shipment != v->number)
        return 0;
    if (!v->json) {
        printf("  release    %s:%s %s, %s\n", row->name, row->version, digest_text(&row->digest).text,
               row->admitted    ? "admitted"
               : row->discarded ? "discarded"
                                : "in quarantine");
        return 0;
    }
    json_out_object(&v->j);
    json_put_string(&v->j, "name", row->name);
    json_put_string(&v->j, "version", row->version);
    json_put_digest(&v->j, "digest", &row->digest);
    json_put_bool(&v->j, "admitted", row->admitted);
    json_put_bool(&v->j, "discarded", row->discarded);
    json_out_object_end(&v->j);
    return 0;
}

/* ── what came besides: the entry of the ledger says it, whatever lies here by now ── */

struct arrival {
    uint64_t number;
    struct shipment_artifact list[SHIPMENT_ARTIFACTS_MAX];
    size_t count;
    struct err *e;
};

static int look_at_entry(void *arg, uint64_t seq, int64_t time_s, struct span entry)
{
    struct arrival *a = arg;
    struct err no_json = {0};
    (void)seq;
    (void)time_s;
    if (!memmem(entry.ptr, entry.len, "\"receive\"", 9))
        return 0;
    auto_json j = json_parse(entry, LIMIT_LEDGER_ENTRY_BYTES, "ledger entry", &no_json);
    if (strcmp(json_get_string(j, "action", ""), "receive") != 0 ||
        (uint64_t)json_integer_value(json_object_get(j, "shipment")) != a->number)
        return 0;
    return shipment_artifacts_read(j, a->list, &a->count, a->e) < 0 ? -1 : 1;
}

int show_shipment(struct invocation *in, uint64_t number)
{
    struct err e = {0};
    auto_buf out = BUF(OUT_MAX);
    struct shipment_view v = {.json = in->json, .number = number, .out = &out};
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || db_shipment_each(s->db, number, show_shipment_row, &v, &e) < 0)
        return command_fail(in, &e);
    if (!v.found) {
        err_set(&e, ERR_NOTFOUND, 0, "this contour received no shipment %llu", (unsigned long long)number);
        return command_fail(in, &e);
    }
    struct arrival a = {.number = number, .e = &e};
    if (ledger_each(s->ledger, 0, INT64_MAX, look_at_entry, &a, &e) < 0 ||
        db_release_each(s->db, show_shipment_release, &v, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        json_out_array_end(&v.j);
        artifacts_put(&v.j, a.list, a.count);
        command_json_end(&v.j);
    } else {
        artifacts_print(a.list, a.count);
    }
    return 0;
}
