#include "parse/leaks.h"

#include <string.h>

#include "parse/html_doc.h"
#include "parse/image_config.h"
#include "parse/personal.h"
#include "parse/secrets.h"

/* The JSON of safetensors; of GGUF, whose metadata end somewhere behind the vocabulary, the beginning. */
static struct span metadata_of(struct span file, enum content content)
{
    struct span rest = file;
    uint64_t len = LIMIT_LEAKS_METADATA;
    if (content == CONTENT_SAFETENSORS && (!span_take_le64(&rest, &len) || len > LIMIT_LEAKS_METADATA))
        len = LIMIT_LEAKS_METADATA;
    return span_of(rest.ptr, rest.len < len ? rest.len : (size_t)len);
}

static void check_secrets(struct span file, enum content content, const struct inspect_options *o, struct report *r)
{
    enum secret_place place;
    switch (content) {
    case CONTENT_TEXT:
    case CONTENT_HTML:
    case CONTENT_JSON_LINES:
        place = SECRET_IN_DOCUMENT;
        break;
    case CONTENT_CONFIG:
    case CONTENT_SCRIPT:
    case CONTENT_JSON:
    case CONTENT_YAML:
    case CONTENT_TEMPLATE:
        place = SECRET_IN_CONFIG;
        break;
    case CONTENT_GGUF:
    case CONTENT_SAFETENSORS:
        secrets_check(metadata_of(file, content), o->name, SECRET_IN_BINARY, r);
        return;
    case CONTENT_BINARY:
    case CONTENT_ELF:
    case CONTENT_PROGRAM:
    case CONTENT_DATABASE:
        if (!o->stands)
            secrets_check(file, o->name, SECRET_IN_BINARY, r);
        return;
    default:
        return;
    }
    if (o->stands || (o->depth > 0 && secrets_in_tests(o->name)))
        place = SECRET_IN_PACKAGE;
    secrets_check(file, o->name, place, r);
}

static bool is_markdown(const char *name)
{
    return span_ends(span_str(name), SPAN_LIT(".md")) || span_ends(span_str(name), SPAN_LIT(".markdown"));
}

/* What people wrote or said: documents, data, prompts, tests. A configuration, a lock file or a system's file holds
 * numbers of other kinds. */
static bool is_of_people(enum content content, const char *name)
{
    static const char *const words[] = {"prompt",       "suite",   "test",  "eval",   "dialog", "chat",
                                        "conversation", "dataset", "train", "sample", "message"};
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    if (content == CONTENT_TEXT || content == CONTENT_HTML || content == CONTENT_JSON_LINES)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(words) && (content == CONTENT_JSON || content == CONTENT_YAML); i++)
        if (strcasestr(base, words[i]))
            return true;
    return false;
}

void leaks_check(struct span file, enum content content, const struct inspect_options *o, struct report *r)
{
    check_secrets(file, content, o, r);
    if ((content == CONTENT_JSON || content == CONTENT_CONFIG) && !o->stands && image_config_is(file))
        image_config_check(file, r);
    if (content == CONTENT_HTML && o->stands) /* else its reader says it */
        html_doc_check(file, true, r);
    if (content == CONTENT_TEXT && is_markdown(o->name))
        html_markdown_check(file, o->stands, r);
    if (!o->stands && !o->system && is_of_people(content, o->name))
        personal_check(file, o->name, r);
}
