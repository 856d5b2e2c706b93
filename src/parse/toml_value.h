/* The words of TOML: blanks, comments, keys, strings, numbers, times (toml.c puts them together). */
#pragma once

#include "parse/toml.h"

struct toml_reader {
    struct span rest;
    const char *name; /* of the file, for messages */
    unsigned line;
    size_t values;
    struct err *e;
};

int toml_refuse(const struct toml_reader *r, const char *what); /* ERR_INPUT "NAME:LINE: what"; returns -1 */

void toml_skip_blank(struct toml_reader *r);
int toml_skip_lines(struct toml_reader *r); /* blanks, comments and line ends */
int toml_end_line(struct toml_reader *r);   /* a comment at most, and the end of the line or of the text */

/* One part of a key, or a string in any of its four forms, decoded; a scalar without quotes as it stands. The caller
 * frees. */
int toml_take_key(struct toml_reader *r, char **out);
int toml_take_string(struct toml_reader *r, char **out);
int toml_take_plain(struct toml_reader *r, enum toml_kind *kind, char **out);
