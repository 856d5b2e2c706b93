/* yarn.lock: version 1 (classic.yarnpkg.com, "yarn.lock"), and what berry writes, which looks like YAML and is read by
 * the same lines: an entry's names end with a colon and begin a line, its members are indented by two. Of berry's the
 * checksum is that of a zip file of its own, which no registry delivers: nothing pins the archive. */
#include "parse/lock.h"

#include <string.h>

#define WHY_ELSEWHERE "it is fetched from a repository, a folder or a patch, not from the registry"

struct entry {
    struct span key; /* the first of its names */
    struct span version, resolved, integrity, resolution;
    unsigned line;
    bool any;
};

static struct span unquoted(struct span s)
{
    s = lock_trim(s);
    if (s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"')
        s = span_of(s.ptr + 1, s.len - 2);
    return s;
}

/* "@scope/name@range": what stands before the @ that is not the first character. */
static bool split_at(struct span s, struct span *name, struct span *rest)
{
    for (size_t i = 1; i < s.len; i++)
        if (s.ptr[i] == '@') {
            *name = span_of(s.ptr, i);
            *rest = span_of(s.ptr + i + 1, s.len - i - 1);
            return true;
        }
    return false;
}

static bool begins_with_one_of(struct span s, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_starts(s, span_str(words[i])))
            return true;
    return false;
}

/* Where a package comes from, by what was asked for: NULL, the registry. */
static const char *elsewhere(struct span range, struct span resolved)
{
    static const char *const places[] = {
        "git", "http:", "https:", "ssh:", "file:", "link:", "portal:", "patch:", "exec:", "github:"};
    static const char *const gits[] = {"git", "ssh:"};
    bool registry = memmem(resolved.ptr ? resolved.ptr : (const uint8_t *)"", resolved.len, "/-/", 3) != NULL;
    if (begins_with_one_of(range, places, ARRAY_LEN(places)) || begins_with_one_of(resolved, gits, ARRAY_LEN(gits)))
        return WHY_ELSEWHERE;
    return resolved.len && !registry ? WHY_ELSEWHERE : NULL;
}

static int put_entry(struct entry *x, struct lock_out *o, struct err *e)
{
    struct span name, range = {0}, version = x->version;
    auto_buf text = BUF(1024), number = BUF(1024), url = BUF(8192), sri = BUF(8192);
    if (!x->any || span_equal_str(x->key, "__metadata"))
        return 0;
    if (!split_at(x->resolution.len ? x->resolution : x->key, &name, &range))
        name = x->key;
    if (x->resolution.len && span_starts(range, SPAN_LIT("workspace:")))
        return 0; /* of the project itself */
    struct span alias = range, real;
    if (!x->resolution.len && span_take_prefix(&alias, SPAN_LIT("npm:")) && split_at(alias, &real, &range))
        name = real;
    buf_add_span(&text, name);
    buf_add_span(&number, version);
    buf_add_span(&url, x->resolved);
    buf_add_span(&sri, x->integrity);
    span_take_prefix(&range, SPAN_LIT("npm:"));
    const char *why = elsewhere(range, x->resolved);
    if (version.len == 0 || name.len == 0) {
        lock_refuse(o, x->line, x->key, "lock again with yarn install", "it has no version");
        return 0;
    }
    const struct lock_item item = {.ecosystem = "npm",
                                   .name = buf_str(&text),
                                   .version = buf_str(&number),
                                   .group = o->group,
                                   .url = url.len ? buf_str(&url) : NULL,
                                   .line = x->line};
    return lock_entry(o, &item, NULL, (struct span){0}, sri.len ? buf_str(&sri) : NULL, why, e);
}

/* "version "1.0"" or "version: 1.0"; what is indented deeper belongs to a list. */
static void take_member(struct entry *x, struct span line)
{
    const struct {
        const char *name;
        struct span *to;
    } members[] = {{"version", &x->version},
                   {"resolved", &x->resolved},
                   {"integrity", &x->integrity},
                   {"resolution", &x->resolution}};
    bool quoted = span_take_prefix(&line, SPAN_LIT("\""));
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct span rest = line;
        if (span_take_prefix(&rest, span_str(members[i].name)) &&
            (!quoted || span_take_prefix(&rest, SPAN_LIT("\""))) &&
            (span_take_prefix(&rest, SPAN_LIT(":")) || span_starts(rest, SPAN_LIT(" "))))
            *members[i].to = unquoted(rest);
    }
}

static size_t indent_of(struct span line)
{
    size_t n = 0;
    while (n < line.len && line.ptr[n] == ' ')
        n++;
    return n;
}

/* The names of an entry: the first decides, all stand for one package. */
static int begin_entry(struct entry *x, struct span line, unsigned number, struct lock_out *o, struct err *e)
{
    if (line.len < 2 || line.ptr[line.len - 1] != ':')
        return err_set(e, ERR_INPUT, 0, "%s:%u: a line that is no entry; is this a yarn.lock?", o->file, number);
    struct span names = span_of(line.ptr, line.len - 1), first;
    names = lock_trim(names);
    if (names.len >= 2 && names.ptr[0] == '"' && names.ptr[names.len - 1] == '"' &&
        !memmem(names.ptr, names.len, "\", \"", 4))
        names = span_of(names.ptr + 1, names.len - 2);
    bool quoted = names.len && names.ptr[0] == '"';
    if (quoted && span_skip(&names, 1) && span_take_until(&names, '"', &first))
        names = first;
    for (size_t i = 0; i + 1 < names.len; i++)
        if (names.ptr[i] == ',' && names.ptr[i + 1] == ' ')
            names.len = i;
    *x = (struct entry){.key = names, .line = number, .any = true};
    return 0;
}

int lock_yarn(struct span text, struct lock_out *o, struct err *e)
{
    struct entry x = {0};
    struct span line;
    for (unsigned number = 1; text.len; number++) {
        if (!span_take_until(&text, '\n', &line)) {
            line = text;
            text.len = 0;
        }
        size_t indent = indent_of(line);
        struct span trimmed = lock_trim(line);
        if (trimmed.len == 0 || trimmed.ptr[0] == '#')
            continue;
        if (indent == 2) {
            take_member(&x, trimmed);
        } else if (indent == 0) {
            if (put_entry(&x, o, e) < 0 || begin_entry(&x, trimmed, number, o, e) < 0)
                return -1;
        }
    }
    return put_entry(&x, o, e);
}
