/* RPM: the header of a package (rpm's documentation, "Package format" and "Tag information"), in a database or in a
 * package file, and the package file itself: lead, signature header, header, a cpio behind a compressor. Hard rule:
 * every tag is taken within the header's own data; a header that overlaps, overflows or repeats is refused. */
#pragma once

#include "parse/inspect.h"
#include "parse/inventory.h"

#define LIMIT_RPM_TAGS       65536U
#define LIMIT_RPM_DATA_BYTES (256U << 20) /* as rpm's own readers have it */
#define LIMIT_RPM_FILES      1000000U

struct rpm_header {
    struct span index, data; /* borrowed */
    size_t count;
};

/* A header without its eight bytes of magic, as databases keep it. *used: its length. False: none. */
bool rpm_header_open(struct span blob, struct rpm_header *out, size_t *used);

/* The text of a tag of type string, or empty. */
struct span rpm_text(const struct rpm_header *h, uint32_t tag);
/* Number `i` of a tag of 32-bit (or 16-bit) integers. */
bool rpm_number(const struct rpm_header *h, uint32_t tag, size_t i, uint32_t *out);

/* Adds the package that a header describes, with its claims; keys (gpg-pubkey) are none. -1 after a finding. */
int rpm_put(const struct rpm_header *h, struct inventory *v);

/* A package file: adds its package to `v`; `o` (or NULL) is how its files are looked at, each held against its digest.
 * Facts: "name", "version", "architecture". */
void rpm_read(struct span file, const struct inspect_options *o, struct inventory *v);

/* The list that some images have in the place of a database: var/lib/rpmmanifest/container-manifest-2, a line a
 * package, tabs between name, version-release, …, architecture, epoch, source. */
void rpm_manifest_read(struct span file, struct inventory *v);
