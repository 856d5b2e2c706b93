/* Versions of PyPI (PEP 440, "Normalization" and "Summary of permitted suffixes and relative ordering"). Pure. Hard
 * rule: two texts that installers take for one version have one key. The order of versions is version_pypi.c's. */
#pragma once

#include "util/span.h"

#define PEP440_SIZE 256U /* a normal form and its final NUL; a longer text has none */

struct pep440_stage {
    const char *word;   /* "a", "b", "rc", ".post", ".dev"; NULL: this stage is not there */
    struct span number; /* digits */
};

/* A version in parts, borrowed from its text. Numbers are without leading zeros, and of any size. */
struct pep440 {
    struct span epoch;   /* "0" where none is written */
    struct span release; /* numbers and dots as written: pep440_take_number */
    struct pep440_stage pre, post, dev;
    struct span local; /* without "+"; empty: none. As written: pep440_take_local */
};

/* False when it is no version. Blanks around it are the caller's to take away: in a file name they are an error. */
bool pep440_parse(struct span text, struct pep440 *out);

/* Takes the next number of a release; false at its end. */
bool pep440_take_number(struct span *numbers, struct span *out);

/* Takes the next segment of a local version; *number: it is one. False at the end. */
bool pep440_take_local(struct span *local, struct span *out, bool *number);

/* The normal form ("v1.0-RC.01" is "1.0rc1"): what packages write. False when it is no version. */
bool pep440_normal(struct span text, char out[PEP440_SIZE]);

/* The same for every spelling of a version that compares equal: the normal form without zeros at the end of the release
 * ("1.0.0rc1" and "1rc1" are "1rc1"). False when it is no version. */
bool pep440_key(struct span text, char out[PEP440_SIZE]);
