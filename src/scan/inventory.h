/* The inventory of anything that `airlock sbom` takes: which packages are in it, which files no package owns, and what
 * could not be read. Packages are found by the readers of src/parse in helper processes; who owns a file is decided
 * here, by its hash, over all layers together. Hard rule: a package database is what somebody wrote, and never hides
 * what else was found; what could not be read makes the inventory incomplete, and says so. */
#pragma once

#include "scan/scan.h"
#include "ship/sbom.h"

/* Something that is wrong with what was read, or that could not be read. */
struct inventory_finding {
    enum severity severity;
    bool unread;      /* not-scanned: the inventory may lack what stands there */
    const char *rule; /* "owned-differs"; as the others, it lives as long as the inventory */
    const char *path; /* where; "" for the whole */
    const char *message;
};

struct inventory_store; /* owns every text */

struct scan_inventory {
    struct sbom sbom;                   /* to be written with sbom_write or sbom_write_spdx */
    struct inventory_finding *findings; /* owned */
    size_t finding_count;
    size_t findings_more; /* that are counted only */
    enum verdict verdict; /* of the findings together: VERDICT_NOT_SCANNED when something could not be read */
    size_t packages;      /* components that are packages; removed ones too */
    size_t files;         /* regular files that were seen */
    struct inventory_store *store;
};

void scan_inventory_fini(struct scan_inventory *v);
#define auto_scan_inventory AUTO(scan_inventory_fini) struct scan_inventory

/* Fills *out from a path: a directory (a root file system, a source tree, an OCI image layout), an image as one tar (of
 * `docker save` or an OCI layout), an ISO 9660 image, a package file, or any other file. Reads with as many helpers as
 * there are processors. `time_s`: sbom.time_s. -1: ERR_NOTFOUND, ERR_IO for the path itself, ERR_SYSTEM when no helper
 * can be had, ERR_LIMIT. */
int scan_inventory_path(const char *path, int64_t time_s, struct scan_inventory *out, struct err *e);

/* The same of a release, out of the report of its scan (scan_release): no file is read again. */
int scan_inventory_release(const struct release *release, const struct scan_report *r, int64_t time_s,
                           struct scan_inventory *out, struct err *e);

/* Properties of components, besides those of ship/sbom.h: airlock:layer (digest of the layer that brought it),
 * airlock:removed ("true": only a lower layer of the image still holds it), airlock:owned ("true": every file of it
 * that has a hash and is there has that hash; "false": one has not; absent: its database gives no hashes),
 * airlock:vendored (the package that brings it), airlock:source ("name version" of the source package),
 * airlock:declared ("true": a lock file names it; nothing says that it is there). */
