/* What a look at one file has found. Every format of this folder writes into one of these: findings for people and
 * policy, facts for the inventory. Hard rule: a report begins as "clean" only because its caller then goes through the
 * file to its end; whatever cannot be understood must leave a finding or "not scanned" behind. */
#pragma once

#include "util/json.h"

/* In order of weight: a report has the heaviest that anything gave it. */
enum verdict {
    VERDICT_CLEAN,       /* understood to the end, nothing wrong */
    VERDICT_OPAQUE,      /* neither executed nor loaded nor interpreted nor unpacked by anything; not looked into */
    VERDICT_NOT_SCANNED, /* needs a scanner, and none understood it to the end: blocks */
    VERDICT_SUSPICIOUS,  /* broken, or something that a person must look at: blocks */
    VERDICT_MALICIOUS,   /* no honest file has this: blocks */
};

enum severity {
    SEVERITY_INFO,     /* worth knowing; changes no verdict */
    SEVERITY_LOW,      /* likewise */
    SEVERITY_MEDIUM,   /* suspicious */
    SEVERITY_HIGH,     /* suspicious */
    SEVERITY_CRITICAL, /* malicious */
};

/* Findings of one file that are written out; the rest is counted. Remarks (info, low) get half of them, so that a
 * thousand remarks hide nothing that blocks; as many again are kept free for critical ones. */
#define REPORT_FINDINGS_MAX 200U

#define REPORT_FINDING_BYTES 8192U       /* two texts of 512 characters, each an escape of six at worst */
#define REPORT_FACTS_BYTES   (40U << 20) /* the tree of a layer of 150,000 files */

struct report {
    const char *format; /* "gguf"; static */
    const char *class;  /* "model" (file_class.h); static; NULL: nobody has said */
    enum verdict verdict;
    size_t findings, heavy; /* all of them; those that are MEDIUM and more */
    size_t written;         /* those that stand in findings_json */
    size_t heavy_cut;       /* those of `heavy` that do not */
    size_t unread;          /* those that say "not-scanned" */
    char place[512];        /* stands in front of each place: "path/in/archive" */
    struct buf findings_json, facts_json;
    struct json_out findings_out; /* an open array */
    struct json_out facts;        /* an open object: a format puts its members here */
};

void report_init(struct report *r, const char *format);
void report_fini(struct report *r);
#define auto_report AUTO(report_fini) struct report

/* Adds a finding after which the look goes on. `rule` is its stable name ("gguf-offset"), `at` the place in the file
 * ("tensor 3", "/a/b", "" for the whole). Returns -1. Bytes of the input may stand in the message: it is written as
 * JSON, what is no UTF-8 replaced. */
int report_finding(struct report *r, enum severity severity, const char *rule, const char *at, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The same, where the look ends before the bytes do: it says "not-scanned" as well, so that nobody can waive it. Its
 * severity is MEDIUM at least. */
int report_stop(struct report *r, enum severity severity, const char *rule, const char *at, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The file, or a part of it, has no scanner that understood it: a finding and VERDICT_NOT_SCANNED. Returns -1. */
int report_not_scanned(struct report *r, const char *rule, const char *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void report_raise(struct report *r, enum verdict verdict); /* never lowers */

/* A report about a part of what `outer` is about: each finding's place gets `place` in front. */
void report_init_inside(struct report *inner, const struct report *outer, const char *place);

/* Takes over the findings and the verdict of such a report. Its facts stay its own. */
void report_merge(struct report *outer, const struct report *inner);

/* Writes members "format", "verdict", "findings", "facts" into the open object of `w`. -1: a buffer was full
 * (ERR_LIMIT). */
int report_write(struct report *r, struct json_out *w, struct err *e);

const char *verdict_name(enum verdict verdict); /* "not-scanned" */
bool verdict_from_name(const char *name, enum verdict *out);
bool verdict_blocks(enum verdict verdict);
const char *severity_name(enum severity severity);
