#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/shipment_view.h"
#include "cli/with_release.h"
#include "ship/packages.h"
#include "util/clock.h"

#define OUT_MAX (16U << 20)

static const char *stands(struct with_release *w, const char *environment)
{
    struct digest d;
    struct err absent;
    return db_pointer_get(w->site->db, environment, w->row.name, &d, &absent) == 0 && digest_equal(&d, &w->row.digest)
               ? environment
               : NULL;
}

static void print_packages(const struct packages *p)
{
    char words[160];
    packages_say(p, words, sizeof words);
    printf("  packages   %s\n", words);
    for (size_t i = 0; i < p->count; i++)
        printf("    %-5s %-32s %-16s %s\n", p->items[i].ecosystem, p->items[i].name, p->items[i].version,
               p->items[i].filename);
}

static void print_release(struct with_release *w, const struct packages *packages)
{
    static const char *const environments[] = {"sandbox", "test", "prod"};
    const struct release *r = w->release;
    printf("%s\n  digest     %s\n  owner      %s\n  licence    %s\n", w->name, digest_text(&r->digest).text, r->owner,
           r->licence);
    if (r->description[0])
        printf("  what       %s\n", r->description);
    printf("  received   %s, shipment:%llu\n  lies in    %s\n  stands in ", time_text(w->row.time_s).text,
           (unsigned long long)w->row.shipment, w->row.admitted ? "the store" : "quarantine");
    bool any = false;
    for (size_t i = 0; i < ARRAY_LEN(environments); i++) {
        if (!stands(w, environments[i]))
            continue;
        printf(" %s", environments[i]);
        any = true;
    }
    printf("%s\n  model      %s (%s)\n  command   ", any ? "" : " no environment", r->model_name, r->model.name);
    for (size_t i = 0; i < r->command_count; i++)
        printf(" %s", r->command[i]);
    printf("\n  blobs      %zu\n", r->blob_count);
    for (size_t i = 0; i < r->blob_count; i++)
        if (!r->blobs[i].packaged)
            printf("    %s %12llu  %-8s %s\n", digest_text(&r->blobs[i].digest).text,
                   (unsigned long long)r->blobs[i].size, release_part_of(r, &r->blobs[i].digest), r->blobs[i].name);
    print_packages(packages);
}

static void put_release(struct with_release *w, const struct packages *packages)
{
    static const char *const environments[] = {"sandbox", "test", "prod"};
    const struct release *r = w->release;
    struct json_out j;
    auto_buf out = BUF(OUT_MAX);
    command_json(&j, &out, "release");
    json_put_string(&j, "name", r->name);
    json_put_string(&j, "version", r->version);
    json_put_digest(&j, "digest", &r->digest);
    json_put_string(&j, "owner", r->owner);
    json_put_string(&j, "licence", r->licence);
    json_put_string(&j, "description", r->description);
    json_put_uint(&j, "shipment", w->row.shipment);
    json_put_bool(&j, "admitted", w->row.admitted);
    json_put_time(&j, "received", w->row.time_s);
    json_put_array(&j, "environments");
    for (size_t i = 0; i < ARRAY_LEN(environments); i++)
        if (stands(w, environments[i]))
            json_out_string(&j, environments[i]);
    json_out_array_end(&j);
    json_put_string(&j, "model", r->model_name);
    json_put_array(&j, "command");
    for (size_t i = 0; i < r->command_count; i++)
        json_out_string(&j, r->command[i]);
    json_out_array_end(&j);
    json_put_array(&j, "blobs");
    for (size_t i = 0; i < r->blob_count; i++) {
        json_out_object(&j);
        json_put_digest(&j, "digest", &r->blobs[i].digest);
        json_put_uint(&j, "size", r->blobs[i].size);
        json_put_string(&j, "mediaType", r->blobs[i].media_type);
        json_put_string(&j, "part", release_part_of(r, &r->blobs[i].digest));
        json_put_string(&j, "name", r->blobs[i].name);
        json_out_object_end(&j);
    }
    json_out_array_end(&j);
    packages_put(&j, packages);
    command_json_end(&j);
}

static int run(struct invocation *in)
{
    uint64_t number;
    struct err e = {0};
    auto_with_release w = {0};
    if (ref_is_shipment(in->argv[0], &number))
        return show_shipment(in, number);
    auto_packages packages = {0};
    if (with_release_open(in, in->argv[0], &w, &e) < 0 || release_packages_of(w.site, w.release, &packages, &e) < 0)
        return command_fail(in, &e);
    if (in->json)
        put_release(&w, &packages);
    else
        print_release(&w, &packages);
    return 0;
}

const struct command CMD_SHOW = {
    .name = "show",
    .usage = "REF",
    .summary = "one release or shipment: what it is made of and brings, where it lies, where it stands",
    .detail = "REF is name:vX.Y.Z, name@sha256:…, ENV/NAME or shipment:N. The story behind a release, with every "
              "attestation, is\n`airlock passport REF`.",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
