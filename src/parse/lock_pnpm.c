/* pnpm-lock.yaml, lockfileVersion 5 to 9 (pnpm/spec, "lockfile"): the section `packages`, whose keys name package and
 * version in a form that changed with each version. The file is written by a program, one key a line, and is read so:
 * by lines and their indent. */
#include "parse/lock.h"

#include <ctype.h>
#include <string.h>

#define HOW_RELOCK    "lock again with pnpm install"
#define WHY_ELSEWHERE "it is fetched from a repository, a URL or a folder, not from the registry"

struct entry {
    struct span key, name, version, integrity, tarball;
    unsigned line;
    bool any, elsewhere;
};

struct pnpm {
    struct lock_out *o;
    struct err *e;
    struct entry x;
    bool packages, versioned; /* inside of the section; the file has a version */
    double version;
};

static struct span unquoted(struct span s)
{
    s = lock_trim(s);
    if (s.len >= 2 && (s.ptr[0] == '"' || s.ptr[0] == '\'') && s.ptr[s.len - 1] == s.ptr[0])
        s = span_of(s.ptr + 1, s.len - 2);
    return s;
}

/* Up to the first character of `stops`. */
static struct span until(struct span s, const char *stops)
{
    for (size_t i = 0; i < s.len; i++)
        if (strchr(stops, s.ptr[i]))
            return span_of(s.ptr, i);
    return s;
}

static bool is_version(struct span s)
{
    return s.len && isdigit(s.ptr[0]);
}

/* "/@scope/name/1.0.0_peers", "/name@1.0.0(peers)", "name@1.0.0": *name and *version, or false. A host before the first
 * slash is another registry. */
static bool split_key(struct span key, struct span *name, struct span *version)
{
    key = until(key, "(");
    if (!span_take_prefix(&key, SPAN_LIT("/")) && key.len && key.ptr[0] != '@') {
        struct span rest = key, host;
        if (span_take_until(&rest, '/', &host) && memchr(host.ptr, '.', host.len) && !memchr(host.ptr, '@', host.len))
            key = rest;
    }
    for (size_t i = key.len; i > 1; i--) {
        uint8_t c = key.ptr[i - 1];
        if (c != '@' && c != '/')
            continue;
        *name = span_of(key.ptr, i - 1);
        *version = span_of(key.ptr + i, key.len - i);
        if (!is_version(*version))
            continue;
        struct span before = *name; /* "1.0.0_bar@2.0.0": the version stands before */
        for (size_t k = 0; k < before.len; k++)
            if (before.ptr[k] == '_' && k && isalnum(before.ptr[k - 1]) && memchr(before.ptr, '/', k) &&
                split_key(span_of(before.ptr, k), name, version))
                return true;
        *version = until(*version, "_");
        return name->len > 0;
    }
    return false;
}

static int put_entry(struct pnpm *p)
{
    struct entry *x = &p->x;
    struct span name = {0}, version = {0};
    auto_buf text = BUF(1024), number = BUF(1024), sri = BUF(8192), url = BUF(8192);
    bool known = x->any && split_key(x->key, &name, &version);
    static const char *const places[] = {"file:", "link:", "git", "http", "github.com/"};
    if (!x->any)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        x->elsewhere |= span_starts(x->key, span_str(places[i]));
    struct span at = x->key, before;
    x->elsewhere |= span_take_until(&at, '@', &before) && span_starts(at, SPAN_LIT("http"));
    if (x->name.len)
        name = x->name;
    if (x->version.len)
        version = x->version;
    else if (x->elsewhere && !known && span_take_until(&(struct span){x->key.ptr, x->key.len}, '@', &before))
        name = before;
    if (name.len == 0 || version.len == 0) {
        lock_refuse(p->o, x->line, x->key, HOW_RELOCK, "its key names no package and version");
        return 0;
    }
    buf_add_span(&text, name);
    buf_add_span(&number, version);
    buf_add_span(&sri, x->integrity);
    buf_add_span(&url, x->tarball);
    const struct lock_item item = {.ecosystem = "npm",
                                   .name = buf_str(&text),
                                   .version = buf_str(&number),
                                   .group = p->o->group,
                                   .url = url.len ? buf_str(&url) : NULL,
                                   .line = x->line};
    return lock_entry(p->o, &item, NULL, (struct span){0}, sri.len ? buf_str(&sri) : NULL,
                      x->elsewhere ? WHY_ELSEWHERE : NULL, p->e);
}

/* {integrity: sha512-…, tarball: …}, or the same a line each. */
static void take_resolution(struct entry *x, struct span text)
{
    const struct {
        const char *name;
        struct span *to;
    } members[] = {{"integrity:", &x->integrity}, {"tarball:", &x->tarball}};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const char *name = members[i].name;
        const uint8_t *at = text.len ? memmem(text.ptr, text.len, name, strlen(name)) : NULL;
        if (!at)
            continue;
        size_t from = (size_t)(at - text.ptr) + strlen(name);
        *members[i].to = unquoted(until(span_of(text.ptr + from, text.len - from), ",}"));
    }
    static const char *const elsewhere[] = {"directory:", "commit:", "repo:", "type: git", "type: directory"};
    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
        x->elsewhere |= text.len && memmem(text.ptr, text.len, elsewhere[i], strlen(elsewhere[i])) != NULL;
}

static bool split_member(struct span line, struct span *key, struct span *value)
{
    size_t from = 0;
    if (line.len && (line.ptr[0] == '\'' || line.ptr[0] == '"')) {
        const uint8_t *end = memchr(line.ptr + 1, line.ptr[0], line.len - 1);
        if (!end)
            return false;
        from = (size_t)(end - line.ptr) + 1;
    }
    for (size_t i = from; i < line.len; i++) {
        if (line.ptr[i] != ':' || (i + 1 < line.len && line.ptr[i + 1] != ' '))
            continue;
        *key = unquoted(span_of(line.ptr, i));
        *value = lock_trim(span_of(line.ptr + i + 1, line.len - i - 1));
        return true;
    }
    return false;
}

static int take_top(struct pnpm *p, struct span key, struct span value, unsigned number)
{
    p->packages = span_equal_str(key, "packages");
    if (!span_equal_str(key, "lockfileVersion"))
        return 0;
    value = unquoted(value);
    if (value.len == 0 || !isdigit(value.ptr[0]) || value.ptr[0] < '5')
        return err_set(p->e, ERR_INPUT, 0, "%s:%u: lockfileVersion: wanted 5 to 9", p->o->file, number);
    p->versioned = true;
    return 0;
}

static int take_line(struct pnpm *p, struct span line, size_t indent, unsigned number)
{
    struct span key = {0}, value = {0};
    bool member = split_member(line, &key, &value);
    if (!member && indent <= 2 && !span_starts(line, SPAN_LIT("- ")))
        return err_set(p->e, ERR_INPUT, 0, "%s:%u: a line that is no KEY: VALUE; is this a pnpm-lock.yaml?", p->o->file,
                       number);
    if (indent <= 2 && p->packages) {
        if (put_entry(p) < 0)
            return -1;
        p->x = (struct entry){0};
    }
    if (indent == 0)
        return take_top(p, key, value, number);
    if (!p->packages || !member)
        return 0;
    if (indent == 2)
        p->x = (struct entry){.key = key, .line = number, .any = true};
    else if (indent == 4 && span_equal_str(key, "resolution"))
        take_resolution(&p->x, value);
    else if (indent == 4 && span_equal_str(key, "name"))
        p->x.name = unquoted(value);
    else if (indent == 4 && span_equal_str(key, "version"))
        p->x.version = unquoted(value);
    else if (indent == 6)
        take_resolution(&p->x, line);
    return 0;
}

int lock_pnpm(struct span text, struct lock_out *o, struct err *e)
{
    struct pnpm p = {.o = o, .e = e};
    struct span line;
    for (unsigned number = 1; text.len; number++) {
        size_t indent = 0;
        if (!span_take_until(&text, '\n', &line)) {
            line = text;
            text.len = 0;
        }
        while (indent < line.len && line.ptr[indent] == ' ')
            indent++;
        line = lock_uncomment(lock_trim(line));
        if (line.len == 0 || span_equal_str(line, "---"))
            continue;
        if (take_line(&p, line, indent, number) < 0)
            return -1;
        if (!p.versioned && indent == 0 && p.packages)
            return err_set(e, ERR_INPUT, 0, "%s: no lockfileVersion; is this a pnpm-lock.yaml?", o->file);
    }
    return p.packages ? put_entry(&p) : 0;
}
