/* The OCI documents of a release, as bytes: the same facts give the same bytes. image-spec 1.1 (manifest.md,
 * image-index.md, config.md); CNCF ModelPack (docs/spec.md, docs/config.md). */
#pragma once

#include "ship/release_internal.h"

/* One descriptor as a JSON object; artifact_type and part may be NULL, the name is left out when "". */
void oci_descriptor(struct json_out *w, const struct release_blob *b, const char *artifact_type, const char *part);

struct oci_model {
    const char *name, *licence, *source; /* source may be NULL */
    const struct release_blob *layers;   /* the weights, then what lies beside them */
    size_t layer_count;
};
void oci_model_config(const struct oci_model *m, struct buf *out);

/* A manifest with one configuration and layers; artifact_type may be NULL. layer_parts (may be NULL) gives each layer
 * its annotation vnd.airlock.part. */
void oci_manifest(const char *artifact_type, const struct release_blob *config, const struct release_blob *layers,
                  const char *const *layer_parts, size_t layer_count, struct buf *out);

/* The configuration of an engine image made of one layer. */
void oci_engine_config(const char *architecture, const char *const *command, size_t command_count,
                       const struct digest *layer, struct buf *out);

/* The manifest of an attachment: `subject` has it as a referrer; its one layer is the DSSE envelope. */
void oci_attachment(const struct release_blob *subject, const struct digest *envelope, uint64_t envelope_size,
                    const char *predicate_type, struct buf *out);

#define OCI_EMPTY_TEXT                                                                            \
    "{}" /* the empty configuration (image-spec, manifest.md, "Guidance for an empty descriptor") \
          */

/* What uname calls this machine, in OCI's words: amd64, arm64, … */
const char *oci_architecture(void);
