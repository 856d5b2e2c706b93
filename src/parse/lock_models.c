/* models.txt of a set `models:`: `ORGANISATION/NAME@COMMIT`, one a line, the commit as the 40 hex digits that the
 * Hugging Face Hub calls a revision; a contour serves a release without `repository` under its bare name, NAME@COMMIT.
 * A commit pins every file of the repository (git's object model), so that there are no further hashes. */
#include "parse/lock.h"

#include <stdio.h>
#include <string.h>

#define HOW_PIN                                                                                                      \
    "write ORGANISATION/NAME@COMMIT (of a contour's release without a repository, NAME@COMMIT) with all 40 digits; " \
    "on a hub the model's page shows them under \"History\", of a contour /hf/ENV/api/models/NAME calls them \"sha\""

static bool is_word(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && !(c && strchr("._-", c)))
            return false;
    }
    return s.len > 0 && s.len <= 96 && s.ptr[0] != '.' && s.ptr[0] != '-';
}

static bool is_commit(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!(s.ptr[i] >= '0' && s.ptr[i] <= '9') && !(s.ptr[i] >= 'a' && s.ptr[i] <= 'f'))
            return false;
    return s.len == 40;
}

static int look_at_line(struct span line, unsigned number, struct lock_out *o, struct err *e)
{
    struct span name, commit = line, organisation, model;
    char text[256], revision[41];
    const char *why = NULL;
    if (!span_take_until(&commit, '@', &name))
        why = "it has no commit: whatever its main branch holds would be taken";
    else if (!is_commit(commit))
        why = "what follows the @ is a branch, a tag or a short commit, and can come to mean another";
    else if (model = name, (span_take_until(&model, '/', &organisation) && !is_word(organisation)) || !is_word(model))
        why = "what stands before the @ is no ORGANISATION/NAME and no NAME";
    if (why) {
        lock_refuse(o, number, line, HOW_PIN, "%s", why);
        return 0;
    }
    snprintf(text, sizeof text, "%.*s", (int)name.len, (const char *)name.ptr);
    snprintf(revision, sizeof revision, "%.*s", (int)commit.len, (const char *)commit.ptr);
    const struct lock_item item = {
        .ecosystem = "model", .name = text, .version = revision, .group = o->group, .line = number};
    if (lock_begin(o, &item, e) < 0)
        return -1;
    lock_end(o);
    return 0;
}

int lock_models(struct span text, struct lock_out *o, struct err *e)
{
    return lock_lines(text, o, look_at_line, e);
}
