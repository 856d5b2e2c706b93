/* Public corpora of real and hostile files, read straight from their archives in memory. Where they lie: the folder
 * that AIRLOCK_CORPORA names, else ../shared/corpora beside the source. Tests that find none skip, and say so. */
#pragma once

#include <stdbool.h>

#include "parse/report.h"
#include "util/span.h"

struct corpus_file {
    char *path; /* owned; without the archive's top folder */
    uint8_t *bytes;
    size_t len;
    char *class, *note; /* from expected.tsv; NULL when the file is not in it */
};

struct corpus {
    struct corpus_file *files; /* owned */
    size_t count;
};

/* NULL when NAME.tar.gz is not there. */
struct corpus *corpus_open(const char *name);
void corpus_free(struct corpus *c);
const struct corpus_file *corpus_find(const struct corpus *c, const char *path);

/* The verdict that inspect_bytes gives the file under its own name; *rules gets the names of its rules. */
enum verdict corpus_verdict(const struct corpus_file *f, char *rules, size_t size);
