/* Composer: its VersionParser makes four numbers of one to four, drops "v" and what stands behind "+"; PHP's
 * version_compare then orders what is left, token by token. */
#include "parse/version_rules.h"
#include "util/auto.h"

#define NUMBERS 4

/* What words begin with, and where they stand; numbers stand at NUMBER, other words before all. Composer makes words
 * small, PHP looks at their beginning alone. */
static const struct {
    const char *word;
    int rank;
} WORDS[] = {{"dev", 0}, {"a", 1}, {"b", 2}, {"rc", 3}, {"#", 4}, {"p", 5}};
enum { UNKNOWN = -1, NUMBER = 4 };

struct parts {
    struct span numbers, words; /* the numbers that it begins with, and all behind them */
    bool four;                  /* numbers that are missing are 0 */
};

static bool is_separator(uint8_t c)
{
    return c == '.' || c == '-' || c == '_';
}

/* Of texts that Composer refuses (behind the numbers stands no word) only what is written counts. */
static struct parts split(struct span v)
{
    struct span before, rest;
    struct parts p = {0};
    if (!span_take_prefix(&v, SPAN_LIT("v")))
        span_take_prefix(&v, SPAN_LIT("V"));
    rest = v;
    if (span_take_until(&rest, '+', &before))
        v = before;
    rest = v;
    do
        version_take_digits(&rest);
    while (rest.len > 1 && rest.ptr[0] == '.' && version_is_digit(rest.ptr[1]) && span_skip(&rest, 1));
    p.numbers = span_of(v.ptr, v.len - rest.len);
    p.words = rest;
    span_skip(&rest, rest.len && is_separator(rest.ptr[0]));
    p.four = rest.len == 0 || version_is_letter(rest.ptr[0]);
    return p;
}

bool composer_valid(struct span v)
{
    struct parts p = split(v);
    for (size_t i = 0; i < p.words.len; i++)
        if (p.words.ptr[i] <= ' ' || p.words.ptr[i] >= 0x7F)
            return false;
    return p.numbers.len > 0;
}

struct token {
    int rank;
    struct span digits; /* of rank NUMBER */
};

static int rank_of(struct span word)
{
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        struct span beginning;
        if (span_slice(word, 0, span_str(WORDS[i].word).len, &beginning) &&
            version_order_nocase(beginning, span_str(WORDS[i].word)) == 0)
            return WORDS[i].rank;
    }
    return UNKNOWN;
}

/* Digits, or what stands between them and separators. False at the end. */
static bool take_token(struct span *s, struct token *out)
{
    while (s->len && is_separator(s->ptr[0]))
        span_skip(s, 1);
    *out = (struct token){NUMBER, version_take_digits(s)};
    if (out->digits.len)
        return true;
    struct span word = {s->ptr, 0};
    while (word.len < s->len && !is_separator(s->ptr[word.len]) && !version_is_digit(s->ptr[word.len]))
        word.len++;
    out->rank = rank_of(word);
    return span_skip(s, word.len) && word.len > 0;
}

/* The tokens of a version, one by one: numbers, the zeros that are missing, words. */
struct cursor {
    struct parts left;
    int count; /* of numbers */
};

static bool next(struct cursor *c, struct token *out)
{
    if (take_token(&c->left.numbers, out)) {
        c->count++;
        return true;
    }
    if (c->left.four && c->count < NUMBERS) {
        c->count++;
        *out = (struct token){NUMBER, SPAN_LIT("0")};
        return true;
    }
    return take_token(&c->left.words, out);
}

int composer_order(struct span a, struct span b)
{
    struct cursor x = {split(a), 0}, y = {split(b), 0};
    for (;;) {
        struct token m, n;
        bool more_x = next(&x, &m), more_y = next(&y, &n);
        if (!more_x && !more_y)
            return 0;
        if (!more_x) /* one more number is newer, a word as it stands to a number */
            return n.digits.len ? -1 : version_order_ints(NUMBER, n.rank);
        if (!more_y)
            return m.digits.len ? 1 : version_order_ints(m.rank, NUMBER);
        int order = version_order_ints(m.rank, n.rank);
        if (order == 0 && m.digits.len && n.digits.len)
            order = version_order_numbers(m.digits, n.digits);
        if (order != 0)
            return order;
    }
}
