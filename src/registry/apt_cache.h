/* The indexes of apt archives: made once for each state of an environment's pointers, and kept for a while when that
 * state is past. They are made by a thread of their own, one after the other: signing and compressing take a second or
 * more, and gpg may hang; requests that need a new index wait without holding a worker. Safe from any thread. */
#pragma once

#include "registry/apt_index.h"
#include "registry/mirror.h"

struct apt_cache;
struct apt_cache *apt_cache_new(void);
/* After http_stop, which has waited for every answer. NULL is fine. */
void apt_cache_free(struct apt_cache *c);

/* Looks for `path` below dists/airlock/ (it lives as long as the request): a file of the present state by its name, or
 * of any state that is kept by its hash. Calls `found` once, at once or later from another thread; it must answer the
 * request. *f has a descriptor of its own, which `found` takes over; NULL when there is no such file, or with *e when
 * the index could not be made. */
void apt_cache_find(struct mirror *m, const char *path,
                    void (*found)(struct mirror *m, const struct apt_file *f, struct err *e));

/* The public key, armored; asked for once. ERR_BUSY: somebody else is asking now. */
int apt_cache_key(struct mirror *m, struct buf *armored, struct err *e);
