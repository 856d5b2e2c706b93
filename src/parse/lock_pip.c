/* requirements.txt with hashes (pip's requirements file format, hash-checking mode; requirement specifiers of PEP 508):
 * `name[extras]==version ; marker --hash=sha256:…`, one a line, joined by backslashes. */
#include "parse/lock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* One logical line: several of the file, joined where they end in a backslash. */
#define LINE_MAX_BYTES (256U << 10)

#define HOW_PIN "write it as NAME==VERSION --hash=sha256:…; pip-compile --generate-hashes does"
#define HOW_HOST \
    "name the place under upstreams: in collect.yaml, and take this line out (pip-compile --no-emit-index-url)"

struct requirement {
    char name[129], extras[257];
    struct span version, marker, hashes; /* hashes: the rest of the line, "--hash=… --hash=…" */
};

static bool is_name_byte(uint8_t c)
{
    return isalnum(c) || c == '-' || c == '_' || c == '.';
}

static struct span take_while(struct span *s, bool (*is)(uint8_t c))
{
    struct span taken = {s->ptr, 0};
    while (s->len && is(s->ptr[0]))
        s->ptr++, s->len--, taken.len++;
    return taken;
}

static bool is_version_byte(uint8_t c)
{
    return isalnum(c) || (c && strchr(".+!-_*", c));
}

/* [a, b] behind the name; written as "a,b". */
static bool take_extras(struct span *s, struct requirement *q)
{
    struct span list, one;
    size_t len = 0;
    if (!span_take_prefix(s, SPAN_LIT("[")))
        return true;
    if (!span_take_until(s, ']', &list))
        return false;
    while (list.len) {
        char extra[129];
        if (!span_take_until(&list, ',', &one)) {
            one = list;
            list.len = 0;
        }
        if (!lock_python_name(lock_trim(one), extra, sizeof extra) || len + strlen(extra) + 2 > sizeof q->extras)
            return false;
        len += (size_t)snprintf(q->extras + len, sizeof q->extras - len, "%s%s", len ? "," : "", extra);
    }
    return true;
}

static struct span up_to_options(struct span s)
{
    for (size_t i = 0; i + 2 < s.len; i++)
        if ((s.ptr[i] == ' ' || s.ptr[i] == '\t') && s.ptr[i + 1] == '-' && s.ptr[i + 2] == '-')
            s.len = i;
    return lock_trim(s);
}

/* Why it floats, or NULL. *how is changed where there is a better next step. */
static const char *read_requirement(struct span s, struct requirement *q, const char **how)
{
    struct span name = take_while(&s, is_name_byte);
    if (!lock_python_name(name, q->name, sizeof q->name))
        return "it begins with no name of a project";
    s = lock_trim(s);
    if (!take_extras(&s, q))
        return "its [extras] are no list of names";
    s = lock_trim(s);
    if (span_take_prefix(&s, SPAN_LIT("@"))) {
        *how = "collect the released version by name, version and hash; a file made in house belongs under packages: "
               "local: of release.yaml";
        return "it is fetched from a URL, whose content can change";
    }
    if (span_starts(s, SPAN_LIT("===")))
        return "=== compares texts; a released version is compared with ==";
    if (!span_take_prefix(&s, SPAN_LIT("==")))
        return s.len == 0 || s.ptr[0] == ';' || s.ptr[0] == '-' ? "it has no version: the newest one would be taken"
                                                                : "it is a range, and what it means changes with time";
    s = lock_trim(s);
    q->version = take_while(&s, is_version_byte);
    if (q->version.len && memchr(q->version.ptr, '*', q->version.len))
        return "== with * is a range, and what it means changes with time";
    if (!lock_python_version(q->version))
        return "no version follows ==";
    s = lock_trim(s);
    if (span_take_prefix(&s, SPAN_LIT(";"))) {
        q->marker = up_to_options(s);
        s = lock_trim(span_of(q->marker.ptr + q->marker.len, s.len - (size_t)(q->marker.ptr - s.ptr) - q->marker.len));
        if (q->marker.len == 0 || q->marker.len > 4096)
            return "no environment marker follows the semicolon";
    }
    if (span_starts(s, SPAN_LIT(",")))
        return "it has a second condition behind its version";
    q->hashes = s;
    return s.len && s.ptr[0] != '-' ? "what follows its version is not understood" : NULL;
}

/* Calls each for every --hash=…; why it is refused, or NULL. */
static const char *read_hashes(struct span s, struct lock_out *o)
{
    bool any = false;
    for (s = lock_trim(s); s.len; s = lock_trim(s)) {
        struct span word, hex;
        if (!span_take_prefix(&s, SPAN_LIT("--hash=")))
            return "it has an option other than --hash";
        size_t len = 0;
        while (len < s.len && s.ptr[len] != ' ' && s.ptr[len] != '\t')
            len++;
        (void)span_take(&s, len, &word);
        const char *alg = lock_hash_split(word, &hex);
        if (!alg)
            return "a hash is not sha256, sha384 or sha512 in full length";
        if (o)
            lock_hash(o, alg, hex);
        any = true;
    }
    return any ? NULL : "it has no hash: another file under the same name and version would be taken";
}

static int put_requirement(const struct requirement *q, unsigned line, struct lock_out *o, struct err *e)
{
    auto_buf text = BUF(8192);
    buf_add_span(&text, q->version);
    buf_add_byte(&text, 0);
    size_t marker = text.len;
    buf_add_span(&text, q->marker);
    if (buf_check(&text, o->file, e) < 0)
        return -1;
    const struct lock_item item = {.ecosystem = "pypi",
                                   .name = q->name,
                                   .version = buf_str(&text),
                                   .group = o->group,
                                   .marker = q->marker.len ? (const char *)text.ptr + marker : NULL,
                                   .extras = q->extras[0] ? q->extras : NULL,
                                   .line = line};
    if (lock_begin(o, &item, e) < 0)
        return -1;
    (void)read_hashes(q->hashes, o);
    lock_end(o);
    return 0;
}

/* A line that begins with a dash: an option for the whole file. */
static void look_at_option(struct span s, unsigned line, struct lock_out *o)
{
    static const struct {
        const char *begins, *why, *how;
    } known[] = {
        {"-r", "it reads another file", "name that file as a set of its own in collect.yaml"},
        {"--requirement", "it reads another file", "name that file as a set of its own in collect.yaml"},
        {"-c", "it reads another file", "pip-compile writes what the constraints come to into one file"},
        {"--constraint", "it reads another file", "pip-compile writes what the constraints come to into one file"},
        {"-e", "an editable project is whatever its folder holds that day",
         "build it, and name the wheel under packages: local: of release.yaml"},
        {"--editable", "an editable project is whatever its folder holds that day",
         "build it, and name the wheel under packages: local: of release.yaml"},
        {"-i", "it says where to fetch from", HOW_HOST},
        {"--index-url", "it says where to fetch from", HOW_HOST},
        {"--extra-index-url", "it says where else to fetch from, and a stranger's name there wins", HOW_HOST},
        {"-f", "it says where to fetch from", HOW_HOST},
        {"--find-links", "it says where to fetch from", HOW_HOST},
        {"--trusted-host", "it turns the check of a certificate off", HOW_HOST},
        {"--pre", "it asks for what is newest", "a pinned version needs no --pre; take the line out"},
    };
    if (span_equal_str(s, "--require-hashes") || span_equal_str(s, "--no-index"))
        return;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        struct span rest = s;
        if (!span_take_prefix(&rest, span_str(known[i].begins)))
            continue;
        bool is_long = known[i].begins[1] == '-';
        if (is_long && rest.len && rest.ptr[0] != '=' && rest.ptr[0] != ' ' && rest.ptr[0] != '\t')
            continue;
        lock_refuse(o, line, s, known[i].how, "%s", known[i].why);
        return;
    }
    lock_refuse(o, line, s, "take the line out", "an option that is not known here, and could change what is fetched");
}

static bool is_elsewhere(struct span s)
{
    static const char *const begins[] = {
        "git+", "hg+", "svn+", "bzr+", "http:", "https:", "file:", "ftp:", "./", "../", "/", "."};
    for (size_t i = 0; i < ARRAY_LEN(begins); i++)
        if (span_starts(s, span_str(begins[i])))
            return true;
    return false;
}

/* pip takes a name twice only when the markers keep them apart, and what that means it says at the other end. */
static bool stands_twice(const struct requirement *q, unsigned line, json_t *seen)
{
    json_t *before = json_object_get(seen, q->name);
    bool always = q->marker.len == 0;
    if (!before)
        json_object_set_new(seen, q->name, json_integer(always ? -(json_int_t)line : (json_int_t)line));
    return before && (always || json_integer_value(before) < 0);
}

static int look_at_line(struct span s, unsigned line, json_t *seen, struct lock_out *o, struct err *e)
{
    struct requirement q = {0};
    const char *how = HOW_PIN, *why;
    if (s.len == 0)
        return 0;
    if (s.ptr[0] == '-') {
        look_at_option(s, line, o);
        return 0;
    }
    if (is_elsewhere(s)) {
        lock_refuse(o, line, s, HOW_PIN, "it is a place and no name with a version; what lies there can change");
        return 0;
    }
    why = memchr(s.ptr, '$', s.len) ? "it holds a variable of the environment" : read_requirement(s, &q, &how);
    if (!why)
        why = read_hashes(q.hashes, NULL);
    if (!why && stands_twice(&q, line, seen))
        why = "the same name stands above already, and no markers keep the two apart";
    if (!why)
        return put_requirement(&q, line, o, e);
    lock_refuse(o, line, s, how, "%s", why);
    return o->listing && q.name[0] && q.version.len ? put_requirement(&q, line, o, e) : 0;
}

/* pip reads the whole file in the encoding that a comment in its first two lines names (PEP 263's words): in another
 * one than ours, UTF-7 for example, a comment can hold line ends. */
static bool names_an_encoding(struct span comment)
{
    struct span rest = comment, before;
    while (span_take_until(&rest, 'c', &before)) {
        if (!span_take_prefix(&rest, SPAN_LIT("oding:")) && !span_take_prefix(&rest, SPAN_LIT("oding=")))
            continue;
        struct span word = lock_trim(rest);
        if (word.len < 5 || strncasecmp((const char *)word.ptr, "utf-8", 5) != 0 ||
            (word.len > 5 && (isalnum(word.ptr[5]) || strchr("-_.", word.ptr[5]))))
            return true;
    }
    return false;
}

/* Comments go before lines are joined, as pip does it. */
int lock_pip(struct span text, struct lock_out *o, struct err *e)
{
    auto_buf logical = BUF(LINE_MAX_BYTES);
    auto_json seen = json_object();
    unsigned number = 0, first = 0;
    while (text.len) {
        struct span line;
        if (!span_take_until(&text, '\n', &line)) {
            line = text;
            text.len = 0;
        }
        number++;
        if (number <= 2 && span_starts(line, SPAN_LIT("#")) && names_an_encoding(line))
            lock_refuse(o, number, line, "write the file in UTF-8, and take this comment out",
                        "it says that the file is in another encoding than UTF-8");
        line = lock_trim(line);
        bool comment = line.len && line.ptr[0] == '#', joined = !comment && span_ends(line, SPAN_LIT("\\"));
        if (joined)
            line.len--;
        if (logical.len == 0)
            first = number;
        buf_add_span(&logical, lock_uncomment(line));
        if (joined || (comment && logical.len)) {
            buf_add_byte(&logical, ' ');
            continue;
        }
        if (buf_check(&logical, "one line of the file", e) < 0)
            return err_prefix(e, "%s:%u", o->file, first);
        if (look_at_line(lock_trim(buf_span(&logical)), first, seen, o, e) < 0)
            return -1;
        buf_clear(&logical);
    }
    return logical.len ? look_at_line(lock_trim(buf_span(&logical)), first, seen, o, e) : 0;
}
