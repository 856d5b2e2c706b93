/* What the commands over one release have in common: the contour opened, REF understood, the release read from wherever
 * it lies now; and a person's key unsealed. */
#pragma once

#include "cli/command.h"
#include "contour/ref.h"
#include "ship/release.h"

struct with_release {
    struct site *site;
    struct release_row row;
    struct buf names; /* row's strings */
    struct blobs *blobs;
    struct release *release;
    char name[128]; /* "assistant:v1.0.0" */
};

int with_release_open(struct invocation *in, const char *ref, struct with_release *out, struct err *e);
void with_release_close(struct with_release *w);
#define auto_with_release AUTO(with_release_close) struct with_release

/* The environment that a check runs for: --env, or the first of test, sandbox and prod that the release stands in (test
 * is where the evidence for prod is asked for). ERR_DENIED names where it stands, if anywhere; ERR_USAGE. */
int with_release_environment(struct invocation *in, const struct with_release *w, const char **out, struct err *e);

/* Are the release's prompts well-formed? ERR_INPUT names file and line. */
int with_release_prompts(const struct with_release *w, struct err *e);

/* Where the start of an engine has got to, told to people unless they want to hear nothing: .arg of engine_options, and
 * start_step its .progress. */
struct start_steps {
    const char *last;
    bool told;
};
void start_step(void *arg, const char *step, uint64_t done, uint64_t total);

/* Is this error, of its files (`steps` NULL) or of its engine's start, the release's own fault, which no second try
 * mends? Such a thing is the answer of a check, and no failure to check. */
bool is_fault_of_release(const struct err *e, const struct start_steps *steps);
#define MEND_RELEASE "mend it at the station and pack a new version"

/* The private key in --key FILE, unsealed. ERR_USAGE when there is no --key. */
struct private_key *person_key(struct invocation *in, struct err *e);

/* Duration option ("7d"), in seconds; *out is left alone when the option was not given. */
int option_duration(const struct invocation *in, const char *name, uint64_t *out, struct err *e);
