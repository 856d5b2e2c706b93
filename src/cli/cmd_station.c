#include <stdio.h>

#include "cli/commands.h"
#include "ship/station.h"
#include "store/db_collection.h"
#include "util/clock.h"

static int init_report(struct invocation *in, const struct site *s, const struct digest *fingerprint)
{
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(65536);
        command_json(&w, &out, "station-init");
        json_put_string(&w, "name", s->config.name);
        json_put_string(&w, "folder", s->path);
        auto_buf root = BUF(8192);
        buf_printf(&root, "%s/root.json", s->path);
        json_put_string(&w, "root", buf_str(&root));
        json_put_string(&w, "fingerprint", digest_hex(fingerprint).text);
        json_put_digest(&w, "key", public_key_id(s->public_key));
        command_json_end(&w);
        return 0;
    }
    printf("Station %s made in %s\n"
           "  root         %s/root.json\n"
           "  fingerprint  %s\n"
           "Next: carry root.json to the contour, compare the fingerprint by voice or on paper, and there:\n"
           "  airlock trust root add root.json --fingerprint %s\n",
           s->config.name, s->path, s->path, digest_hex(fingerprint).text, digest_hex(fingerprint).text);
    return 0;
}

static int init_run(struct invocation *in)
{
    struct err e = {0}, why = {0};
    const char *name = option_get(in, "name");
    struct digest fingerprint;
    int made = site_init(in->home, SITE_STATION, name ? name : "station", option_get(in, "passphrase-file"), &e);
    if (made < 0 && e.code != ERR_EXISTS)
        return command_fail(in, &e);
    /* An init that was interrupted before its root was written is completed; one that is whole is refused. */
    auto_site s = site_open(in->home, SITE_STATION, &why);
    if (!s)
        return command_fail(in, made < 0 ? &e : &why);
    if (made < 0 && station_has_root(s))
        return command_fail(in, &e);
    if (station_make_root(s, &fingerprint, &e) < 0)
        return command_fail(in, &e);
    return init_report(in, s, &fingerprint);
}

const struct command CMD_STATION_INIT = {
    .name = "station init",
    .usage = "[--name NAME]",
    .summary = "make a station: its keys and its root, which contours come to trust",
    .detail = "Makes the folder of --home (or the working directory) a station: its store, its own sealed keys, one "
              "TUF key for each\n"
              "role, and root.json, the first root. Contours take root.json with `airlock trust root add`, and people "
              "compare the\n"
              "fingerprint that is printed here.",
    .options = {{"name", "NAME", "what the station is called: a-z, 0-9 and - (default: station)", false},
                {"passphrase-file", "FILE", "unseals the station's own keys; else a random one is kept in keys/unseal",
                 false}},
    .run = init_run,
};

static int contour_run(struct invocation *in)
{
    struct contour_identity c;
    struct err e = {0};
    auto_site s = command_site(in, SITE_STATION, &e);
    if (!s || station_contour_add(s, in->argv[0], &c, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(4096);
        command_json(&w, &out, "station-contour");
        json_put_string(&w, "name", c.name);
        json_put_string(&w, "id", c.id);
        command_json_end(&w);
        return 0;
    }
    printf("This station now packs for the contour %s\n  id  %s\n", c.name, c.id);
    return 0;
}

const struct command CMD_STATION_CONTOUR_ADD = {
    .name = "station contour add",
    .usage = "FILE",
    .summary = "add a contour that this station packs for",
    .detail = "FILE is what `airlock identity` printed in the contour: public, and made once. Shipments are addressed "
              "to the id in\n"
              "it, and no other contour takes them.",
    .min_args = 1,
    .max_args = 1,
    .run = contour_run,
};

static int print_contour(void *arg, const struct contour_identity *c)
{
    (void)arg;
    printf("  contour      %s  %s\n", c->name, c->id);
    return 0;
}

static int put_contour(void *arg, const struct contour_identity *c)
{
    struct json_out *w = arg;
    json_out_object(w);
    json_put_string(w, "name", c->name);
    json_put_string(w, "id", c->id);
    json_out_object_end(w);
    return 0;
}

static int print_collection(void *arg, const struct collection_row *row)
{
    (void)arg;
    printf("  collection   %s  %s  %s\n", row->name, time_text(row->time_s).text, digest_text(&row->digest).text);
    return 0;
}

static int put_collection(void *arg, const struct collection_row *row)
{
    struct json_out *w = arg;
    json_out_object(w);
    json_put_string(w, "name", row->name);
    json_put_digest(w, "digest", &row->digest);
    json_put_time(w, "time", row->time_s);
    json_out_object_end(w);
    return 0;
}

static int show_json(struct invocation *in, struct site *s, const struct digest *fingerprint)
{
    struct json_out w;
    struct err e = {0};
    auto_buf out = BUF(1U << 20);
    command_json(&w, &out, "station");
    json_put_string(&w, "name", s->config.name);
    json_put_string(&w, "folder", s->path);
    json_put_string(&w, "fingerprint", digest_hex(fingerprint).text);
    json_put_digest(&w, "key", public_key_id(s->public_key));
    json_put_array(&w, "contours");
    if (station_contour_each(s, put_contour, &w, &e) < 0)
        return command_fail(in, &e);
    json_out_array_end(&w);
    json_put_array(&w, "collections");
    if (db_collection_each(s->db, put_collection, &w, &e) < 0)
        return command_fail(in, &e);
    json_out_array_end(&w);
    command_json_end(&w);
    return 0;
}

static int show_run(struct invocation *in)
{
    struct err e = {0};
    struct digest fingerprint;
    auto_site s = command_site(in, SITE_STATION, &e);
    if (!s || station_fingerprint(s, &fingerprint, &e) < 0)
        return command_fail(in, &e);
    if (in->json)
        return show_json(in, s, &fingerprint);
    printf("Station %s in %s\n  root         %s/root.json\n  fingerprint  %s\n", s->config.name, s->path, s->path,
           digest_hex(&fingerprint).text);
    if (station_contour_each(s, print_contour, NULL, &e) < 0 ||
        db_collection_each(s->db, print_collection, NULL, &e) < 0)
        return command_fail(in, &e);
    return 0;
}

const struct command CMD_STATION_SHOW = {
    .name = "station show",
    .summary = "the station's root and fingerprint, the contours that it packs for, and what it collected",
    .run = show_run,
};
