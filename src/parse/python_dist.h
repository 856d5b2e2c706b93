/* Installed Python packages: NAME-VERSION.dist-info/METADATA with its RECORD, and NAME.egg-info (a file, or a folder
 * with PKG-INFO) (PyPA specifications, "Core metadata" and "Recording installed projects"). Hard rule: name and version
 * are those of the metadata, each said once; the folder's name decides nothing. */
#pragma once

#include "parse/inventory.h"

void python_dist_read(struct span file, struct inventory *v);

/* Claims of the package whose dist-info (or egg-info) folder this lies in. */
void python_record_read(struct span file, struct inventory *v);

/* The next field of a line of CSV (RFC 4180) into `out`. */
bool record_take_field(struct span *line, struct buf *out);

/* "sha256=BASE64" (URL-safe, padding or not; also sha384, sha512) into *bytes. False: another hash, or none. */
bool record_take_hash(struct span text, enum hash *kind, struct buf *bytes);
