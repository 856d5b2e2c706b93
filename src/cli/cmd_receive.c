#include <stdio.h>

#include "cli/commands.h"
#include "cli/ship_progress.h"
#include "ship/receive.h"
#include "util/clock.h"

static void print_json(const struct receive_result *r)
{
    struct json_out w;
    auto_buf out = BUF(65536);
    command_json(&w, &out, "receive");
    json_put_uint(&w, "shipment", r->number);
    json_put_string(&w, "station", r->station);
    json_put_uint(&w, "sequence", r->sequence);
    json_put_time(&w, "issued", r->issued_s);
    json_put_time(&w, "expires", r->expires_s);
    json_put_uint(&w, "volumes", r->volume_count);
    json_put_uint(&w, "blobs", r->blob_count);
    json_put_uint(&w, "blob_bytes", r->blob_bytes);
    json_put_uint(&w, "linked_blobs", r->linked_count);
    json_put_uint(&w, "linked_bytes", r->linked_bytes);
    json_put_array(&w, "releases");
    for (size_t i = 0; i < r->release_count; i++) {
        json_out_object(&w);
        json_put_string(&w, "name", r->releases[i].name);
        json_put_string(&w, "version", r->releases[i].version);
        json_put_digest(&w, "digest", &r->releases[i].digest);
        json_put_bool(&w, "known", r->releases[i].known);
        json_out_object_end(&w);
    }
    json_out_array_end(&w);
    command_json_end(&w);
}

/* What to scan: shipment:N where it means one release, else each by its name. What was known before needs nothing. */
static void print_next(const struct receive_result *r)
{
    size_t fresh = 0;
    for (size_t i = 0; i < r->release_count; i++)
        fresh += !r->releases[i].known;
    if (fresh == 1)
        printf("Next: `airlock scan shipment:%llu`\n", (unsigned long long)r->number);
    for (size_t i = 0, shown = 0; fresh > 1 && i < r->release_count; i++)
        if (!r->releases[i].known)
            printf("%s `airlock scan %s:%s`\n", shown++ ? "     " : "Next:", r->releases[i].name,
                   r->releases[i].version);
}

static int report(struct invocation *in, const struct receive_result *r)
{
    char size[32];
    if (in->json) {
        print_json(r);
        return 0;
    }
    print_size(size, r->blob_bytes);
    printf("shipment:%llu is in quarantine: number %llu of station %.16s…, issued on %s\n"
           "  %zu volume%s verified, %zu blobs, %s\n",
           (unsigned long long)r->number, (unsigned long long)r->sequence, r->station, time_text(r->issued_s).text,
           r->volume_count, r->volume_count == 1 ? "" : "s", r->blob_count, size);
    if (r->linked_count) {
        print_size(size, r->linked_bytes);
        printf("  %zu of them, %s, were in the store already\n", r->linked_count, size);
    }
    for (size_t i = 0; i < r->release_count; i++)
        printf("  %s:%s  %s%s\n", r->releases[i].name, r->releases[i].version, digest_text(&r->releases[i].digest).text,
               r->releases[i].known ? "  (known already)" : "");
    print_next(r);
    return 0;
}

static int run(struct invocation *in)
{
    struct receive_result r;
    struct err e = {0};
    struct drawn drawn;
    struct ship_progress progress = drawn_progress(&drawn, in);
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || receive_media(s, in->argv[0], &progress, &r, &e) < 0 || site_copy_trust(s, &e) < 0)
        return command_fail(in, &e);
    return report(in, &r);
}

const struct command CMD_RECEIVE = {
    .name = "receive",
    .usage = "DIR",
    .summary = "verify media, copy and hash them once, into quarantine",
    .detail = "DIR holds what `airlock ship` wrote: metadata/, targets/ and the volumes, under whatever names. Refused "
              "with status 5:\n"
              "a shipment that was received before or is older than one that was, that is addressed to another "
              "contour, that has\n"
              "expired, or that comes from a station which is not trusted here. Refused with status 3: wrong "
              "signatures, and missing,\n"
              "surplus, truncated or damaged volumes; the message says which file, which block and which blob. "
              "Interrupted, it leaves\n"
              "nothing half, and the same command again completes it.",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
