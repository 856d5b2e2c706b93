/* The Accept header (RFC 9110 section 12.5.1), one field value at a time. Pure. */
#pragma once

#include "util/span.h"

/* How well the list takes `media_type` ("text/html"; parameters of the elements are left out of account but for q). */
struct accept_match {
    unsigned quality;     /* thousandths, 0 to 1000, of the most precise element that speaks of it */
    unsigned specificity; /* 3: by name, 2: "text/" and a star, 1: any; 0: no element does */
};

/* Takes what `list` says into *match when it is more precise than what stands there; the first of equals counts. */
void accept_look(struct span list, const char *media_type, struct accept_match *match);
