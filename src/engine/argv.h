/* The command of a release with its placeholders filled in, and the engine's whole environment. */
#pragma once

#include "ship/release.h"

struct argv_values {
    const char *socket, *model;
    uint64_t threads;
};

/* Fills {socket}, {model} and {threads} in wherever they stand in a word; any other brace stays. NULL-terminated, freed
 * by argv_free. */
char **argv_fill(char *const command[], const struct argv_values *v);

/* `environment` ("K=V") with PATH, HOME and LANG added where it does not have them. Freed by argv_free. */
char **environment_fill(char *const environment[]);

void argv_free(char **words); /* NULL is fine */
static inline void auto_argv_free(char ***words)
{
    argv_free(*words);
}
#define auto_argv AUTO(auto_argv_free) char **

/* Where a file of the model appears inside: /models/<its path>, or /models/model when that cannot be a path. */
void model_path(const char *name, struct buf *out);
