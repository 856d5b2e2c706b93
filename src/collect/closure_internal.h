/* One check under way, for the files closure*.c. */
#pragma once

#include "collect/client.h"
#include "collect/closure.h"

struct closing {
    struct closure *out;
    struct site *s;
    const struct packages *collected, *chosen;
    struct child *parser;
    struct clients clients;
    const struct package *by_version; /* a wheel whose needs depend on the version of Python; NULL: none does */
    json_t *index;                    /* "pypi/name": the number of the first package of that name among the chosen */
    json_t *versions;                 /* "pypi/name": its version, or null where the release brings several */
};

void closure_remark(struct closure *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ERR_INPUT (it is not complete), ERR_UNDECIDED (nobody could say). */
int closure_pip(struct closing *c, struct err *e);
int closure_apt(struct closing *c, struct err *e);

/* A client that is not there, or could not be run: not checked, which is not complete. */
int closure_not_checked(const char *what, struct err *e);

/* Who of the release goes by this name in this ecosystem; NULL: nobody. */
const struct package *closure_find(const struct closing *c, const char *ecosystem, const char *name);

/* Whether the release brings one version of it alone; with several, pip is left to choose. */
bool closure_is_only_version(const struct closing *c, const struct package *p);

/* When another group pins this name: a next step that says so, at the end of *e. */
void closure_hint(const struct closing *c, const char *ecosystem, const char *name, struct err *e);

/* " NAME VERSION (FILE:LINE)" of it, for messages. */
void closure_who(const struct package *p, char *out, size_t size);

/* What an output file holds, at most 64 KiB of it, clean but for line ends. */
int closure_said(int work, const char *path, struct buf *out, struct err *e);
