/* SQLite's own file calls, turned into the injector's: linked where src/util/sys_fault.c is, and nowhere else. Content
 * and names of state.db, its WAL and its shared memory then fail, and go back in a power cut, as our own do. (What
 * processes share through the mapped -shm file is not durable by design, and rebuilt from the WAL.) */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/db_fault.h"
#include "util/sys_fault.h"

static int db_open_file(const char *path, int flags, int mode)
{
    return fault_openat(AT_FDCWD, path, flags, (mode_t)mode);
}

static int db_unlink(const char *path)
{
    return fault_unlinkat(AT_FDCWD, path, 0);
}

static ssize_t db_pread(int fd, void *bytes, size_t len, off_t at)
{
    return fault_step(FAULT_READ) ? -1 : pread(fd, bytes, len, at);
}

static int db_fallocate(int fd, off_t from, off_t len)
{
    return fault_fallocate(fd, 0, from, len) < 0 ? EIO : 0; /* posix_fallocate returns its error */
}

#define CALL(name, function)                          \
    {                                                 \
        name, (sqlite3_syscall_ptr)(void *)(function) \
    }

void db_fault_install(void)
{
    static const struct {
        const char *name;
        sqlite3_syscall_ptr call;
    } calls[] = {
        CALL("open", db_open_file),   CALL("unlink", db_unlink),          CALL("write", fault_write),
        CALL("pwrite", fault_pwrite), CALL("pwrite64", fault_pwrite),     CALL("pread", db_pread),
        CALL("pread64", db_pread),    CALL("ftruncate", fault_ftruncate), CALL("fallocate", db_fallocate),
    };
    sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
    if (!vfs)
        abort();
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        vfs->xSetSystemCall(vfs, calls[i].name, calls[i].call); /* SQLITE_NOTFOUND: this build does not use it */
}

__attribute__((constructor)) static void db_fault_start(void)
{
    if (getenv("AIRLOCK_FAULT"))
        db_fault_install();
}
