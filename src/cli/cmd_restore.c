#include <stdio.h>

#include "cli/commands.h"
#include "contour/backup.h"
#include "util/clock.h"

static void answer_json(const struct backup_result *r, const struct fsck *found)
{
    struct json_out w;
    struct span line, rest = buf_span(&found->problems);
    auto_buf out = BUF(16U << 20);
    command_json(&w, &out, "restore");
    json_put_string(&w, "result", found->problem_count ? "FAILED" : "PASSED");
    json_put_string(&w, "name", r->name);
    json_put_string(&w, "id", r->id);
    json_put_time(&w, "backup", r->time_s);
    json_put_uint(&w, "entries", r->entries);
    json_put_uint(&w, "files", r->files);
    json_put_uint(&w, "bytes", r->bytes);
    json_put_array(&w, "problems");
    while (span_take_until(&rest, '\n', &line))
        json_out_span(&w, line);
    json_out_array_end(&w);
    command_json_end(&w);
}

static void answer(const struct invocation *in, const struct backup_result *r, struct fsck *found)
{
    if (found->problem_count) {
        printf("%s%llu problem%s: %s stays a backup, and nothing is served from it\n", buf_str(&found->problems),
               (unsigned long long)found->problem_count, found->problem_count == 1 ? "" : "s", in->home);
        return;
    }
    printf("%s is the %s %s again, as of %s: %llu files, %llu bytes, %llu ledger entries; fsck found nothing wrong\n",
           in->home, r->station ? "station" : "contour", r->name, time_text(r->time_s).text,
           (unsigned long long)r->files, (unsigned long long)r->bytes, (unsigned long long)r->entries);
    if (r->station)
        printf("  What was done after that time is not in it: shipments that were written since have numbers that the "
               "next ones get once\n  more, and a contour that received those refuses them until the number is higher "
               "than what it has seen.\n");
    else
        printf("  What was done after that time is not in it: shipments received since can be received again, and a "
               "witness who saw\n  a longer ledger will say so.\n");
}

static int run(struct invocation *in)
{
    struct backup_result r;
    struct err e = {0};
    auto_fsck found;
    fsck_init(&found);
    int result = backup_restore(in->argv[0], in->home, &found, &r, &e);
    if (result < 0)
        return command_fail(in, &e);
    if (in->json)
        answer_json(&r, &found);
    else
        answer(in, &r, &found);
    return result;
}

const struct command CMD_RESTORE = {
    .name = "restore",
    .usage = "BACKUP",
    .summary = "make a contour or station out of its backup",
    .detail =
        "--home names the folder that is made; it must not be there yet, or be empty. Everything is copied, then fsck "
        "looks at\nall of it; only when it finds nothing wrong does the folder become a contour, with a ledger entry "
        "\"restore\". The\ncontour that the backup was made of must not run any more, and no station work on: two of "
        "one identity would tell two stories.",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
