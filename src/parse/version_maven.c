/* Maven, POM reference, "Version Order Specification": tokens between dots, hyphens and changes between digits and
 * letters, each with the mark before it; such a change is a hyphen. Tokens that say nothing (0, "", "final", "ga") are
 * dropped at the end, and before each hyphen. */
#include "parse/version_rules.h"

struct token {
    struct span text;        /* empty: a 0 */
    bool hyphen;             /* the mark before it; else a dot */
    bool number, short_word; /* digits; a word that digits follow at once */
};

struct maven_version {
    struct token tokens[VERSION_LENGTH_MAX + 1];
    size_t count;
};

/* Known words, oldest first; what a version without any is stands at RELEASE. Others follow, in order of text. */
static const char *const WORDS[] = {"alpha", "beta", "milestone", "rc", "snapshot", "", "sp"};
enum { MILESTONE = 2, CANDIDATE = 3, RELEASE = 5, KNOWN = 7 };

static bool is_word(struct span text, const char *word)
{
    return version_order_nocase(text, span_str(word)) == 0;
}

/* "a1" is "alpha-1". */
static int rank_of(const struct token *t)
{
    static const char *const letters[] = {"a", "b", "m"};
    for (int i = 0; t->short_word && i <= MILESTONE; i++)
        if (is_word(t->text, letters[i]))
            return i;
    if (is_word(t->text, "cr"))
        return CANDIDATE;
    if (is_word(t->text, "ga") || is_word(t->text, "final") || is_word(t->text, "release"))
        return RELEASE;
    for (int i = 0; i < KNOWN; i++)
        if (is_word(t->text, WORDS[i]))
            return i;
    return KNOWN;
}

static bool is_null(const struct token *t)
{
    return t->number ? version_order_numbers(t->text, (struct span){0}) == 0 : rank_of(t) == RELEASE;
}

static bool is_mark(uint8_t c)
{
    return c == '.' || c == '-';
}

static struct token take_token(struct span *s)
{
    struct token t = {.number = true, .text = version_take_digits(s)};
    if (t.text.len || s->len == 0 || is_mark(s->ptr[0]))
        return t;
    t.number = false;
    t.text = (struct span){s->ptr, 0};
    while (t.text.len < s->len && !is_mark(s->ptr[t.text.len]) && !version_is_digit(s->ptr[t.text.len]))
        t.text.len++;
    span_skip(s, t.text.len);
    t.short_word = s->len && version_is_digit(s->ptr[0]);
    return t;
}

/* From the end: what says nothing goes, where nothing or a hyphen follows. */
static void drop_nulls(struct maven_version *v)
{
    size_t kept = v->count; /* tokens[kept…] stay */
    for (size_t i = v->count; i-- > 0;)
        if (!is_null(&v->tokens[i]) || (kept < v->count && !v->tokens[kept].hyphen))
            v->tokens[--kept] = v->tokens[i];
    for (size_t i = kept; i < v->count; i++)
        v->tokens[i - kept] = v->tokens[i];
    v->count -= kept;
}

static void split(struct span s, struct maven_version *v)
{
    bool hyphen = false;
    v->count = 0;
    for (;;) {
        struct token t = take_token(&s);
        t.hyphen = hyphen;
        v->tokens[v->count++] = t;
        if (s.len == 0)
            break;
        hyphen = s.ptr[0] != '.';
        span_skip(&s, is_mark(s.ptr[0]));
    }
    drop_nulls(v);
}

static int order_words(const struct token *a, const struct token *b)
{
    int x = rank_of(a), y = rank_of(b);
    return x != KNOWN || y != KNOWN ? version_order_ints(x, y) : version_order_nocase(a->text, b->text);
}

/* A token against none: a number against 0, a word against a release. */
static int order_to_none(const struct token *t)
{
    if (t->number)
        return version_order_numbers(t->text, (struct span){0});
    return version_order_ints(rank_of(t), RELEASE);
}

/* Words come before numbers; a word behind a dot before one behind a hyphen, and numbers the other way round. */
static int order_tokens(const struct token *a, const struct token *b)
{
    if (a->number != b->number)
        return a->number ? 1 : -1;
    if (a->hyphen != b->hyphen)
        return a->number == a->hyphen ? -1 : 1;
    return a->number ? version_order_numbers(a->text, b->text) : order_words(a, b);
}

int maven_order(struct span a, struct span b)
{
    struct maven_version x, y;
    int order = 0;
    split(a, &x);
    split(b, &y);
    for (size_t i = 0; order == 0 && (i < x.count || i < y.count); i++) {
        if (i < x.count && i < y.count)
            order = order_tokens(&x.tokens[i], &y.tokens[i]);
        else
            order = i < x.count ? order_to_none(&x.tokens[i]) : -order_to_none(&y.tokens[i]);
    }
    return order;
}

/* Maven takes any text; one with blanks is none that it could be given. */
bool maven_valid(struct span v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.ptr[i] <= ' ' || v.ptr[i] == 0x7F)
            return false;
    return true;
}
