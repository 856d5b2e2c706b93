/* Lock files: what a project pins, read from the file that its own tool wrote (docs/formats/locks.md). The op "lock" of
 * the parse role: one file in, the packages with their hashes out, and every entry that floats (a range, a branch, a
 * tag, no hash) as a refusal that names its line, why it floats, and how to pin it. Hard rule: what is not understood
 * to its end is refused; nothing is left out silently.
 *
 * Reply: {"packages": [{"ecosystem", "name", "version", "group", "line", "architecture"?, "marker"?, "extras"?,
 * "optional"?, "os"?, "cpu"?, "libc"?, "url"?, "hashes": [{"alg", "hex"}], "files"?: [{"filename", "url"?, "alg",
 * "hex"}]}], "refused":
 * [{"line", "text", "why", "how"}], "refused_more": 0} Names are in the form that store/db_package.h gives them. Of a
 * package, any file that has one of `hashes` is meant; `files` stands there when the lock file names them one by one.
 */
#pragma once

#include <stdarg.h>

#include "util/json.h"

/* A lock file: the largest known are 5 MiB. It is read from memory, and the reply has the same size about. */
#define LIMIT_LOCK_BYTES (8U << 20)

/* Entries. A large application of npm has 3,000. */
#define LIMIT_LOCK_PACKAGES 20000U

/* Refusals that are written out; the rest is counted. */
#define LOCK_REFUSED_MAX 200U

struct lock_item {
    const char *ecosystem; /* "pypi", "npm", "deb", "image", "model" */
    const char *name, *version;
    const char *group;
    const char *architecture;      /* of a deb, or NULL: as collect.yaml says */
    const char *marker;            /* PEP 508 environment marker, or NULL: always */
    const char *extras;            /* "a,b", or NULL */
    const char *url;               /* or NULL */
    bool optional;                 /* its client goes on without it where the platform does not fit */
    const json_t *os, *cpu, *libc; /* npm: what it is for, a text or a list of them; NULL: any */
    unsigned line;                 /* from 1 */
};

/* What a reader writes into. An item is begun, gets its hashes, then its files, and is ended. */
struct lock_out {
    const char *file;                  /* the lock file's name, for messages */
    const char *group;                 /* of everything that the lock file itself gives no other */
    bool listing;                      /* for an inventory: an entry that is refused is written too, if it has a name */
    struct json_out packages, refused; /* open arrays */
    size_t count, refused_count;
};

int lock_begin(struct lock_out *o, const struct lock_item *item, struct err *e); /* ERR_LIMIT */
void lock_hash(struct lock_out *o, const char *alg, struct span hex);
void lock_files(struct lock_out *o); /* no hashes after this */
void lock_file(struct lock_out *o, struct span filename, const char *url, const char *alg, struct span hex);
void lock_end(struct lock_out *o);

/* Refuses one entry: `text` is what stands there (cut to a line), `how` the next step. */
void lock_refuse(struct lock_out *o, unsigned line, struct span text, const char *how, const char *why, ...)
    __attribute__((format(printf, 5, 6)));

/* "sha256:…" (sha384, sha512): the algorithm's name, and *hex checked for its length and digits; NULL: something else,
 * or one that is too weak to pin a file with. */
const char *lock_hash_split(struct span text, struct span *hex);

/* Writes the PEP 503 form of a Python project's name, or says false when it is none (PEP 508, section "Names"). */
bool lock_python_name(struct span text, char *out, size_t size);

/* Whether a version stands alone: characters of PEP 440, no wildcard, no operator. */
bool lock_python_version(struct span text);

/* A line without blanks at its ends and without a comment that begins with # at its start or behind a blank. */
struct span lock_trim(struct span s);
struct span lock_uncomment(struct span s);

/* Whether a place is a folder of the project itself: a relative path that leads nowhere above. */
bool lock_is_inside(const char *folder);

/* The readers. `text` is UTF-8. -1: the file as a whole is none of its kind (ERR_INPUT with its line). */
int lock_pip(struct span text, struct lock_out *o, struct err *e);
int lock_uv(struct span text, struct lock_out *o, struct err *e);
int lock_poetry(struct span text, struct lock_out *o, struct err *e);
int lock_pylock(struct span text, struct lock_out *o, struct err *e);
int lock_npm(struct span text, struct lock_out *o, struct err *e);
int lock_apt(struct span text, struct lock_out *o, struct err *e);
int lock_images(struct span text, struct lock_out *o, struct err *e);
int lock_models(struct span text, struct lock_out *o, struct err *e);
int lock_yarn(struct span text, struct lock_out *o, struct err *e);    /* yarn.lock, version 1 and berry's */
int lock_pnpm(struct span text, struct lock_out *o, struct err *e);    /* pnpm-lock.yaml, versions 5 to 9 */
int lock_bun(struct span text, struct lock_out *o, struct err *e);     /* bun.lock */
int lock_deno(struct span text, struct lock_out *o, struct err *e);    /* deno.lock, versions 2 to 5 */
int lock_cargo(struct span text, struct lock_out *o, struct err *e);   /* Cargo.lock, versions 1 to 4 */
int lock_gosum(struct span text, struct lock_out *o, struct err *e);   /* go.sum */
int lock_pdm(struct span text, struct lock_out *o, struct err *e);     /* pdm.lock */
int lock_pipfile(struct span text, struct lock_out *o, struct err *e); /* Pipfile.lock */
int lock_conda(struct span text, struct lock_out *o, struct err *e); /* conda-lock.yml, and lists that are @EXPLICIT */

/* Writes one entry with what pins it: a hash, or an SRI text (either may be missing). `why`: what is wrong with it all
 * the same, or NULL. An entry that nothing pins, or that something is wrong with, is refused, and in a listing written
 * as well. */
int lock_entry(struct lock_out *o, const struct lock_item *item, const char *alg, struct span hex, const char *sri,
               const char *why, struct err *e);

/* How many hashes of an SRI text (W3C Subresource Integrity, section 3.5) are strong enough; `o` (or NULL) gets them.
 */
size_t lock_integrity(const char *text, struct lock_out *o);

/* Calls each for every line that holds more than a comment. */
int lock_lines(struct span text, struct lock_out *o,
               int (*each)(struct span line, unsigned number, struct lock_out *o, struct err *e), struct err *e);

/* `arg`: {"kind": "pip"…, "file": the name for messages, "group": "prod", "listing"?: true}. ERR_USAGE, ERR_INPUT,
 * ERR_LIMIT. */
int lock_op(struct span input, struct span arg, struct buf *reply, struct err *e);
