/* The packages of a Debian system: /var/lib/dpkg/status, and the stanzas of /var/lib/dpkg/status.d (deb-status, RFC 822
 * stanzas). Hard rule: only "installed" in the third word of Status counts as installed. */
#pragma once

#include "parse/report.h"

#define LIMIT_DPKG_PACKAGES 20000U

/* Writes {"name", "version", "architecture", "source", "source_version"} for each installed package into the open array
 * of `w`. `single`: a file of status.d, which has no Status. Returns how many, or -1 after a finding (a stanza that is
 * no stanza, too many packages). */
int dpkg_read(struct span file, bool single, const char *at, struct json_out *w, struct report *r);
