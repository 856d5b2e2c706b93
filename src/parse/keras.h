/* Keras models: the file .keras of Keras 3 (a zip with config.json, metadata.json and the weights), and the JSON that
 * describes a model, wherever it stands (attribute model_config of an HDF5 file, metadata of a SavedModel). Loading
 * such a JSON imports and calls what it names. Hard rule: every object of it, at any depth, is one that Keras itself
 * has; whatever would come from elsewhere, runs code or reads another file is a finding. */
#pragma once

#include "parse/zip_file.h"

bool keras_is_zip(const struct zip *z, const char *name);

/* Members and description. Facts: keras_version, objects (a count). */
void keras_zip_check(const struct zip *z, const struct inspect_options *o, struct report *r);

/* Is this JSON what Keras would load as a model or a part of one? */
bool keras_describes(const json_t *root);

/* One description, JSON that was read. `at` stands in front of the places ("model_config"). Returns the number of its
 * objects. */
size_t keras_config_check(const json_t *root, const char *at, struct report *r);

/* The same for its text. 0, or -1 when it is no JSON. */
int keras_text_check(struct span text, const char *at, struct report *r);

/* The text of a description whose classes need not be Keras' own, because a graph beside it has what they compute: only
 * code is looked for. 0, or -1 when it is no JSON. */
int keras_code_check(struct span text, const char *at, struct report *r);
