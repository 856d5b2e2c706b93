#include "collect/closure_targets.h"

#include <stdio.h>
#include <string.h>

/* The three tags at the end of NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl, as they stand. */
static bool split(const char *filename, char tags[3][256])
{
    struct span s = span_str(filename), part, parts[3] = {{0}};
    size_t count = 0;
    if (!span_ends(s, SPAN_LIT(".whl")))
        return false;
    s.len -= strlen(".whl");
    for (bool more = true; more; count++) {
        more = span_take_until(&s, '-', &part);
        parts[0] = parts[1];
        parts[1] = parts[2];
        parts[2] = more ? part : s;
    }
    for (size_t i = 0; i < 3; i++)
        snprintf(tags[i], 256, "%.*s", (int)parts[i].len, (const char *)parts[i].ptr);
    return count >= 5;
}

/* "manylinux_2_17_x86_64" → "manylinux x86_64"; false: it is for any, or of no kind that is known. */
static bool platform_of(const char *tag, char out[48])
{
    static const char *const kinds[] = {"manylinux", "musllinux", "macosx", "linux", "win"};
    static const char *const machines[] = {"x86_64", "aarch64", "arm64",      "amd64", "i686",   "ppc64le",
                                           "s390x",  "armv7l",  "universal2", "win32", "riscv64"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strncmp(tag, kinds[i], strlen(kinds[i])) != 0)
            continue;
        for (size_t k = 0; k < ARRAY_LEN(machines); k++) {
            if (!span_ends(span_str(tag), span_str(machines[k])))
                continue;
            snprintf(out, 48, "%s %s", kinds[i], machines[k]);
            return true;
        }
    }
    return false;
}

static struct closure_target *take_target(struct closure_target *list, size_t *count, const char *python,
                                          const char *platform)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(list[i].python, python) == 0 && strcmp(list[i].platform, platform) == 0)
            return &list[i];
    if (*count == CLOSURE_TARGETS_MAX)
        return NULL;
    struct closure_target *t = &list[(*count)++];
    *t = (struct closure_target){0};
    snprintf(t->python, sizeof t->python, "%s", python);
    snprintf(t->platform, sizeof t->platform, "%s", platform);
    return t;
}

static void add_tag(struct closure_target *t, const char *tag)
{
    for (size_t i = 0; i < t->tag_count; i++)
        if (strcmp(t->tags[i], tag) == 0)
            return;
    if (t->tag_count < CLOSURE_TAGS_MAX && strlen(tag) < sizeof t->tags[0])
        snprintf(t->tags[t->tag_count++], sizeof t->tags[0], "%s", tag);
}

/* "cp311" → "3.11"; "" for py3, and for abi3, which says the oldest and not the one. */
static void python_of(const char *python, const char *abi, char out[8])
{
    size_t digits = strspn(python + (strncmp(python, "cp", 2) == 0 ? 2 : 0), "0123456789");
    out[0] = '\0';
    if (strncmp(python, "cp3", 3) == 0 && strncmp(abi, "cp", 2) == 0 && digits > 1 && digits < 4)
        snprintf(out, 8, "3.%.*s", (int)digits - 1, python + 3);
}

static bool add_wheel(const struct package *p, struct closure_target *list, size_t *count)
{
    char tags[3][256], python[8], platform[48], *save = NULL;
    bool fits = true;
    if (strcmp(p->ecosystem, "pypi") != 0 || !split(p->filename, tags))
        return true;
    python_of(tags[0], tags[1], python);
    for (char *one = strtok_r(tags[2], ".", &save); one; one = strtok_r(NULL, ".", &save)) {
        struct closure_target *t = platform_of(one, platform) ? take_target(list, count, python, platform) : NULL;
        if (t)
            add_tag(t, one);
        else if (platform_of(one, platform))
            fits = false;
    }
    return fits;
}

/* Wheels for any Python on a platform (abi3, py3-none-manylinux…) belong to each version that others name. */
static size_t spread(struct closure_target *list, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool named = false;
        for (size_t k = 0; k < count && list[i].python[0] == '\0'; k++) {
            if (list[k].python[0] == '\0' || strcmp(list[k].platform, list[i].platform) != 0)
                continue;
            named = true;
            for (size_t t = 0; t < list[i].tag_count; t++)
                add_tag(&list[k], list[i].tags[t]);
        }
        if (!named)
            list[kept++] = list[i];
    }
    return kept;
}

size_t closure_targets(const struct packages *chosen, struct closure_target out[CLOSURE_TARGETS_MAX], bool *more)
{
    size_t count = 0;
    *more = false;
    for (size_t i = 0; i < chosen->count; i++)
        if (!add_wheel(&chosen->items[i], out, &count))
            *more = true;
    if (count == 0)
        return take_target(out, &count, "", "") ? count : 0;
    return spread(out, count);
}
