#include "cli/status_waivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/waiver.h"
#include "scan/advisories_store.h"
#include "store/db_release.h"
#include "util/clock.h"

#define RELEASES_MAX 4096U

struct looking {
    struct site *s;
    struct policy policy;
    struct status_waivers *out;
    struct {
        struct digest id;
        char name[160];
        bool waived;
    } * releases; /* owned */
    size_t count;
};

static void append(json_t *list, json_t *made)
{
    if (!made || json_array_append_new(list, made) < 0)
        abort();
}

static void problem(struct status_waivers *out, const struct err *e)
{
    if (!out->problem[0])
        snprintf(out->problem, sizeof out->problem, "%s", e->msg);
}

/* ── waivers ── */

static int take_release(void *arg, const struct release_row *row)
{
    struct looking *l = arg;
    if (row->discarded || l->count == RELEASES_MAX)
        return 0;
    l->releases[l->count].id = row->digest;
    snprintf(l->releases[l->count].name, sizeof l->releases->name, "%s:%s", row->name, row->version);
    l->count++;
    return 0;
}

static int there_is_one(void *arg, const struct evidence_row *row)
{
    (void)row;
    *(bool *)arg = true;
    return 0;
}

static void add_due(struct looking *l, size_t release, const struct objection *o, const struct waiver *w,
                    const char *environment)
{
    bool ended = w->until_s < l->s->now_s;
    if (w->until_s - l->s->now_s > (int64_t)l->policy.findings.waiver_warn_s)
        return;
    append(l->out->list,
           json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "release", l->releases[release].name, "digest",
                     digest_text(&l->releases[release].id).text, "finding", o->id, "place", o->place, "environment",
                     environment, "until", time_text(w->until_s).text, "ended", ended));
}

/* Once where it is the same waiver in each environment. */
static void look_at(struct looking *l, size_t release, const struct evidence *ev, const struct objection *o)
{
    static const char *const environments[] = {ENVIRONMENT_SANDBOX, ENVIRONMENT_TEST, ENVIRONMENT_PROD};
    struct waiver_place place = {ev, &l->policy, l->s->config.id, "", l->s->now_s};
    int64_t said_s = INT64_MIN;
    for (size_t i = 0; i < ARRAY_LEN(environments); i++) {
        struct waiver w;
        place.environment = environments[i];
        if (!waiver_ever(&place, o, &w) || w.until_s == said_s)
            continue;
        said_s = w.until_s;
        add_due(l, release, o, &w, environments[i]);
    }
}

static int look_at_release(struct looking *l, size_t release, struct err *e)
{
    auto_evidence ev = {0};
    auto_objections all = {0};
    if (evidence_load(l->s, &l->releases[release].id, &ev, e) < 0 || waiver_objections(&ev, &l->policy, &all, e) < 0)
        return -1;
    for (size_t i = 0; i < all.count; i++)
        look_at(l, release, &ev, &all.list[i]);
    return 0;
}

static int look_at_waivers(struct looking *l, struct err *e)
{
    l->releases = calloc(RELEASES_MAX, sizeof *l->releases);
    if (!l->releases)
        abort();
    if (db_release_each(l->s->db, take_release, l, e) < 0)
        return -1;
    for (size_t i = 0; i < l->count; i++)
        if (db_evidence_each(l->s->db, &l->releases[i].id, PREDICATE_WAIVER, there_is_one, &l->releases[i].waived, e) <
            0)
            return -1;
    for (size_t i = 0; i < l->count; i++)
        if (l->releases[i].waived && look_at_release(l, i, e) < 0)
            return err_prefix(e, "%s", l->releases[i].name);
    return 0;
}

/* ── advisories ── */

static int look_at_advisories(struct looking *l, struct err *e)
{
    auto_in_force f = {.fd = -1};
    int64_t oldest_s;
    if (advisories_in_force(l->s, false, &f, e) < 0)
        return e->code == ERR_NOTFOUND ? 0 : -1;
    if (json_need_time(f.said, "oldest", "", &oldest_s, e) < 0)
        return -1;
    int64_t age_s = l->s->now_s > oldest_s ? l->s->now_s - oldest_s : 0;
    const struct policy_findings *p = &l->policy.findings;
    l->out->advisories = json_pack(
        "{s:s, s:I, s:I, s:b, s:I, s:I}", "oldest", time_text(oldest_s).text, "age_days", (json_int_t)(age_s / 86400),
        "allowed_days", (json_int_t)(p->advisories_age_s / 86400), "too_old", age_s > (int64_t)p->advisories_age_s,
        "records", json_integer_value(json_object_get(f.said, "records")), "least", (json_int_t)p->advisories_least);
    if (!l->out->advisories)
        abort();
    return 0;
}

void status_waivers_look(struct site *s, struct status_waivers *out)
{
    struct looking l = {.s = s, .out = out};
    struct err e = {0};
    *out = (struct status_waivers){.list = json_array()};
    if (policy_load(s, &l.policy, &e) < 0)
        return; /* said of the policy itself */
    if (look_at_waivers(&l, &e) < 0)
        problem(out, &e);
    err_clear(&e);
    if (look_at_advisories(&l, &e) < 0)
        problem(out, &e);
    free(l.releases);
}

void status_waivers_fini(struct status_waivers *w)
{
    json_decref(w->list);
    json_decref(w->advisories);
}

/* ── text, JSON ── */

static long long number(const json_t *j, const char *key)
{
    return (long long)json_integer_value(json_object_get(j, key));
}

void status_waivers_print(const struct status_waivers *w)
{
    const json_t *one;
    size_t i;
    if (json_array_size(w->list))
        printf("\nWaivers that have ended, or end soon\n");
    json_array_foreach(w->list, i, one)
    {
        printf("  %-24s %s at %s: %s %s\n", json_get_string(one, "release", ""), json_get_string(one, "finding", ""),
               json_get_string(one, "place", ""), json_is_true(json_object_get(one, "ended")) ? "ENDED" : "ends",
               json_get_string(one, "until", ""));
    }
    if (json_is_true(json_object_get(w->advisories, "too_old")))
        printf("\nAdvisories are TOO OLD: %lld days, and the policy allows %lld\n", number(w->advisories, "age_days"),
               number(w->advisories, "allowed_days"));
    else if (w->advisories)
        printf("\nAdvisories: %lld records, %lld days old, the policy allows %lld\n", number(w->advisories, "records"),
               number(w->advisories, "age_days"), number(w->advisories, "allowed_days"));
    if (w->problem[0])
        printf("\nWaivers and advisories could not be looked at: %s\n", w->problem);
}

static void put(struct json_out *j, const char *key, const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_out_key(j, key);
    json_out_raw(j, span_str(text ? text : "null"));
    free(text);
}

void status_waivers_put(struct json_out *j, const struct status_waivers *w)
{
    put(j, "waivers", w->list);
    put(j, "advisories_age", w->advisories);
}
