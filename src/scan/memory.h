/* What earlier scans of this site said of a blob, so that a blob is looked at once for each version of scanner and
 * rules. An answer is kept under everything that it depends on: program, rules and unpacking libraries, the blob's
 * digest, and the whole question (name, options, allowed templates). Hard rules: an answer is kept only when the very
 * bytes that were looked at had the blob's digest, and never when a process crashed or ran out of time; it is believed
 * only under the site's own signature; and a file that is not as it was when it was last hashed is hashed again. */
#pragma once

#include "site/site.h"

struct memory;

/* Which question, about which file as it lies there now. */
#define MEMORY_STAMP_BYTES 32U
struct memo {
    struct digest key, blob;
    uint8_t stamp[MEMORY_STAMP_BYTES]; /* zeros: it was changed a moment ago, and could be again without a trace */
};

/* `fresh`: nothing is looked up, all is kept. NULL: the site's key cannot be had. */
struct memory *memory_new(struct site *s, bool fresh, struct err *e);
void memory_free(struct memory *m); /* what was not flushed is forgotten; NULL is fine */
static inline void auto_memory_free(struct memory **m)
{
    memory_free(*m);
}

/* 1: *reply (owned by the caller) is what was said, and *same: the file is as it was when it was hashed. 0: nothing is
 * remembered. *memo is for memory_keep. */
int memory_find(struct memory *m, const struct digest *blob, const char *op, const char *arg, int fd, struct memo *memo,
                json_t **reply, bool *same, struct err *e);

/* Keeps `reply` (taken over; sorted, compact JSON) to the question of `memo`, whose file was hashed meanwhile. Written
 * some at a time; a backup keeps nothing. */
int memory_keep(struct memory *m, const struct memo *memo, int fd, char *reply, struct err *e);
int memory_flush(struct memory *m, struct err *e);

/* Program, rules and libraries: what the column `scanner` of the table says. */
const char *memory_scanner(void);

/* Calls `bad` for each row whose seal or form is wrong; *rows: all of them. */
int memory_check(struct site *s, void (*bad)(void *arg, const struct digest *blob), void *arg, uint64_t *rows,
                 struct err *e);
