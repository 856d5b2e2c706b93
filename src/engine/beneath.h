/* Paths below one directory, and nothing else: openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and
 * RESOLVE_NO_XDEV, so that no name, link or mount leads out. Hard rule: no path of an image is opened in another way.
 */
#pragma once

#include <sys/types.h>

#include "util/err.h"

/* As openat(2); `path` is relative, without a trailing slash; "" is the directory itself (only with O_DIRECTORY).
 * O_CLOEXEC and O_NOFOLLOW are added. -1 with errno. */
int beneath_open(int dir, const char *path, int flags, mode_t mode);
