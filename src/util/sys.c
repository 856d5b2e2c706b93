#include "util/sys.h"

#include <unistd.h>

/* openat and fallocate have variadic or awkward prototypes; the rest of the table is libc as it is. */
static int sys_openat(int dir, const char *path, int flags, mode_t mode)
{
    return openat(dir, path, flags, mode);
}

struct sys sys = {
    .openat = sys_openat,
    .read = read,
    .pread = pread,
    .write = write,
    .pwrite = pwrite,
    .ftruncate = ftruncate,
    .fallocate = fallocate,
    .fsync = fsync,
    .fdatasync = fdatasync,
    .linkat = linkat,
    .renameat2 = renameat2,
    .unlinkat = unlinkat,
    .mkdirat = mkdirat,
    .symlinkat = symlinkat,
    .fchmod = fchmod,
    .close = close,
};
