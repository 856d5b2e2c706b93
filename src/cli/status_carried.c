#include "cli/status_carried.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/snapshot.h"
#include "gate/policy_proposal.h"
#include "scan/advisories_store.h"
#include "util/clock.h"

static json_t *made(json_t *j)
{
    if (!j)
        abort();
    return j;
}

static void tell_problem(struct status_carried *out, const struct err *e)
{
    if (!out->problem[0])
        snprintf(out->problem, sizeof out->problem, "%s", e->msg);
}

static void look_at_policy(struct site *s, struct status_carried *out)
{
    auto_policy_proposal p = {0};
    struct err e = {0};
    int waits = policy_proposal_waits(s, &p, &e);
    if (waits < 0)
        tell_problem(out, &e);
    if (waits <= 0)
        return;
    out->waits = made(json_pack("{s:s, s:I, s:{s:s, s:s}, s:s, s:s}", "policy", digest_text(&p.digest).text, "shipment",
                                (json_int_t)p.shipment, "station", "name", p.station_name, "root", p.station, "issued",
                                time_text(p.issued_s).text, "received", time_text(p.received_s).text));
}

static void look_at_advisories(struct site *s, struct status_carried *out)
{
    auto_in_force f = {.fd = -1};
    struct err e = {0};
    if (advisories_in_force(s, false, &f, &e) < 0) {
        if (e.code != ERR_NOTFOUND)
            tell_problem(out, &e);
        return;
    }
    out->advisories =
        made(json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "digest", digest_text(&f.digest).text, "date",
                       json_get_string(f.said, "date", ""), "oldest", json_get_string(f.said, "oldest", ""), "records",
                       json_integer_value(json_object_get(f.said, "records")), "issued", time_text(f.issued_s).text,
                       "imported", time_text(f.imported_s).text));
    if (f.shipment)
        json_object_set_new(out->advisories, "shipment", json_integer((json_int_t)f.shipment));
}

void status_carried_look(struct site *s, struct status_carried *out)
{
    *out = (struct status_carried){0};
    look_at_policy(s, out);
    look_at_advisories(s, out);
}

void status_carried_fini(struct status_carried *c)
{
    json_decref(c->waits);
    json_decref(c->advisories);
}

static const char *age_of(const json_t *j, const char *key, int64_t now_s, struct age_text *out)
{
    int64_t time_s = now_s;
    time_parse(span_str(json_get_string(j, key, "")), &time_s);
    *out = age_text(time_s, now_s);
    return out->text;
}

void status_carried_print(const struct site *s, const struct status_carried *c)
{
    struct age_text newest, oldest;
    unsigned long long shipment = (unsigned long long)json_integer_value(json_object_get(c->waits, "shipment"));
    printf("\nAdvisories\n");
    if (c->advisories)
        printf("  %lld in force, of %s (%s old; the oldest source %s), taken in %s\n",
               (long long)json_integer_value(json_object_get(c->advisories, "records")),
               json_get_string(c->advisories, "date", ""), age_of(c->advisories, "date", s->now_s, &newest),
               age_of(c->advisories, "oldest", s->now_s, &oldest), json_get_string(c->advisories, "imported", ""));
    else
        printf("  none were taken in\n");
    if (c->waits)
        printf(
            "\nA policy of %s waits for two people: it came in shipment:%llu of station %s\n"
            "  `airlock policy diff shipment:%llu` says what it changes, `airlock policy set shipment:%llu --key FILE "
            "--key FILE` puts it in force\n",
            json_get_string(c->waits, "issued", ""), shipment,
            json_get_string(json_object_get(c->waits, "station"), "name", ""), shipment, shipment);
    if (c->problem[0])
        printf("  not as it must be: %s\n", c->problem);
}

static void put(struct json_out *j, const char *key, const json_t *value)
{
    auto_free char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_out_key(j, key);
    if (text)
        json_out_raw(j, span_str(text));
    else
        json_out_null(j);
}

void status_carried_put(struct json_out *j, const struct status_carried *c)
{
    put(j, "policy_waits", c->waits);
    put(j, "advisories", c->advisories);
    if (c->problem[0])
        json_put_string(j, "carried_problem", c->problem);
}
