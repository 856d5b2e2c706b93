/* Copies a file, or a folder with everything below it, durably. Files that are there already with the same size are
 * kept where the caller says that they never change. Links and sockets are left out: a site has none that it needs. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

struct tree_copy {
    uint64_t files, bytes;         /* seen */
    uint64_t copied, copied_bytes; /* written */
    bool vanished;                 /* something went away while it was copied */
};

/* `name` in directory `from` becomes `name` in directory `to`. ERR_NOSPACE, ERR_IO, ERR_LIMIT (too deep). */
int tree_copy(struct tree_copy *c, int from, int to, const char *name, bool keep, struct err *e);

static inline void dir_close(DIR **d)
{
    if (*d)
        closedir(*d);
}
