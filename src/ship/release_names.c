#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ship/release_internal.h"
#include "util/limits.h"

char *text_copy(const char *text)
{
    char *s = strdup(text);
    if (!s)
        abort();
    return s;
}

static bool lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool release_name_ok(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > LIMIT_NAME_CHARS || !lower_or_digit(name[0]))
        return false;
    for (size_t i = 1; i < len; i++)
        if (!lower_or_digit(name[i]) && name[i] != '-')
            return false;
    return true;
}

bool release_version_ok(const char *version)
{
    struct span rest = span_str(version), part;
    uint64_t number;
    if (rest.len > 32 || !span_take_prefix(&rest, SPAN_LIT("v")))
        return false;
    for (int dots = 0; dots < 2; dots++)
        if (!span_take_until(&rest, '.', &part) || !span_decimal(part, &number))
            return false;
    return span_decimal(rest, &number);
}

bool release_file_name_ok(const char *name)
{
    struct span s = span_str(name);
    if (s.len == 0 || s.len > 255 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || !span_is_utf8(s))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '/' || s.ptr[i] == '\\' || s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return false;
    return true;
}

bool release_file_path_ok(const char *path)
{
    struct span rest = span_str(path), step;
    if (rest.len == 0 || rest.len > 1024)
        return false;
    for (bool last = false; !last;) {
        char name[256];
        last = !span_take_until(&rest, '/', &step);
        if (last)
            step = rest;
        if (step.len >= sizeof name)
            return false;
        memcpy(name, step.ptr, step.len);
        name[step.len] = '\0';
        if (!release_file_name_ok(name))
            return false;
    }
    return true;
}

/* Words that the hub's own paths use cannot be the second part of a name. */
static bool is_hub_word(const char *text)
{
    static const char *const words[] = {"resolve", "tree", "revision", "refs", "paths-info"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

/* One part: letters, digits, - _ and ., beginning with a letter or digit, at most 96 (huggingface_hub,
 * utils/_validators.py). */
static size_t repository_part(const char *text)
{
    size_t len = 0;
    while (isalnum((unsigned char)text[len]) || (len > 0 && text[len] && strchr("-_.", text[len])))
        len++;
    return len <= 96 ? len : 0;
}

bool release_repository_ok(const char *name)
{
    size_t first = repository_part(name);
    if (first == 0 || strncmp(name, "api/", 4) == 0 || strncmp(name, "datasets/", 9) == 0 ||
        strncmp(name, "spaces/", 7) == 0)
        return false;
    if (name[first] == '\0')
        return !is_hub_word(name);
    size_t second = name[first] == '/' ? repository_part(name + first + 1) : 0;
    return second > 0 && name[first + 1 + second] == '\0' && !is_hub_word(name + first + 1);
}

bool release_env_key_ok(const char *key)
{
    if (!*key || (*key >= '0' && *key <= '9') || strlen(key) > 128)
        return false;
    for (const char *c = key; *c; c++)
        if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9') && *c != '_')
            return false;
    return true;
}
