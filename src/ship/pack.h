/* The station's packing: release.yaml (docs/formats/release.yaml.md) becomes one release in the station's store, with
 * its provenance, inventory and signature attached as OCI referrers. Hard rule: same inputs, same digest: no time, no
 * path and no name of this machine goes into the release itself. */
#pragma once

#include "ship/packages.h"
#include "ship/progress.h"
#include "ship/release.h"
#include "site/site.h"

#define PACK_REMARKS_MAX 8U

struct pack_result {
    struct digest digest; /* of the index */
    char name[65], version[33];
    uint64_t size; /* bytes of all blobs, attachments left out */
    size_t blob_count;
    bool already;         /* the very same release stood in the store */
    size_t package_count; /* that it brings */
    /* What a contour will stop at until its policy allows it: printable, a sentence each. */
    char remarks[PACK_REMARKS_MAX][512];
    size_t remark_count;
};

/* What a layer above asks of the packages of a release before it is made: that they are complete, for one. */
struct pack_rule {
    /* `collected`: everything of the collections that release.yaml names, other groups included. `chosen`: what the
     * release brings. All of it lies in the station's store. `groups` (NULL-terminated) are those that travel. -1: it
     * is not packed. Called only when the release brings packages. */
    int (*packages)(void *arg, struct site *station, const struct packages *collected, const struct packages *chosen,
                    const char *const groups[], struct err *e);
    void *arg;
};

/* Packs. `rule` may be NULL. `unchecked`: content that no contour would admit is a remark and no error, for trying a
 * contour's gates. Paths in the file are relative to the file's folder. -1: ERR_INPUT with file and line (also of
 * content that no contour would admit; nothing was stored then), ERR_NOTFOUND (a file that it names), ERR_EXISTS (this
 * name and version was packed with other content; versions are immutable). */
int pack_release(struct site *station, const char *file, bool unchecked, const struct pack_rule *rule,
                 const struct ship_progress *progress, struct pack_result *out, struct err *e);
