/* The packages that a release brings: the document that pins them (docs/formats/packages.md), read and written, and a
 * look at a package file before it is pinned. A collection of `airlock collect` is the same document. Hard rule: what a
 * document says of a file is believed only where the file was looked at again. */
#pragma once

#include "ship/release.h"
#include "site/site.h"
#include "store/db_package.h"

#define PACKAGES_SCHEMA "airlock/packages/1"

struct package {
    char *ecosystem, *name, *version, *filename, *group; /* owned */
    char *source;                                        /* owned; where it came from, or NULL */
    struct digest digest;
    uint64_t size;
    json_t *hashes; /* owned; {"sha512": hex, "sha1"?, "md5"?} */
    json_t *about;  /* owned; an object */
};

struct package_evidence {
    char *kind, *name; /* owned */
    struct digest digest;
    uint64_t size;
};

struct packages {
    struct package *items; /* owned; in order of ecosystem, name, filename */
    size_t count, room;
    struct package_evidence *evidence; /* owned */
    size_t evidence_count;
};

void packages_fini(struct packages *p);
#define auto_packages AUTO(packages_fini) struct packages
void package_fini(struct package *p);
void package_copy(const struct package *from, struct package *to);

/* Takes *item over (and empties it). */
void packages_add(struct packages *p, struct package *item);
void packages_add_evidence(struct packages *p, const char *kind, const char *name, const struct digest *id,
                           uint64_t size);

/* Puts them in order; what stands there twice stays once. ERR_INPUT: two files of one name in one package. */
int packages_sort(struct packages *p, struct err *e);

/* Appends the document; the same packages give the same bytes. They must be sorted. */
int packages_write(const struct packages *p, struct buf *out, struct err *e);

/* Reads a document, taken apart in the parse process. ERR_INPUT (where, what was wanted), ERR_LIMIT. */
int packages_parse(struct child *parser, struct span text, const char *what, struct packages *out, struct err *e);
int packages_read(const struct blobs *b, struct child *parser, const struct digest *id, struct packages *out,
                  struct err *e);

/* Reads the document of a release, and holds it against the release: every file that it names is a blob of the release
 * with that size, and every blob of that part is named. None, and *out is empty, when the release brings none. */
int release_packages(const struct blobs *b, struct child *parser, const struct release *r, struct packages *out,
                     struct err *e);

/* "sha256:…" of a wheel's METADATA and its size; false when the package has none. */
bool package_metadata(const struct package *p, struct digest *id, uint64_t *size);

/* The same for a release of this contour or station, wherever its blobs lie now. */
int release_packages_of(struct site *s, const struct release *r, struct packages *out, struct err *e);

/* How many there are, in words: "7: 1 deb, 1 file, 2 npm, 3 pypi"; "none". */
void packages_say(const struct packages *p, char *out, size_t size);
/* Member "packages": {"ecosystem", "name", "version", "filename", "digest", "size", "group"} for each. */
void packages_put(struct json_out *w, const struct packages *p);

/* Appends its package URL ("pkg:pypi/six@1.16.0?file_name=…"); nothing for ecosystems that have none. */
void package_purl(const struct package *p, struct buf *out);

/* What the parse process says of the package file `fd`. `ecosystem` "file": a file that is no package; else NULL. *out
 * gets ecosystem, name, version, filename, digest, hashes and about; size, group and source are the caller's. *metadata
 * (owned by the caller) gets a wheel's METADATA. *reply is the whole answer: verdict and findings (a new reference).
 * -1: the file cannot be taken for a package at all: ERR_INPUT; ERR_UNDECIDED. */
int package_look(struct child *parser, int fd, const char *filename, const char *ecosystem, struct package *out,
                 struct buf *metadata, json_t **reply, struct err *e);

/* The two halves of it, for who asks the op "package" himself: its `arg` (owned by the caller), and what its reply
 * says. */
char *package_look_arg(const char *filename, const char *ecosystem);
int package_look_take(const json_t *reply, const char *filename, struct package *out, struct buf *metadata,
                      struct err *e);

/* What names have in common that people take for each other: they would be one if letters that look alike, and large
 * and small ones, were; of PyPI, if there were no hyphens. For comparing, and for sorting many. */
void package_name_skeleton(const char *ecosystem, const char *name, char *out, size_t size);

/* Calls each with one row a package, and one a piece of evidence (store/db_package.h); a row lives until it returns.
 * Stops at a non-zero return, which is returned. */
int packages_each_row(const struct packages *p, int (*each)(void *arg, const struct package_row *row), void *arg,
                      struct err *e);
/* All rows of a release: of its packages, and of its model (model_repository.h). */
int release_add_rows(struct db *db, const struct release *r, const struct packages *p, struct err *e);
