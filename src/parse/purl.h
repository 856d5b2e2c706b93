/* Package URLs: pkg:type/namespace/name@version?qualifiers#subpath (ECMA-427; package-url/purl-spec). Parsed into
 * decoded parts that are normalised as the definition of their type says, and written in canonical form. Pure. Hard
 * rule: two package URLs that name one package have one written form; what breaks its type's definition is refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/span.h"

#define PURL_LENGTH_MAX     8192U /* bytes of text */
#define PURL_QUALIFIERS_MAX 64U

struct purl_qualifier {
    char *key, *value; /* owned; the key in lower case, the value not empty */
};

/* Owned texts, decoded: UTF-8 without NUL. NULL: not there. */
struct purl {
    char *type;      /* lower case; never NULL once parsed */
    char *namespace; /* segments with "/" between them */
    char *name;      /* never NULL once parsed; of type "git" it may hold "/" */
    char *version;
    char *subpath;                                         /* segments with "/" between them */
    struct purl_qualifier qualifiers[PURL_QUALIFIERS_MAX]; /* in order of their keys once normalised */
    size_t qualifier_count;
};

void purl_fini(struct purl *p);
#define auto_purl AUTO(purl_fini) struct purl

/* Reads `text`. 0, or -1: ERR_INPUT says what of it is wrong, ERR_LIMIT. *out is then empty. */
int purl_parse(struct span text, struct purl *out, struct err *e);

/* What purl_parse does with the decoded parts, for parts that come from elsewhere: checks and normalises them by the
 * rules of all package URLs and of p->type. 0, or -1 with ERR_INPUT; *p is then normalised in part. */
int purl_normalise(struct purl *p, struct err *e);

/* Adds a qualifier; an empty value is none. -1: there are too many (ERR_LIMIT). */
int purl_add_qualifier(struct purl *p, struct span key, struct span value, struct err *e);

/* The value of a qualifier, or NULL. */
const char *purl_qualifier(const struct purl *p, const char *key);

/* Writes the canonical form. */
void purl_write(const struct purl *p, struct buf *out);
