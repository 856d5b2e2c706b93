/* Who runs what an advisory touches. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/print_clean.h"
#include "cli/snapshot.h"
#include "cli/status_now.h"
#include "contour/recall.h"
#include "util/clock.h"

#define OUTPUT_MAX (64U << 20)

static const char *answer_name(enum recall_answer a)
{
    static const char *const names[] = {"affected", "not-affected", "unknown"};
    return names[a];
}

/* ── JSON ── */

static void put_hits(struct json_out *w, const struct recall_release *r)
{
    json_put_array(w, "packages");
    for (size_t i = 0; i < r->hit_count; i++) {
        const struct vuln *v = r->hits[i];
        json_out_object(w);
        json_put_string(w, "purl", v->purl);
        json_put_string(w, "advisory", v->id);
        json_put_string(w, "severity", advisory_severity_name(v->severity));
        json_put_bool(w, "malicious", v->malicious);
        json_put_bool(w, "kev", v->kev);
        if (v->fixed[0])
            json_put_string(w, "fixed", v->fixed);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

static void put_places(struct json_out *w, const struct recall_release *r)
{
    json_put_array(w, "environments");
    for (size_t i = 0; i < r->place_count; i++) {
        const struct recall_place *p = &r->places[i];
        json_out_object(w);
        json_put_string(w, "environment", p->environment);
        json_put_time(w, "since", p->since_s);
        json_put_bool(w, "running", p->running);
        if (p->engine[0])
            json_put_string(w, "engine", p->engine);
        json_out_object_end(w);
    }
    json_out_array_end(w);
    json_put_array(w, "approvals");
    for (size_t i = 0; i < r->approval_count; i++) {
        json_out_object(w);
        json_put_string(w, "person", r->approvals[i].person);
        json_put_string(w, "environment", r->approvals[i].environment);
        json_put_time(w, "time", r->approvals[i].time_s);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

static void put_release(struct json_out *w, const struct recall_release *r)
{
    json_out_object(w);
    json_put_string(w, "release", r->name);
    json_put_digest(w, "digest", &r->digest);
    json_put_string(w, "answer", answer_name(r->answer));
    if (r->why[0])
        json_put_string(w, "reason", r->why);
    if (r->matched_s)
        json_put_time(w, "matched", r->matched_s);
    put_hits(w, r);
    put_places(w, r);
    json_out_object_end(w);
}

static int print_json(const char *id, const struct recall *r, struct err *e)
{
    struct json_out w;
    auto_buf out = BUF(OUTPUT_MAX);
    auto_free char *records = json_dumps(json_object_get(r->records, "records"), JSON_COMPACT);
    command_json(&w, &out, "recall");
    json_put_string(&w, "id", id);
    json_put_bool(&w, "known", r->known);
    json_put_bool(&w, "exploited", json_object_get(r->records, "kev") != NULL);
    json_out_key(&w, "records");
    json_out_raw(&w, records ? span_str(records) : SPAN_LIT("[]"));
    json_put_uint(&w, "affected", r->affected);
    json_put_uint(&w, "unknown", r->unknown);
    json_put_array(&w, "releases");
    for (size_t i = 0; i < r->count; i++)
        put_release(&w, &r->list[i]);
    json_out_array_end(&w);
    if (buf_check(&out, "the answer", e) < 0)
        return -1;
    command_json_end(&w);
    return 0;
}

/* ── people ── */

static void print_records(const struct recall *r)
{
    const json_t *record;
    size_t i;
    json_array_foreach(json_object_get(r->records, "records"), i, record)
    {
        const char *withdrawn = json_get_string(record, "withdrawn", NULL);
        print_clean(json_get_string(record, "id", ""));
        printf("  %s  ", json_get_string(record, "severity", ""));
        print_clean(json_get_string(record, "summary", ""));
        if (json_is_true(json_object_get(record, "malicious")))
            printf("  malicious package");
        if (withdrawn)
            printf("  withdrawn %s: it counts no more", withdrawn);
        putchar('\n');
    }
    if (json_object_get(r->records, "kev"))
        printf("known to be exploited since %s\n", json_get_string(r->records, "kev", ""));
}

static void print_affected(const struct recall_release *r)
{
    printf("  %s  affected\n", r->name);
    for (size_t i = 0; i < r->hit_count; i++) {
        printf("    ");
        print_clean(r->hits[i]->purl);
        printf("  %s", r->hits[i]->id);
        if (r->hits[i]->fixed[0]) {
            printf("  fixed in ");
            print_clean(r->hits[i]->fixed);
        }
        putchar('\n');
    }
    for (size_t i = 0; i < r->place_count; i++)
        printf("    stands in %s since %s%s%s\n", r->places[i].environment, time_text(r->places[i].since_s).text,
               r->places[i].engine[0] ? ", its engine: " : "", r->places[i].engine);
    if (r->place_count == 0)
        printf("    stands in no environment\n");
    for (size_t i = 0; i < r->approval_count; i++)
        printf("    approved for %s by %s (%s)\n", r->approvals[i].environment, r->approvals[i].person,
               time_text(r->approvals[i].time_s).text);
}

static void print_people(const char *id, const struct recall *r)
{
    size_t clear = r->count - r->affected - r->unknown;
    print_records(r);
    if (!r->known)
        printf("%s: no advisory of this name, in what is in force here\n", id);
    for (size_t i = 0; i < r->count; i++) {
        if (r->list[i].answer == RECALL_AFFECTED)
            print_affected(&r->list[i]);
        else if (r->list[i].answer == RECALL_UNKNOWN)
            printf("  %s  unknown: %s\n", r->list[i].name, r->list[i].why);
    }
    printf("%zu release%s affected, %zu not affected, %zu unknown\n", r->affected, r->affected == 1 ? "" : "s", clear,
           r->unknown);
}

/* ── the command ── */

/* Whatever runs is looked for; that it cannot be found out does not keep the rest from being answered. */
static int ask(struct invocation *in, struct site *s, struct recall *out, struct err *e)
{
    struct status_now now = {0};
    struct err none = {0};
    if (status_now_look(s, &now, &none) < 0)
        now.engines = NULL;
    int result = recall_ask(s, in->argv[0], now.engines, out, e);
    status_now_fini(&now);
    return result;
}

static int status_of(const struct recall *r)
{
    if (r->affected > 0)
        return 0;
    if (!r->known)
        return 4;
    return r->unknown > 0 ? 6 : 0;
}

static int run(struct invocation *in)
{
    struct err e = {0};
    auto_recall r = {0};
    if (strlen(in->argv[0]) > 200 || !span_is_printable(span_str(in->argv[0])) || !in->argv[0][0])
        return command_usage(in, "wanted the id of an advisory, such as CVE-2021-44228");
    auto_site site = command_site(in, SITE_CONTOUR, &e);
    if (!site || ask(in, site, &r, &e) < 0)
        return command_fail(in, &e);
    if (!in->json)
        print_people(in->argv[0], &r);
    else if (print_json(in->argv[0], &r, &e) < 0)
        return command_fail(in, &e);
    return status_of(&r);
}

const struct command CMD_RECALL = {
    .name = "recall",
    .usage = "ADVISORY",
    .summary = "which releases, environments and engines an advisory touches",
    .detail =
        "ADVISORY is the id of an advisory or one of its aliases (CVE-2021-44228, GHSA-…, PYSEC-…). Answered from the "
        "signed matching of each release, which is made after each scan and each import of advisories; no artifact is "
        "read. Of a release that is affected: its packages, where it stands and since when, whether its engine runs, "
        "and "
        "who approved it.\nA release that was not matched against the advisories in force is unknown, with the "
        "reason.\n"
        "Ends with 0 when the answer is known, affected or not; with 4 when nothing here knows the advisory; with 6 "
        "when "
        "no release is known to be affected, and one or more are unknown.",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
