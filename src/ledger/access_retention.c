/* Segments that are old enough go, file by file; the ledger says up to which record. A segment is named by its first
 * record, so the names alone say what lies below a number: all segments before the last one whose name is not above
 * it. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ledger/access_internal.h"
#include "util/file.h"
#include "util/sys.h"

static int only_segments(const struct dirent *entry)
{
    return access_segment_name_ok(entry->d_name);
}

static void free_names(struct dirent **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

/* Oldest first. */
static int list(int access, struct dirent ***names, struct err *e)
{
    int n = scandirat(access, ".", names, only_segments, alphasort);
    return n < 0 ? err_set(e, ERR_IO, errno, "list " ACCESS_DIR) : n;
}

static uint64_t first_record(const char *name)
{
    return strtoull(name, NULL, 10);
}

int access_old(int dir, int64_t before_s, uint64_t *before, struct err *e)
{
    struct dirent **names = NULL;
    auto_fd access = dir_open(dir, ACCESS_DIR, e);
    int n = access < 0 ? -1 : list(access, &names, e), old = 0;
    if (n < 0)
        return -1;
    for (struct stat st; old + 1 < n; old++)
        if (fstatat(access, names[old]->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_mtime >= before_s)
            break;
    if (old > 0)
        *before = first_record(names[old]->d_name);
    free_names(names, n);
    return old > 0;
}

int access_drop(int dir, uint64_t before, uint64_t *segments, uint64_t *bytes, struct err *e)
{
    struct dirent **names = NULL;
    auto_fd access = dir_open(dir, ACCESS_DIR, e);
    int n = access < 0 ? -1 : list(access, &names, e), result = 0;
    if (n < 0)
        return -1;
    for (int i = 0; result == 0 && i + 1 < n && first_record(names[i + 1]->d_name) <= before; i++) {
        struct stat st;
        if (fstatat(access, names[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            *bytes += (uint64_t)st.st_size;
        if (sys.unlinkat(access, names[i]->d_name, 0) < 0 && errno != ENOENT)
            result = err_set(e, ERR_IO, errno, "remove " ACCESS_DIR "/%s", names[i]->d_name);
        ++*segments;
    }
    free_names(names, n);
    return result < 0 ? -1 : dir_sync(access, ACCESS_DIR, e);
}
