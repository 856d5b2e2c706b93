/* Archives whose headers follow each other, walked by the lengths that the headers say. Hard rule: the headers and data
 * fill the file to its end; a library that searches on for the next header where one is broken passes members over,
 * and so do some unpackers, but not all. */
#pragma once

#include "parse/archive.h"

/* 0, and *members (what libarchive must have shown too); or -1 after a finding, or "not-scanned" for one volume of
 * several. Kinds that are not laid out so: 0 and SIZE_MAX. */
int archive_walk(struct span file, enum archive_kind kind, size_t *members, struct report *r);
