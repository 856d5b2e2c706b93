#include "collect/build_compare.h"

#include <stdio.h>
#include <string.h>

#include "util/clock.h"

static const char *const NAMES[] = {"content", "permissions", "times", "order", "bytes"};

const char *build_difference_name(enum build_difference kind)
{
    return NAMES[kind];
}

static const json_t *list_of(const json_t *reply)
{
    return json_object_get(reply, "members");
}

static const char *path_of(const json_t *member)
{
    return json_get_string(member, "path", "");
}

static json_int_t number(const json_t *member, const char *key)
{
    return json_integer_value(json_object_get(member, key));
}

/* Members by path; the first of a name that stands twice. */
static json_t *by_path(const json_t *list)
{
    json_t *map = json_object();
    json_t *m;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, m)
    {
        if (!json_object_get(map, path_of(m)))
            json_object_set(map, path_of(m), m);
    }
    return map;
}

static bool found(struct build_finding *out, enum build_difference kind, const json_t *m)
{
    out->kind = kind;
    snprintf(out->member, sizeof out->member, "%s", path_of(m));
    return true;
}

static bool lacks(const json_t *list, const json_t *other, const char *which, struct build_finding *out)
{
    const json_t *m;
    size_t i;
    json_array_foreach(list, i, m)
    {
        if (json_object_get(other, path_of(m)))
            continue;
        snprintf(out->text, sizeof out->text, "%.200s is only in the %s of the two", path_of(m), which);
        return found(out, BUILD_CONTENT, m);
    }
    return false;
}

static bool content(const json_t *m, const json_t *o, struct build_finding *out)
{
    if (strcmp(json_get_string(m, "sha256", ""), json_get_string(o, "sha256", "")) == 0 &&
        strcmp(json_get_string(m, "type", ""), json_get_string(o, "type", "")) == 0)
        return false;
    snprintf(out->text, sizeof out->text, "%.200s has other bytes: %lld and %lld of them, sha256 %.16s… and %.16s…",
             path_of(m), (long long)number(m, "size"), (long long)number(o, "size"), json_get_string(m, "sha256", ""),
             json_get_string(o, "sha256", ""));
    return found(out, BUILD_CONTENT, m);
}

static bool mode(const json_t *m, const json_t *o, struct build_finding *out)
{
    if (number(m, "mode") == number(o, "mode"))
        return false;
    snprintf(out->text, sizeof out->text, "only permissions differ: %.200s has %04llo and %04llo", path_of(m),
             (unsigned long long)number(m, "mode"), (unsigned long long)number(o, "mode"));
    return found(out, BUILD_MODE, m);
}

static bool time_of(const json_t *m, const json_t *o, struct build_finding *out)
{
    json_int_t one = number(m, "mtime"), other = number(o, "mtime");
    if (one == other)
        return false;
    snprintf(out->text, sizeof out->text, "only times differ: %.200s is of %s and of %s", path_of(m),
             time_text(one).text, time_text(other).text);
    return found(out, BUILD_TIME, m);
}

static bool in_pairs(const json_t *list, const json_t *other,
                     bool (*differs)(const json_t *m, const json_t *o, struct build_finding *out),
                     struct build_finding *out)
{
    const json_t *m;
    size_t i;
    json_array_foreach(list, i, m)
    {
        if (differs(m, json_object_get(other, path_of(m)), out))
            return true;
    }
    return false;
}

static bool order(const json_t *a, const json_t *b, struct build_finding *out)
{
    const json_t *m;
    size_t i;
    json_array_foreach(a, i, m)
    {
        const char *there = path_of(json_array_get(b, i));
        if (strcmp(path_of(m), there) == 0)
            continue;
        snprintf(out->text, sizeof out->text,
                 "only the order of the members differs: at place %zu stand %.200s and %.200s", i + 1, path_of(m),
                 there);
        return found(out, BUILD_ORDER, m);
    }
    return false;
}

void build_compare(const json_t *a, const json_t *b, struct build_finding *out)
{
    const json_t *one = list_of(a), *two = list_of(b);
    auto_json in_one = by_path(one);
    auto_json in_two = by_path(two);
    *out = (struct build_finding){.kind = BUILD_BYTES};
    if (lacks(one, in_two, "first", out) || lacks(two, in_one, "second", out) || in_pairs(one, in_two, content, out) ||
        in_pairs(one, in_two, mode, out) || in_pairs(one, in_two, time_of, out) || order(one, two, out))
        return;
    snprintf(out->text, sizeof out->text,
             "every member is the same, and the archives are not: compression, or fields beside the members");
}
