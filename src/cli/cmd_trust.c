#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/fingerprint.h"
#include "trust/tuf.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/limits.h"

/* ── trust root add ── */

static int add_root(struct site *s, struct child *parser, struct span root, const char *fingerprint, uint64_t *seq,
                    struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    const struct private_key *contour = site_key(s, e);
    if (!contour || site_begin(s, e) < 0)
        return -1;
    site_event(s, &w, &entry, "trust-root-add");
    json_put_string(&w, "station", fingerprint);
    if (tuf_root_add(s->db, parser, root, fingerprint, e) == 0 &&
        tuf_root_endorse(s->db, fingerprint, contour, s->now_s, e) == 0 && site_commit(s, &w, seq, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

static int read_and_add(struct invocation *in, struct site *s, const char *fingerprint, uint64_t *seq, struct err *e)
{
    auto_buf root = BUF(LIMIT_TUF_ROOT_BYTES);
    struct child *parser = site_parser(s, e);
    if (!parser || file_read(AT_FDCWD, in->argv[0], &root, e) < 0)
        return -1;
    if (add_root(s, parser, buf_span(&root), fingerprint, seq, e) < 0)
        return err_prefix(e, "%s", in->argv[0]);
    return 0;
}

static int root_add_run(struct invocation *in)
{
    struct digest fingerprint;
    uint64_t seq = 0;
    struct err e = {0};
    const char *typed = option_get(in, "fingerprint");
    if (!typed)
        return command_usage(in, "--fingerprint HEX is needed: ask the people of the station for it, by voice or on "
                                 "paper, and not by the way on which the file came");
    if (!fingerprint_parse(typed, &fingerprint))
        return command_usage(in, "--fingerprint: wanted 64 hex digits (gaps do not matter), found \"%.90s\"", typed);
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || read_and_add(in, s, digest_hex(&fingerprint).text, &seq, &e) < 0 || site_copy_trust(s, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(4096);
        command_json(&w, &out, "trust-root-add");
        json_put_string(&w, "station", digest_hex(&fingerprint).text);
        json_put_uint(&w, "entry", seq);
        command_json_end(&w);
        return 0;
    }
    printf("Shipments of this station are believed from now on\n  fingerprint  %s\n",
           fingerprint_grouped(&fingerprint).text);
    return 0;
}

const struct command CMD_TRUST_ROOT_ADD = {
    .name = "trust root add",
    .usage = "FILE --fingerprint HEX",
    .summary = "believe a station's shipments, after people compared its root's fingerprint",
    .detail = "FILE is the station's root.json, as `airlock station init` made it. The fingerprint is the SHA-256 that "
              "the station's people read out; when the file has another, nothing is changed. Newer roots come with "
              "shipments, each signed by the one before it.",
    .options = {{"fingerprint", "HEX", "what the people of the station read out: 64 hex digits, gaps allowed", false}},
    .min_args = 1,
    .max_args = 1,
    .run = root_add_run,
};

/* ── trust show ── */

struct station_view {
    struct tuf_station station;
    struct digest fingerprint;
    struct tuf_holder_view roles[4];
    int64_t root_expires_s;
    bool trusted;
    struct err wrong; /* why it is not */
};

struct trust_view {
    struct station_view *stations;
    size_t count;
    struct people people;
};

static void trust_view_fini(struct trust_view *v)
{
    free(v->stations);
    people_fini(&v->people);
}

static int read_station(struct site *s, struct child *parser, struct station_view *v, struct err *e)
{
    if (!digest_from_hex(span_str(v->station.id), &v->fingerprint))
        return err_set(&v->wrong, ERR_INPUT, 0, "\"%.64s\" in state.db is no fingerprint", v->station.id), 0;
    if (tuf_root_endorsed(s->db, v->station.id, parser, s->public_key, &v->wrong) == 0 &&
        tuf_station_read(s->db, v->station.id, parser, v->roles, &v->root_expires_s, &v->wrong) == 0) {
        v->trusted = true;
        return 0;
    }
    if (v->wrong.code == ERR_DENIED || v->wrong.code == ERR_INPUT || v->wrong.code == ERR_NOTFOUND)
        return 0; /* told, and the others are shown */
    return err_set(e, v->wrong.code, v->wrong.sys_errno, "%s", v->wrong.msg);
}

static int read_trust(struct site *s, struct trust_view *v, struct err *e)
{
    auto_free struct tuf_station *list = NULL;
    struct child *parser = site_parser(s, e);
    if (!parser || tuf_stations(s->db, &list, &v->count, e) < 0)
        return -1;
    v->stations = calloc(v->count + 1, sizeof *v->stations);
    if (!v->stations)
        abort();
    for (size_t i = 0; i < v->count; i++) {
        v->stations[i].station = list[i];
        if (read_station(s, parser, &v->stations[i], e) < 0)
            return -1;
    }
    return people_load(s->db, parser, s->public_key, &v->people, e);
}

static void json_role(struct json_out *w, const struct tuf_holder_view *role)
{
    json_out_object(w);
    json_put_string(w, "role", tuf_role_name(role->role));
    json_put_uint(w, "threshold", role->threshold);
    json_put_array(w, "keys");
    for (size_t i = 0; i < role->count; i++) {
        json_out_object(w);
        json_put_digest(w, "key", &role->keys[i]);
        json_put_string(w, "kind", key_kind_name(role->kinds[i]));
        json_out_object_end(w);
    }
    json_out_array_end(w);
    json_out_object_end(w);
}

static void json_station(struct json_out *w, const struct station_view *v)
{
    json_out_object(w);
    json_put_string(w, "fingerprint", v->station.id);
    json_put_bool(w, "trusted", v->trusted);
    if (!v->trusted)
        json_put_string(w, "reason", v->wrong.msg);
    json_put_uint(w, "first_root_version", v->station.first_root_version);
    json_put_uint(w, "root_version", v->station.root_version);
    if (v->trusted)
        json_put_time(w, "root_expires", v->root_expires_s);
    json_put_uint(w, "timestamp_version", v->station.timestamp_version);
    json_put_array(w, "roles");
    for (size_t i = 0; v->trusted && i < 4; i++)
        json_role(w, &v->roles[i]);
    json_out_array_end(w);
    json_out_object_end(w);
}

static void json_person(struct json_out *w, const struct person *p)
{
    json_out_object(w);
    json_put_string(w, "name", p->name);
    json_put_string(w, "role", role_name(p->role));
    json_put_digest(w, "key", public_key_id(p->key));
    json_put_string(w, "kind", key_kind_name(public_key_kind(p->key)));
    json_out_object_end(w);
}

static void print_json(const struct site *s, const struct trust_view *v)
{
    struct json_out w;
    auto_buf out = BUF(LIMIT_MESSAGE_BYTES);
    command_json(&w, &out, "trust");
    json_put_digest(&w, "contour_key", public_key_id(s->public_key));
    json_put_array(&w, "stations");
    for (size_t i = 0; i < v->count; i++)
        json_station(&w, &v->stations[i]);
    json_out_array_end(&w);
    json_put_array(&w, "people");
    for (size_t i = 0; i < v->people.count; i++)
        json_person(&w, &v->people.list[i]);
    json_out_array_end(&w);
    json_put_uint(&w, "refused_people", v->people.refused);
    command_json_end(&w);
}

static void print_station(const struct station_view *v)
{
    printf("Station, by its root number %llu\n  fingerprint  %s\n", (unsigned long long)v->station.first_root_version,
           fingerprint_grouped(&v->fingerprint).text);
    if (!v->trusted) {
        printf("  NOT TRUSTED  %s\n", v->wrong.msg);
        return;
    }
    printf("  root         version %llu, until %s\n", (unsigned long long)v->station.root_version,
           time_text(v->root_expires_s).text);
    if (v->station.timestamp_version)
        printf("  received     up to number %llu\n", (unsigned long long)v->station.timestamp_version);
    else
        printf("  received     nothing yet\n");
    for (size_t i = 0; i < 4; i++) {
        const struct tuf_holder_view *role = &v->roles[i];
        for (size_t k = 0; k < role->count; k++)
            printf("  %-11s  %s  %s\n", k ? "" : tuf_role_name(role->role), fingerprint_grouped(&role->keys[k]).text,
                   key_kind_name(role->kinds[k]));
        if (role->count > 1)
            printf("  %-11s  %llu of these %zu must sign\n", "", (unsigned long long)role->threshold, role->count);
    }
}

static void print_people(const struct people *p)
{
    if (p->count == 0)
        printf("No people yet; `airlock person add` names them\n");
    for (size_t i = 0; i < p->count; i++) {
        const struct person *who = &p->list[i];
        bool first = i == 0 || strcmp(p->list[i - 1].name, who->name) != 0;
        if (first)
            printf("%s\n  key          %s  %s\n", who->name, fingerprint_grouped(public_key_id(who->key)).text,
                   key_kind_name(public_key_kind(who->key)));
        printf("  role         %s\n", role_name(who->role));
    }
    if (p->refused)
        printf("%zu rows of people in state.db are not what this contour signed, and count for nothing; `airlock fsck` "
               "names them\n",
               p->refused);
}

static int show_run(struct invocation *in)
{
    struct err e = {0};
    AUTO(trust_view_fini) struct trust_view v = {0};
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || read_trust(s, &v, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        print_json(s, &v);
        return 0;
    }
    printf("This contour\n  key          %s\n", fingerprint_grouped(public_key_id(s->public_key)).text);
    if (v.count == 0)
        printf("No station yet; `airlock trust root add` takes a root\n");
    for (size_t i = 0; i < v.count; i++)
        print_station(&v.stations[i]);
    print_people(&v.people);
    return 0;
}

const struct command CMD_TRUST_SHOW = {
    .name = "trust show",
    .summary = "whose shipments are believed, and whose keys speak for whom",
    .detail = "Stations with their roots, versions and keys, and people with their keys and roles; fingerprints in "
              "groups of four, to be read out and compared. What is shown was verified just now: rows that nobody here "
              "signed are counted, not shown.",
    .run = show_run,
};
