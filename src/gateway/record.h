/* The access record of one chat request (docs/formats/access-request.schema.json): who asked, which release answered,
 * how many tokens, how long. Pure. Hard rule: no text of a prompt or answer, unless the site's configuration asks for
 * it. */
#pragma once

#include "contour/identity.h"
#include <stdatomic.h>

#include "util/json.h"

struct access_request {
    int64_t time_s;
    const char *request; /* the id that the answer's header carries */
    const struct identity *who;
    const char *environment;
    const char *model;            /* as asked for; NULL when the request could not be read */
    const struct digest *release; /* NULL: none was found */
    unsigned status;
    const char *outcome; /* "answered", "refused", "client-left", "engine-lost", "engine-refused" */
    bool stream;
    uint64_t tokens_in, tokens_out;
    int64_t first_token_ms; /* -1: none came, or it was not streamed */
    int64_t total_ms;
    const json_t *messages; /* only when prompts are logged; else NULL */
};

void record_request(const struct access_request *a, struct buf *out);
