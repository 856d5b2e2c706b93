/* Attestations of a release as OCI referrers, both ways: which manifests hang on a release of this station, and what a
 * manifest of a shipment carries. */
#pragma once

#include "ship/release.h"
#include "site/site.h"

struct attachment {
    struct release_blob manifest; /* media_type and name are borrowed constants here: no fini */
    struct digest envelope;
    uint64_t envelope_size;
    char predicate_type[128];
};

#define ATTACHMENTS_MAX 64U

/* The attachments of a release that this station packed, in order of arrival, at most ATTACHMENTS_MAX. */
int attachments_of(struct site *station, const struct release_blob *index, struct attachment *out, size_t *count,
                   struct err *e);

/* Reads an attachment manifest; its subject must be `release`. */
int attachment_read(const struct blobs *b, struct child *parser, const struct digest *manifest,
                    const struct digest *release, struct attachment *out, struct err *e);
