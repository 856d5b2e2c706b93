/* An unpacked tree held against its list: every entry is there with its type, mode, size, target and bytes, and nothing
 * else is. Hard rule: what is looked at is reached from the one directory descriptor that the box then makes its root
 * of; no name is looked up from elsewhere. */
#pragma once

#include <stdatomic.h>

#include "engine/tree.h"

struct verify_watch {
    const atomic_bool *cancel;                                  /* may be NULL */
    void (*progress)(void *arg, uint64_t done, uint64_t total); /* bytes; may be NULL */
    void *arg;
};

/* 0: all as listed. -1: ERR_DENIED names the first difference (path, found, wanted); ERR_IO; ERR_BUSY: cancelled. */
int tree_verify(const struct tree *t, int root, const struct verify_watch *watch, struct err *e);

/* The digest of all bytes behind fd, read from its beginning; `what` names it. */
int hash_fd(int fd, const char *what, uint64_t done, uint64_t total, const struct verify_watch *watch,
            struct digest *out, uint64_t *size, struct err *e);
