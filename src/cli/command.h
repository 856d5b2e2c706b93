/* Commands are data: one `struct command` per cmd_*.c. The parser, --help, and the OPTIONS part of each man page come
 * from this table. Hard rule: a command prints its answer on stdout (with --json: one document), and all else on
 * stderr; its return value is its exit status. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "site/site.h"
#include "util/json.h"

struct option {
    const char *name;  /* "volume-size", typed as --volume-size */
    const char *value; /* metavariable, "N"; NULL for a switch */
    const char *help;  /* one line */
    bool repeated;
};

#define COMMAND_OPTIONS_MAX 12
#define COMMAND_VALUES_MAX  64

struct invocation; /* what the user typed, parsed */

struct command {
    const char *name;    /* "promote", or "station contour add": words */
    const char *usage;   /* "REF sandbox|test|prod": what stands behind the name and options; may be NULL */
    const char *summary; /* one line */
    const char *detail;  /* paragraphs for --help and the man page; may be NULL */
    struct option options[COMMAND_OPTIONS_MAX]; /* ends with an empty one */
    int min_args, max_args;                     /* -1: any number */
    int (*run)(struct invocation *in);
};

struct invocation {
    const struct command *command;
    const char *home; /* --home, or AIRLOCK_HOME, or "." */
    bool json, quiet, verbose;
    int argc;
    char **argv; /* arguments without options */
    struct {
        const char *name, *value;
    } values[COMMAND_VALUES_MAX];
    size_t value_count;
    struct err err; /* scratch for run */
};

/* The last value of an option, or NULL; a switch given has the value "". */
const char *option_get(const struct invocation *in, const char *name);
bool option_given(const struct invocation *in, const char *name);
/* The n-th value of a repeated option, or NULL. */
const char *option_nth(const struct invocation *in, const char *name, size_t n);

/* Prints the error ("airlock promote: MESSAGE", with --json also {"schema":"airlock/error/1",…} on stdout) and returns
 * its exit status. */
int command_fail(struct invocation *in, const struct err *e);
/* The same, with further members of that document written by `more`. */
int command_fail_with(struct invocation *in, const struct err *e, void (*more)(struct json_out *w, const void *arg),
                      const void *arg);
/* Usage error: message and hint at --help on stderr, with --json the same document as command_fail; status 2. */
int command_usage(struct invocation *in, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints one JSON document with "schema": begins {"schema": "airlock/NAME/1" and leaves the object open;
 * command_json_end closes and prints. */
void command_json(struct json_out *w, struct buf *out, const char *schema);
void command_json_end(struct json_out *w);

/* The passphrase for a person's key: --passphrase-file, AIRLOCK_PASSPHRASE_FILE, or a question on the terminal
 * (`twice`: asked again). */
int command_passphrase(struct invocation *in, const char *key_file, bool twice, struct secret *out, struct err *e);

/* Opens the site of --home. */
struct site *command_site(struct invocation *in, int kind, struct err *e);

/* Progress on a terminal: a bar with rate and end; nothing elsewhere. */
struct progress {
    const char *what;
    uint64_t total, done;
    int64_t started_ms, drawn_ms;
    bool on;
};
void progress_start(const struct invocation *in, struct progress *p, const char *what, uint64_t total);
void progress_add(struct progress *p, uint64_t n);
void progress_end(struct progress *p);

/* Every command of the program; commands.c lists them. */
extern const struct command *const COMMANDS[];
