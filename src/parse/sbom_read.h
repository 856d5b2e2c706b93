/* SBOM documents of others, read: which kind a document is, and what components it lists. CycloneDX 1.2 to 1.6 JSON;
 * SPDX 2.2 and 2.3 JSON. Hard rule: reading is no checking (sbom_check.h does that); but what stands where a name or a
 * package URL belongs and is no text refuses the document, so that nothing is left out silently. */
#pragma once

#include "parse/schema_tables.h"
#include "util/json.h"

/* One SBOM. The inventory of a large image with its files has 20 MB. */
#define LIMIT_SBOM_BYTES (32U << 20)

/* Components, packages and files together. */
#define LIMIT_SBOM_COMPONENTS 500000U

struct sbom_kind {
    const char *format;      /* "CycloneDX" or "SPDX"; static; NULL: neither */
    char version[16];        /* as the document says it: "1.6", "2.3" */
    enum schema_root schema; /* SCHEMA_ROOT_COUNT: is read, but there is no schema here to check it with */
    const char *at;          /* where it is none: JSON pointer, static */
    char why[192];           /* and the reason */
};

/* False: neither, or a version that is not read; then `at` and `why` are set. */
bool sbom_recognise(const json_t *root, struct sbom_kind *out);

/* Parses a document and says what it is when it is no JSON at all (XML, YAML, tag-value). NULL: ERR_INPUT, and where
 * the text is no JSON *offset is set (util/json.h); ERR_LIMIT. */
json_t *sbom_parse(struct span text, size_t *offset, struct err *e);

/* The op "sbom-read". With arg "lean" a package has no more members than "type", "purl", "source" and "subject". Reply:
 * {"format": "CycloneDX", "version": "1.6", "packages": [{"ref", "type", "group"?, "name", "version"?, "purl"?,
 * "package"?, "cpe"?, "licence"?, "scope"?, "source"?: "name version" of its source package, "subject"?: true,
 * "hashes": [{"alg": "SHA-256", "hex"}]}]}, every component at any depth, in the order of the document, the subject
 * first. `type` is CycloneDX's
 * ("library"; of an SPDX file "file", of an SPDX package "library"). `package` is the package URL in canonical form
 * without version, qualifiers and subpath, where it can be read. `licence` is what the document says, an expression or
 * a name. A package with several package URLs stands there once for each. ERR_INPUT names the place by JSON pointer;
 * ERR_LIMIT. */
int sbom_read_op(struct span input, struct span arg, struct buf *reply, struct err *e);
