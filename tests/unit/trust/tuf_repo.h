/* A station's metadata in memory, made by our writer, and hands that change it and sign it again with whatever keys: so
 * that each attack differs from a right medium in one thing. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trust/tuf.h"

#define NOW 1795000000
#define DAY 86400

struct repo_file {
    char name[48];
    struct buf bytes;
};

struct repo {
    struct private_key *keys[TUF_ROLES]; /* owned */
    struct repo_file *files;
    size_t count, room;
    size_t last_cap; /* of the last fetch */
};

void repo_init(struct repo *r); /* new keys; root 1 */
void repo_fini(struct repo *r);
void repo_copy_files(struct repo *to, const struct repo *from);

struct buf *repo_get(struct repo *r, const char *name); /* fails the test when it is not there */
bool repo_has(const struct repo *r, const char *name);
void repo_put(struct repo *r, const char *name, struct span bytes);
void repo_remove(struct repo *r, const char *name);
struct tuf_source repo_source(struct repo *r);

/* targets, delegated roles, snapshot and timestamp of `version`, expiring in 30 days, with five targets. */
void repo_publish(struct repo *r, uint64_t version);

/* The file as JSON (new reference); and back, "signed" signed by these keys. */
json_t *repo_load(struct repo *r, const char *name);
void repo_save(struct repo *r, const char *name, json_t *file, const struct private_key *const keys[], size_t count);

/* Changes "signed" (named `body` in `code`) and signs again with one key. */
#define REPO_EDIT(r, name, key, code)                    \
    do {                                                 \
        json_t *file_ = repo_load(r, name);              \
        json_t *body = json_object_get(file_, "signed"); \
        code;                                            \
        const struct private_key *keys_[] = {key};       \
        repo_save(r, name, file_, keys_, 1);             \
        json_decref(file_);                              \
    } while (0)

/* Makes snapshot and timestamp of `version` list the files as they are now. */
void repo_relink(struct repo *r, uint64_t version);

/* One role in a root made by hand. */
struct root_role {
    const struct private_key *keys[6]; /* ends with NULL */
    uint64_t threshold;                /* 0: 1 */
};
/* A root with these roles (root, targets, snapshot, timestamp), signed by `signers` (ends with NULL). */
void repo_root(struct repo *r, uint64_t version, int64_t expires_s, const struct root_role roles[4],
               const struct private_key *const signers[]);
