#include <stdio.h>

#include "cli/commands.h"
#include "contour/discard.h"
#include "contour/ref.h"

static int discard(struct site *s, const char *ref, const char *reason, struct discard_result *r, struct err *e)
{
    uint64_t number;
    struct release_row row;
    auto_buf names = BUF(1024);
    if (ref_is_shipment(ref, &number))
        return discard_shipment(s, number, reason, r, e);
    return ref_release(s, ref, &row, &names, e) < 0 ? -1 : discard_release(s, &row.digest, reason, r, e);
}

static int run(struct invocation *in)
{
    const char *reason = option_get(in, "reason");
    struct discard_result r;
    struct err e = {0};
    if (!reason || !*reason)
        return command_usage(in, "--reason TEXT is wanted: the ledger says why something went");
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || discard(s, in->argv[0], reason, &r, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(4096);
        command_json(&w, &out, "discard");
        json_put_string(&w, "ref", in->argv[0]);
        json_put_uint(&w, "releases", r.releases);
        json_put_uint(&w, "bytes", r.bytes);
        command_json_end(&w);
        return 0;
    }
    printf(
        "discarded %s: %zu release%s, %llu bytes that they were made of\n  What others share with them stays; `airlock "
        "gc` gives room in the store back. What was signed about them stays, too.\n",
        in->argv[0], r.releases, r.releases == 1 ? "" : "s", (unsigned long long)r.bytes);
    return 0;
}

const struct command CMD_DISCARD = {
    .name = "discard",
    .usage = "REF",
    .summary = "drop what waits in quarantine, or a release that stands nowhere any more",
    .detail =
        "shipment:N drops all releases of a shipment that wait in quarantine; a release is dropped where it lies. "
        "Refused to a\nrelease that stands in an environment or that a rollback would bring back. Name, version, "
        "digest "
        "and everything\nsigned stay; a version never gets other content. It can be received again, in a newer "
        "shipment.",
    .options = {{"reason", "TEXT", "why, for the ledger (needed)", false}},
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
