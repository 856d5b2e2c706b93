/* What JSON Schema asks of a text: formats and patterns. */
#pragma once

#include <stdbool.h>

#include "parse/schema_tables.h"
#include "util/span.h"

/* A text that is longer fits no pattern: none that these schemas are about has more than 200 characters. */
#define PATTERN_TEXT_MAX 16384U

/* The patterns of the tables, made ready when they are first used. All members zero at first. */
struct patterns {
    void **compiled; /* owned: regex_t, or NULL */
};

void patterns_fini(struct patterns *p);

/* Whether the pattern matches somewhere in the text, which is a C string too. */
bool pattern_matches(struct patterns *p, uint32_t pattern, struct span text);

/* date-time: RFC 3339 section 5.6. idn-email: RFC 6531, the form that RFC 5321 gives a mailbox. uri: RFC 3986 with a
 * scheme. iri-reference: RFC 3987. */
bool format_holds(enum schema_format format, struct span text);
const char *format_name(enum schema_format format); /* "date-time" */
