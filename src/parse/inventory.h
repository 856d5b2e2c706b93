/* Packages that were found, in one shape for all readers, whatever kept the record: a package database, the metadata
 * beside an installed package, the build information inside a program, a lock file. And claims: which file, with which
 * hash, such a record says that a package owns. Hard rule: nothing here believes a record; what it claims is held
 * against the files' own hashes by whoever has them.
 *
 * A row of "packages": {"type", "namespace"?, "name", "version", "architecture"?, "source"?, "source_version"?,
 * "licence"?, "channel"?, "declared"?: true, "found"}; "type" is a purl type, "found" the file that says so. A row of
 * "claims": {"type", "name", "version"?, "found", "files": [[PATH, ALGORITHM, HEX, CONFIGURATION?]]}; an empty
 * ALGORITHM: no hash is said. A row of "pins", what a lock file says of one package: {"ecosystem", "name", "version",
 * "hashes": [{"alg", "hex"}], "files"?, "url"?, …} as lock.h has it, and "found". A row of "natives", a program or
 * library inside of a package file: {"path", "sha256", "size"}. A row of "models": {"path", "family"?,
 * "architecture"?}, of the model itself or of the config.json beside it. A row of "licences": {"type", "name",
 * "licence", "spdx"?}, of a package whose own record does not say, or {"path", "spdx", "card"?: true}, of a file that
 * is the text of a licence, or says which one a model has. "spdx", of packages too: the expression that "licence" is,
 * where it is one (licence.h). Paths are of the tree that was read. */
#pragma once

#include "parse/claims.h"
#include "parse/report.h"
#include "util/digest.h"

/* Rows of one look. The largest installations of npm have 30,000 packages. */
#define LIMIT_INVENTORY_PACKAGES 200000U
#define LIMIT_INVENTORY_CLAIMS   2000000U
#define LIMIT_INVENTORY_BYTES    (20U << 20) /* of either list */

struct found_package {
    const char *type;                                                                             /* "deb"; static */
    struct span namespace, name, version, architecture, source, source_version, licence, channel; /* may be empty */
    bool declared;    /* a lock file names it; nothing says that it is there */
    bool unversioned; /* may be without a version: a program's own module */
};

struct inventory {
    struct report *r; /* takes what is wrong; borrowed */
    const char *path; /* of the file at hand */
    struct span root; /* the beginning of `path` that its record's own paths lie under: "" or "rootfs/" */
    struct buf packages_json, claims_json, pins_json, natives_json, models_json, licences_json, system_json;
    struct json_out packages, claims, pins, natives, models, licences; /* open arrays */
    struct claims *by_path; /* the claims once more, to be asked; NULL: not kept. Owned */
    size_t package_count, claim_count;
    bool in_package;    /* the file at hand lies in a package file: only what is at its top says what it is */
    bool stopped;       /* a limit was met, and said */
    bool licences_only; /* only what says a licence is read */
};

void inventory_init(struct inventory *v, struct report *r);
void inventory_fini(struct inventory *v);
#define auto_inventory AUTO(inventory_fini) struct inventory

/* Adds a package of the file at hand. 0, or -1 after a finding: no name, no version, too many. */
int inventory_put(struct inventory *v, const struct found_package *p);

/* What one package claims: begin, a call for each file, end. */
void inventory_claims(struct inventory *v, const char *type, struct span name, struct span version);
/* `path` is relative to v->root; bytes: hash_size(kind) of them, or empty when no hash is said. -1: too many. */
int inventory_claim(struct inventory *v, struct span path, enum hash kind, struct span bytes, bool configuration);
void inventory_claims_end(struct inventory *v);

/* Members "packages", "claims", "pins", "natives", "models", "licences" and, where a file says which system this is,
 * "system", into an open object. -1: a buffer was full (ERR_LIMIT). */
int inventory_write(struct inventory *v, struct json_out *w, struct err *e);

/* What a model's file, or the config.json beside it, says of the model. */
void inventory_model(struct inventory *v, const char *path, const char *family, const char *architecture);

/* The licence of a package, from another file than its record; names that are none of the list stand for texts of the
 * same file. */
void inventory_licence(struct inventory *v, const char *type, struct span name, struct span licence);

/* What the file at hand is the text of, or (card) what it says of the model beside it; an expression. */
void inventory_licence_file(struct inventory *v, struct span expression, bool card);

/* A program or a library that lies in a package file. */
void inventory_native(struct inventory *v, const char *path, struct span bytes);

/* The next line, with or without its line feed at the end of the file. */
bool inventory_line(struct span *s, struct span *line);

/* Is there a reader for a file of this name? A pure look at the path; what is in the file decides later. */
bool inventory_wants(const char *path);

/* Does the name promise the weights of a model? */
bool inventory_is_model(const char *path);

/* Does the name promise a file system or a disk in a file? */
bool inventory_is_system_image(const char *path);

/* Is it one that says which files a package owns, or which system this is? */
bool inventory_is_record(const char *path);

/* The same for the bytes: programs and libraries may carry the list of what they were built from. */
bool inventory_wants_bytes(struct span first);

/* Reads one file by its path and content; what is not wanted is passed over. `nested`: containers around it. */
void inventory_read(struct inventory *v, const char *path, struct span bytes, unsigned nested);

/* The same for a file whose place says nothing: by its first words. False: no record that is known. */
bool inventory_read_bytes(struct inventory *v, const char *path, struct span bytes);

/* The op "inventory" of the parse role: one file. arg: {"path", "top"?: true (the file that was asked for: an image, a
 * tar or an ISO image is read to its end; a file of a folder is read by its place there), "layer"?: true (a layer of an
 * image), "offset"?, "size"? (a part of the file)}. Reply: what "inspect" replies; facts: "packages", "claims", "pins",
 * "natives", "models", "licences", "system"?, of a tree those of tar.h, of an image "images" (image.h). */
int inventory_op(struct span input, struct span arg, struct buf *reply, struct err *e);
