#include "util/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct code_row {
    const char *name;
    int exit_status;
    int http_status;
};

static const struct code_row CODES[ERR_CODES] = {
    [ERR_NONE] = {"none", 0, 200},
    [ERR_USAGE] = {"usage", 2, 400},
    [ERR_INPUT] = {"input", 3, 400},
    [ERR_LIMIT] = {"limit", 3, 413},
    [ERR_NOTFOUND] = {"not-found", 4, 404},
    [ERR_EXISTS] = {"exists", 5, 409},
    [ERR_DENIED] = {"denied", 5, 403},
    [ERR_UNDECIDED] = {"undecided", 6, 503},
    [ERR_BUSY] = {"busy", 7, 503},
    [ERR_NOSPACE] = {"no-space", 7, 507},
    [ERR_IO] = {"io", 7, 500},
    [ERR_SYSTEM] = {"system", 7, 500},
};

static const struct code_row *code_row(enum err_code code)
{
    return code < ERR_CODES ? &CODES[code] : &CODES[ERR_SYSTEM];
}

int err_setv(struct err *e, enum err_code code, int sys_errno, const char *format, va_list args)
{
    if (!e)
        return -1;
    if (code == ERR_IO && (sys_errno == ENOSPC || sys_errno == EDQUOT))
        code = ERR_NOSPACE;
    e->code = code;
    e->sys_errno = sys_errno;
    int n = vsnprintf(e->msg, sizeof e->msg, format, args);
    if (sys_errno && n >= 0 && (size_t)n < sizeof e->msg)
        snprintf(e->msg + n, sizeof e->msg - (size_t)n, ": %s", strerror(sys_errno));
    return -1;
}

int err_set(struct err *e, enum err_code code, int sys_errno, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_setv(e, code, sys_errno, format, args);
    va_end(args);
    return -1;
}

/* Appends as much of `text` as fits, from `at` on. */
static void add_text(struct err *e, size_t at, const char *text)
{
    size_t room = sizeof e->msg - 1 - at, len = strlen(text);
    if (len > room)
        len = room;
    memcpy(e->msg + at, text, len);
    e->msg[at + len] = '\0';
}

int err_prefix(struct err *e, const char *format, ...)
{
    if (!e)
        return -1;
    char old[ERR_MSG_MAX];
    memcpy(old, e->msg, sizeof old);
    va_list args;
    va_start(args, format);
    vsnprintf(e->msg, sizeof e->msg, format, args);
    va_end(args);
    add_text(e, strlen(e->msg), ": ");
    add_text(e, strlen(e->msg), old);
    return -1;
}

int err_hint(struct err *e, const char *format, ...)
{
    if (!e)
        return -1;
    char hint[ERR_MSG_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(hint, sizeof hint, format, args);
    va_end(args);
    add_text(e, strlen(e->msg), ". ");
    add_text(e, strlen(e->msg), hint);
    return -1;
}

void err_clear(struct err *e)
{
    e->code = ERR_NONE;
    e->sys_errno = 0;
    e->msg[0] = '\0';
}

const char *err_code_name(enum err_code code)
{
    return code_row(code)->name;
}

int err_exit_status(enum err_code code)
{
    return code_row(code)->exit_status;
}

int err_http_status(enum err_code code)
{
    return code_row(code)->http_status;
}
