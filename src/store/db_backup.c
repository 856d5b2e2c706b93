#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "store/db_internal.h"
#include "util/file.h"
#include "util/sys.h"

#define NEW_FILE DB_FILE ".new"

/* All pages in one step: one read transaction, one moment. */
static int copy_pages(struct db *db, sqlite3 *to, struct err *e)
{
    sqlite3_backup *copy = sqlite3_backup_init(to, "main", db->handle, "main");
    if (!copy)
        return err_set(e, ERR_IO, 0, "copy " DB_FILE ": %s", sqlite3_errmsg(to));
    int step = sqlite3_backup_step(copy, -1), end = sqlite3_backup_finish(copy);
    if (step == SQLITE_DONE && end == SQLITE_OK)
        return 0;
    int code = end != SQLITE_OK ? end : step;
    return err_set(e, code == SQLITE_FULL ? ERR_NOSPACE : ERR_IO, 0, "copy " DB_FILE ": %s", sqlite3_errstr(code));
}

static int copy_to(struct db *db, const char *path, struct err *e)
{
    sqlite3 *to = NULL;
    int code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    int result =
        code == SQLITE_OK ? copy_pages(db, to, e) : err_set(e, ERR_IO, 0, "make %s: %s", path, sqlite3_errstr(code));
    code = sqlite3_close(to);
    if (result == 0 && code != SQLITE_OK)
        return err_set(e, ERR_IO, 0, "close %s: %s", path, sqlite3_errstr(code));
    return result;
}

static int sync_file(int dir, const char *name, struct err *e)
{
    auto_fd fd = sys.openat(dir, name, O_RDONLY | O_CLOEXEC, 0);
    return fd < 0 || sys.fsync(fd) < 0 ? err_set(e, ERR_IO, errno, "fsync %s", name) : 0;
}

/* The files beside a database belong to that very database: an older copy's would be read into the new one. */
static int remove_beside(int dir, struct err *e)
{
    static const char *const names[] = {DB_FILE "-wal",      DB_FILE "-shm",  NEW_FILE,
                                        NEW_FILE "-journal", NEW_FILE "-wal", NEW_FILE "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (sys.unlinkat(dir, names[i], 0) < 0 && errno != ENOENT)
            return err_set(e, ERR_IO, errno, "remove %s", names[i]);
    return 0;
}

int db_backup(struct db *db, int dir, struct err *e)
{
    auto_buf path = BUF(8192);
    if (remove_beside(dir, e) < 0 || db_path(dir, NEW_FILE, &path, e) < 0 || copy_to(db, buf_str(&path), e) < 0 ||
        sync_file(dir, NEW_FILE, e) < 0)
        return -1;
    if (sys.renameat2(dir, NEW_FILE, dir, DB_FILE, 0) < 0)
        return err_set(e, ERR_IO, errno, "rename %s", NEW_FILE);
    return dir_sync(dir, "the folder of " DB_FILE, e);
}
