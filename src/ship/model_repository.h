/* A release's model as a repository of the Hugging Face Hub: rows for the view /hf (store/db_package.h). Its revision
 * is the beginning of a SHA-256 over the sorted list of files, so it is the same for the same files, whichever release
 * brings them, and another when a byte is another. */
#pragma once

#include "ship/release.h"
#include "store/db_package.h"

#define MODEL_REVISION_SIZE 41 /* 40 hex digits, as Git's, and the NUL */

void model_revision(const struct release *r, char out[MODEL_REVISION_SIZE]);

/* Calls each for every file of the model; the row lives until it returns. Stops at a non-zero return, which is
 * returned. */
int model_repository_each(const struct release *r, int (*each)(void *arg, const struct package_row *row), void *arg);
