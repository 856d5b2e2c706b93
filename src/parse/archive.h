/* Archives of other kinds than zip and tar, through libarchive from memory: what each member is and what is in it, as
 * tar.h does it for a tar. Hard rule: what libarchive passes over in silence (an encrypted part, a second directory,
 * bytes behind the end) is said here, so that no other reader sees more in the file than we looked at. */
#pragma once

#include "parse/inspect.h"

enum archive_kind {
    ARCHIVE_TAR, /* tar.h */
    ARCHIVE_ISO, /* ISO 9660 with Rock Ridge or Joliet */
    ARCHIVE_7Z,
    ARCHIVE_RAR,  /* 1.5 to 4 */
    ARCHIVE_RAR5, /* 5 */
    ARCHIVE_CPIO, /* binary, odc, newc */
    ARCHIVE_AR,   /* System V and BSD */
    ARCHIVE_CAB,
    ARCHIVE_LHA,
    ARCHIVE_UNREAD, /* nothing that we use reads it */
};

/* By the bytes alone. *name: what people call it; static. */
enum archive_kind archive_kind_of(struct span file, const char **name);

/* Tells libarchive's reader `a` which kind to read. `plain`: of ISO 9660, the tree without its extensions. */
struct archive;
void archive_support(struct archive *a, enum archive_kind kind, bool plain);

/* Looks at every member. Kinds whose readers are large are read only in a process of their own (o->apart), as HDF5 is.
 */
void archive_check(struct span file, const struct inspect_options *o, struct report *r);
