/* packages.txt of a set `apt:`: `name[:architecture]=version`, one a line, a hash of the file behind it if one wants
 * (Debian policy 5.6.1, 5.6.8, 5.6.12 for the characters). */
#include "parse/lock.h"

#include <stdio.h>
#include <string.h>

#define HOW_PIN \
    "write NAME=VERSION, as `dpkg-query -W -f '${Package}=${Version}\\n'` or `apt-cache policy NAME` shows it"

static bool all_of(struct span s, const char *also)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !(c && strchr(also, c)))
            return false;
    }
    return s.len > 0;
}

static bool is_version(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && !(c && strchr(".+-~:", c)))
            return false;
    }
    return s.len > 0 && s.len <= 128 && s.ptr[0] >= '0' && s.ptr[0] <= '9';
}

/* Why it floats, or NULL. */
static const char *read_name(struct span s, struct span *name, struct span *arch, struct span *version)
{
    if (!span_take_until(&s, '=', name))
        return memchr(s.ptr, '/', s.len) ? "it names a suite, and what that holds changes"
                                         : "it has no version: the newest one would be taken";
    *version = s;
    *arch = SPAN_LIT("");
    struct span whole = *name;
    if (span_take_until(&whole, ':', name))
        *arch = whole;
    if (!all_of(*name, "+-.") || name->len < 2 || name->len > 128 || !(name->ptr[0] != '+' && name->ptr[0] != '-'))
        return "it begins with no name of a package";
    if ((whole.ptr != name->ptr || arch->len) && (!all_of(*arch, "-") || arch->len > 32))
        return "no architecture follows the colon";
    if (memchr(version->ptr, '*', version->len))
        return "a version with * is a range, and what it means changes with time";
    return is_version(*version) ? NULL : "no version follows the =";
}

static int look_at_line(struct span line, unsigned number, struct lock_out *o, struct err *e)
{
    struct span name, arch, version, word = line, rest = {0}, hex;
    const char *alg = NULL;
    char texts[3][160];
    for (size_t i = 0; i < line.len && !rest.ptr; i++)
        if (line.ptr[i] == ' ' || line.ptr[i] == '\t') {
            rest = lock_trim(span_of(line.ptr + i, line.len - i));
            word.len = i;
        }
    const char *why = read_name(word, &name, &arch, &version);
    if (!why && rest.len && !(alg = lock_hash_split(rest, &hex)))
        why = "what follows the version is no sha256:…, and one package is named a line";
    if (why) {
        lock_refuse(o, number, line, HOW_PIN, "%s", why);
        return 0;
    }
    snprintf(texts[0], sizeof texts[0], "%.*s", (int)name.len, (const char *)name.ptr);
    snprintf(texts[1], sizeof texts[1], "%.*s", (int)version.len, (const char *)version.ptr);
    snprintf(texts[2], sizeof texts[2], "%.*s", (int)arch.len, (const char *)arch.ptr);
    const struct lock_item item = {.ecosystem = "deb",
                                   .name = texts[0],
                                   .version = texts[1],
                                   .architecture = arch.len ? texts[2] : NULL,
                                   .group = o->group,
                                   .line = number};
    if (lock_begin(o, &item, e) < 0)
        return -1;
    if (alg)
        lock_hash(o, alg, hex);
    lock_end(o);
    return 0;
}

int lock_apt(struct span text, struct lock_out *o, struct err *e)
{
    return lock_lines(text, o, look_at_line, e);
}
