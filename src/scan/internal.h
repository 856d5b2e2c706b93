/* What the files of this folder share: rows of a report in the making. */
#pragma once

#include <string.h>

#include "scan/scan.h"

/* Makes a row of what the helper replied to a look; takes `reply` over. NULL when the reply is none, which is a row of
 * its own. */
struct scan_file *scan_take_reply(struct scan_report *out, const char *path, json_t *reply);

/* Adds a finding of ours to a row, and raises the verdict that follows from it. */
void scan_add_finding(struct scan_report *out, struct scan_file *f, enum severity severity, const char *rule,
                      const char *message);

/* The last row is of blob `b`: its bytes must be those that the digest names. */
void scan_end_blob(const struct release_blob *b, struct scan_report *out);

/* A blob of the packages part alone; one that another part has too is read as that part asks. */
static inline bool scan_is_packaged(const struct release_blob *b)
{
    return b->packaged && strcmp(b->part, "packages") == 0;
}

/* Rows for everything of the packages part. */
int scan_packages(struct site *s, struct child *parser, const struct blobs *b, const struct release *r,
                  const struct scan_options *o, struct scan_report *out, struct err *e);

/* Findings on rows whose package looks like one that admitted releases hold, or was another file there. */
int scan_held(struct site *s, const struct release *r, struct scan_report *out, struct err *e);

/* Findings on the uppermost layer's row: files that differ from what the package database says (inventory.h), programs
 * that nobody owns. */
void scan_ownership(const struct release *release, struct scan_report *out);
