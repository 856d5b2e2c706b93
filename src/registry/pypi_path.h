/* What a path below /pypi/ENVIRONMENT/ asks for (PEP 503, 658). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Names on PyPI end below 80 characters; what is longer than this is held nowhere. */
#define PYPI_NAME_MAX 128U

enum pypi_what {
    PYPI_UNKNOWN,
    PYPI_LIST,     /* simple/ */
    PYPI_PROJECT,  /* simple/NAME/ */
    PYPI_MOVED,    /* one of these two without its slash, or with a name that is not normalised */
    PYPI_FILE,     /* files/NAME/FILENAME */
    PYPI_METADATA, /* files/NAME/FILENAME.metadata */
};

struct pypi_path {
    enum pypi_what what;
    char name[PYPI_NAME_MAX + 1]; /* normalised; of a file as it stands */
    char filename[256];
    char location[PYPI_NAME_MAX + 8]; /* PYPI_MOVED: where to, relative to the path */
};

/* `rest` is what follows the environment, decoded, without a leading slash. A name that PEP 508 does not allow, or a
 * file name that is too long, is PYPI_UNKNOWN. */
void pypi_path_parse(const char *rest, struct pypi_path *out);

/* PEP 503, "Normalized Names": lower case, and each run of - _ . is one -. False: PEP 508 does not allow such a name
 * (ASCII letters and digits, and - _ . between them). */
bool pypi_name_normalise(const char *name, size_t len, char out[PYPI_NAME_MAX + 1]);
