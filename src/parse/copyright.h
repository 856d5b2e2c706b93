/* Which licences a Debian package has, by usr/share/doc/NAME/copyright (machine-readable debian/copyright 1.0, and
 * references to /usr/share/common-licenses in free texts). Hard rule: short names are taken as they stand there; a
 * file without one is what its whole text is (licence_text.h), or nothing. */
#pragma once

#include "parse/inventory.h"

void copyright_read(struct span file, struct inventory *v);
