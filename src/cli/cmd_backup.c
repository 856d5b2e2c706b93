#include <stdio.h>

#include "cli/commands.h"
#include "contour/backup.h"
#include "util/clock.h"

static int run(struct invocation *in)
{
    struct backup_result r;
    struct err e = {0};
    auto_site s = command_site(in, -1, &e);
    if (!s || backup_make(s, in->argv[0], option_given(in, "verify"), &r, &e) < 0)
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
        json_put_uint(&w, "looked_at", r.looked_at);
        json_put_uint(&w, "repaired", r.repaired);
        json_put_uint(&w, "damaged", r.damaged);
        json_put_bool(&w, "holds_passphrase", r.holds_passphrase);
        command_json_end(&w);
        return r.damaged ? 1 : 0;
    }
    const char *kind = r.station ? "station" : "contour";
    printf("backup of %s in %s: as of %s, %llu ledger entries\n  %llu files, %llu bytes; copied now: %llu files, %llu "
           "bytes\n  `airlock --home %s fsck` verifies it, `airlock --home NEW restore %s` makes a %s of it\n",
           r.name, in->argv[0], time_text(r.time_s).text, (unsigned long long)r.entries, (unsigned long long)r.files,
           (unsigned long long)r.bytes, (unsigned long long)r.copied, (unsigned long long)r.copied_bytes, in->argv[0],
           in->argv[0], kind);
    if (r.repaired)
        printf("  Repaired: %llu files of the backup were not what they were, and were copied again.\n",
               (unsigned long long)r.repaired);
    if (r.holds_passphrase)
        printf("  It holds the keys and, in keys/unseal, what unseals them: keep it as you keep the %s itself.\n",
               kind);
    if (r.damaged)
        printf("DAMAGED: %llu blobs of the %s do not hash to their names (the first: %s) and were not copied; what the "
               "backup had of them it still has. `airlock --home %s fsck` says what needs them.\n",
               (unsigned long long)r.damaged, kind, r.damaged_name, in->home);
    return r.damaged ? 1 : 0;
}

const struct command CMD_BACKUP = {
    .name = "backup",
    .usage = "DIR",
    .summary = "copy the contour or station whole into a folder, while it works",
    .detail =
        "The database is copied as of one moment, then every file that it names. Into the folder of an earlier backup "
        "only\nwhat is new is copied; what is there with another size or time than in the contour is hashed, with "
        "--verify every file is,\nand what is wrong is copied again. A blob of the contour that is damaged is not "
        "copied: it is named, and the status is 1.\nInterrupted, the earlier backup stays whole. A backup is a contour "
        "at rest: "
        "`airlock --home DIR\nfsck` verifies it, and it can be looked into with `status`, `log` and `passport`; "
        "nothing "
        "can be changed in it or\nserved from it. `airlock restore` makes a contour of it again.",
    .options = {{"verify", NULL, "hash every file that the backup has, not only those that look different", false}},
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
