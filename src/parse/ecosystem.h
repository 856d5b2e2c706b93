/* Ecosystems as advisories name them (OSV schema, "affected[].package.ecosystem"), and package URLs as inventories do:
 * one table joins the two. Pure. Hard rule: both sides of a comparison go through the same normal form, and a name of
 * an ecosystem that is not in the table joins with nothing. */
#pragma once

#include "parse/version.h"
#include "util/buf.h"

struct ecosystem {
    const char *name;           /* "Debian", without its release */
    const char *purl_type;      /* "deb" */
    const char *purl_namespace; /* "debian"; NULL: the namespace is part of the name, or there is none */
    bool distribution;          /* advisories are about one release each */
    unsigned release_parts;     /* numbers that make a release: 1 of "12.5", 2 of "3.20.1" */
    bool source_names;          /* advisories name source packages */
};

/* The ecosystem of "Debian:12"; *release gets what stands behind the colon. NULL: not in the table. */
const struct ecosystem *ecosystem_of(struct span text, struct span *release);

/* The ecosystem of a package URL's type and namespace (both as purl_parse gives them; namespace may be NULL or "").
 * NULL: none. */
const struct ecosystem *ecosystem_of_purl(const char *type, const char *namespace);

/* By what order its versions go; false: by none (only lists of versions count). */
bool ecosystem_order(const struct ecosystem *eco, enum version_type *out);

/* The name that both sides have: PEP 503 of PyPI, small letters where the ecosystem does not tell them apart. False: an
 * empty one, or one that does not fit. */
#define ECOSYSTEM_NAME_SIZE 512U
bool ecosystem_name(const struct ecosystem *eco, struct span name, char out[ECOSYSTEM_NAME_SIZE]);

/* The release in one form: "bookworm", "debian-12.5" and "12" are "12"; "v3.20" and "alpine-3.20.1" are "3.20";
 * "Leap 15.5" is "15.5". "" when the text names none. */
#define ECOSYSTEM_RELEASE_SIZE 32U
void ecosystem_release(const struct ecosystem *eco, struct span text, char out[ECOSYSTEM_RELEASE_SIZE]);

/* The release that a version of a distribution's package names itself ("+deb12u3", ".el9_4"), or "". */
void ecosystem_release_of_version(const struct ecosystem *eco, struct span version, char out[ECOSYSTEM_RELEASE_SIZE]);

/* The form in which versions of a list are looked up: what the ecosystem takes for one version has one (PEP 440's
 * normal form without zeros at the end; an epoch of zero, a leading "v" and semver's build are left out). False when it
 * does not fit: then it is in no list. */
#define ECOSYSTEM_VERSION_SIZE 1056U
bool ecosystem_version_key(const struct ecosystem *eco, struct span version, char out[ECOSYSTEM_VERSION_SIZE]);
