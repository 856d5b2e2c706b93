#include <stdio.h>

#include "cli/artifacts.h"
#include "cli/commands.h"
#include "cli/rematched.h"
#include "cli/ship_progress.h"
#include "contour/promote.h"
#include "gate/policy_proposal.h"
#include "util/clock.h"

#define OUTPUT_MAX (64U << 20)

static bool brought(const struct receive_result *r, enum tuf_role role)
{
    for (size_t i = 0; i < r->artifact_count; i++)
        if (r->artifacts[i].role == role)
            return true;
    return false;
}

/* New advisories are in force already: what lies here is held against them at once. `w` NULL: for people. */
static int match_all(struct site *s, const struct receive_result *r, struct json_out *w, struct err *e)
{
    auto_in_force now = {.fd = -1};
    if (!brought(r, TUF_ADVISORIES))
        return 0;
    if (advisories_in_force(s, true, &now, e) < 0 || rematch_and_tell(s, &now, w, e) < 0)
        return err_prefix(e, "shipment:%llu is received; the matching is not complete", (unsigned long long)r->number);
    return 0;
}

static int match_failed(struct invocation *in, const struct receive_result *r, struct err *e)
{
    err_hint(e, "`airlock advisories import shipment:%llu` completes it", (unsigned long long)r->number);
    return command_fail(in, e);
}

static int print_json(struct invocation *in, struct site *s, const struct receive_result *r)
{
    struct json_out w;
    struct err e = {0};
    auto_buf out = BUF(OUTPUT_MAX);
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
    artifacts_put(&w, r->artifacts, r->artifact_count);
    json_put_array(&w, "matched");
    if (match_all(s, r, &w, &e) < 0)
        return match_failed(in, r, &e);
    json_out_array_end(&w);
    command_json_end(&w);
    return 0;
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
    if (brought(r, TUF_POLICY))
        printf("%s the policy changes nothing until two people set it:\n"
               "      `airlock policy diff shipment:%llu`, then `airlock policy set shipment:%llu --key FILE --key "
               "FILE`\n",
               fresh ? "     " : "Next:", (unsigned long long)r->number, (unsigned long long)r->number);
}

/* Does a release of it wait in quarantine? */
static bool waits(const struct receive_result *r)
{
    for (size_t i = 0; i < r->release_count; i++)
        if (!r->releases[i].known)
            return true;
    return false;
}

static int report(struct invocation *in, struct site *s, const struct receive_result *r)
{
    char size[32];
    struct err e = {0};
    if (in->json)
        return print_json(in, s, r);
    print_size(size, r->blob_bytes);
    printf("shipment:%llu is %s: number %llu of station %.16s…, issued on %s\n"
           "  %zu volume%s verified, %zu blobs, %s\n",
           (unsigned long long)r->number, waits(r) ? "in quarantine" : "received", (unsigned long long)r->sequence,
           r->station, time_text(r->issued_s).text, r->volume_count, r->volume_count == 1 ? "" : "s", r->blob_count,
           size);
    if (r->linked_count) {
        print_size(size, r->linked_bytes);
        printf("  %zu of them, %s, were in the store already\n", r->linked_count, size);
    }
    for (size_t i = 0; i < r->release_count; i++)
        printf("  %s:%s  %s%s\n", r->releases[i].name, r->releases[i].version, digest_text(&r->releases[i].digest).text,
               r->releases[i].known ? "  (known already)" : "");
    artifacts_print(r->artifacts, r->artifact_count);
    if (brought(r, TUF_ADVISORIES))
        printf("The advisories are in force. Held against them:\n");
    if (match_all(s, r, NULL, &e) < 0)
        return match_failed(in, r, &e);
    print_next(r);
    return 0;
}

static int run(struct invocation *in)
{
    struct receive_result r;
    struct err e = {0};
    struct drawn drawn;
    struct ship_progress progress = drawn_progress(&drawn, in);
    static const struct receive_taker *const takers[] = {&POLICY_TAKER, &ADVISORIES_TAKER};
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || receive_media(s, in->argv[0], takers, ARRAY_LEN(takers), &progress, &r, &e) < 0 ||
        site_copy_trust(s, &e) < 0 || contour_tidy(s, &e) < 0)
        return command_fail(in, &e);
    return report(in, s, &r);
}

const struct command CMD_RECEIVE = {
    .name = "receive",
    .usage = "DIR",
    .summary = "verify media, copy and hash them once, into quarantine; take in advisories",
    .detail =
        "DIR holds what `airlock ship` wrote: metadata/, targets/ and the volumes, under whatever names. Refused "
        "with status 5:\n"
        "a shipment that was received before or is older than one that was, that is addressed to another "
        "contour, that has\n"
        "expired, or that comes from a station which is not trusted here. Refused with status 3: wrong "
        "signatures, and missing,\n"
        "surplus, truncated or damaged volumes; the message says which file, which block and which blob. "
        "Interrupted, it leaves\n"
        "nothing half, and the same command again completes it.\n"
        "Advisories that came along are in force at once, in the place of those before, and every release that lies "
        "here is\n"
        "matched again. A policy that came along is a proposal: two people of this contour set it, or nobody. "
        "Either, when it is\n"
        "older than what is here, expired, of the future or signed for another contour, refuses the whole shipment "
        "with status 5.",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
