/* The packages of a Debian system: var/lib/dpkg/status, the stanzas of var/lib/dpkg/status.d, and opkg's status of the
 * same form (deb-status, RFC 822 stanzas). Hard rule: the third word of Status says whether a package is installed;
 * nothing that stands in a description changes that. */
#pragma once

#include "parse/inventory.h"

#define LIMIT_DPKG_PACKAGES 20000U

enum dpkg_form {
    DPKG_STATUS, /* without Status a package is not installed */
    DPKG_SINGLE, /* a file of status.d, which needs no Status */
    DPKG_OPKG,   /* opkg's: packages are of type "opkg" */
};

/* Adds each installed package, and claims for its configuration files. Returns how many packages, or -1 after a finding
 * (a stanza that is no stanza, too many packages). */
int dpkg_read(struct span file, enum dpkg_form form, struct inventory *v);

/* NAME[:ARCHITECTURE].md5sums (deb-md5sums(5)): claims of one package. */
void dpkg_sums_read(struct span file, struct inventory *v);
