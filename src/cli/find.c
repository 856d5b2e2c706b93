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

const char *command_nearest(const char *word)
{
    const char *best = NULL;
    size_t best_distance = 3; /* farther is no likeness */
    for (const struct command *const *c = COMMANDS; *c; c++) {
        size_t d = distance(word, (*c)->name);
        if (d < best_distance) {
            best = (*c)->name;
            best_distance = d;
        }
    }
    return best;
}
