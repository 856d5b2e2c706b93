#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/status_carried.h"
#include "cli/status_holds.h"
#include "cli/status_now.h"
#include "cli/status_waivers.h"
#include "store/db_package.h"
#include "store/db_release.h"
#include "trust/statement.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/limits.h"

/* Everything is collected first and printed afterwards, so that text and JSON tell the same facts. */

#define STATUS_MAX 4096U /* of each kind; more are counted and not listed */

struct status_pointer {
    char environment[17], name[65], version[33];
    struct digest release;
    int64_t time_s;
};

struct status_release {
    char name[65], version[33];
    struct digest digest;
    uint64_t shipment;
    bool admitted, discarded;
    uint64_t packages;                                           /* files that it brings, its model's left out */
    char scan[16], test[16], silence[16], intake[16], trust[16]; /* newest result of each, or "-" */
};

struct status_shipment {
    uint64_t number, sequence;
    char station[65];
    enum shipment_state state;
    int64_t received_s;
};

struct status {
    struct status_pointer *pointers;
    struct status_release *releases;
    struct status_shipment *shipments;
    size_t pointer_count, release_count, shipment_count;
    uint64_t ledger_size;
    struct status_now now;
    struct status_holds holds;
    struct status_waivers waivers;
    struct status_carried carried;
};

static void status_fini(struct status *st)
{
    free(st->pointers);
    free(st->releases);
    free(st->shipments);
    status_now_fini(&st->now);
    status_holds_fini(&st->holds);
    status_waivers_fini(&st->waivers);
    status_carried_fini(&st->carried);
}

static void *zeroed(size_t size)
{
    void *p = calloc(STATUS_MAX, size);
    if (!p)
        abort();
    return p;
}

static void copy_to(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

static int take_pointer(void *arg, const struct pointer_row *row)
{
    struct status *st = arg;
    if (st->pointer_count == STATUS_MAX)
        return 1;
    struct status_pointer *p = &st->pointers[st->pointer_count++];
    copy_to(p->environment, sizeof p->environment, row->environment);
    copy_to(p->name, sizeof p->name, row->name);
    p->release = row->release;
    p->time_s = row->time_s;
    return 0;
}

static int take_release(void *arg, const struct release_row *row)
{
    struct status *st = arg;
    if (st->release_count == STATUS_MAX)
        return 1;
    struct status_release *r = &st->releases[st->release_count++];
    copy_to(r->name, sizeof r->name, row->name);
    copy_to(r->version, sizeof r->version, row->version);
    r->digest = row->digest;
    r->shipment = row->shipment;
    r->admitted = row->admitted;
    r->discarded = row->discarded;
    return 0;
}

static int take_shipment(void *arg, const struct shipment_row *row)
{
    struct status *st = arg;
    if (st->shipment_count == STATUS_MAX)
        return 1;
    st->shipments[st->shipment_count++] = (struct status_shipment){
        .number = row->number, .sequence = row->sequence, .state = row->state, .received_s = row->received_s};
    copy_to(st->shipments[st->shipment_count - 1].station, sizeof st->shipments[0].station, row->station);
    return 0;
}

/* A summary only: rows, not signatures. Whoever decides looks at the signatures. */
static int take_evidence(void *arg, const struct evidence_row *row)
{
    struct status_release *r = arg;
    if (strcmp(row->predicate_type, PREDICATE_SCAN) == 0)
        copy_to(r->scan, sizeof r->scan, row->result);
    else if (strcmp(row->predicate_type, PREDICATE_TEST_RESULT) == 0)
        copy_to(r->test, sizeof r->test, row->result);
    else if (strcmp(row->predicate_type, PREDICATE_SILENCE) == 0)
        copy_to(r->silence, sizeof r->silence, row->result);
    else if (strcmp(row->predicate_type, PREDICATE_VSA) == 0 && strcmp(row->environment, "prod") == 0)
        copy_to(r->trust, sizeof r->trust, row->result);
    else if (strcmp(row->predicate_type, PREDICATE_VSA) == 0 && strcmp(row->environment, "sandbox") == 0)
        copy_to(r->intake, sizeof r->intake, row->result);
    return 0;
}

static int count_package(void *arg, const struct package_row *row)
{
    struct status_release *r = arg;
    r->packages += strcmp(row->ecosystem, "hf") != 0 && strcmp(row->ecosystem, "evidence") != 0;
    return 0;
}

static void name_pointers(struct status *st)
{
    for (size_t i = 0; i < st->pointer_count; i++)
        for (size_t k = 0; k < st->release_count; k++)
            if (digest_equal(&st->pointers[i].release, &st->releases[k].digest))
                copy_to(st->pointers[i].version, sizeof st->pointers[i].version, st->releases[k].version);
}

static int collect(struct site *s, struct status *st, struct err *e)
{
    st->pointers = zeroed(sizeof *st->pointers);
    st->releases = zeroed(sizeof *st->releases);
    st->shipments = zeroed(sizeof *st->shipments);
    if (db_pointer_each(s->db, NULL, take_pointer, st, e) < 0 || db_release_each(s->db, take_release, st, e) < 0 ||
        db_shipment_each(s->db, 0, take_shipment, st, e) < 0)
        return -1;
    for (size_t i = 0; i < st->release_count; i++)
        if (db_evidence_each(s->db, &st->releases[i].digest, NULL, take_evidence, &st->releases[i], e) < 0 ||
            db_package_of_release(s->db, &st->releases[i].digest, count_package, &st->releases[i], e) < 0)
            return -1;
    name_pointers(st);
    st->ledger_size = ledger_size(s->ledger);
    status_carried_look(s, &st->carried);
    status_waivers_look(s, &st->waivers);
    return status_now_look(s, &st->now, e) < 0
               ? -1
               : status_holds_look(s, st->now.serves ? &st->now.serve : NULL, &st->holds, e);
}

/* ── text ── */

static const char *or_dash(const char *text)
{
    return text[0] ? text : "-";
}

static void print_status(const struct site *s, const struct status *st)
{
    printf("contour %s (%s)\nledger  %llu entries\n", s->config.name, s->config.id,
           (unsigned long long)st->ledger_size);
    status_now_print_head(&st->now);
    printf("\nEnvironments\n");
    for (size_t i = 0; i < st->pointer_count; i++)
        printf("  %-8s %-24s %-10s %s  since %s\n", st->pointers[i].environment, st->pointers[i].name,
               st->pointers[i].version, digest_text(&st->pointers[i].release).text,
               time_text(st->pointers[i].time_s).text);
    if (st->pointer_count == 0)
        printf("  nothing stands anywhere\n");
    printf("\nReleases                                  lies in     scan    intake  test    silence       trust   "
           "packages\n");
    for (size_t i = 0; i < st->release_count; i++) {
        const struct status_release *r = &st->releases[i];
        printf("  %-24s %-12s   %-10s  %-7s %-7s %-7s %-13s %-7s %llu\n", r->name, r->version,
               r->admitted    ? "store"
               : r->discarded ? "discarded"
                              : "quarantine",
               or_dash(r->scan), or_dash(r->intake), or_dash(r->test), or_dash(r->silence), or_dash(r->trust),
               (unsigned long long)r->packages);
    }
    printf("\nShipments\n");
    for (size_t i = 0; i < st->shipment_count; i++)
        printf("  shipment:%llu  %s, number %llu of station %.16s…, received %s\n",
               (unsigned long long)st->shipments[i].number, shipment_state_name(st->shipments[i].state),
               (unsigned long long)st->shipments[i].sequence, st->shipments[i].station,
               time_text(st->shipments[i].received_s).text);
    status_carried_print(s, &st->carried);
    status_waivers_print(&st->waivers);
    status_holds_print(&st->holds);
    status_now_print(s, &st->now);
}

/* ── JSON ── */

static void put_releases(struct json_out *j, const struct status *st)
{
    json_put_array(j, "releases");
    for (size_t i = 0; i < st->release_count; i++) {
        const struct status_release *r = &st->releases[i];
        json_out_object(j);
        json_put_string(j, "name", r->name);
        json_put_string(j, "version", r->version);
        json_put_digest(j, "digest", &r->digest);
        json_put_uint(j, "shipment", r->shipment);
        json_put_bool(j, "admitted", r->admitted);
        json_put_bool(j, "discarded", r->discarded);
        json_put_uint(j, "packages", r->packages);
        json_put_object(j, "newest");
        json_put_string(j, "scan", r->scan);
        json_put_string(j, "intake", r->intake);
        json_put_string(j, "test", r->test);
        json_put_string(j, "silence", r->silence);
        json_put_string(j, "trust", r->trust);
        json_out_object_end(j);
        json_out_object_end(j);
    }
    json_out_array_end(j);
}

static void put_rest(struct json_out *j, const struct status *st)
{
    json_put_array(j, "environments");
    for (size_t i = 0; i < st->pointer_count; i++) {
        json_out_object(j);
        json_put_string(j, "environment", st->pointers[i].environment);
        json_put_string(j, "name", st->pointers[i].name);
        json_put_string(j, "version", st->pointers[i].version);
        json_put_digest(j, "digest", &st->pointers[i].release);
        json_put_time(j, "since", st->pointers[i].time_s);
        json_out_object_end(j);
    }
    json_out_array_end(j);
    json_put_array(j, "shipments");
    for (size_t i = 0; i < st->shipment_count; i++) {
        json_out_object(j);
        json_put_uint(j, "number", st->shipments[i].number);
        json_put_string(j, "station", st->shipments[i].station);
        json_put_uint(j, "sequence", st->shipments[i].sequence);
        json_put_string(j, "state", shipment_state_name(st->shipments[i].state));
        json_put_time(j, "received", st->shipments[i].received_s);
        json_out_object_end(j);
    }
    json_out_array_end(j);
}

static void put_status(const struct site *s, const struct status *st)
{
    struct json_out j;
    auto_buf out = BUF(64U << 20);
    command_json(&j, &out, "status");
    json_put_string(&j, "name", s->config.name);
    json_put_string(&j, "id", s->config.id);
    json_put_uint(&j, "ledger_entries", st->ledger_size);
    put_rest(&j, st);
    put_releases(&j, st);
    status_now_put(&j, &st->now);
    status_holds_put(&j, &st->holds);
    status_waivers_put(&j, &st->waivers);
    status_carried_put(&j, &st->carried);
    command_json_end(&j);
}

static int run(struct invocation *in)
{
    struct err e = {0};
    AUTO(status_fini) struct status st = {0};
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || collect(s, &st, &e) < 0)
        return command_fail(in, &e);
    if (in->json)
        put_status(s, &st);
    else
        print_status(s, &st);
    return 0;
}

const struct command CMD_STATUS = {
    .name = "status",
    .summary =
        "where everything stands: environments, releases, shipments, what was pushed, locked addresses, serve, ledger",
    .detail =
        "A summary from the rows of state.db. What decides are signatures: `airlock passport REF` looks at those.",
    .min_args = 0,
    .max_args = 0,
    .run = run,
};
