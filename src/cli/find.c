#include <string.h>

#include "cli/cli.h"
#include "util/limits.h"

/* How many of `words` are the words of `name`, from the first on; *all says whether they are all of them. */
static int matching_words(const char *name, int count, char **words, bool *all)
{
    int matched = 0;
    for (;;) {
        size_t len = strcspn(name, " ");
        if (matched == count || strlen(words[matched]) != len || memcmp(words[matched], name, len) != 0)
            return *all = false, matched;
        matched++;
        name += len;
        if (*name == '\0')
            return *all = true, matched;
        name++;
    }
}

const struct command *command_find(int count, char **words, int *used)
{
    const struct command *best = NULL;
    *used = 0;
    for (const struct command *const *c = COMMANDS; *c; c++) {
        bool all;
        int matched = matching_words((*c)->name, count, words, &all);
        if (all && (!best || matched > *used)) {
            best = *c;
            *used = matched;
        } else if (!best && matched > *used) {
            *used = matched;
        }
    }
    return best;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance (Levenshtein) of two short words. */
static size_t distance(const char *a, const char *b)
{
    size_t row[LIMIT_NAME_CHARS + 1], n = strlen(b);
    if (n > LIMIT_NAME_CHARS)
        return n;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j];
            row[j] = smaller(smaller(row[j] + 1, row[j - 1] + 1), diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[n];
}

/* Whether `word` is so near to `known` that it may have been meant, and nearer than *least, which it then becomes. */
static bool nearer(const char *word, const char *known, size_t *least)
{
    size_t a = strlen(word), b = strlen(known), d = distance(word, known);
    if (d > (a > b ? a : b) / 3 || d >= *least)
        return false;
    *least = d;
    return true;
}

/* What stands behind `group` in a command's name; NULL when it is in another group. */
static const char *behind(const char *name, const char *group)
{
    size_t len = group ? strlen(group) : 0;
    if (len == 0)
        return name;
    return strncmp(name, group, len) == 0 && name[len] == ' ' ? name + len + 1 : NULL;
}

const char *command_nearest(const char *group, const char *word)
{
    const char *best = NULL;
    size_t least = SIZE_MAX;
    for (const struct command *const *c = COMMANDS; *c; c++) {
        const char *rest = behind((*c)->name, group);
        auto_buf next = BUF(LIMIT_NAME_CHARS + 1);
        if (rest && group)
            buf_add(&next, rest, strcspn(rest, " "));
        else if (rest)
            buf_add_str(&next, rest);
        if (rest && nearer(word, buf_str(&next), &least))
            best = (*c)->name;
    }
    return best;
}

const char *option_nearest(const struct option *list, size_t count, const char *word, size_t len)
{
    const char *best = NULL;
    size_t least = SIZE_MAX;
    auto_buf typed = BUF(4096);
    buf_add(&typed, word, len);
    for (size_t i = 0; buf_ok(&typed) && i < count && list[i].name; i++)
        if (nearer(buf_str(&typed), list[i].name, &least))
            best = list[i].name;
    return best;
}

bool command_group(int count, char **words, struct buf *out)
{
    size_t before = out->len;
    for (const struct command *const *c = COMMANDS; *c; c++) {
        bool all;
        if (matching_words((*c)->name, count, words, &all) == count && !all)
            buf_printf(out, "%s%s", out->len > before ? ", " : "", (*c)->name);
    }
    return out->len > before;
}
