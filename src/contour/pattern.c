#include "contour/pattern.h"

#include <errno.h>
#include <regex.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CPU_SECONDS  2
#define MEMORY_BYTES (256UL << 20)

enum { CHILD_MATCH = 0, CHILD_NO_MATCH = 1, CHILD_BAD = 2, CHILD_MEMORY = 3 };

/* {m,n} multiplies the automaton; nested ones multiply each other. */
static bool repetition_small(const char *at)
{
    unsigned number = 0;
    for (at++; *at && *at != '}'; at++) {
        number = *at == ',' ? 0 : number * 10 + (unsigned)(*at - '0');
        if ((*at != ',' && (*at < '0' || *at > '9')) || number > 255)
            return false;
    }
    return *at == '}';
}

static int unbounded(const char *pattern, struct err *e)
{
    for (const char *at = pattern; *at; at++) {
        if (*at == '\\') {
            if (at[1] >= '1' && at[1] <= '9')
                return err_set(e, ERR_INPUT, 0, "pattern \"%.80s\": back references are not taken", pattern);
            at += at[1] != '\0';
        } else if (*at == '{' && !repetition_small(at)) {
            return err_set(e, ERR_INPUT, 0, "pattern \"%.80s\": a repetition must be {m}, {m,} or {m,n}, at most 255",
                           pattern);
        }
    }
    return 0;
}

static void limit(int what, rlim_t value)
{
    struct rlimit l = {value, value};
    (void)setrlimit(what, &l);
}

/* The child: nothing but the matcher, under limits. Its exit status is the answer. */
static void match_and_exit(const char *pattern, const char *text)
{
    regex_t r;
    limit(RLIMIT_CPU, CPU_SECONDS);
    limit(RLIMIT_CORE, 0);
#ifndef __SANITIZE_ADDRESS__
    limit(RLIMIT_AS, MEMORY_BYTES);
#endif
    int status = regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB);
    if (status != 0)
        _exit(status == REG_ESPACE ? CHILD_MEMORY : CHILD_BAD);
    status = regexec(&r, text, 0, NULL, 0);
    _exit(status == 0 ? CHILD_MATCH : status == REG_NOMATCH ? CHILD_NO_MATCH : CHILD_MEMORY);
}

static int run(const char *pattern, const char *text, struct err *e)
{
    int status;
    pid_t pid = fork();
    if (pid < 0)
        return err_set(e, ERR_SYSTEM, errno, "fork for a pattern");
    if (pid == 0)
        match_and_exit(pattern, text);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_set(e, ERR_SYSTEM, errno, "wait for a pattern");
    if (WIFEXITED(status) && WEXITSTATUS(status) <= CHILD_NO_MATCH)
        return WEXITSTATUS(status) == CHILD_MATCH;
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_BAD)
        return err_set(e, ERR_INPUT, 0, "pattern \"%.80s\" is no POSIX extended regular expression", pattern);
    return err_set(e, ERR_UNDECIDED, 0, "pattern \"%.80s\" used up its %d s or %lu MiB", pattern, CPU_SECONDS,
                   MEMORY_BYTES >> 20);
}

int pattern_check(const char *pattern, struct err *e)
{
    if (strlen(pattern) > PATTERN_BYTES_MAX)
        return err_set(e, ERR_INPUT, 0, "pattern of %zu bytes; at most %u are taken", strlen(pattern),
                       PATTERN_BYTES_MAX);
    if (unbounded(pattern, e) < 0)
        return -1;
    return run(pattern, "", e) < 0 ? -1 : 0;
}

int pattern_search(const char *pattern, const char *text, struct err *e)
{
    if (strlen(pattern) > PATTERN_BYTES_MAX || unbounded(pattern, e) < 0)
        return err_set(e, ERR_INPUT, 0, "pattern \"%.80s\" is not taken", pattern);
    if (strlen(text) > PATTERN_TEXT_BYTES_MAX)
        return err_set(e, ERR_LIMIT, 0, "a text of %zu bytes for a pattern; at most %u", strlen(text),
                       PATTERN_TEXT_BYTES_MAX);
    return run(pattern, text, e);
}
