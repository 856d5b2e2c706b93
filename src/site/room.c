#include "site/room.h"

#include "util/file.h"

int room_check(int dir, uint64_t reserve, uint64_t bytes, const char *what, struct err *e)
{
    uint64_t free_bytes;
    if (disk_free(dir, &free_bytes, e) < 0)
        return -1;
    if (free_bytes >= reserve && free_bytes - reserve >= bytes)
        return 0;
    err_set(e, ERR_NOSPACE, 0,
            "%s is not taken in: the disk has %llu MiB free, %llu MiB are wanted, and %llu MiB are kept free "
            "(intake.reserve of airlock.yaml); what stands here goes on",
            what, (unsigned long long)(free_bytes >> 20), (unsigned long long)((bytes + (1U << 20) - 1) >> 20),
            (unsigned long long)(reserve >> 20));
    return err_hint(
        e, "Make room and give the same command again: `airlock gc` removes what nothing needs and is older than a "
           "day, `airlock gc --grace 1h` what is older than an hour");
}
