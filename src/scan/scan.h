/* Scanning: every file gets a row, every row a verdict, and a row that nobody understood to its end says so. Hard rule:
 * "not scanned" blocks like a finding does; a scanner that crashed, hung or answered nonsense has scanned nothing. */
#pragma once

#include "parse/report.h"
#include "scan/engines.h"
#include "ship/packages.h"
#include "ship/release.h"
#include "site/site.h"

/* Version of the rules: raised whenever a file could get another verdict or another finding than before. */
#define SCAN_RULES "2026-11.5"

/* One look at a file of some GB that must be read whole (an image layer) stays below this. */
#define SCAN_TIMEOUT_MS 900000

struct scan_finding {
    const char *rule, *severity, *at, *message; /* borrowed from the file's `reply` */
    bool not_scanned;                           /* it says that something was not scanned: nobody can waive it */
};

struct scan_file {
    char *path;       /* owned: as the user named it; of a release: the part's name */
    char *media_type; /* owned; of a release, else NULL */
    char *format;     /* owned */
    enum verdict verdict;
    struct digest digest;
    bool has_digest;
    uint64_t size;
    bool remembered;               /* an earlier scan looked at these very bytes (memory.h) */
    struct scan_finding *findings; /* owned array */
    size_t finding_count;
    json_t *reply; /* owned; what the helper said, or what we say in its place */
    const struct package
        *package; /* of a package file: its item of the document, borrowed from the report; else NULL */
};

struct scan_report {
    struct scan_file *files; /* owned */
    size_t count, room;
    enum verdict verdict;          /* the heaviest of them */
    size_t blobs, remembered;      /* of a release: blobs that were asked for, and those that memory knew */
    struct packages *packages;     /* owned; of a release that brings some, else NULL */
    const struct engines *engines; /* borrowed: the options' */
};

void scan_report_fini(struct scan_report *r);
#define auto_scan_report AUTO(scan_report_fini) struct scan_report

/* How to look. All members may be zero. */
struct scan_options {
    bool layer;                     /* the file is a layer of a container image */
    bool digest;                    /* hash the bytes that are looked at */
    const struct digest *templates; /* allowed besides the built-in list */
    size_t template_count;
    const struct engines *engines; /* scanners of others; NULL: none is asked */
    bool fresh;                    /* of a release: what earlier scans said is not asked for */
    /* Told of each file that is done, with its size; may be NULL. */
    void (*progress)(void *arg, uint64_t bytes);
    void *progress_arg;
};

/* Looks at one open file and adds its row. `path` is shown, `name` decides what is promised. What goes wrong with the
 * file or the helper is a row of its own ("not-scanned"); -1 only when no helper can be had (ERR_SYSTEM). */
int scan_fd(struct child *parser, int fd, const char *path, const char *name, const struct scan_options *o,
            struct scan_report *out, struct err *e);

/* A row without a look: "not-scanned" with one finding. */
void scan_unread(struct scan_report *out, const char *path, const char *rule, const char *message);

/* A row for a symbolic link whose target has a row of its own: "opaque". */
void scan_linked(struct scan_report *out, const char *path);

/* The same for paths: files, and directories with everything below them, in the order of names, many at a time. Links
 * are not followed below them and get a row. -1: ERR_NOTFOUND, ERR_IO for a path itself, ERR_SYSTEM. */
int scan_paths(struct child *parser, char *const paths[], size_t count, const struct scan_options *o,
               struct scan_report *out, struct err *e);
int scan_path(struct child *parser, const char *path, const struct scan_options *o, struct scan_report *out,
              struct err *e);

/* Every blob of a release, through its digest: a blob whose bytes are not its digest's is malicious. A blob that this
 * site has looked at before, with the same scanner, rules and options, is answered from memory (memory.h). Of `o` the
 * templates (what passes besides the built-in list), fresh and progress are the caller's. */
int scan_release(struct site *s, struct blobs *b, const struct release *r, const struct scan_options *o,
                 struct scan_report *out, struct err *e);

/* The stand-alone answer's members (cli.md): "verdict" and "files", into an open object. */
void scan_write_files(struct json_out *w, const struct scan_report *r);

/* The predicate urn:airlock:scan:v1 (docs/formats/scan.schema.json). */
int scan_write_predicate(const struct scan_report *r, int64_t time_s, struct buf *out, struct err *e);

/* CycloneDX 1.6: the release, its parts, and what was found inside them: packages of image layers, programs and
 * libraries, the model with its architecture. */
int scan_write_sbom(const struct release *release, const struct scan_report *r, int64_t time_s, struct buf *out,
                    struct err *e);

/* "PASSED" when nothing blocks, else "FAILED". */
const char *scan_result(const struct scan_report *r);

/* Holds the inventory against the one that the station signed (sbom_compare.h: a row more), then signs the report and
 * the inventory as evidence and writes the ledger's entry "scan". *id (may be NULL) is the
 * report's evidence. */
int scan_record(struct site *s, const struct release *release, struct scan_report *r, struct digest *id, struct err *e);
