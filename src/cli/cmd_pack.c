#include <stdio.h>

#include "cli/commands.h"
#include "cli/ship_progress.h"
#include "collect/closure.h"
#include "ship/pack.h"

static void print_json(const struct pack_result *r, const struct closure *closure)
{
    struct json_out w;
    auto_buf out = BUF(65536);
    command_json(&w, &out, "pack");
    json_put_string(&w, "name", r->name);
    json_put_string(&w, "version", r->version);
    json_put_digest(&w, "digest", &r->digest);
    json_put_uint(&w, "size", r->size);
    json_put_uint(&w, "blobs", r->blob_count);
    json_put_uint(&w, "packages", r->package_count);
    json_put_bool(&w, "already", r->already);
    json_put_array(&w, "remarks");
    for (size_t i = 0; i < r->remark_count; i++)
        json_out_string(&w, r->remarks[i]);
    for (size_t i = 0; i < closure->remark_count; i++)
        json_out_string(&w, closure->remarks[i]);
    json_out_array_end(&w);
    command_json_end(&w);
}

static int run(struct invocation *in)
{
    struct pack_result r;
    struct err e = {0};
    struct drawn drawn;
    struct ship_progress progress = drawn_progress(&drawn, in);
    char size[32], packages[40] = "";
    static struct closure closure;
    const struct pack_rule rule = {closure_rule, &closure};
    auto_site s = command_site(in, SITE_STATION, &e);
    closure.unchecked = option_given(in, "unchecked");
    closure_read_base(&closure, in->argv[0]);
    if (!s || pack_release(s, in->argv[0], closure.unchecked, &rule, &progress, &r, &e) < 0)
        return command_fail(in, &e);
    for (size_t i = 0; i < closure.remark_count && !in->quiet; i++)
        fprintf(stderr, "airlock pack: %s\n", closure.remarks[i]);
    for (size_t i = 0; i < r.remark_count && !in->quiet; i++)
        fprintf(stderr, "airlock pack: %s\n", r.remarks[i]);
    if (in->json) {
        print_json(&r, &closure);
        return 0;
    }
    print_size(size, r.size);
    if (r.package_count)
        snprintf(packages, sizeof packages, ", %zu packages", r.package_count);
    printf(
        "%s:%s is %s%s\n  %zu blobs%s, %s; inventory (CycloneDX), provenance (SLSA) and the station's signature hang "
        "on it\n",
        r.name, r.version, digest_text(&r.digest).text, r.already ? ", as it was packed before" : "", r.blob_count,
        packages, size);
    return 0;
}

const struct command CMD_PACK = {
    .name = "pack",
    .usage = "FILE",
    .summary = "make one release of a release.yaml, in the station's store",
    .detail =
        "FILE names the model, the engine, the prompts, the regression suite, the model card, the licence and the "
        "change log\n"
        "(docs/formats/release.yaml.md); paths in it are relative to its folder. The result is one OCI image index: "
        "same\n"
        "inputs, same digest. The station signs an inventory, the provenance and the release, which hang on it as OCI\n"
        "referrers. A name and version that was packed before with other content is refused. Weights, prompts, suite\n"
        "and texts are read first as a contour will read them: what no contour would admit ends with status 3, and\n"
        "nothing is stored. Packages must be complete: pip and apt resolve them against what was collected, without a\n"
        "network, and what is missing is named (status 3; 6 where a client is not on this machine).\n"
        "A chat template that does more than chat templates may is a remark on stderr: each contour decides on it.\n"
        "`packages` names what the release brings besides: wheels, source distributions, npm and Debian packages, "
        "files,\n"
        "and what `airlock collect` put into the store; each is read as a contour will read it.",
    .options =
        {{"unchecked", NULL,
          "pack what no contour would admit as it is, and do not ask whether the packages are complete: for trying a "
          "contour's gates, or where a check cannot be made",
          false}},
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
