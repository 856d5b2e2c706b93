#include "registry/hf_path.h"

#include <string.h>

#include "http/http.h"
#include "util/auto.h"
#include "util/span.h"

static bool copy(struct span from, char *to, size_t size)
{
    if (from.len == 0 || from.len >= size || memchr(from.ptr, 0, from.len))
        return false;
    for (size_t i = 0; i < from.len; i++)
        to[i] = from.ptr[i] == HTTP_ENCODED_SLASH ? '/' : (char)from.ptr[i];
    to[from.len] = 0;
    return true;
}

static struct span up_to(const char *from, const char *end)
{
    return span_of(from, (size_t)(end - from));
}

/* Clients never quote a name's slash. */
static bool copy_repo(struct span from, struct hf_path *out)
{
    return !memchr(from.ptr, HTTP_ENCODED_SLASH, from.len) && copy(from, out->repo, sizeof(out->repo));
}

/* Finds `/VERB/` or a closing `/VERB` behind one or two parts of a name. Sets the name and what follows the verb. */
static bool find_verb(const char *text, const char *verb, struct hf_path *out, const char **after)
{
    const char *at = text;
    size_t length = strlen(verb);
    for (unsigned parts = 1; parts <= 2; parts++) {
        at = strchr(at, '/');
        if (!at)
            return false;
        const char *word = at + 1;
        if (strncmp(word, verb, length) == 0 && (word[length] == '/' || word[length] == 0)) {
            *after = word[length] ? word + length + 1 : word + length;
            return copy_repo(up_to(text, at), out);
        }
        at = word;
    }
    return false;
}

/* REV[/PATH] */
static bool take_revision(const char *after, struct hf_path *out)
{
    const char *end = strchr(after, '/');
    if (!end)
        end = after + strlen(after);
    out->path = *end ? end + 1 : end;
    if (!copy(up_to(after, end), out->revision, sizeof(out->revision)))
        return false;
    if (strcmp(out->revision, "refs/heads/main") == 0)
        memcpy(out->revision, "main", sizeof("main"));
    return true;
}

static bool is_repo(const char *text)
{
    const char *slash = strchr(text, '/');
    return *text && (!slash || (slash != text && slash[1] && !strchr(slash + 1, '/')));
}

static enum hf_what parse_api(const char *rest, struct hf_path *out)
{
    static const struct {
        const char *verb;
        enum hf_what what;
    } verbs[] = {{"revision", HF_INFO}, {"tree", HF_TREE}, {"paths-info", HF_PATHS_INFO}};
    const char *after = "";
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (find_verb(rest, verbs[i].verb, out, &after))
            return take_revision(after, out) && (verbs[i].what == HF_TREE || !*out->path) ? verbs[i].what : HF_UNKNOWN;
    if (find_verb(rest, "refs", out, &after))
        return *after ? HF_UNKNOWN : HF_REFS;
    return is_repo(rest) && copy_repo(span_str(rest), out) ? HF_INFO : HF_UNKNOWN;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void parse(const char *rest, struct hf_path *out)
{
    const char *after;
    if (strcmp(rest, "api/whoami-v2") == 0)
        out->what = HF_WHOAMI;
    else if (strcmp(rest, "api/models") == 0)
        out->what = HF_LIST;
    else if (begins(rest, "api/models/"))
        out->what = parse_api(rest + strlen("api/models/"), out);
    else if (begins(rest, "api/datasets") || begins(rest, "api/spaces") || begins(rest, "datasets/") ||
             begins(rest, "spaces/"))
        out->what = HF_OTHER_KIND;
    else if (!begins(rest, "api/") && find_verb(rest, "resolve", out, &after) && take_revision(after, out) &&
             *out->path)
        out->what = HF_RESOLVE;
}

void hf_path_parse(const char *rest, const char *segments, struct hf_path *out)
{
    *out = (struct hf_path){.revision = "main", .path = ""};
    parse(segments, out);
    if (*out->path)
        out->path = rest + (out->path - segments);
}
