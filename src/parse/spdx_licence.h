/* Licence expressions (SPDX 2.3, annex D): identifiers of the SPDX licence list, an optional "+", AND, OR, WITH,
 * parentheses, LicenseRef-… and DocumentRef-…:LicenseRef-… . Identifiers are compared without regard to case, as the
 * annex asks; operators are upper case. The list is the one that schemas/spdx-licences.json names. */
#pragma once

#include <stdbool.h>

#include "util/span.h"

enum licence_word {
    LICENCE_ID,        /* of the list, without its "+" */
    LICENCE_REF,       /* LicenseRef-NAME, or DocumentRef-NAME:LicenseRef-NAME */
    LICENCE_EXCEPTION, /* behind WITH */
};

struct licence_flaw {
    const char *why;  /* "is no identifier of the SPDX licence list"; static */
    struct span word; /* the word that it is about, or empty: the end */
};

/* Whether `text` is a whole expression. flaw (may be NULL) is set when it is none. */
bool spdx_licence_check(struct span text, struct licence_flaw *flaw);

/* The same, and calls each for every word that is no operator, up to the first flaw. */
bool spdx_licence_words(struct span text, void (*each)(void *arg, enum licence_word kind, struct span word), void *arg,
                        struct licence_flaw *flaw);

/* Whether the list has this licence, or this exception. */
bool spdx_licence_known(struct span id);
bool spdx_exception_known(struct span id);

/* The same identifier as the list spells it, or NULL. Static. */
const char *spdx_licence_spelling(struct span id);
const char *spdx_exception_spelling(struct span id);
