/* A zip file as a file of its own: which container it is by its members, and, where it is none that we know, each
 * member looked at like a file. Hard rule: whatever kind it is, each of its members has been looked at, or the report
 * says which was not. */
#pragma once

#include "parse/zip.h"

/* A kind of container that is a zip file. `is` decides by the members and the name; `check` looks at all of them. */
struct zip_container {
    bool (*is)(const struct zip *z, const char *name);
    void (*check)(const struct zip *z, const struct inspect_options *o, struct report *r);
};

/* Any zip file. Of a package (o->stands) and in a bundle of wheels each member is one of the package; any other has to
 * keep the strict profile (zip_strict). Facts: members, bytes, and those of its kind. */
void zip_file_check(struct span file, const struct inspect_options *o, struct report *r);

/* What a model's container must not have besides what zip_open refuses: no member at all, two paths that are one where
 * case does not count, a file that is a folder as well, more unpacked bytes than its size makes likely. 0, or -1 after
 * a finding. */
int zip_strict(const struct zip *z, struct report *r);

/* One member through its own reader. *room is where it is unpacked when it is packed. */
void zip_member_check(const struct zip_member *m, const struct inspect_options *o, struct buf *room, struct report *r);

/* Every member that is no folder. */
void zip_members_check(const struct zip *z, const struct inspect_options *o, struct report *r);
