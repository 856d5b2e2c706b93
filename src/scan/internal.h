/* What the files of this folder share: rows of a report in the making. */
#pragma once

#include <string.h>

#include "scan/memory.h"
#include "scan/pool.h"
#include "scan/scan.h"

/* Rows keep the order in which they were reserved, whenever their answers come. A row that is not filled is none: the
 * report is dropped then. */
size_t scan_reserve(struct scan_report *out, const char *path);

/* Makes the row one without an answer: "not-scanned" with one finding. */
void scan_fill_unread(struct scan_report *out, size_t row, const char *rule, const char *message);

/* Fills a reserved row with what the helper replied to a look; takes `reply` over. NULL when the reply is none, which
 * the row then says. */
struct scan_file *scan_fill(struct scan_report *out, size_t row, json_t *reply);

/* Many looks into one report. */
struct scanning {
    struct scan_report *out;
    struct child *parser;                        /* for one look at a time, where there is no pool */
    struct pool *pool;                           /* its `arg` is this struct; may be NULL */
    const struct engines *engines;               /* scan_options */
    struct memory *memory;                       /* of a release's site; NULL: nothing is remembered */
    void (*progress)(void *arg, uint64_t bytes); /* scan_options */
    void *progress_arg;
};

/* One look, whose answer fills a row. */
struct scan_look {
    struct look look; /* first: pool.h */
    size_t row;
    const struct release_blob *blob; /* borrowed until the answer was taken; NULL: a file of nobody's release */
    bool remembered;
    struct memo memo;
    /* Called when the row is filled, before it is held against its blob; may be NULL. False: the answer is none, which
     * the row says now. */
    bool (*filled)(struct scanning *s, struct scan_look *l, struct scan_file *f);
    void *arg;
};

/* Reserves the row. Owns `fd` from here on. */
struct scan_look *scan_look_new(struct scanning *s, int fd, const char *path, const char *name);

/* Asks the op of l->look with l->look.arg (set by the caller), or answers from memory. Takes `l` over. -1: no helper
 * can be had, or what is remembered cannot be read or written. */
int scan_ask(struct scanning *s, struct scan_look *l, struct err *e);

/* The same for the op "inspect". */
int scan_ask_inspect(struct scanning *s, struct scan_look *l, const struct scan_options *o, struct err *e);

/* Makes a row of what the helper replied to a look; takes `reply` over. NULL when the reply is none, which is a row of
 * its own. */
struct scan_file *scan_take_reply(struct scan_report *out, const char *path, json_t *reply);

/* Adds a finding of ours to a row, and raises the verdict that follows from it. */
void scan_add_finding(struct scan_report *out, struct scan_file *f, enum severity severity, const char *rule,
                      const char *message);

/* The same for what was not scanned. */
void scan_add_not_scanned(struct scan_report *out, struct scan_file *f, const char *rule, const char *message);

/* Findings of what the engines said in the reply of this row. */
void scan_take_engines(struct scan_report *out, struct scan_file *f);

/* The row is of blob `b`: its bytes must be those that the digest names. */
void scan_end_blob(const struct release_blob *b, struct scan_report *out, size_t row);

/* A blob of the packages part alone; one that another part has too is read as that part asks. */
static inline bool scan_is_packaged(const struct release_blob *b)
{
    return b->packaged && strcmp(b->part, "packages") == 0;
}

/* Rows for everything of the packages part. */
int scan_packages(struct site *s, struct scanning *how, const struct blobs *b, const struct release *r,
                  const struct scan_options *o, struct err *e);

/* Findings on rows whose package looks like one that admitted releases hold, or was another file there. */
int scan_held(struct site *s, const struct release *r, struct scan_report *out, struct err *e);

/* Findings on the uppermost layer's row: files that differ from what the package database says (inventory.h), programs
 * that nobody owns. */
void scan_ownership(const struct release *release, struct scan_report *out);
