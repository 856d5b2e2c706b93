/* What the files of this folder share about release documents: names of annotations, and descriptors read from JSON. */
#pragma once

#include "ship/release.h"

#define ANNOTATION_TITLE       "org.opencontainers.image.title"
#define ANNOTATION_VERSION     "org.opencontainers.image.version"
#define ANNOTATION_LICENCES    "org.opencontainers.image.licenses"
#define ANNOTATION_VENDOR      "org.opencontainers.image.vendor"
#define ANNOTATION_DESCRIPTION "org.opencontainers.image.description"
#define ANNOTATION_REF_NAME    "org.opencontainers.image.ref.name"
#define ANNOTATION_FILEPATH    "org.cncf.model.filepath"

#define RELEASE_CONFIG_SCHEMA "airlock/release-config/1"

/* The list of a release's blobs. Adding one again is fine; ERR_INPUT when it has another size now. */
int release_list_blob(struct release *r, const struct release_blob *b, const char *part, bool packaged, struct err *e);

/* Layers of an engine image. The largest images that people build have some hundred. */
#define RELEASE_LAYERS_MAX 1024U
/* Arguments of an engine's command, and variables of its environment. */
#define RELEASE_WORDS_MAX  256U
#define RELEASE_WORD_MAX   4096U

/* A copy of its own; aborts without memory. */
char *text_copy(const char *text);

void release_blob_fini(struct release_blob *b);

/* Reads an OCI descriptor (image-spec, descriptor.md): mediaType, digest, size, and the file's name out of its
 * annotations. *out is overwritten; the caller runs release_blob_fini. */
int release_descriptor(const json_t *descriptor, const char *at, struct release_blob *out, struct err *e);

/* Reads the blob that `d` names, whole, hashed again, of exactly the size that d says; as a JSON document, taken apart
 * in the parse process. `what` names it in messages. */
json_t *release_document(const struct blobs *b, struct child *parser, const struct release_blob *d, const char *what,
                         struct err *e);

/* Files beside the weights. The largest model repositories have some hundred. */
#define MODEL_FILES_MAX 4096U

/* A file name that may stand in a release: printable, no slash, not "." or "..". */
bool release_file_name_ok(const char *name);
/* Such names with slashes between them, at most 1024 bytes. */
bool release_file_path_ok(const char *path);
/* A model's repository, as clients of the Hugging Face Hub name it: "name" or "owner/name". */
bool release_repository_ok(const char *name);
/* A word of an engine's environment: KEY of [A-Za-z_][A-Za-z0-9_]*. */
bool release_env_key_ok(const char *key);
