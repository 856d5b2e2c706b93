/* Blocks of "Name: value" lines with continuation lines: METADATA, WHEEL and PKG-INFO of Python (core metadata; RFC 822
 * headers), control of Debian (deb-control(5), deb822(5)). */
#pragma once

#include "parse/report.h"

/* Fields of one block. A wheel with many requirements and classifiers has some hundred. */
#define LIMIT_FIELDS 4096U

struct field {
    struct span name, value; /* borrowed; the value as it stands, continuation lines with it, ends trimmed */
};

struct fields {
    struct field *list; /* owned */
    size_t count;
    struct span rest; /* what stands behind the block: after an empty line, or from the first line that is no field */
};

/* Reads the first block of a text. 0, or -1 after a finding at `at` (no UTF-8, a NUL, too many
 * fields; a control character in the block, where Python's email parser and others could begin another line). */
int fields_read(struct span text, const char *at, struct fields *out, struct report *r);
void fields_free(struct fields *f);
#define auto_fields AUTO(fields_free) struct fields

/* The value of a field (names without regard to case), or an empty span when there is none. */
struct span fields_get(const struct fields *f, const char *name);

/* The value of a field that must stand there exactly once, as one line of at most size - 1 bytes. 0, or -1 after a
 * finding. */
int fields_need(const struct fields *f, const char *name, const char *at, char *out, size_t size, struct report *r);
