#include <stdio.h>

#include "cli/artifacts.h"
#include "cli/commands.h"
#include "cli/ship_progress.h"
#include "parse/yaml.h"
#include "ship/ship.h"
#include "util/clock.h"

static void print_json(const struct ship_order *o, const struct ship_result *r)
{
    struct json_out w;
    auto_buf out = BUF(65536);
    command_json(&w, &out, "ship");
    json_put_string(&w, "contour", o->contour);
    json_put_string(&w, "out", o->out);
    json_put_uint(&w, "sequence", r->sequence);
    json_put_time(&w, "issued", r->issued_s);
    json_put_time(&w, "expires", r->expires_s);
    json_put_uint(&w, "volumes", r->volume_count);
    json_put_uint(&w, "blobs", r->blob_count);
    json_put_uint(&w, "blob_bytes", r->blob_bytes);
    json_put_uint(&w, "media_bytes", r->media_bytes);
    artifacts_put(&w, r->artifacts, r->artifact_count);
    command_json_end(&w);
}

static int report(struct invocation *in, const struct ship_order *o, const struct ship_result *r)
{
    char size[32];
    if (in->json) {
        print_json(o, r);
        return 0;
    }
    print_size(size, r->media_bytes);
    printf("Shipment %llu for %s is in %s: %zu volume%s, %s\n  it expires on %s\n", (unsigned long long)r->sequence,
           o->contour, o->out, r->volume_count, r->volume_count == 1 ? "" : "s", size, time_text(r->expires_s).text);
    artifacts_print(r->artifacts, r->artifact_count);
    return 0;
}

static int run(struct invocation *in)
{
    struct ship_result r;
    struct err e = {0};
    struct drawn drawn;
    struct ship_progress progress = drawn_progress(&drawn, in);
    struct ship_order o = {.releases = in->argv,
                           .release_count = (size_t)in->argc,
                           .contour = option_get(in, "to"),
                           .out = option_get(in, "out"),
                           .policy = option_get(in, "policy"),
                           .advisories = option_get(in, "advisories"),
                           .volume_bytes = SHIP_VOLUME_BYTES_DEFAULT,
                           .valid_s = SHIP_VALID_S_DEFAULT};
    const char *size = option_get(in, "volume-size"), *valid = option_get(in, "valid");
    if (!o.contour || !o.out)
        return command_usage(in, "--to CONTOUR and --out DIR are needed");
    if (o.release_count == 0 && !o.policy && !o.advisories)
        return command_usage(in, "nothing is to be shipped: wanted a RELEASE, --advisories FILE or --policy FILE");
    if (size && !yaml_size(size, &o.volume_bytes))
        return command_usage(in, "--volume-size: \"%.32s\" is no size; wanted for example 64M or 4000M", size);
    if (valid && !yaml_duration(valid, &o.valid_s))
        return command_usage(in, "--valid: \"%.32s\" is no duration; wanted for example 90d or 12h", valid);
    auto_site s = command_site(in, SITE_STATION, &e);
    if (!s || ship_write(s, &o, &progress, &r, &e) < 0)
        return command_fail(in, &e);
    return report(in, &o, &r);
}

const struct command CMD_SHIP = {
    .name = "ship",
    .usage = "[RELEASE…] [--advisories FILE] [--policy FILE] --to CONTOUR --out DIR",
    .summary = "write signed media for one contour",
    .detail = "A RELEASE is name:v1.0.0 or name@sha256:…. DIR, which must be new or empty, gets the signed metadata "
              "and the volumes,\n"
              "each a file that is verified alone, in any order and under any name. The shipment is addressed to one "
              "contour,\n"
              "numbered, and expires. A snapshot of advisories and a policy travel along, or without any release: "
              "each with FILE.sig,\n"
              "which this station's role of that name signed (`airlock advisories import --out FILE`, `airlock policy "
              "sign FILE`).\n"
              "So a day's advisories are one small shipment.",
    .options = {{"to", "CONTOUR", "who it is for: a name that `airlock station contour add` brought", false},
                {"out", "DIR", "where to write it", false},
                {"advisories", "FILE", "take this snapshot of advisories along: taken in as it arrives", false},
                {"policy", "FILE", "take this policy along: a proposal, until two people of the contour set it", false},
                {"volume-size", "N", "at most so much a volume file, as 64M (default: 4000M, which fits FAT32)", false},
                {"valid", "TIME", "how long it may be received, as 30d (default: 90d)", false}},
    .min_args = 0,
    .max_args = -1,
    .run = run,
};
