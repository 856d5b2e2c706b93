/* What a path below /pypi/ENVIRONMENT/ asks for (PEP 503, 658). Pure. */
#pragma once

#include "parse/package.h"

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
    char name[LIMIT_PACKAGE_NAME]; /* normalised; of a file as it stands */
    char filename[256];
    char location[LIMIT_PACKAGE_NAME + 8]; /* PYPI_MOVED: where to, relative to the path */
};

/* `rest` is what follows the environment, decoded, without a leading slash. A name that PEP 508 does not allow, or a
 * file name that is too long, is PYPI_UNKNOWN. */
void pypi_path_parse(const char *rest, struct pypi_path *out);
