#include "ship/licence.h"

#include <stdbool.h>
#include <string.h>

#define DEPTH_MAX 16

static const char ID_CHARACTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-+:";

/* Where the reading of an expression stands. */
struct reading {
    bool after_licence; /* an operator or a closing parenthesis is wanted; else a licence or an opening one */
    int depth;          /* parentheses that are open */
};

static bool is_operator(const char *word, size_t len)
{
    static const char *const operators[] = {"AND", "OR", "WITH"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strlen(operators[i]) == len && memcmp(word, operators[i], len) == 0)
            return true;
    return false;
}

static bool take_word(struct reading *r, const char *word, size_t len)
{
    if (is_operator(word, len) != r->after_licence)
        return false;
    r->after_licence = !r->after_licence;
    return true;
}

static bool take_parenthesis(struct reading *r, char c)
{
    if (c != '(' && c != ')')
        return false;
    bool opens = c == '(';
    if (opens == r->after_licence || r->depth == (opens ? DEPTH_MAX : 0))
        return false;
    r->depth += opens ? 1 : -1;
    return true;
}

static int no_expression(const char *text, struct err *e)
{
    err_set(e, ERR_INPUT, 0, "\"%.64s\" is no SPDX expression", text);
    return err_hint(e,
                    "Wanted for example Apache-2.0, MIT OR GPL-2.0-only, or LicenseRef-NAME for a licence of your own");
}

int licence_check(const char *text, struct err *e)
{
    struct reading r = {.after_licence = false};
    for (const char *at = text; *(at += strspn(at, " "));) {
        size_t len = strspn(at, ID_CHARACTERS);
        if (len ? !take_word(&r, at, len) : !take_parenthesis(&r, *at))
            return no_expression(text, e);
        at += len ? len : 1;
    }
    return r.after_licence && r.depth == 0 ? 0 : no_expression(text, e);
}
