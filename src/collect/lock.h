/* A lock file, read in the parse process (parse/lock.h says what is taken and what is refused) and held against the
 * files that came: what a set of collect.yaml asks for. Hard rule: a lock with one refusal is not collected from. */
#pragma once

#include "sandbox/child.h"
#include "util/json.h"

enum lock_kind {
    LOCK_PIP,
    LOCK_UV,
    LOCK_POETRY,
    LOCK_PYLOCK,
    LOCK_NPM,
    LOCK_APT,
    LOCK_IMAGES,
    LOCK_MODELS,
    LOCK_KINDS
};

const char *lock_kind_name(enum lock_kind kind); /* "pip": the key of collect.yaml and the parse op's "kind" */
/* All strings are borrowed from the lock's document and live as long as it. */
struct lock_hash_of {
    const char *alg; /* "sha256", "sha384", "sha512" */
    const char *hex;
};

struct lock_file_of {
    const char *filename;
    const char *url; /* or NULL */
    struct lock_hash_of hash;
};

struct lock_package {
    const char *ecosystem; /* "pypi", "npm", "deb", "image", "model" */
    const char *name, *version;
    const char *group;             /* "prod", "dev", or the name that the lock file gives it */
    const char *architecture;      /* deb; NULL: as collect.yaml says */
    const char *marker;            /* pypi; NULL: always wanted */
    const char *extras;            /* pypi, "a,b"; or NULL */
    const char *url;               /* npm's "resolved"; or NULL */
    const char *file;              /* the lock's name */
    bool optional;                 /* npm: its client goes on without it where os or cpu do not fit */
    const json_t *os, *cpu, *libc; /* npm: lists of what it is for; NULL: any */
    unsigned line;
    struct lock_hash_of *hashes; /* any of them names a file that is meant; none: deb (may have one), model */
    size_t hash_count;
    struct lock_file_of *files; /* uv, poetry and pylock name them one by one; else none */
    size_t file_count;
};

struct lock_refusal {
    unsigned line;
    const char *text, *why, *how;
};

struct lock {
    char *file; /* owned: its name, as given */
    enum lock_kind kind;
    struct digest digest; /* of the lock file's bytes */
    struct lock_package *packages;
    size_t count;
    struct lock_refusal *refused;
    size_t refused_count;
    uint64_t refused_more; /* refusals beyond those that are listed */
    json_t *document;      /* owned; holds the strings */
};

/* Reads lock file `path` of directory `dir`. Packages that the file itself gives no group get `group`. 0 also when
 * entries are refused: see lock_check. -1: ERR_NOTFOUND, ERR_INPUT (no lock file of its kind), ERR_LIMIT,
 * ERR_UNDECIDED. */
int lock_read(struct child *parser, int dir, const char *path, enum lock_kind kind, const char *group, struct lock *out,
              struct err *e);
void lock_fini(struct lock *l);
#define auto_lock AUTO(lock_fini) struct lock

/* 0, or -1 with ERR_INPUT: the first refusal, why, how to pin it, and how many more there are. */
int lock_check(const struct lock *l, struct err *e);

/* Whether a file with this hash is one that `p` means. */
bool lock_allows(const struct lock_package *p, const char *alg, const char *hex);

/* requirements.txt for pip's hash-checking mode, of the packages of ecosystem "pypi" in one of `groups` (NULL-
 * terminated; NULL: all): name==version, marker, hashes; extras are left out, because a lock holds what they bring. A
 * pip lock whose name stands twice with different markers is written with both, as it stands. */
void lock_write_requirements(const struct lock *l, const char *const groups[], struct buf *out);
