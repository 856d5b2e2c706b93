/* Version ranges: "vers:pypi/>=1.0|<2.0" (package-url/vers-spec), and the ranges that ecosystems write themselves.
 * Pure. Hard rule: whether a version lies in a range is decided by the order of its ecosystem (version.h), or not at
 * all. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "parse/version.h"

#define VERS_LENGTH_MAX      65536U /* bytes of text */
#define VERS_CONSTRAINTS_MAX 1024U

/* In the order in which constraints on one version stand. */
enum vers_op { VERS_BELOW, VERS_UP_TO, VERS_EQUAL, VERS_NOT, VERS_FROM, VERS_ABOVE, VERS_ANY };

struct vers_constraint {
    enum vers_op op;
    char *version;        /* owned, decoded; NULL with VERS_ANY */
    unsigned alternative; /* of a native range: which part between "||" it belongs to; else 0 */
};

struct vers {
    enum version_type type;
    const char *scheme;                  /* static: the name of the type, or what vers calls it ("gentoo") */
    struct vers_constraint *constraints; /* owned; once sorted, in order of version */
    size_t count;
};

void vers_fini(struct vers *v);
#define auto_vers AUTO(vers_fini) struct vers

/* The scheme of a range, or false: its versions have no order here. Sets out->type and out->scheme. */
bool vers_scheme(struct span name, struct vers *out);

/* Reads "vers:…", in any order of constraints, and sorts them. 0, or -1: ERR_INPUT, ERR_LIMIT; *out is then empty. */
int vers_parse(struct span text, struct vers *out, struct err *e);

/* The same, but the text must be in the one form that vers_write gives. */
int vers_parse_canonical(struct span text, struct vers *out, struct err *e);

/* Writes the range in canonical form. */
void vers_write(const struct vers *v, struct buf *out);

/* *in: the version lies in the (sorted) range. False: not decided, since it is no version of the range's type. */
bool vers_contains(const struct vers *v, struct span version, bool *in);

/* Adds a constraint. `op` as it stands before a version; -1: ERR_INPUT when it is no version of v->type, ERR_LIMIT. */
int vers_add(struct vers *v, enum vers_op op, struct span version, unsigned alternative, struct err *e);

/* Sorts by version, then as enum vers_op has it. -1: ERR_INPUT when two of them have no order. */
int vers_sort(struct vers *v, struct err *e);

/* Reads a range as the ecosystem `scheme` writes it: npm, conan, gem, pypi, nuget, maven, nginx, openssl. The
 * constraints stand in the order of the text, each with its alternative: between alternatives stands "or", inside one
 * "and". Sorted, they are what vers_write takes: a list in which "and" is lost where intervals overlap, as
 * package-url/vers-spec's own conversions have it. 0, or -1: ERR_INPUT. */
int vers_from_native(struct span scheme, struct span range, struct vers *out, struct err *e);

/* *in: npm would take the version for the range (node-semver's `satisfies`, without the option for prereleases). False:
 * one of them is none of npm's. */
bool vers_npm_contains(struct span range, struct span version, bool *in);

/* The operation "npm-ranges" of the parse role. `input` is lines "VERSION TAB RANGE"; the reply is one byte a line: y,
 * n, or ? where one of them is none of npm's. */
int vers_npm_op(struct span input, struct span arg, struct buf *reply, struct err *e);
