#include <string.h>

#include "cli/cli.h"
#include "util/limits.h"
#include "util/words.h"

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
        if (rest && word_nearer(word, buf_str(&next), &least))
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
        if (word_nearer(buf_str(&typed), list[i].name, &least))
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
