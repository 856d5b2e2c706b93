/* Two archives that should be the same, held against each other member by member (the lists come from the parse
 * process, parse/members.h): what is the first thing that differs, in the order of what matters. */
#pragma once

#include "util/json.h"

enum build_difference {
    BUILD_CONTENT, /* a member is missing on one side, or has other bytes */
    BUILD_MODE,    /* the permissions of a member */
    BUILD_TIME,    /* only times */
    BUILD_ORDER,   /* only the order of the members */
    BUILD_BYTES,   /* nothing that a member has: compression, or fields that no reader looks at */
};

struct build_finding {
    enum build_difference kind;
    char member[256]; /* the first that differs, in the order of the first archive; "" where none does */
    char text[768];   /* a sentence */
};

/* `a` and `b`: replies of the op "members". Only for archives whose bytes differ. */
void build_compare(const json_t *a, const json_t *b, struct build_finding *out);

const char *build_difference_name(enum build_difference kind); /* "content" */
