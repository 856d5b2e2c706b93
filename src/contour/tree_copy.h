/* Copies a file, or a folder with everything below it, durably, with times of change. Where the caller says that files
 * never change, one that is there with the same size and time is kept as it is; one of another time, and with `verify`
 * each, is looked at: a blob (its name is a digest) is hashed, another file is compared, and what is wrong is copied
 * again. Links and sockets are left out: a site has none that it needs. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

struct tree_copy {
    bool verify; /* look into every file that is kept */
    bool hashes; /* a blob whose bytes do not hash to its name is not copied: what is there stays, and it is counted */

    uint64_t files, bytes;         /* seen */
    uint64_t copied, copied_bytes; /* written */
    uint64_t looked_at, repaired;  /* of the files that were there: looked into; wrong, and copied again */
    uint64_t damaged;              /* blobs of the source that do not hash to their name */
    char damaged_name[65];         /* the first of them */
    bool vanished;                 /* something went away while it was copied */
};

/* `name` in directory `from` becomes `name` in directory `to`. ERR_NOSPACE, ERR_IO, ERR_LIMIT (too deep). */
int tree_copy(struct tree_copy *c, int from, int to, const char *name, bool keep, struct err *e);

static inline void dir_close(DIR **d)
{
    if (*d)
        closedir(*d);
}
