/* CycloneDX 1.6 JSON, written: an inventory of a release or of anything else that has components (ECMA-424; ML-BOM: a
 * component of type machine-learning-model). Same facts, same bytes. Hard rule: what is not known is left out, never
 * made up. */
#pragma once

#include "util/buf.h"
#include "util/digest.h"

struct sbom_component {
    const char *type;            /* "machine-learning-model", "application", "library", "file", "data", "container" */
    const char *name;            /* what people call it */
    const char *version;         /* may be NULL */
    const char *purl;            /* package URL; may be NULL */
    const char *licence;         /* SPDX expression; may be NULL */
    const char *part;            /* property airlock:part ("engine"); may be NULL */
    const struct digest *digest; /* may be NULL */
    uint64_t size;               /* bytes; with a digest only */
};

struct sbom {
    struct sbom_component subject; /* what the inventory is of */
    const char *supplier;          /* may be NULL */
    struct digest seed;            /* the serial number is made of it: the same subject, the same number */
    int64_t time_s;                /* below 0: no time is written */
    const struct sbom_component *components;
    size_t count;
};

/* Appends the document, one JSON object. */
int sbom_write(const struct sbom *s, struct buf *out, struct err *e);
