/* The vectors of others, read from the archive trust.tar.gz of the shared corpora: they are no part of this repository.
 * Where the archive is not there, a test that needs it says so loudly and counts as skipped. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/buf.h"
#include "util/json.h"

/* False, after a loud line, when the archive is not there. */
bool corpus_present(void);
#define NEED_CORPUS()          \
    do {                       \
        if (!corpus_present()) \
            skip();            \
    } while (0)

/* One member, "trust/dsse/vector.json". Fails the test when it is missing. */
void corpus_read(const char *member, struct buf *out);
json_t *corpus_json(const char *member);
