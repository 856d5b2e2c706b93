/* Rows about the packages that releases bring: what the mirrors (PyPI, npm, apt, files, Hugging Face) show. A view of
 * an environment is the union of the packages of the releases that its pointers name now, found by a join at each
 * request: moving a pointer changes every view in the same transaction. See db.h for the rules; the truth is the
 * packages document of the release (docs/formats/packages.md), of which a row is one item. */
#pragma once

#include "store/db.h"

struct package_row {
    const char *ecosystem; /* "pypi", "npm", "deb", "file", "hf"; "evidence": what an upstream said of its packages,
                            * with its kind as version and its hex as filename */
    const char *name;      /* as the ecosystem's clients ask for it: PEP 503 form, "@scope/name", "libc6", "docs" */
    const char *version;   /* as the ecosystem writes it; of a file: the release's version; of a model: its revision */
    const char *filename;  /* unique within ecosystem and name: "six-1.16.0-py2.py3-none-any.whl" */
    struct digest digest;  /* a blob of the release */
    uint64_t size;         /* bytes */
    const char *about;     /* JSON object: what the ecosystem's pages need besides (docs/formats/packages.md) */
};

int db_package_add(struct db *db, const struct digest *release, const struct package_row *row, struct err *e);

/* In order of ecosystem, name, filename. Stops at a non-zero return, which is returned. */
int db_package_of_release(struct db *db, const struct digest *release,
                          int (*each)(void *arg, const struct package_row *row), void *arg, struct err *e);

/* What the admitted releases hold, `except` left out: each file once. Only ecosystem, name, version, filename and
 * digest are set. */
int db_package_held(struct db *db, const struct digest *except, int (*each)(void *arg, const struct package_row *row),
                    void *arg, struct err *e);

/* What stands in an environment, each file once, in order of name and filename. name NULL: all. A file that two
 * releases bring with different digests is given once for each digest: the caller says what that means. */
int db_package_each(struct db *db, const char *environment, const char *ecosystem, const char *name,
                    int (*each)(void *arg, const struct package_row *row), void *arg, struct err *e);

/* The names alone, each once, in order. */
int db_package_names(struct db *db, const char *environment, const char *ecosystem,
                     int (*each)(void *arg, const char *name), void *arg, struct err *e);

/* The same for each digest that the file has there: more than one when releases disagree. Strings as in
 * db_package_each. */
int db_package_file_each(struct db *db, const char *environment, const char *ecosystem, const char *name,
                         const char *filename, int (*each)(void *arg, const struct package_row *row), void *arg,
                         struct err *e);

/* Which release of the environment brings this row's file with these bytes: "name:version", appended to *release; of
 * several the first. ERR_NOTFOUND. */
int db_package_bringer(struct db *db, const char *environment, const struct package_row *row, struct buf *release,
                       struct err *e);

/* A copy whose strings stand in *strings, which holds nothing else; it lives until *strings changes. */
int package_row_copy(const struct package_row *from, struct package_row *to, struct buf *strings, struct err *e);

/* Each file of an ecosystem with the release that brings it, in order of the release's name; the same file again for
 * each release. */
int db_package_each_brought(struct db *db, const char *environment, const char *ecosystem,
                            int (*each)(void *arg, const char *release, const struct package_row *row), void *arg,
                            struct err *e);

/* The rows of the environment that have these bytes, of whatever ecosystem. */
int db_package_of_digest(struct db *db, const char *environment, const struct digest *digest,
                         int (*each)(void *arg, const struct package_row *row), void *arg, struct err *e);
