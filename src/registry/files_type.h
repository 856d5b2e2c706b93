/* What a file of a release is called on the wire, and where it lies. Pure. */
#pragma once

#include "store/db_package.h"

#define FILES_TYPE_SIZE 64
#define FILES_PATH_MAX  8192U

/* The media type of a row's "about" ("media-type"), if it is one of those that no browser runs; else
 * application/octet-stream. */
void files_type(const char *about, char type[FILES_TYPE_SIZE]);

/* Appends the path below a release: a file of the release's own name lies at the top ("handbook.pdf"), any other in the
 * folder of its name ("docs/handbook.pdf"). */
void files_path(const char *release, const struct package_row *row, struct buf *out);
