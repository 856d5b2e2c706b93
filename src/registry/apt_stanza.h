/* One package in a Packages index (Debian Policy, chapter 5; deb822(5)): its own control fields, and how its file is
 * found and known. Pure. Hard rule: a package whose control fields and file name do not say the same is in no index. */
#pragma once

#include "parse/deb.h"
#include "store/db_package.h"

#define APT_ARCHITECTURE_SIZE (LIMIT_DEB_ARCHITECTURE + 1U)

/* "pool/main/NAME/FILENAME": where the file of a row lies, below the archive's root. */
#define APT_POOL "pool/main/"

/* Appends the stanza, an empty line behind it, and says for which architecture it is ("all": every one). ERR_INPUT: the
 * row's facts cannot stand in an index (which, found, wanted). */
int apt_stanza(const struct package_row *row, struct buf *out, char architecture[APT_ARCHITECTURE_SIZE], struct err *e);
