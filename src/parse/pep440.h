/* Versions of PyPI (PEP 440, "Normalization" and "Summary of permitted suffixes and relative ordering"). Pure. Hard
 * rule: two texts that installers take for one version have one key. */
#pragma once

#include "util/span.h"

#define PEP440_SIZE 256U /* a version and its final NUL; a longer one is none */

/* The normal form ("v1.0-RC.01" is "1.0rc1"): what packages write. Blanks around it are the caller's to take away: in a
 * file name they are an error. False when it is no version. */
bool pep440_normal(struct span text, char out[PEP440_SIZE]);

/* The same for every spelling of a version that compares equal: the normal form without zeros at the end of the release
 * ("1.0.0rc1" and "1rc1" are "1rc1"). False when it is no version. */
bool pep440_key(struct span text, char out[PEP440_SIZE]);
