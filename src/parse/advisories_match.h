/* Packages against a snapshot. A package URL names an ecosystem, perhaps its release (qualifier "distro", or what its
 * version says), a name, a version; distributions' packages are looked up by their source package (qualifiers
 * "upstream", "source" with "sourceversion", "origin"). Pure. Hard rule: whatever keeps a package from being decided is
 * said: no advisories of its ecosystem or release, no version, a version without a place in the order. */
#pragma once

#include "parse/advisories.h"

/* The op "advisories-match" of the parse role; the input is the snapshot. arg: lines PURL or PURL<TAB>source name<TAB>
 * source version, each at most ADVISORIES_LINE_MAX bytes. Reply: {"date", "oldest", "records", "packages": lines read,
 * "matches": [{"purl", "advisory", "aliases", "severity", "fixed"?, "score"?, "vector"?, "malicious", "kev"}],
 * "undecided": [{"purl", "reason"}], "uncovered": [{"what", "packages"}]}, in the order of the lines, then of the
 * advisories' ids. ERR_INPUT: the snapshot is damaged; ERR_LIMIT: more matches than a reply holds. */
int advisories_match_op(struct span input, struct span arg, struct buf *reply, struct err *e);

#define ADVISORIES_LINE_MAX 12288U
