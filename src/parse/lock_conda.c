/* conda-lock.yml (conda-lock's documentation; YAML): `package`, each with name, version, manager, platform, url and
 * hash; and explicit lists (conda's documentation, "Building identical environments"): @EXPLICIT, then URL#HASH a line.
 * MD5 pins nothing. The YAML is read by its lines, as conda-lock writes them. */
#include "parse/lock.h"

#include <string.h>

struct entry {
    struct span name, version, manager, platform, url, sha256;
    unsigned line;
    bool any;
};

static struct span unquoted(struct span s)
{
    s = lock_trim(s);
    if (s.len >= 2 && (s.ptr[0] == '"' || s.ptr[0] == '\'') && s.ptr[s.len - 1] == s.ptr[0])
        s = span_of(s.ptr + 1, s.len - 2);
    return s;
}

static int put_entry(const struct entry *x, struct lock_out *o, struct err *e)
{
    auto_buf name = BUF(1024), version = BUF(1024), url = BUF(8192), pair = BUF(256);
    struct span hex = {0};
    if (!x->any)
        return 0;
    if (x->name.len == 0 || x->version.len == 0) {
        lock_refuse(o, x->line, x->url, "lock again with conda-lock", "it has no name or no version");
        return 0;
    }
    buf_add_span(&name, x->name);
    buf_add_span(&version, x->version);
    buf_add_span(&url, x->url);
    buf_add_str(&pair, "sha256:");
    buf_add_span(&pair, x->sha256);
    const char *alg = lock_hash_split(buf_span(&pair), &hex);
    const struct lock_item item = {.ecosystem = span_equal_str(x->manager, "pip") ? "pypi" : "conda",
                                   .name = buf_str(&name),
                                   .version = buf_str(&version),
                                   .group = o->group,
                                   .url = url.len ? buf_str(&url) : NULL,
                                   .line = x->line};
    return lock_entry(o, &item, alg, hex, NULL, NULL, e);
}

/* NAME-VERSION-BUILD.conda, split at the last two hyphens. */
static bool split_file(struct span url, struct entry *x)
{
    static const char *const endings[] = {".conda", ".tar.bz2"};
    struct span file = url;
    for (size_t i = url.len; i > 0; i--)
        if (url.ptr[i - 1] == '/') {
            file = span_of(url.ptr + i, url.len - i);
            break;
        }
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (span_ends(file, span_str(endings[i])))
            file.len -= strlen(endings[i]);
    size_t build = 0;
    for (size_t i = file.len; i > 0; i--) {
        if (file.ptr[i - 1] != '-')
            continue;
        if (!build) {
            build = i - 1;
            continue;
        }
        x->name = span_of(file.ptr, i - 1);
        x->version = span_of(file.ptr + i, build - i);
        return true;
    }
    return false;
}

static int explicit_line(struct span line, unsigned number, struct lock_out *o, struct err *e)
{
    struct entry x = {.line = number, .any = true};
    if (span_equal_str(line, "@EXPLICIT"))
        return 0;
    if (!span_take_until(&line, '#', &x.url))
        x.url = line;
    else if (span_take_prefix(&line, SPAN_LIT("sha256:")) || line.len == 64)
        x.sha256 = line;
    if (!split_file(x.url, &x))
        return err_set(e, ERR_INPUT, 0, "%s:%u: \"%.*s\" is no URL of a package of conda", o->file, number,
                       (int)(x.url.len > 80 ? 80 : x.url.len), (const char *)x.url.ptr);
    return put_entry(&x, o, e);
}

static void take_member(struct entry *x, struct span line, bool hash)
{
    const struct {
        const char *name;
        struct span *to;
        bool hash;
    } members[] = {{"name:", &x->name, false},       {"version:", &x->version, false},
                   {"manager:", &x->manager, false}, {"platform:", &x->platform, false},
                   {"url:", &x->url, false},         {"sha256:", &x->sha256, true}};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct span rest = line;
        if (members[i].hash == hash && span_take_prefix(&rest, span_str(members[i].name)))
            *members[i].to = unquoted(rest);
    }
}

static int read_yaml(struct span text, struct lock_out *o, struct err *e)
{
    struct entry x = {0};
    struct span line;
    bool packages = false, found = false;
    size_t base = 0;
    for (unsigned number = 1; text.len; number++) {
        size_t indent = 0;
        if (!span_take_until(&text, '\n', &line)) {
            line = text;
            text.len = 0;
        }
        while (indent < line.len && line.ptr[indent] == ' ')
            indent++;
        struct span trimmed = lock_trim(line);
        if (trimmed.len == 0 || trimmed.ptr[0] == '#')
            continue;
        bool item = span_starts(trimmed, SPAN_LIT("- "));
        if (indent == 0 && !item) {
            packages = span_starts(trimmed, SPAN_LIT("package:"));
            found |= packages;
            if (!memchr(trimmed.ptr, ':', trimmed.len))
                return err_set(e, ERR_INPUT, 0, "%s:%u: a line that is no KEY: VALUE; is this a conda-lock.yml?",
                               o->file, number);
            continue;
        }
        if (!packages)
            continue;
        if (item && (!x.any || indent == base)) {
            if (put_entry(&x, o, e) < 0)
                return -1;
            x = (struct entry){.line = number, .any = true};
            base = indent;
            trimmed = lock_trim(span_of(trimmed.ptr + 2, trimmed.len - 2));
            indent += 2;
        }
        if (indent == base + 2 || indent == base + 4)
            take_member(&x, trimmed, indent == base + 4);
    }
    if (!found)
        return err_set(e, ERR_INPUT, 0, "%s: no list of packages; is this a conda-lock.yml?", o->file);
    return put_entry(&x, o, e);
}

int lock_conda(struct span text, struct lock_out *o, struct err *e)
{
    if (memmem(text.len ? text.ptr : (const uint8_t *)"", text.len, "@EXPLICIT", 9))
        return lock_lines(text, o, explicit_line, e);
    return read_yaml(text, o, e);
}
