/* `airlock silence`: what its two forms share. */
#pragma once

#include "cli/command.h"
#include "silence/silence.h"

/* The form with --command: runs in->argv in a box made of this host's own files, all of them read-only, and answers.
 * Returns the exit status. */
int silence_command(struct invocation *in);

/* An option that is a number of seconds, at most a day; *out is left alone when it is not given. ERR_USAGE. */
int silence_seconds(const struct invocation *in, const char *name, uint64_t *out, struct err *e);

/* Prints the answer in the form that was asked for. `more` (may be NULL) writes further members of the JSON document.
 */
int silence_print(struct invocation *in, const struct silence_result *r, const char *what,
                  void (*more)(struct json_out *w, void *arg), void *arg, struct err *e);

/* 0, 1 or 6. */
int silence_status(enum silence_verdict v);
