/* Which licence a text is: common ones are known by fingerprints (licence_prints.h) of their words, as the matching
 * guidelines of the SPDX licence list want it (SPDX 2.3, annex B): case, punctuation, white space, copyright lines and
 * the spelling of "licence" say nothing. Hard rule: a text that is not all but wholly there is not that licence. */
#pragma once

#include "util/buf.h"

/* Texts in one file. */
#define LICENCE_TEXTS_MAX 8U

struct licence_texts {
    const char *ids[LICENCE_TEXTS_MAX]; /* of the SPDX licence list, the largest first; static. GNU's: "-only", which is
                                           all that their texts say */
    size_t count;
    unsigned covered; /* percent of the file's words that belong to them */
    size_t beside;    /* words that do not */
};

/* Looks at the first LICENCE_FILE_BYTES of a file. */
#define LICENCE_FILE_BYTES (1U << 20)
void licence_texts_find(struct span file, struct licence_texts *out);

/* Appends an SPDX expression, "MIT AND Apache-2.0", when the file is known licence texts and little else; else false,
 * with nothing appended. */
bool licence_text_read(struct span file, struct buf *out);

/* Does the name promise the text of a licence: LICENSE.txt, LICENCE-MIT, COPYING, UNLICENSE? */
bool licence_file_named(const char *path);
