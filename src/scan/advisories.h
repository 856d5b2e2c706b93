/* Snapshots of advisories: compiled from what databases export, written in the one form that is searched where it lies
 * (parse/advisories.h, docs/formats/advisories.md), and matched. Every byte of a source is read in the parse process;
 * what comes back is sorted here. Hard rule: what is refused is named and counted, a source of which nothing could be
 * taken is an error, and the same sources make the same bytes. */
#pragma once

#include "parse/advisories.h"
#include "sandbox/child.h"
#include "scan/vulns.h"
#include "util/digest.h"

/* ── compiling ── */

struct advisories_refusal {
    char *source, *name, *place, *reason; /* owned */
};

/* Refusals that are kept for people; all are counted. */
#define ADVISORIES_REFUSALS_MAX 1000U

struct advisories_counts {
    uint64_t files, records, refused, withdrawn, replaced, without_packages, kev;
};

struct advisories_compiled {
    struct digest digest; /* of the snapshot's bytes */
    uint64_t bytes;
    struct advisories_counts counts;
    struct advisories_refusal *refusals; /* owned */
    size_t refusal_count;
};
void advisories_compiled_fini(struct advisories_compiled *c);
#define auto_advisories_compiled AUTO(advisories_compiled_fini) struct advisories_compiled

/* How far it is: called now and then. May be NULL. */
struct advisories_progress {
    void (*step)(void *arg, const char *source, uint64_t files);
    void *arg;
};

/* Reads every path (a file; or a directory with everything below it, *.json, in the order of names) as one source each,
 * and writes the snapshot to `fd` at its beginning. `now_s`: dates behind it do not count. ERR_NOTFOUND, ERR_INPUT (a
 * source that is none, or of which nothing could be taken), ERR_LIMIT, ERR_IO, ERR_UNDECIDED. */
int advisories_compile(struct child *parser, char *const *paths, size_t count, int64_t now_s, int fd,
                       const struct advisories_progress *progress, struct advisories_compiled *out, struct err *e);

/* SHA-256 of the file from its beginning; its position stays. ERR_IO. */
int advisories_hash(int fd, struct digest *out, struct err *e);

/* ── asking ── */

/* Is the file a snapshot, by its first bytes? */
bool advisories_is_snapshot(int fd);

/* What it holds ("advisories-show"); with `check` every row is looked at first. New reference, or NULL. */
json_t *advisories_show(struct child *parser, int fd, bool check, struct err *e);
/* What it says of an id or alias ("advisories-find"). */
json_t *advisories_find(struct child *parser, int fd, const char *id, struct err *e);

/* ── matching ── */

/* A package to look up. */
struct match_package {
    const char *purl;
    const char *source; /* "name version" of its source package, or NULL */
};

/* Matches; *out takes everything but snapshot and time_s, which are the caller's to fill. Packages of which the
 * snapshot knows nothing are gaps too: one for each kind. */
int advisories_match(struct child *parser, int fd, const struct match_package *packages, size_t count,
                     struct vulns *out, struct err *e);

/* The packages of an SBOM (op "sbom-read"), in the order of the document, each once; *document owns the texts.
 * *without_purl counts components that are packages and have none. */
int advisories_packages_of(struct child *parser, int fd, struct span text, const char *what, json_t **document,
                           struct match_package **packages, size_t *count, size_t *without_purl, struct err *e);
