/* The view of the Hugging Face Hub: HF_ENDPOINT=http://HOST/hf/ENVIRONMENT. Rows of ecosystem "hf"
 * (store/db_package.h): name: the repository, version: the revision (hf_revision), filename: the path, about: {"oid",
 * "tag"}. */
#pragma once

#include "registry/mirror.h"

extern const struct mirror_view HF_VIEW;

/* The paths that a request asks about: JSON {"paths": [...]} or a form with one or several `paths`. New reference to an
 * array of strings, at most HF_PATHS_MAX. NULL: ERR_INPUT, ERR_LIMIT. */
#define HF_PATHS_MAX 1000U
json_t *hf_form_paths(const char *content_type, struct span body, struct err *e);

/* Bytes of a pointer of Git LFS besides the digits of its size: "version …\noid sha256:…\nsize …\n". */
#define HF_POINTER_FIXED 125U
