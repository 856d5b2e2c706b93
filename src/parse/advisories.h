/* The snapshot: all advisories in one file that is mapped and searched where it lies (docs/formats/advisories.md). This
 * is the reader; scan/advisories_write.c writes it. Pure. Hard rule: the file is anybody's until its signature was
 * verified, so nothing in it is believed: each offset and count is held against the file when it is used, and what does
 * not fit is ERR_INPUT, never "no advisory". */
#pragma once

#include "parse/advisory_row.h"

#define ADVISORIES_MAGIC        "AIRADVS1"
#define ADVISORIES_VERSION      1U
#define ADVISORIES_HEADER_BYTES 232U
#define ADVISORIES_FILE_MAX     (2ULL << 30) /* places are 32 bits */

enum advisories_section {
    ADVISORIES_STRINGS,  /* u16 length and bytes each; a reference is the offset */
    ADVISORIES_SOURCES,  /* where it all came from */
    ADVISORIES_RECORDS,  /* sorted by id */
    ADVISORIES_NAMES,    /* ids, aliases, …; those of a record stand together */
    ADVISORIES_LOOKUP,   /* numbers of names, sorted by text in capital letters */
    ADVISORIES_PACKAGES, /* sorted by ecosystem, then name */
    ADVISORIES_ENTRIES,  /* what is said of a package; those of a package stand together */
    ADVISORIES_BODIES,   /* advisory_row.h */
    ADVISORIES_COVERAGE, /* ecosystem and release of which there is something, sorted */
    ADVISORIES_KEV,      /* CVEs known to be exploited, sorted */
    ADVISORIES_SECTIONS
};

/* Bytes of a row; 1 where a section is counted in bytes. */
extern const uint32_t ADVISORIES_ROW_BYTES[ADVISORIES_SECTIONS];

#define ADVISORIES_FLAG_KEV 0x80U /* of a record, beside ADVISORY_FLAG_MALICIOUS */

struct advisories {
    struct span file;
    struct span sections[ADVISORIES_SECTIONS];
    uint32_t counts[ADVISORIES_SECTIONS];
    int64_t newest_s, oldest_s; /* dates of the sources */
};

/* Looks at the header and the places of the sections. ERR_INPUT: no snapshot, cut off, of another version. */
int advisories_open(struct span file, struct advisories *out, struct err *e);

struct advisories_source {
    struct span name, licence;
    uint32_t kind, records, refused, withdrawn, replaced, without_packages, files;
    int64_t date_s;
    struct span digest; /* 32 bytes */
};
struct advisories_record {
    struct span id, summary, vector;
    uint32_t first_name, name_count, severity, flags, source;
    int tenths;
    int64_t modified_s, withdrawn_s;
};
struct advisories_package {
    struct span ecosystem, name;
    uint32_t first_entry, entry_count;
};
struct advisories_entry {
    uint32_t record;
    struct span release, body;
};

/* Row `i` of a section; false: the file is damaged there. */
bool advisories_source(const struct advisories *a, uint32_t i, struct advisories_source *out);
bool advisories_record(const struct advisories *a, uint32_t i, struct advisories_record *out);
bool advisories_name(const struct advisories *a, uint32_t i, enum advisory_name_kind *kind, struct span *text,
                     uint32_t *record);
/* The name that stands at place i of the sorted ones. */
bool advisories_lookup(const struct advisories *a, uint32_t i, enum advisory_name_kind *kind, struct span *text,
                       uint32_t *record);
bool advisories_package(const struct advisories *a, uint32_t i, struct advisories_package *out);
bool advisories_entry(const struct advisories *a, uint32_t i, struct advisories_entry *out);
bool advisories_coverage(const struct advisories *a, uint32_t i, struct span *ecosystem, struct span *release,
                         uint32_t *entries);
bool advisories_kev(const struct advisories *a, uint32_t i, struct span *cve, int64_t *day_s);

/* 1: found; 0: not there; -1: damaged. */
int advisories_find_package(const struct advisories *a, struct span ecosystem, struct span name,
                            struct advisories_package *out);
/* Is there anything about this ecosystem (release empty: any of it)? */
int advisories_covers(const struct advisories *a, struct span ecosystem, struct span release);
/* Letters without case, as people type ids. */
int advisories_compare_names(struct span a, struct span b);
/* The range of LOOKUP whose texts are `name`, letters without case. */
int advisories_find_name(const struct advisories *a, struct span name, uint32_t *first, uint32_t *count);
int advisories_find_kev(const struct advisories *a, struct span cve, int64_t *day_s);

/* Ops of the parse role; the input is the snapshot.
 *
 * "advisories-show": {"date", "oldest", "records", "packages", "sources": [{"name", "kind", "date", "records",
 * "refused", "withdrawn", "replaced", "without_packages", "files", "digest", "licence"}], "coverage": [{"ecosystem",
 * "release", "entries"}], "kev"}. arg "check": every row is looked at, and the order that searches rely on.
 *
 * "advisories-find", arg: an id or alias: {"records": [{"id", "aliases", "related", "severity", "score"?, "vector"?,
 * "summary", "modified", "withdrawn"?, "malicious", "kev", "source", "packages": [{"ecosystem", "release", "name"}]}],
 * "kev"?: day}. */
int advisories_show_op(struct span input, struct span arg, struct buf *reply, struct err *e);
int advisories_find_op(struct span input, struct span arg, struct buf *reply, struct err *e);
