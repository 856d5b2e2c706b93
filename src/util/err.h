/* One error, owned by the caller, without allocation. A function that fails returns -1 (or NULL) and has set *e where
 * the fact was known: what, which, what was found, what was wanted. `code` is for programs, `msg` for people. Hard
 * rule: whoever sets an error says what the reader can do next, when there is something to do. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

enum err_code {
    ERR_NONE = 0,
    ERR_USAGE,     /* the call itself is wrong */
    ERR_INPUT,     /* the input cannot be worked on: malformed, truncated, wrong signature */
    ERR_LIMIT,     /* the input is over a named limit (limits.h) */
    ERR_NOTFOUND,  /* no such thing */
    ERR_EXISTS,    /* already there, and immutable */
    ERR_DENIED,    /* not allowed: role, four eyes, expired, replayed, foreign, evidence missing */
    ERR_UNDECIDED, /* cannot be decided: recorder asleep, scanner missing or crashed */
    ERR_BUSY,      /* somebody else is doing it now; trying again helps */
    ERR_NOSPACE,   /* disk full */
    ERR_IO,        /* the system failed; the same command again completes it */
    ERR_SYSTEM,    /* this host cannot do it (no user namespaces, for one) */
    ERR_CODES
};

#define ERR_MSG_MAX 1024

struct err {
    enum err_code code;
    int sys_errno;
    char msg[ERR_MSG_MAX];
};

/* Sets *e (which may be NULL) and returns -1. `sys_errno` of 0 means none; otherwise its text is added, and ENOSPC and
 * EDQUOT turn an ERR_IO into ERR_NOSPACE. */
int err_set(struct err *e, enum err_code code, int sys_errno, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int err_setv(struct err *e, enum err_code code, int sys_errno, const char *format, va_list args)
    __attribute__((format(printf, 4, 0)));

/* Puts "text: " in front of the message of an error that is set; returns -1. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds ". text" behind the message: the next step for the reader. Returns -1. */
int err_hint(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *e);

/* The stable name of a code, for programs: "input", "not-found". */
const char *err_code_name(enum err_code code);

/* Exit status of cli.md. */
int err_exit_status(enum err_code code);

/* HTTP status of the same table. */
int err_http_status(enum err_code code);
