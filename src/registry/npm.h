/* The view of npm: registry=http://HOST/npm/ENVIRONMENT/ (npm/registry, docs/responses/package-metadata.md). Rows of
 * ecosystem "npm" (store/db_package.h): name with its scope, about: {"shasum", "integrity", "manifest": the members of
 * package.json that npm's own abbreviated document has}. A version is one tarball, whatever its row calls the file.
 * Closed: a name that no release of the environment brings is 404, and nobody else is asked.
 *
 * dist-tags holds `latest` alone, and that is a property of the view: the highest version held, by Semantic Versioning,
 * a pre-release only where there is nothing else. What the author's registry calls latest is not known here. */
#pragma once

#include "registry/mirror.h"

extern const struct mirror_view NPM_VIEW;
