#include "parse/lock.h"

#include <ctype.h>
#include <string.h>

#include "util/limits.h"

#define TEXT_MAX 160U

static const struct {
    const char *kind;
    int (*read)(struct span text, struct lock_out *o, struct err *e);
    bool by_lines; /* and no TOML or JSON, which allow no control characters themselves */
} READERS[] = {
    {"pip", lock_pip, true},          {"uv", lock_uv, false},        {"poetry", lock_poetry, false},
    {"pylock", lock_pylock, false},   {"npm", lock_npm, false},      {"apt", lock_apt, true},
    {"images", lock_images, true},    {"models", lock_models, true}, {"yarn", lock_yarn, true},
    {"pnpm", lock_pnpm, true},        {"bun", lock_bun, false},      {"deno", lock_deno, false},
    {"cargo", lock_cargo, false},     {"gosum", lock_gosum, true},   {"pdm", lock_pdm, false},
    {"pipfile", lock_pipfile, false}, {"conda", lock_conda, true},
};

/* ── writing ── */

static void put_optional(struct json_out *w, const char *key, const char *text)
{
    if (text)
        json_put_string(w, key, text);
}

/* A text, or a list of texts, as a list. */
static void put_words(struct json_out *w, const char *key, const json_t *words)
{
    size_t i;
    json_t *item;
    if (!json_is_string(words) && !json_is_array(words))
        return;
    json_put_array(w, key);
    if (json_is_string(words))
        json_out_string(w, json_string_value(words));
    json_array_foreach(words, i, item)
    {
        if (json_is_string(item))
            json_out_string(w, json_string_value(item));
    }
    json_out_array_end(w);
}

int lock_begin(struct lock_out *o, const struct lock_item *item, struct err *e)
{
    struct json_out *w = &o->packages;
    if (++o->count > LIMIT_LOCK_PACKAGES)
        return err_set(e, ERR_LIMIT, 0, "%s:%u: more than %u packages; at most that many are read", o->file, item->line,
                       LIMIT_LOCK_PACKAGES);
    json_out_object(w);
    json_put_string(w, "ecosystem", item->ecosystem);
    json_put_string(w, "name", item->name);
    json_put_string(w, "version", item->version);
    json_put_string(w, "group", item->group);
    json_put_uint(w, "line", item->line);
    put_optional(w, "architecture", item->architecture);
    put_optional(w, "marker", item->marker);
    put_optional(w, "extras", item->extras);
    put_optional(w, "url", item->url);
    if (item->optional)
        json_put_bool(w, "optional", true);
    put_words(w, "os", item->os);
    put_words(w, "cpu", item->cpu);
    put_words(w, "libc", item->libc);
    json_put_array(w, "hashes");
    return 0;
}

static void put_hash(struct json_out *w, const char *alg, struct span hex)
{
    json_put_string(w, "alg", alg);
    json_out_key(w, "hex");
    json_out_span(w, hex);
}

void lock_hash(struct lock_out *o, const char *alg, struct span hex)
{
    json_out_object(&o->packages);
    put_hash(&o->packages, alg, hex);
    json_out_object_end(&o->packages);
}

void lock_files(struct lock_out *o)
{
    json_out_array_end(&o->packages);
    json_put_array(&o->packages, "files");
}

void lock_file(struct lock_out *o, struct span filename, const char *url, const char *alg, struct span hex)
{
    struct json_out *w = &o->packages;
    json_out_object(w);
    json_out_key(w, "filename");
    json_out_span(w, filename);
    put_optional(w, "url", url);
    put_hash(w, alg, hex);
    json_out_object_end(w);
}

int lock_entry(struct lock_out *o, const struct lock_item *item, const char *alg, struct span hex, const char *sri,
               const char *why, struct err *e)
{
    bool pinned = (alg && hex.len) || (sri && lock_integrity(sri, NULL) > 0);
    if (why || !pinned)
        lock_refuse(o, item->line, span_str(item->name), "lock again, from a registry that gives hashes", "%s",
                    why ? why : "it has no strong hash: another file under the same version would be taken");
    if ((why || !pinned) && !o->listing)
        return 0;
    if (lock_begin(o, item, e) < 0)
        return -1;
    if (alg && hex.len)
        lock_hash(o, alg, hex);
    if (sri)
        lock_integrity(sri, o);
    lock_end(o);
    return 0;
}

void lock_end(struct lock_out *o)
{
    json_out_array_end(&o->packages);
    json_out_object_end(&o->packages);
}

void lock_refuse(struct lock_out *o, unsigned line, struct span text, const char *how, const char *why, ...)
{
    struct json_out *w = &o->refused;
    auto_buf reason = BUF(512);
    const uint8_t *end = memchr(text.ptr, '\n', text.len);
    va_list args;
    if (++o->refused_count > LOCK_REFUSED_MAX)
        return;
    if (end)
        text.len = (size_t)(end - text.ptr);
    if (text.len > TEXT_MAX)
        text.len = TEXT_MAX;
    va_start(args, why);
    buf_vprintf(&reason, why, args);
    va_end(args);
    json_out_object(w);
    json_put_uint(w, "line", line);
    json_out_key(w, "text");
    json_out_span(w, text);
    json_put_string(w, "why", buf_str(&reason));
    json_put_string(w, "how", how);
    json_out_object_end(w);
}

/* ── what the readers share ── */

const char *lock_hash_split(struct span text, struct span *hex)
{
    static const struct {
        const char *name;
        size_t digits;
    } algs[] = {{"sha256", 64}, {"sha384", 96}, {"sha512", 128}};
    struct span alg;
    if (!span_take_until(&text, ':', &alg))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
        if (!span_equal_str(alg, algs[i].name) || text.len != algs[i].digits)
            continue;
        for (size_t k = 0; k < text.len; k++)
            if (!strchr("0123456789abcdef", text.ptr[k]) || text.ptr[k] == '\0')
                return NULL;
        *hex = text;
        return algs[i].name;
    }
    return NULL;
}

bool lock_python_name(struct span text, char *out, size_t size)
{
    size_t len = 0;
    if (text.len == 0 || !isalnum(text.ptr[0]) || !isalnum(text.ptr[text.len - 1]))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int c = text.ptr[i];
        bool separator = c == '-' || c == '_' || c == '.';
        if (!separator && !isalnum(c))
            return false;
        if (separator && out[len - 1] == '-') /* the first one is no separator */
            continue;
        if (len + 1 >= size)
            return false;
        out[len++] = (char)(separator ? '-' : tolower(c));
    }
    out[len] = '\0';
    return true;
}

bool lock_python_version(struct span text)
{
    if (text.len == 0 || text.len > 128 || !isalnum(text.ptr[0]))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum(text.ptr[i]) && !strchr(".+!-_", text.ptr[i]))
            return false;
    return memchr(text.ptr, '\0', text.len) == NULL;
}

bool lock_is_inside(const char *folder)
{
    struct span rest = span_str(folder), part;
    if (folder[0] == '/' || strpbrk(folder, "\\:"))
        return false;
    while (span_take_until(&rest, '/', &part))
        if (span_equal_str(part, ".."))
            return false;
    return !span_equal_str(rest, "..");
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

struct span lock_trim(struct span s)
{
    while (s.len && is_blank(s.ptr[0]))
        s.ptr++, s.len--;
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

struct span lock_uncomment(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '#' && (i == 0 || is_blank(s.ptr[i - 1])))
            s.len = i;
    return lock_trim(s);
}

int lock_lines(struct span text, struct lock_out *o,
               int (*each)(struct span line, unsigned number, struct lock_out *o, struct err *e), struct err *e)
{
    for (unsigned number = 1; text.len; number++) {
        struct span line;
        if (!span_take_until(&text, '\n', &line)) {
            line = text;
            text.len = 0;
        }
        line = lock_uncomment(lock_trim(line));
        if (line.len && each(line, number, o, e) < 0)
            return -1;
    }
    return 0;
}

/* ── line ends that only others see ── */

/* Python's str.splitlines, and so pip, ends a line at more characters than LF and CRLF: what stands behind one in a
 * comment would be a requirement. Those and all other control characters; 0: none is here. */
static uint32_t hidden_end(struct span s, size_t *len)
{
    uint32_t c = 0;
    *len = span_utf8_first(s, &c);
    if (c == '\n' || c == '\t' || span_starts(s, SPAN_LIT("\r\n")))
        return 0;
    return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ? c : 0;
}

static bool refuse_hidden_ends(struct span text, struct lock_out *o)
{
    unsigned line = 1;
    for (size_t len; text.len; text.ptr += len, text.len -= len) {
        uint32_t c = hidden_end(text, &len);
        line += text.ptr[0] == '\n';
        if (c)
            lock_refuse(o, line, span_of(text.ptr + len, text.len - len),
                        "end lines with LF or CRLF, and take all other control characters out",
                        "it stands behind the character U+%04X, where other programs end a line and this one does not",
                        (unsigned)c);
    }
    return o->refused_count > 0;
}

/* ── the op ── */

static int read_all(struct span input, const char *kind, struct lock_out *o, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(READERS); i++)
        if (strcmp(READERS[i].kind, kind) == 0)
            return READERS[i].by_lines && refuse_hidden_ends(input, o) ? 0 : READERS[i].read(input, o, e);
    return err_set(e, ERR_USAGE, 0, "%s: lock files of the kind \"%.32s\" are not known", o->file, kind);
}

static int check_text(struct span input, const char *file, struct err *e)
{
    if (input.len > LIMIT_LOCK_BYTES)
        return err_set(e, ERR_LIMIT, 0, "%s has %zu bytes; at most %u are read of a lock file", file, input.len,
                       LIMIT_LOCK_BYTES);
    if (!span_is_utf8(input) || (input.len && memchr(input.ptr, '\0', input.len)))
        return err_set(e, ERR_INPUT, 0, "%s is no UTF-8 text; wanted the lock file as its tool wrote it", file);
    return 0;
}

int lock_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    auto_json options = json_parse(arg, 4096, "lock", e);
    const char *kind = options ? json_need_string(options, "kind", "", e) : NULL;
    if (!kind)
        return -1;
    struct lock_out o = {.file = json_get_string(options, "file", "lock file"),
                         .group = json_get_string(options, "group", "prod"),
                         .listing = json_is_true(json_object_get(options, "listing"))};
    auto_buf refused = BUF(1U << 20);
    json_out_init(&o.packages, reply);
    json_out_init(&o.refused, &refused);
    json_out_object(&o.packages);
    json_put_array(&o.packages, "packages");
    json_out_array(&o.refused);
    if (check_text(input, o.file, e) < 0 || read_all(input, kind, &o, e) < 0)
        return -1;
    json_out_array_end(&o.packages);
    json_out_array_end(&o.refused);
    if (buf_check(&refused, o.file, e) < 0)
        return -1;
    json_out_key(&o.packages, "refused");
    json_out_raw(&o.packages, buf_span(&refused));
    json_put_uint(&o.packages, "refused_more",
                  o.refused_count > LOCK_REFUSED_MAX ? o.refused_count - LOCK_REFUSED_MAX : 0);
    json_out_object_end(&o.packages);
    return buf_check(reply, o.file, e);
}
