#include "parse/licence_judge.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse/spdx_licence.h"

#define DEPTH_MAX 64U

/* A licence, taken apart: "LGPL-2.1-or-later" is LGPL, 2.1, plus. */
struct leaf {
    struct span family, version, exception; /* version may be empty */
    bool plus;
};

/* ── one licence ── */

static bool take_ending(struct span *s, const char *ending)
{
    size_t len = strlen(ending);
    if (s->len <= len || strncasecmp((const char *)s->ptr + s->len - len, ending, len) != 0)
        return false;
    s->len -= len;
    return true;
}

static bool is_version(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isdigit(s.ptr[i]) && s.ptr[i] != '.')
            return false;
    return s.len > 0 && isdigit(s.ptr[0]);
}

static struct leaf leaf_of(struct span id, struct span exception)
{
    struct leaf leaf = {.exception = exception};
    if (!span_starts(id, SPAN_LIT("LicenseRef-")) && !span_starts(id, SPAN_LIT("DocumentRef-"))) {
        leaf.plus = take_ending(&id, "+") || take_ending(&id, "-or-later");
        if (!leaf.plus)
            take_ending(&id, "-only");
        for (size_t i = id.len; i-- > 1;) {
            if (id.ptr[i] != '-')
                continue;
            struct span tail = span_of(id.ptr + i + 1, id.len - i - 1);
            if (is_version(tail)) {
                leaf.version = tail;
                id.len = i;
            }
            break;
        }
    }
    leaf.family = id;
    return leaf;
}

static bool same(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp((const char *)a.ptr, (const char *)b.ptr, a.len) == 0);
}

static unsigned long number(struct span *s)
{
    unsigned long n = 0;
    while (s->len && isdigit(*s->ptr)) {
        n = n < 100000 ? n * 10 + (unsigned long)(*s->ptr - '0') : n;
        span_skip(s, 1);
    }
    if (s->len) /* the dot */
        span_skip(s, 1);
    return n;
}

static int order(struct span a, struct span b)
{
    while (a.len || b.len) {
        unsigned long x = number(&a), y = number(&b);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

/* Does the list's item hold for a version that may be chosen of `x` (any: allow) or for each (all: deny)? */
static bool covers(const struct leaf *item, const struct leaf *x, bool all)
{
    if (!same(item->family, x->family) || (item->exception.len && !same(item->exception, x->exception)))
        return false;
    if (item->version.len == 0 || x->version.len == 0)
        return item->version.len == x->version.len;
    int o = order(x->version, item->version);
    if (!x->plus)
        return item->plus ? o >= 0 : o == 0;
    if (item->plus)
        return all ? o >= 0 : true;
    return !all && o <= 0;
}

static struct span trim(struct span s)
{
    while (s.len && isspace(*s.ptr))
        span_skip(&s, 1);
    while (s.len && isspace(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* "ID", "ID WITH EXCEPTION" */
static struct leaf item_of(struct span item)
{
    item = trim(item);
    const uint8_t *with = item.len ? memmem(item.ptr, item.len, " WITH ", 6) : NULL;
    if (!with)
        return leaf_of(item, (struct span){0});
    size_t at = (size_t)(with - item.ptr);
    return leaf_of(span_of(item.ptr, at), trim(span_of(with + 6, item.len - at - 6)));
}

static bool listed(struct span list, const struct leaf *x, bool all, bool exceptions_only)
{
    struct span item;
    while (list.len) {
        if (!span_take_until(&list, ',', &item)) {
            item = list;
            list.len = 0;
        }
        struct leaf l = item_of(item);
        if (l.family.len && (!exceptions_only || l.exception.len) && covers(&l, x, all))
            return true;
    }
    return false;
}

/* ── expressions: OR binds less than AND, AND less than WITH ── */

struct judging {
    struct span rest, allow, deny;
    unsigned depth;
};

static enum licence_answer judge_leaf(const struct judging *j, const struct leaf *x)
{
    if (x->exception.len && listed(j->allow, x, false, true))
        return LICENCE_ALLOWED;
    if (listed(j->deny, x, true, false))
        return LICENCE_DENIED;
    return j->allow.len == 0 || listed(j->allow, x, false, false) ? LICENCE_ALLOWED : LICENCE_NOT_ALLOWED;
}

static struct span next(struct judging *j)
{
    size_t len = 0;
    struct span word = {0};
    j->rest = trim(j->rest);
    while (len < j->rest.len && !isspace(j->rest.ptr[len]) && !strchr("()", j->rest.ptr[len]))
        len++;
    span_take(&j->rest, len == 0 && j->rest.len ? 1 : len, &word);
    return word;
}

static bool take(struct judging *j, const char *wanted)
{
    struct span before = j->rest;
    if (span_equal_str(next(j), wanted))
        return true;
    j->rest = before;
    return false;
}

static enum licence_answer judge_or(struct judging *j);

static enum licence_answer judge_one(struct judging *j)
{
    enum licence_answer answer;
    if (take(j, "(")) {
        if (++j->depth > DEPTH_MAX)
            return LICENCE_NOT_ALLOWED;
        answer = judge_or(j);
        j->depth--;
        take(j, ")");
        return answer;
    }
    struct span id = next(j), exception = {0};
    if (take(j, "WITH"))
        exception = next(j);
    struct leaf x = leaf_of(id, exception);
    return judge_leaf(j, &x);
}

static enum licence_answer judge_and(struct judging *j)
{
    enum licence_answer worst = judge_one(j);
    while (take(j, "AND")) {
        enum licence_answer other = judge_one(j);
        worst = other > worst ? other : worst;
    }
    return worst;
}

static enum licence_answer judge_or(struct judging *j)
{
    enum licence_answer best = judge_and(j);
    while (take(j, "OR")) {
        enum licence_answer other = judge_and(j);
        best = other < best ? other : best;
    }
    return best;
}

enum licence_answer licence_judge(struct span expression, struct span allow, struct span deny)
{
    struct judging j = {.rest = expression, .allow = allow, .deny = deny};
    return spdx_licence_check(expression, NULL) ? judge_or(&j) : LICENCE_NOT_ALLOWED;
}

static void count_word(void *arg, enum licence_word kind, struct span word)
{
    (void)kind;
    (void)word;
    ++*(unsigned *)arg;
}

bool licence_item_is_right(struct span item)
{
    unsigned words = 0;
    bool with = item.len && memmem(item.ptr, item.len, " WITH ", 6);
    bool plain = item.len && !memchr(item.ptr, ',', item.len) && !memchr(item.ptr, '(', item.len);
    return plain && spdx_licence_words(item, count_word, &words, NULL) && words == (with ? 2U : 1U);
}

/* ── what is in an expression ── */

struct search {
    struct leaf wanted;
    bool found;
};

static void look(void *arg, enum licence_word kind, struct span word)
{
    struct search *s = arg;
    if (kind == LICENCE_EXCEPTION)
        return;
    struct leaf x = leaf_of(word, (struct span){0});
    bool later = x.plus && s->wanted.version.len && x.version.len && order(s->wanted.version, x.version) >= 0;
    s->found |= same(x.family, s->wanted.family) && (later || same(x.version, s->wanted.version));
}

bool licence_includes(struct span expression, struct span id)
{
    struct search s = {.wanted = leaf_of(id, (struct span){0})};
    spdx_licence_words(expression, look, &s, NULL);
    return s.found;
}
