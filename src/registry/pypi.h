/* The view of PyPI: pip install --index-url http://HOST/pypi/ENVIRONMENT/simple/ (PEP 503, 592, 629, 658, 691, 700,
 * 714). Rows of ecosystem "pypi" (store/db_package.h): name: normalised, about: {"project", "requires-python"?,
 * "metadata"?: digest of the METADATA file, "metadata-size"?}. Closed: a name that no release of the environment brings
 * is 404, and nobody else is asked. */
#pragma once

#include "registry/mirror.h"

extern const struct mirror_view PYPI_VIEW;
