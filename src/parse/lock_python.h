/* What the lock files of uv and poetry and pylock.toml have in common: a Python package with its files one by one. */
#pragma once

#include "parse/lock.h"
#include "parse/toml.h"

#define LOCK_HOW_SOURCE \
    "depend on a released version; a package made in house belongs under packages: local: of release.yaml"

struct lock_python_file {
    char filename[256];
    const char *url;  /* or NULL */
    const char *hash; /* "sha256:…" */
};

struct lock_python {
    struct lock_item item;          /* name as the file has it; it is normalised when written */
    struct span text;               /* what stands in a refusal */
    struct lock_python_file *files; /* owned */
    size_t count;
};

void lock_python_fini(struct lock_python *p);
#define auto_lock_python AUTO(lock_python_fini) struct lock_python

/* Adds a file. `place` is a URL or a path, whose last part is its name; hash may be NULL, which lock_python_put
 * refuses. */
void lock_python_add(struct lock_python *p, const char *place, const char *hash);

/* Writes the package, or refuses it: no name, no version, no file, a file without a strong hash. */
int lock_python_put(const struct lock_python *p, const char *how, struct lock_out *o, struct err *e);
