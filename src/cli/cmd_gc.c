#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/with_release.h"
#include "contour/gc.h"

static void answer(struct invocation *in, const struct gc_options *o, const struct gc_result *r)
{
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(4096);
        command_json(&w, &out, "gc");
        json_put_bool(&w, "dry_run", o->dry_run);
        json_put_int(&w, "grace_s", o->grace_s);
        json_put_uint(&w, "blobs", r->blobs);
        json_put_uint(&w, "bytes", r->bytes);
        json_put_uint(&w, "kept", r->kept);
        json_put_uint(&w, "young", r->young);
        json_put_uint(&w, "pushed_rows", r->rows);
        json_put_uint(&w, "segments", r->segments);
        json_put_uint(&w, "segment_bytes", r->segment_bytes);
        json_put_uint(&w, "scans", r->scans);
        json_put_uint(&w, "images", r->images);
        command_json_end(&w);
        return;
    }
    printf("%s %llu blobs, %llu bytes; %llu are needed, %llu are not and were written within the grace\n",
           o->dry_run ? "would remove" : "removed", (unsigned long long)r->blobs, (unsigned long long)r->bytes,
           (unsigned long long)r->kept, (unsigned long long)r->young);
    if (r->rows)
        printf("  among them what was pushed and nothing needs: %llu blobs and manifests %s forgotten\n",
               (unsigned long long)r->rows, o->dry_run ? "would be" : "were");
    if (r->segments)
        printf("removed %llu segments of access records, %llu bytes, older than retention.access\n",
               (unsigned long long)r->segments, (unsigned long long)r->segment_bytes);
    if (r->scans)
        printf("forgot %llu answers of scans about blobs that are gone, or of another scanner\n",
               (unsigned long long)r->scans);
    if (r->images)
        printf("removed %llu unpacked engine images of releases that are gone\n", (unsigned long long)r->images);
}

static int run(struct invocation *in)
{
    struct gc_options o = {.dry_run = option_get(in, "dry-run") != NULL};
    struct gc_result r;
    struct err e = {0};
    uint64_t grace_s = GC_GRACE_S;
    const char *grace = option_get(in, "grace");
    if (grace && strcmp(grace, "0") == 0) /* no unit is needed for nothing */
        grace_s = 0;
    else if (option_duration(in, "grace", &grace_s, &e) < 0)
        return command_usage(in, "%s", e.msg);
    o.grace_s = (int64_t)grace_s;
    auto_site s = command_site(in, -1, &e);
    if (!s || gc_run(s, &o, &r, &e) < 0)
        return command_fail(in, &e);
    answer(in, &o, &r);
    return 0;
}

const struct command CMD_GC = {
    .name = "gc",
    .usage = "",
    .summary = "remove blobs that nothing needs any more",
    .detail =
        "Needed is what a release that was admitted or packed here is made of, and what a collection holds; what was "
        "pushed is\nneeded as long as a tag leads to it, or a release that waits here is made of it. Safe while "
        "`serve` runs and while others pack, push and "
        "promote: what was\nwritten within the grace stays, and an open file lives on until it is closed. An entry of "
        "the ledger says how much went.\nAccess records older than retention.access of airlock.yaml go as well, and "
        "the "
        "unpacked engine images of releases that\nare gone.",
    .options = {{"dry-run", NULL, "say what would be removed, remove nothing", false},
                {"grace", "DURATION", "what was written within it stays (default 1d; 12h, 30m, …; 0: none)", false}},
    .min_args = 0,
    .max_args = 0,
    .run = run,
};
