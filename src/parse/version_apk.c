/* apk-package(5), apk-tools 3: number{.number}[letter]{_suffix[number]}[~hash][-rnumber]. Orders are found token by
 * token; at the first difference the kind of the tokens decides, if not their value. */
#include <string.h>

#include "parse/version_rules.h"

/* In the order in which a token of one kind stands before another's end: the earlier kind is the newer version. */
enum kind { FIRST_NUMBER, NUMBER, LETTER, SUFFIX, SUFFIX_NUMBER, HASH, REVISION, END, BROKEN };

/* Words behind "_", oldest first; a version without any stands at PLAIN. */
static const char *const SUFFIXES[] = {"alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"};
enum { PLAIN = 4, SUFFIX_COUNT = sizeof(SUFFIXES) / sizeof(SUFFIXES[0]) };

struct token {
    enum kind kind;
    struct span value;
    int suffix;     /* index in SUFFIXES */
    bool unnatural; /* what apk 3 refuses and apk 2 took: read on, but it is no version */
};

/* A number must stand here. Where none does, apk 2 read on: older repositories hold "0.8.21.r2". */
static void number(struct token *t, enum kind kind, struct span *rest)
{
    t->value = version_take_digits(rest);
    t->kind = t->value.len ? kind : BROKEN;
    t->unnatural = t->value.len == 0;
}

static void suffix(struct token *t, struct span *rest)
{
    struct span word = {rest->ptr, 0};
    while (word.len < rest->len && rest->ptr[word.len] >= 'a' && rest->ptr[word.len] <= 'z')
        word.len++;
    t->kind = BROKEN;
    for (int i = 0; i < SUFFIX_COUNT; i++) {
        if (i == PLAIN || !span_equal_str(word, SUFFIXES[i]))
            continue;
        t->kind = SUFFIX;
        t->suffix = i;
        span_skip(rest, word.len);
    }
}

static bool is_hex(uint8_t c)
{
    return version_is_digit(c) || (c >= 'a' && c <= 'f');
}

static void hash(struct token *t, struct span *rest)
{
    t->value = (struct span){rest->ptr, 0};
    while (t->value.len < rest->len && is_hex(rest->ptr[t->value.len]))
        t->value.len++;
    span_skip(rest, t->value.len);
    t->kind = t->value.len ? HASH : BROKEN;
}

/* A run of digits that no "." led in: the number of a suffix, or (apk 2) what stands behind a letter: "5.1p1". */
static void bare_number(struct token *t, struct span *rest)
{
    bool behind_letter = t->kind == LETTER;
    if (t->kind != SUFFIX && !behind_letter) {
        t->kind = BROKEN;
        return;
    }
    number(t, behind_letter ? NUMBER : SUFFIX_NUMBER, rest);
    t->unnatural = behind_letter;
}

/* "-r" without a number is a revision of 0 to apk 2, and no version. */
static void revision(struct token *t, struct span *rest)
{
    t->kind = BROKEN;
    if (!span_take_prefix(rest, SPAN_LIT("r")))
        return;
    number(t, REVISION, rest);
    if (t->kind == BROKEN && (rest->len == 0 || rest->ptr[0] == '-'))
        t->kind = REVISION;
    else
        t->unnatural = false;
}

static void token_next(struct token *t, struct span *rest)
{
    enum kind before = t->kind;
    bool numbers = before <= NUMBER || (before == BROKEN && t->unnatural);
    struct token next = {.kind = before};
    uint8_t c = rest->len ? rest->ptr[0] : 0;
    if (rest->len == 0) {
        next.kind = before == BROKEN && !t->unnatural ? BROKEN : END;
    } else if (version_is_digit(c)) {
        bare_number(&next, rest);
    } else {
        next.kind = BROKEN;
        span_skip(rest, 1);
        if (c >= 'a' && c <= 'z' && numbers) {
            next.kind = LETTER;
            next.value = span_of(rest->ptr - 1, 1);
        } else if (c == '.' && (numbers || before == LETTER)) {
            number(&next, NUMBER, rest);
            next.unnatural |= before == LETTER;
        } else if (c == '_' && (before <= SUFFIX_NUMBER || numbers)) {
            suffix(&next, rest);
        } else if (c == '~' && before < HASH) {
            hash(&next, rest);
        } else if (c == '-' && (before < REVISION || numbers)) {
            revision(&next, rest);
        }
    }
    *t = next;
}

static void token_first(struct token *t, struct span *rest)
{
    *t = (struct token){.kind = FIRST_NUMBER};
    number(t, FIRST_NUMBER, rest);
}

static bool goes_on(const struct token *t)
{
    return t->kind < END || (t->kind == BROKEN && t->unnatural);
}

bool apk_valid(struct span v)
{
    struct token t;
    for (token_first(&t, &v); t.kind < END && !t.unnatural;)
        token_next(&t, &v);
    return t.kind == END && !t.unnatural;
}

/* Numbers behind the first are texts when one of them begins with 0. */
static int order_values(const struct token *a, const struct token *b)
{
    bool text = a->kind == NUMBER && (span_starts(a->value, SPAN_LIT("0")) || span_starts(b->value, SPAN_LIT("0")));
    if (a->kind == SUFFIX)
        return version_order_ints(a->suffix, b->suffix);
    if (text || a->kind == LETTER || a->kind == HASH)
        return span_compare(a->value, b->value);
    return version_order_numbers(a->value, b->value);
}

int apk_order(struct span a, struct span b)
{
    struct token x, y;
    token_first(&x, &a);
    token_first(&y, &b);
    while (x.kind == y.kind && goes_on(&x) && goes_on(&y)) {
        int order = order_values(&x, &y);
        if (order != 0)
            return order;
        token_next(&x, &a);
        token_next(&y, &b);
    }
    if (x.kind == y.kind)
        return 0;
    if (x.kind == SUFFIX && x.suffix < PLAIN)
        return -1;
    if (y.kind == SUFFIX && y.suffix < PLAIN)
        return 1;
    return x.kind > y.kind ? -1 : 1;
}
