/* The prompt set of a release (docs/formats/prompts.md): the system prompt that the gateway puts before the messages,
 * warm-up prompts after whose answers an engine counts as ready, and values for parameters that a request leaves out.
 * Hard rule: a prompt set comes from outside, so it is taken apart in the parse process. */
#pragma once

#include "parse/prompts.h"
#include "sandbox/child.h"
#include "store/blobs.h"

struct prompts {
    char *system;  /* owned; "" when there is none */
    char **warmup; /* owned; at least one */
    size_t warmup_count;
    json_t *parameters; /* owned; an object such as {"temperature": 0, "max_tokens": 128}: numbers, booleans, strings,
                         * lists of strings, under the names of the OpenAI API */
};

/* Reads the blob `id`. 0, or -1: ERR_NOTFOUND, ERR_INPUT with the line, ERR_LIMIT, ERR_UNDECIDED. */
int prompts_read(const struct blobs *b, struct child *parser, const struct digest *id, struct prompts *out,
                 struct err *e);

/* The same from bytes; `name` names the document in messages. */
int prompts_parse(struct child *parser, struct span text, const char *name, struct prompts *out, struct err *e);
void prompts_fini(struct prompts *p);
#define auto_prompts AUTO(prompts_fini) struct prompts
