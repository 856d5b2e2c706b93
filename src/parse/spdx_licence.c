#include "parse/spdx_licence.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "parse/schema_tables.h"

/* Parentheses inside each other: real expressions have three. */
#define DEPTH_MAX 64U

enum state {
    WANT_LICENCE,   /* a licence or an opening parenthesis */
    AFTER_LICENCE,  /* an operator, WITH too, or a closing parenthesis */
    AFTER_GROUP,    /* the same without WITH */
    WANT_EXCEPTION, /* behind WITH */
};

struct reading {
    enum state state;
    unsigned depth;
    void (*each)(void *arg, enum licence_word kind, struct span word);
    void *arg;
    const char *why;
};

/* Letters, numbers, ".", "-"; the name of a document may have a "+", too (clause 6.6). */
static bool is_idstring(struct span s, bool document)
{
    static const char characters[] = "+abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '\0' || !strchr(characters + !document, s.ptr[i]))
            return false;
    return s.len > 0;
}

/* As the list spells it, or NULL. */
static const char *listed(unsigned list, struct span id)
{
    const struct schema_names *names = &SCHEMA_LICENCE_LISTS[list];
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *name = SCHEMA_STRINGS + SCHEMA_NAMES[names->first + middle];
        int order = strncasecmp((const char *)id.ptr, name, id.len);
        if (order == 0 && name[id.len] == '\0')
            return name;
        if (order > 0)
            low = middle + 1;
        else
            high = middle; /* also where id is the beginning of name: it stands in front of it */
    }
    return NULL;
}

const char *spdx_licence_spelling(struct span id)
{
    return is_idstring(id, true) ? listed(SCHEMA_LICENCES, id) : NULL;
}

const char *spdx_exception_spelling(struct span id)
{
    return is_idstring(id, true) ? listed(SCHEMA_EXCEPTIONS, id) : NULL;
}

bool spdx_licence_known(struct span id)
{
    return spdx_licence_spelling(id) != NULL;
}

bool spdx_exception_known(struct span id)
{
    return spdx_exception_spelling(id) != NULL;
}

/* ["DocumentRef-"idstring":"]"LicenseRef-"idstring */
static bool is_reference(struct span word)
{
    struct span document;
    if (span_take_prefix(&word, SPAN_LIT("DocumentRef-")) &&
        !(span_take_until(&word, ':', &document) && is_idstring(document, true)))
        return false;
    return span_take_prefix(&word, SPAN_LIT("LicenseRef-")) && is_idstring(word, false);
}

static bool refuse(struct reading *r, const char *why)
{
    r->why = why;
    return false;
}

static bool take_licence(struct reading *r, struct span word)
{
    struct span id = word;
    enum licence_word kind = LICENCE_ID;
    if (is_reference(word)) {
        kind = LICENCE_REF;
    } else if (!spdx_licence_known(id)) {
        if (id.len > 1 && id.ptr[id.len - 1] == '+')
            id.len--;
        if (!spdx_licence_known(id))
            return refuse(r, spdx_exception_known(id) ? "is an exception, which stands behind WITH only"
                                                      : "is no identifier of the SPDX licence list");
    }
    if (r->each)
        r->each(r->arg, kind, id);
    r->state = AFTER_LICENCE;
    return true;
}

static bool take_exception(struct reading *r, struct span word)
{
    if (!spdx_exception_known(word))
        return refuse(r, "is no exception of the SPDX licence list");
    if (r->each)
        r->each(r->arg, LICENCE_EXCEPTION, word);
    r->state = AFTER_GROUP;
    return true;
}

static bool take_operator(struct reading *r, struct span word)
{
    if (span_equal_str(word, "WITH") && r->state == AFTER_LICENCE)
        r->state = WANT_EXCEPTION;
    else if (span_equal_str(word, "AND") || span_equal_str(word, "OR"))
        r->state = WANT_LICENCE;
    else
        return refuse(r, "stands where AND, OR or WITH is wanted");
    return true;
}

static bool take_word(struct reading *r, struct span word)
{
    if (r->state == WANT_LICENCE)
        return take_licence(r, word);
    return r->state == WANT_EXCEPTION ? take_exception(r, word) : take_operator(r, word);
}

static bool take_parenthesis(struct reading *r, uint8_t c)
{
    bool opens = c == '(';
    if (opens ? r->state != WANT_LICENCE : r->state != AFTER_LICENCE && r->state != AFTER_GROUP)
        return refuse(r, opens ? "opens where an operator is wanted" : "closes where a licence is wanted");
    if (!opens && r->depth == 0)
        return refuse(r, "closes what was not opened");
    if (opens && r->depth == DEPTH_MAX)
        return refuse(r, "is deeper than 64 parentheses");
    r->depth = opens ? r->depth + 1 : r->depth - 1;
    r->state = opens ? WANT_LICENCE : AFTER_GROUP;
    return true;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct span next_word(struct span *rest)
{
    size_t len = 0;
    struct span word = {0};
    while (rest->len > 0 && is_blank(*rest->ptr))
        span_skip(rest, 1);
    while (len < rest->len && !is_blank(rest->ptr[len]) && rest->ptr[len] != '(' && rest->ptr[len] != ')')
        len++;
    span_take(rest, len == 0 && rest->len > 0 ? 1 : len, &word);
    return word;
}

bool spdx_licence_words(struct span text, void (*each)(void *arg, enum licence_word kind, struct span word), void *arg,
                        struct licence_flaw *flaw)
{
    struct reading r = {.each = each, .arg = arg};
    struct span rest = text, word;
    bool fine = true;
    while ((word = next_word(&rest)).len > 0) {
        bool parenthesis = *word.ptr == '(' || *word.ptr == ')';
        fine = parenthesis ? take_parenthesis(&r, *word.ptr) : take_word(&r, word);
        if (!fine)
            break;
    }
    if (fine && (r.state == WANT_LICENCE || r.state == WANT_EXCEPTION))
        fine = refuse(&r, r.state == WANT_LICENCE ? "ends where a licence is wanted" : "ends behind WITH");
    else if (fine && r.depth > 0)
        fine = refuse(&r, "has a parenthesis that is not closed");
    if (flaw && !fine)
        *flaw = (struct licence_flaw){.why = r.why, .word = word};
    return fine;
}

bool spdx_licence_check(struct span text, struct licence_flaw *flaw)
{
    return spdx_licence_words(text, NULL, NULL, flaw);
}
