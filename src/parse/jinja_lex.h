/* The tokens of a Jinja template (Jinja 3.1, its default delimiters): text, the marks of its tags, and what stands in
 * them. Hard rule: a token is taken or the reader is broken for good, with the place and what is wrong there. */
#pragma once

#include "util/span.h"

/* Brackets inside of each other in one tag. */
#define LIMIT_JINJA_BRACKETS 128U

/* A text that does not stand in a tag, or what stands in tags. */
enum jinja_token_kind {
    JINJA_END,
    JINJA_DATA,
    JINJA_VARIABLE_BEGIN,
    JINJA_VARIABLE_END,
    JINJA_BLOCK_BEGIN,
    JINJA_BLOCK_END,
    JINJA_NAME,
    JINJA_STRING, /* without its quotes, escapes as they stand */
    JINJA_INTEGER,
    JINJA_FLOAT,
    JINJA_OPERATOR, /* '(' … and JINJA_OP('*', '*') */
    JINJA_BROKEN
};

#define JINJA_OP(first, second) ((unsigned)(first) | (unsigned)(second) << 8)

struct jinja_token {
    enum jinja_token_kind kind;
    unsigned op;
    size_t at;        /* bytes from the beginning */
    struct span text; /* borrowed of the template */
};

struct jinja_lexer {
    struct span text;
    size_t at;
    enum { JINJA_IN_DATA, JINJA_IN_VARIABLE, JINJA_IN_BLOCK } mode;
    unsigned brackets;
    uint8_t open[LIMIT_JINJA_BRACKETS];
    const char *problem; /* static; of JINJA_BROKEN */
};

void jinja_lex_begin(struct jinja_lexer *l, struct span text);
struct jinja_token jinja_lex_next(struct jinja_lexer *l);

/* Line and column of a byte, both from 1; a column counts bytes. */
void jinja_place(struct span text, size_t at, size_t *line, size_t *column);
