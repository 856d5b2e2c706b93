#include <string.h>

#include "ship/release_internal.h"
#include "util/limits.h"

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

bool release_env_key_ok(const char *key)
{
    if (!*key || (*key >= '0' && *key <= '9') || strlen(key) > 128)
        return false;
    for (const char *c = key; *c; c++)
        if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9') && *c != '_')
            return false;
    return true;
}
