/* Versions as npm orders them: Semantic Versioning 2.0.0, item 11. Pure. */
#pragma once

#include <stdbool.h>

/* <0, 0, >0. What is no such version comes before all that are, in order of its bytes; versions that differ in build
 * metadata alone are ordered by it, so that only equal texts are equal. */
int npm_version_compare(const char *a, const char *b);

/* Has it a part behind a hyphen (item 9)? False for what is no version. */
bool npm_version_is_prerelease(const char *version);
