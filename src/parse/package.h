/* Package files of other people's ecosystems: what a wheel, a source distribution, an npm package or a Debian package
 * says of itself, held against its file name and against what is in it. Hard rule: name and version come out of the
 * package, and everything in it that repeats them agrees. */
#pragma once

#include "parse/inspect.h"
#include "parse/sniff.h"

#define LIMIT_PACKAGE_NAME     256U /* npm: 214; the others have none */
/* A METADATA, PKG-INFO, control or package.json. The longest descriptions of PyPI stay below 1 MiB. */
#define LIMIT_PACKAGE_METADATA (2U << 20)

enum package_kind { PACKAGE_UNKNOWN, PACKAGE_WHEEL, PACKAGE_SDIST, PACKAGE_NPM, PACKAGE_DEB, PACKAGE_FILE };

struct package_facts {
    const char *filename;                                       /* borrowed */
    char name[LIMIT_PACKAGE_NAME], version[LIMIT_PACKAGE_NAME]; /* as store/db_package.h says; "" when unknown */
    bool described;                                             /* `about` has what its ecosystem asks for */
    struct json_out about;                                      /* an open object: members of "about" */
    struct buf about_json;
    struct buf metadata; /* of a wheel: its METADATA, byte by byte */
};

void package_facts_init(struct package_facts *p, const char *filename);
void package_facts_fini(struct package_facts *p);
#define auto_package_facts AUTO(package_facts_fini) struct package_facts

/* What the file name says, for as long as nothing better is known: a package that contradicts its name still has one,
 * so that it can be spoken of. The names are normal forms already. */
void package_named(struct package_facts *p, const char *name, const char *version);

/* By the end of the file's name: .whl, .tar.gz (a source distribution), .tgz (npm), .deb. */
enum package_kind package_kind_of(const char *filename);
const char *package_ecosystem(enum package_kind kind); /* "pypi", "npm", "deb", "file"; static */

/* If the name says wheel, deb or rpm and the bytes are of that family, they are read as one: true. */
bool package_check_named(struct span file, enum content content, const struct inspect_options *o, struct report *r);

/* A member that is `wanted` but for the case of its letters is a finding: on some file systems it takes its place. */
void package_check_case(struct span member, const char *wanted, const char *at, struct report *r);

/* PEP 503: lower case, runs of - _ . are one -. False when it is no name of PyPI (PEP 508). */
bool pypi_name(struct span text, char out[LIMIT_PACKAGE_NAME]);

#define PACKAGE_IDENTITY_SIZE 1536U

/* What a client asks for when it asks for this file, however the file's name spells it: two files of one identity stand
 * for each other. A wheel: name, version, build and tags; a source distribution: name and version; npm: name and
 * version without build metadata (Semantic Versioning 10); Debian: name, version and architecture. Of others, and of a
 * file that is not named as its kind is, the file name. */
void package_identity(const char *ecosystem, const char *name, const char *version, const char *filename,
                      char out[PACKAGE_IDENTITY_SIZE]);

/* Name, Version and what PyPI's pages want of METADATA or PKG-INFO, held against what the file name says (normal forms;
 * version may be NULL). */
void pypi_metadata(struct span text, const char *at, const char *name, const char *version, struct package_facts *p,
                   struct report *r);

/* The op "package" of the parse role: a look as "inspect" gives it, at a file that a release brings as a package.
 * arg: {"filename", "ecosystem"?: "file" (a file that is no package)}. Reply: what "inspect" replies with "sha256", and
 * {"package": {"ecosystem", "name", "version", "hashes": {"md5", "sha1", "sha512"}, "about": {…}, "metadata"?: text}}.
 */
int package_op(struct span input, struct span arg, struct buf *reply, struct err *e);
