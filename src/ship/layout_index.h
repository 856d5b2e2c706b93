/* index.json of a station's store, so that other OCI tools (skopeo, oras) can read its releases and its
 * collections, and the images that those hold (by NAME@sha256:…). Derived from the database; written again whenever
 * something was packed or collected. */
#pragma once

#include "site/site.h"
#include "store/db_release.h"

int layout_index_write(struct site *station, struct err *e);
