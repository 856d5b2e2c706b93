/* The order of versions, by the rules of the ecosystem that made them; the types are those of package URLs
 * (docs/formats/versions.md says what each takes). Pure, no allocation. Hard rule: a text that the ecosystem refuses
 * has no order, and is not equal even to itself: who wants "the same text" compares bytes first.
 *
 * Sources: deb-version(7); apk-tools (version.c, apk-package(5)); RPM (rpm-version(7)); PEP 440; Semantic Versioning
 * 2.0.0 section 11; Go modules reference; Maven "Version Order Specification"; RubyGems
 * Gem::Version; NuGet "Package versioning"; Composer and PHP version_compare. */
#pragma once

#include <stdbool.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/span.h"

/* Longer than any version that was ever published; a longer text is no version. */
#define VERSION_LENGTH_MAX 1024U

enum version_type {
    VERSION_DEB,
    VERSION_APK,
    VERSION_RPM,
    VERSION_PYPI,
    VERSION_NPM,
    VERSION_GOLANG,
    VERSION_CARGO,
    VERSION_HEX,
    VERSION_BITNAMI,
    VERSION_MAVEN,
    VERSION_GEM,
    VERSION_NUGET,
    VERSION_COMPOSER,
    VERSION_ALPM,
    VERSION_CRAN,
    VERSION_PUB,
    VERSION_HACKAGE,
    VERSION_CONAN,
    VERSION_EBUILD,
    VERSION_OPENSSL, /* no type of package URLs */
    VERSION_NGINX,
    VERSION_DATETIME,      /* a scheme of vers ranges alone, as the next */
    VERSION_LEXICOGRAPHIC, /* bytes */
    VERSION_TYPES
};

/* The type of a package URL ("deb", "pypi"), or false: its versions have no order here. */
bool version_type_named(struct span purl_type, enum version_type *out);
const char *version_type_name(enum version_type type);

/* True when the ecosystem takes the text for a version. Laxer than the ecosystem, as advisories write: semantic
 * versions (npm, cargo, …) may have any count of numbers and a leading "v", Go's may come without "v", letters may
 * follow the first number of a gem ("1beta"). */
bool version_valid(enum version_type type, struct span version);

/* *order: < 0, 0, > 0 as a stands before, beside or behind b. False when there is no order: *order is then 1 or 2, the
 * first of the two that is no version. Of apk alone two texts have the order that apk gives them also where they are no
 * versions: its repositories hold such ("5.1p1-r0"), and the place where they go wrong counts as their end. So two
 * different texts may come out as 0 that are no versions: who draws something from that asks version_valid(). */
bool version_compare(enum version_type type, struct span a, struct span b, int *order);

/* The operation "versions" of the parse role. `arg` is a type, `input` lines "A TAB B"; the reply is one byte a line:
 * "<", "=" or ">"; "a" or "b" when that one is no version; "?" when the line has no TAB. ERR_USAGE: no such type. */
int version_op(struct span input, struct span arg, struct buf *reply, struct err *e);
