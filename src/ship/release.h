/* A release: one OCI image index that pins everything needed to run (docs/formats/release.md). The reader goes from the
 * index to every manifest and configuration below it, in the parse process, and gives back the facts. Hard rule: what
 * is here was read from blobs whose digests were checked on the way from `digest` down; a row or a tag never decides.
 */
#pragma once

#include "sandbox/child.h"
#include "store/blobs.h"

#define MEDIA_OCI_INDEX    "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_CONFIG   "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER    "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_OCI_EMPTY    "application/vnd.oci.empty.v1+json"

#define MEDIA_MODEL_MANIFEST "application/vnd.cncf.model.manifest.v1+json" /* an artifactType */
#define MEDIA_MODEL_CONFIG   "application/vnd.cncf.model.config.v1+json"
#define MEDIA_MODEL_WEIGHT   "application/vnd.cncf.model.weight.v1.raw"
#define MEDIA_MODEL_SETTINGS "application/vnd.cncf.model.weight.config.v1.raw"
#define MEDIA_MODEL_DOC      "application/vnd.cncf.model.doc.v1.raw"
#define MEDIA_MODEL_CODE     "application/vnd.cncf.model.code.v1.raw"
#define MEDIA_MODEL_PREFIX   "application/vnd.cncf.model."

#define MEDIA_RELEASE        "application/vnd.airlock.release.v1+json"        /* artifactType of the index */
#define MEDIA_RELEASE_CONFIG "application/vnd.airlock.release.config.v1+json" /* artifactType and config of part 3 */
#define MEDIA_PROMPTS        "application/vnd.airlock.prompts.v1+yaml"
#define MEDIA_SUITE          "application/vnd.airlock.suite.v1+yaml"
#define MEDIA_INTOTO         "application/vnd.in-toto+json"          /* artifactType of an attachment */
#define MEDIA_DSSE           "application/vnd.dsse.envelope.v1+json" /* its one layer */

#define MEDIA_PACKAGES         "application/vnd.airlock.packages.v1+json"    /* artifactType and config of part 4 */
#define MEDIA_PACKAGE          "application/vnd.airlock.package.v1"          /* a package file */
#define MEDIA_PACKAGE_METADATA "application/vnd.airlock.package.metadata.v1" /* a wheel's METADATA */
#define MEDIA_PACKAGE_EVIDENCE "application/vnd.airlock.package.evidence.v1" /* what an upstream signed */
#define MEDIA_COLLECTION       "application/vnd.airlock.collection.v1+json"  /* artifactType of a collection */

#define ANNOTATION_PART "vnd.airlock.part"

/* One blob. */
struct release_blob {
    struct digest digest;
    uint64_t size;    /* bytes */
    char *media_type; /* owned */
    char *name;       /* owned; the file's name as people know it ("SmolLM2-135M-Instruct.Q4_1.gguf"), or "" */
    const char *part; /* of a release's list: which part it belongs to, as release_part_of says; static */
    bool packaged;    /* of a release's list: a layer of the packages manifest */
};

struct release {
    struct digest digest; /* of the index */
    uint64_t size;        /* of the index, bytes */
    char *name, *version, *owner, *licence;
    char *description; /* "" when there is none */

    char *model_name;                 /* as the release's author calls it */
    struct digest model_manifest;     /* the ModelPack manifest */
    struct release_blob model;        /* the weights: one file */
    struct release_blob *model_files; /* beside it, in order of their paths (name) */
    size_t model_file_count;
    char
        *model_repository; /* what clients of the Hugging Face Hub call it; the release's name unless it says another */

    struct {
        struct digest manifest, config;
        struct release_blob *layers; /* bottom first */
        size_t layer_count;
    } engine;
    char **command; /* argv with placeholders {socket} {model} {threads}; NULL-terminated */
    size_t command_count;
    char **environment; /* "KEY=VALUE", sorted; NULL-terminated */
    size_t environment_count;

    struct digest config; /* the release configuration document */
    struct release_blob prompts, suite, card, licence_text, changes;

    struct {
        bool there;                     /* the release brings packages */
        struct digest manifest, config; /* the config is the packages document (ship/packages.h) */
        size_t layer_count;
    } packages;

    struct release_blob *blobs; /* every blob, each once: the index first, manifests and configurations included */
    size_t blob_count;
    size_t *slots; /* owned; the blobs by digest: 1 + number, 0 where none is */
    size_t slot_count;
};

/* Reads the release whose index is `index`. Every small document is hashed again and read in `parser`; the sizes of the
 * large blobs are compared with what the descriptors say, their bytes are not hashed here. NULL: ERR_NOTFOUND (which
 * blob is missing), ERR_INPUT (which document, where, what was wanted), ERR_LIMIT, ERR_UNDECIDED, ERR_IO. */
struct release *release_read(const struct blobs *b, struct child *parser, const struct digest *index, struct err *e);
void release_free(struct release *r); /* NULL is fine */

static inline void auto_release_free(struct release **r)
{
    release_free(*r);
}
#define auto_release AUTO(auto_release_free) struct release *

/* The blob of the release with this digest, or NULL. Borrowed. */
const struct release_blob *release_find_blob(const struct release *r, const struct digest *id);

/* Which part of the release a blob belongs to, for messages and reports: "model", "engine", "prompts", "suite", "card",
 * "licence", "changes", "packages", "release" (index and configuration). */
const char *release_part_of(const struct release *r, const struct digest *id);

/* Names that we accept: [a-z0-9][a-z0-9-]*, at most LIMIT_NAME_CHARS; versions "v1.2.3" without leading zeros. */
bool release_name_ok(const char *name);
bool release_version_ok(const char *version);
