/* The view of apt: /apt/ENVIRONMENT as an archive with the suite "airlock" and the component "main" (sources.list(5),
 * deb822 form: URIs: …/apt/prod, Suites: airlock, Components: main, Signed-By: the contour's key). Indexes are made
 * once for each state of the pointers and signed by the contour; those of the states before stay for a while under
 * their hashes, so that an `apt update` under way ends well. The public key is key.asc; what an upstream had signed of
 * the packages that a release brings (its InRelease) lies under evidence/HEX.
 *
 * Hard rule: what an index lists by hash may be asked for as long as somebody may hold that index; a package is given
 * only while its release stands. */
#pragma once

#include "registry/mirror.h"

extern const struct mirror_view APT_VIEW;
