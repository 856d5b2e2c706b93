/* One advisory in compact form: what the readers of advisories (osv.c, debian_tracker.c, kev.c) make of a record, and
 * what crosses from the parse process to who compiles a snapshot. Versions are already in their ecosystem's order, so
 * that the compiler only sorts bytes. Hard rule: a reader of rows believes no length in them.
 *
 * Rows, one after the other; integers little-endian, a text is u16 length and bytes:
 *
 *     u8 ADVISORY_RECORD
 *        text id · text summary · text vector · text licence · i64 modified · i64 withdrawn (0: it is not)
 *        · u8 severity · i16 tenths (-1: none) · u8 flags
 *        · u16 names, each: u8 kind · text
 *        · u16 packages, each: text ecosystem · text release · text name · u32 length of the body · body
 *     u8 ADVISORY_KEV      text CVE · i64 day on which it was added
 *     u8 ADVISORY_REFUSED  text name · text place (JSON pointer) · text reason
 *
 * The body says which versions are affected; it is copied into the snapshot as it is (docs/formats/advisories.md):
 *
 *     u8 flags · u8 severity (0xff: the record's) · i16 tenths
 *     · u8 ranges, each: u16 events, each: u8 kind · text version, in order
 *     · u32 versions · (versions + 1) × u32 place of each in what follows · their keys, sorted by bytes */
#pragma once

#include <stdint.h>

#include "util/buf.h"

/* What a record may hold; the largest records of OSV stay far below. */
#define ADVISORY_NAMES_MAX    2000U
#define ADVISORY_PACKAGES_MAX 20000U
#define ADVISORY_RANGES_MAX   255U
#define ADVISORY_EVENTS_MAX   2000U
#define ADVISORY_VERSIONS_MAX 100000U
#define ADVISORY_TEXT_MAX     1024U

enum advisory_row_kind { ADVISORY_RECORD = 1, ADVISORY_KEV, ADVISORY_REFUSED };

enum advisory_severity {
    ADVISORY_UNKNOWN,
    ADVISORY_NONE,
    ADVISORY_LOW,
    ADVISORY_MEDIUM,
    ADVISORY_HIGH,
    ADVISORY_CRITICAL,
    ADVISORY_SEVERITIES
};
const char *advisory_severity_name(enum advisory_severity s); /* "unknown", "none", "low", … */
/* Letters compare without case; "moderate", "important" and "negligible" are known too. */
bool advisory_severity_from_name(const char *name, enum advisory_severity *out);
/* By the ratings of CVSS 3.x and 4.0; version 2.0 knows no critical. */
enum advisory_severity advisory_severity_of_score(int tenths, bool version_2);

#define ADVISORY_FLAG_MALICIOUS 1U /* of a record: the package itself is the harm */
#define ADVISORY_FLAG_MERGE     2U /* of a record: it adds packages to the record of this id, if there is one */

enum advisory_name_kind { ADVISORY_NAME_ID, ADVISORY_NAME_ALIAS, ADVISORY_NAME_UPSTREAM, ADVISORY_NAME_RELATED };

#define ADVISORY_BODY_GIT           1U /* has a range over commits, which no version is held against */
#define ADVISORY_BODY_UNORDERED     2U /* has a range with versions that the ecosystem's order does not know */
#define ADVISORY_SEVERITY_OF_RECORD 0xffU

enum advisory_event_kind {
    ADVISORY_INTRODUCED, /* an empty version: from the beginning */
    ADVISORY_FIXED,
    ADVISORY_LAST_AFFECTED,
    ADVISORY_LIMIT, /* an empty version: none */
};

/* ── writing ── */

void row_u8(struct buf *out, unsigned value);
void row_u16(struct buf *out, unsigned value);
void row_u32(struct buf *out, uint32_t value);
void row_i64(struct buf *out, int64_t value);
/* Cut at ADVISORY_TEXT_MAX, at the beginning of a character. */
void row_text(struct buf *out, struct span text);

void row_refused(struct buf *out, struct span name, const char *place, const char *reason);

/* ── reading ── */

bool row_take_i64(struct span *s, int64_t *out);
bool row_take_text(struct span *s, struct span *out);

struct advisory_row {
    enum advisory_row_kind kind;
    struct span id, summary, vector, licence; /* KEV: id is the CVE; refused: id is the name */
    struct span place, reason;                /* refused */
    int64_t modified_s, withdrawn_s;          /* KEV: modified_s is the day */
    unsigned severity, flags;
    int tenths;
    unsigned name_count, package_count;
    struct span names, packages; /* to be read with advisory_row_name and advisory_row_package */
};

struct advisory_row_package {
    struct span ecosystem, release, name, body;
};

/* Takes one row off *rows. False: it is none. */
bool advisory_row_take(struct span *rows, struct advisory_row *out);
bool advisory_row_name(struct span *names, enum advisory_name_kind *kind, struct span *text);
bool advisory_row_package(struct span *packages, struct advisory_row_package *out);
