/* index.json of a station's store, so that other OCI tools (skopeo, oras) can read its releases. Derived from the
 * database; written again whenever a release was packed. */
#pragma once

#include "site/site.h"
#include "store/db_release.h"

int layout_index_write(struct site *station, struct err *e);
