/* What clamd answers (clamd(8), "COMMANDS", with the prefix z: replies end with a zero byte). Hard rule: an answer that
 * is not exactly one of these forms is none, and none is never "clean". */
#pragma once

#include <stdint.h>

#include "util/err.h"
#include "util/span.h"

/* Names of signatures stay below 200 characters, messages of errors name a path at most. */
#define LIMIT_CLAMD_REPLY 4096U

enum clamd_answer {
    CLAMD_OK,     /* "stream: OK", "fd[10]: OK" */
    CLAMD_FOUND,  /* "…: NAME FOUND" */
    CLAMD_LIMITS, /* FOUND as well, of a name that says that it was not looked into to its end: over a limit, encrypted
                   */
    CLAMD_ERROR,  /* "…: TEXT ERROR" */
};

struct clamd_reply {
    enum clamd_answer answer;
    char text[512]; /* NAME or TEXT, printable ASCII; "" with CLAMD_OK */
};

/* Reads a whole answer to INSTREAM or FILDES, the zero byte included. ERR_INPUT. */
int clamd_reply_parse(struct span reply, struct clamd_reply *out, struct err *e);

struct clamd_version {
    char engine[64];   /* "ClamAV 1.4.6" */
    char database[32]; /* "27500"; "" when none of ClamAV's own is loaded, but perhaps others */
    int64_t date_s;    /* of the database, else 0; clamd gives it in its own local time, taken here for UTC */
};

/* Reads a whole answer to VERSION: "ClamAV 1.4.6/27500/Tue Nov 24 09:12:00 2026", or without the last two. ERR_INPUT.
 */
int clamd_version_parse(struct span reply, struct clamd_version *out, struct err *e);
