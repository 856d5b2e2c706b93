/* Advisories as people name them: a snapshot, or what databases export, which is compiled in memory first. And what
 * stands in every answer about them. */
#pragma once

#include "cli/command.h"
#include "scan/advisories.h"

/* A descriptor of the snapshot that `paths` mean, or -1. One path that is a snapshot is opened as it is; all else is
 * compiled, and refused records are told on stderr. The caller closes. */
int snapshot_open(const struct invocation *in, struct child *parser, char *const *paths, size_t count, struct err *e);

/* Compiles `paths` to fd with progress and a word on stderr for every refused record. */
int snapshot_compile(const struct invocation *in, struct child *parser, char *const *paths, size_t count, int fd,
                     struct advisories_compiled *out, struct err *e);

/* "3 days", "5 hours": how old something of `time_s` is now. */
struct age_text {
    char text[40];
};
struct age_text age_text(int64_t time_s, int64_t now_s);
