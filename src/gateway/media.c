/* Engines fetch what a message names: http and https, and llama-server also file:. An answer that depends on what lies
 * elsewhere is no answer of the release, and a fetch is a way out (or, by way of the gateway, a way in). So wherever a
 * message names media, its bytes must stand there, as a data: URL.
 *
 * Two rules, because clients and engines disagree on names. In every object, however deep: a member whose name ends in
 * "url" or "uri" is media, and its text (or the text of its "url") must begin with "data:". In an object that is a part
 * of some type other than text: no text may look like a URL of another scheme, whatever its member is called. Text that
 * people wrote (content, text) may hold any address: it is only read. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "gateway/chat.h"

static bool ends_with_url(const char *key)
{
    size_t len = strlen(key);
    return len >= 3 && (!strcasecmp(key + len - 3, "url") || !strcasecmp(key + len - 3, "uri"));
}

/* In front of a colon: a scheme of RFC 3986 section 3.1, with at least two letters. What is spelled otherwise than
 * "data" in lower case is another scheme, since engines compare so. */
static bool has_other_scheme(const char *text)
{
    const char *at = text + strspn(text, " \t\r\n");
    size_t len = 0;
    while (isalnum((unsigned char)at[len]) || (len && strchr("+-.", at[len]) && at[len]))
        len++;
    if (at[len] == ':' && len >= 2)
        return strncmp(text, "data:", 5) != 0;
    return strstr(text, "://") != NULL && strncmp(text, "data:", 5) != 0;
}

static int refuse(const char *at, const char *found, struct err *e)
{
    return err_set(e, ERR_INPUT, 0,
                   "%s: media must stand in the request as a data: URL; found \"%.40s\", and nothing is fetched here",
                   at, found);
}

static int look(const json_t *value, const char *at, bool media, bool part, unsigned depth, struct err *e);

static bool is_other_part(const json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    return type && strcmp(type, "text") != 0 && strcmp(type, "function") != 0;
}

/* Texts that people or models wrote. */
static bool is_prose(const char *key)
{
    return !strcmp(key, "text") || !strcmp(key, "content") || !strcmp(key, "arguments") || !strcmp(key, "refusal");
}

static int look_object(const json_t *object, const char *at, bool part, unsigned depth, struct err *e)
{
    const char *key;
    json_t *value;
    part = part || is_other_part(object);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char below[256];
        snprintf(below, sizeof(below), "%s/%.64s", at, key);
        bool media = ends_with_url(key);
        if (json_is_string(value) && !media && is_prose(key))
            continue;
        if (look(value, below, media, part, depth, e) < 0)
            return -1;
    }
    return 0;
}

static int look(const json_t *value, const char *at, bool media, bool part, unsigned depth, struct err *e)
{
    const json_t *item;
    size_t i;
    if (depth == 0)
        return err_set(e, ERR_LIMIT, 0, "%s: nested too deeply", at);
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        if (media && strncmp(text, "data:", 5) != 0)
            return refuse(at, text, e);
        return part && has_other_scheme(text) ? refuse(at, text, e) : 0;
    }
    if (json_is_object(value))
        return look_object(value, at, part, depth - 1, e);
    json_array_foreach(value, i, item)
    {
        char below[256];
        snprintf(below, sizeof(below), "%s/%zu", at, i);
        if (look(item, below, media, part, depth - 1, e) < 0)
            return -1;
    }
    return 0;
}

int media_check(const json_t *messages, struct err *e)
{
    return look(messages, "/messages", false, false, 32, e);
}
