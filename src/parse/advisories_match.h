/* Packages against a snapshot. A package URL names an ecosystem, perhaps its release (qualifier "distro", or what its
 * version says), a name, a version; distributions' packages are looked up by their source package (qualifiers
 * "upstream", "source" with "sourceversion", "origin"). Pure. Hard rule: whatever keeps a package from being decided is
 * said: no advisories of its ecosystem or release, no version, a version without a place in the order. */
#pragma once

#include "parse/advisories.h"

/* The op "advisories-match" of the parse role; the input is the snapshot. arg: lines PURL or PURL<TAB>source name<TAB>
 * source version, each at most ADVISORIES_LINE_MAX bytes. The reply is rows, in the order of the lines, then of the
 * advisories' ids; integers little-endian, a text is u16 length, bytes and a NUL (which the length does not count):
 *
 *     u8 MATCH_HIT        text purl · text id · text fixed (empty: none is known) · text vector · u8 severity · i16
 *                         tenths (-1: none) · u8 malicious · u8 exploited · u16 aliases, each a text
 *     u8 MATCH_UNDECIDED  text purl · text reason
 *     u8 MATCH_UNCOVERED  text what ("Debian:13", "pkg:generic/") · u64 packages
 *     u8 MATCH_END        i64 date of the newest source · i64 of the oldest · u64 records · u64 lines that were read
 *
 * ERR_INPUT: the snapshot is damaged; ERR_LIMIT: more matches than a reply holds. */
enum match_row { MATCH_HIT = 1, MATCH_UNDECIDED, MATCH_UNCOVERED, MATCH_END };
int advisories_match_op(struct span input, struct span arg, struct buf *reply, struct err *e);

#define ADVISORIES_LINE_MAX 12288U

/* Takes a text of a row; *out ends with its NUL, and holds no other. False: there is none. */
bool match_take_text(struct span *rows, const char **out);
