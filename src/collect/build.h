/* Building what came as source, twice: each source distribution of a set goes to a wheel in a box without any network,
 * with the tools of the same collection (group "build", wheels), two times with everything varied that must not matter:
 * clock, time zone, locale, hash seed, umask, path, order of the files. Two wheels with one SHA-256 join the
 * collection, with SLSA provenance that the station signed. Hard rule: a wheel that differs, or a build that failed,
 * ends the collecting; it is entered in the ledger; what travels instead is decided by a person (build: false). */
#pragma once

#include "collect/collecting.h"

#define BUILD_GROUP    "build"
#define BUILD_EVIDENCE "slsa-provenance" /* kind, in the packages document */

/* ERR_INPUT: which source, which member differs first, what the build tried; ERR_NOTFOUND: Python is not on this
 * machine; ERR_SYSTEM: no box. */
int build_sources(struct collecting *c, struct err *e);
