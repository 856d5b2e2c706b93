/* Inventories (SBOM), written: of a release, a file tree, an image, anything that has components. Two forms of the same
 * facts: CycloneDX 1.6 JSON (ECMA-424; ML-BOM: a model is a component with its modelCard) and SPDX 2.3 JSON. Same
 * facts, same bytes. Hard rule: what is not known is left out, never made up. */
#pragma once

#include <stdbool.h>

#include "util/buf.h"
#include "util/digest.h"

struct sbom_hash {
    const char *alg;     /* as CycloneDX names it: "MD5", "SHA-1", "SHA-256", "SHA-512" */
    const char *content; /* lower-case hex */
};

struct sbom_property {
    const char *name, *value;
};

/* How it is known what a component is. */
struct sbom_identity {
    const char *field;     /* what is known in this way: "purl", "name", "version", "hash" */
    const char *technique; /* "manifest-analysis", "binary-analysis", "hash-comparison", "filename", "other" … */
    const char *value;     /* what was read where: "/var/lib/dpkg/status"; may be NULL */
    unsigned confidence;   /* percent */
};

/* The part of a model card that can be read from a model's own files. Members may be NULL. */
struct sbom_model {
    const char *task;                /* "text-generation" */
    const char *architecture_family; /* "llama" */
    const char *architecture;        /* "LlamaForCausalLM" */
    const char *input, *output;      /* "text" */
    const char *const *datasets;     /* names */
    size_t dataset_count;
};

/* Texts are borrowed, and any of them but type and name may be NULL; counts may be 0. */
struct sbom_component {
    const char *type;        /* "machine-learning-model", "application", "library", "file", "data", "container" */
    const char *ref;         /* bom-ref; NULL: one is made of its number. Unique in the document */
    const char *supplier;    /* who made or distributes it */
    const char *group;       /* namespace: "@angular", "org.apache.commons" */
    const char *name;        /* what people call it */
    const char *version;     /* */
    const char *description; /* one line */
    const char *purl;        /* package URL */
    const char *cpe;         /* CPE 2.3 */
    const char *licence;     /* as it is declared: SPDX expression; what is none is written as a licence's name */
    const char *concluded;   /* the SPDX expression that follows from all that says something of it; NULL: none does */
    const char *part;        /* property airlock:part ("engine") */
    const struct digest *digest;    /* SHA-256 */
    uint64_t size;                  /* bytes; with a digest only */
    const struct sbom_hash *hashes; /* besides the digest */
    size_t hash_count;
    const char *const *found; /* paths where it was found: evidence.occurrences */
    size_t found_count;
    const struct sbom_identity *identities; /* evidence.identity */
    size_t identity_count;
    const struct sbom_property *properties; /* "airlock:layer" */
    size_t property_count;
    const struct sbom_model *model; /* modelCard */
    const size_t *needs;            /* dependencies: indexes into the document's components */
    size_t needs_count;
};

struct sbom {
    struct sbom_component subject; /* what the inventory is of */
    const char *supplier;          /* of the subject; may be NULL */
    struct digest seed;            /* the serial number is made of it: the same subject, the same number */
    int64_t time_s;                /* below 0: no time is written (SPDX, which needs one: 1970-01-01) */
    const struct sbom_component *components;
    size_t count;
    bool incomplete;     /* something could not be looked into: said as compositions.aggregate */
    const char *comment; /* what could not; may be NULL */
};

/* Appends the document, one JSON object. ERR_LIMIT. */
int sbom_write(const struct sbom *s, struct buf *out, struct err *e);      /* CycloneDX 1.6 */
int sbom_write_spdx(const struct sbom *s, struct buf *out, struct err *e); /* SPDX 2.3 */

/* "cyclonedx" or "spdx"; false: neither. */
bool sbom_format_named(const char *name, int (**write)(const struct sbom *s, struct buf *out, struct err *e));
