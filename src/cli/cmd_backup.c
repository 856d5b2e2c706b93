#include <stdio.h>

#include "cli/commands.h"
#include "contour/backup.h"
#include "util/clock.h"

static int run(struct invocation *in)
{
    struct backup_result r;
    struct err e = {0};
    auto_site s = command_site(in, -1, &e);
    if (!s || backup_make(s, in->argv[0], &r, &e) < 0)
        return command_fail(in, &e);
    if (in->json) {
        struct json_out w;
        auto_buf out = BUF(4096);
        command_json(&w, &out, "backup");
        json_put_string(&w, "folder", in->argv[0]);
        json_put_string(&w, "name", r.name);
        json_put_string(&w, "id", r.id);
        json_put_time(&w, "time", r.time_s);
        json_put_uint(&w, "entries", r.entries);
        json_put_uint(&w, "files", r.files);
        json_put_uint(&w, "bytes", r.bytes);
        json_put_uint(&w, "copied", r.copied);
        json_put_uint(&w, "copied_bytes", r.copied_bytes);
        json_put_bool(&w, "holds_passphrase", r.holds_passphrase);
        command_json_end(&w);
        return 0;
    }
    printf("backup of %s in %s: as of %s, %llu ledger entries\n  %llu files, %llu bytes; copied now: %llu files, %llu "
           "bytes\n  `airlock --home %s fsck` verifies it, `airlock --home NEW restore %s` makes a contour of it\n",
           r.name, in->argv[0], time_text(r.time_s).text, (unsigned long long)r.entries, (unsigned long long)r.files,
           (unsigned long long)r.bytes, (unsigned long long)r.copied, (unsigned long long)r.copied_bytes, in->argv[0],
           in->argv[0]);
    if (r.holds_passphrase)
        printf("  It holds the keys and, in keys/unseal, what unseals them: keep it as you keep the contour itself.\n");
    return 0;
}

const struct command CMD_BACKUP = {
    .name = "backup",
    .usage = "DIR",
    .summary = "copy the contour or station whole into a folder, while it works",
    .detail =
        "The database is copied as of one moment, then every file that it names. Into the folder of an earlier backup "
        "only\nwhat is new is copied; interrupted, the earlier backup stays whole. A backup is a contour at rest: "
        "`airlock --home DIR\nfsck` verifies it, and it can be looked into with `status`, `log` and `passport`; "
        "nothing "
        "can be changed in it or\nserved from it. `airlock restore` makes a contour of it again.",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
