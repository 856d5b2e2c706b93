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

/* The private key in --key FILE, unsealed. ERR_USAGE when there is no --key. */
struct private_key *person_key(struct invocation *in, struct err *e);

/* Duration option ("7d"), in seconds; *out is left alone when the option was not given. */
int option_duration(const struct invocation *in, const char *name, uint64_t *out, struct err *e);
