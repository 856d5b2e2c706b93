/* What is known to be wrong with the packages of a release: the predicate https://in-toto.io/attestation/vulns/v0.2
 * (in-toto attestation, spec/predicates/vulns_02.md), written after each scan and after each new snapshot of
 * advisories, and read back for the gate, the passport and recall. Hard rule: a package that could not be matched is a
 * gap with its reason, never a package without advisories. What blocks is the policy's to say. */
#pragma once

#include "parse/advisory_row.h"
#include "util/digest.h"
#include "util/json.h"

#define PREDICATE_VULNS "https://in-toto.io/attestation/vulns/v0.2"

/* One advisory that hits one package. Strings are never NULL, and live as long as the document that was read. */
struct vuln {
    const char *id;     /* of the record: "GHSA-…", "PYSEC-…", "DEBIAN-CVE-…", "MAL-…" */
    const char *purl;   /* the package */
    const char *fixed;  /* the first version after the package's that is not affected; "" when none is known */
    const char *vector; /* CVSS vector that the severity is computed from; "" when there is none */
    enum advisory_severity severity;
    double score;          /* 0.0 to 10.0; below 0 when the record has none */
    bool malicious;        /* a record of a malicious package: severity is critical, and no policy lets it pass */
    bool kev;              /* known to be exploited (CISA KEV) */
    const json_t *aliases; /* array of strings: "CVE-…" */
};

/* A package of the inventory that was not decided, and why; or, of those of which the snapshot knows nothing, what they
 * are ("Debian:13", "pkg:generic/") and how many. */
struct vuln_gap {
    const char *purl, *reason;
    uint64_t packages; /* 0: one package, whose purl it is */
};

struct vulns {
    json_t *root; /* owned, or NULL: what everything is borrowed from: the predicate; aliases of a fresh matching */
    struct digest snapshot;  /* of the snapshot's bytes */
    int64_t snapshot_date_s; /* date of its newest source */
    int64_t oldest_source_s; /* date of the oldest: what an age is counted from */
    uint64_t records;        /* advisories in it */
    int64_t time_s;          /* when the packages were matched */
    uint64_t packages;       /* looked at */
    struct vuln *list;       /* owned */
    size_t count;
    struct vuln_gap *gaps; /* owned */
    size_t gap_count;
    struct buf *replies; /* owned: where the texts of a fresh matching live */
    size_t reply_count;
};
void vulns_fini(struct vulns *v);
#define auto_vulns AUTO(vulns_fini) struct vulns

/* Reads a predicate; keeps a reference to it. ERR_INPUT names the place by JSON pointer. */
int vulns_read(const json_t *predicate, struct vulns *out, struct err *e);

/* Appends the predicate of what was matched: the other way round, root is not looked at. */
int vulns_write(const struct vulns *v, struct buf *out, struct err *e);

/* Is it this advisory, by its id or one of its aliases? Letters compare without case, as people type them. */
bool vuln_is(const struct vuln *v, const char *id);

/* How many packages were not decided. */
uint64_t vulns_undecided(const struct vulns *v);

/* "PASSED", or "FAILED" when a hit is of medium severity or more, of an unknown one, malicious or exploited: the same
 * rule as that of scans. Packages that were not decided are counted in the document, and do not fail it. */
const char *vulns_result(const struct vulns *v);
