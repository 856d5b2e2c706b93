#include "parse/purl.h"

#include <stdlib.h>
#include <string.h>

#include "parse/purl_types.h"
#include "util/auto.h"

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void lower(char *text)
{
    for (; text && *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

void purl_fini(struct purl *p)
{
    free(p->type);
    free(p->namespace);
    free(p->name);
    free(p->version);
    free(p->subpath);
    for (size_t i = 0; i < p->qualifier_count; i++) {
        free(p->qualifiers[i].key);
        free(p->qualifiers[i].value);
    }
    *p = (struct purl){0};
}

static int hex_value(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int bad(struct err *e, const char *what, struct span found)
{
    return err_set(e, ERR_INPUT, 0, "package URL: %s: found \"%.*s\"", what, (int)(found.len > 200 ? 200 : found.len),
                   (const char *)found.ptr);
}

/* Adds s to *out with its escapes resolved. */
static int decode(struct span s, struct buf *out, struct err *e)
{
    size_t from = out->len;
    for (size_t i = 0; i < s.len; i++) {
        int high, low;
        if (s.ptr[i] != '%') {
            buf_add_byte(out, s.ptr[i]);
            continue;
        }
        if (i + 2 >= s.len || (high = hex_value(s.ptr[i + 1])) < 0 || (low = hex_value(s.ptr[i + 2])) < 0)
            return bad(e, "\"%\" must lead two hexadecimal digits", s);
        buf_add_byte(out, (uint8_t)(high << 4 | low));
        i += 2;
    }
    struct span decoded = span_of(out->ptr + from, out->len - from);
    if (out->len > from && (!span_is_utf8(decoded) || memchr(decoded.ptr, 0, decoded.len)))
        return bad(e, "what stands decoded must be UTF-8 without NUL", s);
    return 0;
}

static char *decoded(struct span s, struct err *e)
{
    auto_buf text = BUF(PURL_LENGTH_MAX);
    buf_add_str(&text, "");
    return decode(s, &text, e) < 0 ? NULL : buf_steal_str(&text);
}

/* Segments between slashes, decoded; empty ones are dropped. What is then in a segment cannot be a slash. */
static int decode_path(struct span s, char **out, struct err *e)
{
    auto_buf path = BUF(PURL_LENGTH_MAX);
    for (bool more = true; more;) {
        struct span segment = s;
        more = span_take_until(&s, '/', &segment);
        if (segment.len == 0)
            continue;
        if (path.len)
            buf_add_byte(&path, '/');
        size_t from = path.len;
        if (decode(segment, &path, e) < 0)
            return -1;
        if (memchr(path.ptr + from, '/', path.len - from))
            return bad(e, "an escaped slash cannot stand in a segment", segment);
    }
    if (path.len)
        *out = buf_steal_str(&path);
    return 0;
}

int purl_add_qualifier(struct purl *p, struct span key, struct span value, struct err *e)
{
    if (value.len == 0)
        return 0;
    if (p->qualifier_count == PURL_QUALIFIERS_MAX)
        return err_set(e, ERR_LIMIT, 0, "package URL: more than %u qualifiers", PURL_QUALIFIERS_MAX);
    p->qualifiers[p->qualifier_count++] = (struct purl_qualifier){span_dup(key), span_dup(value)};
    return 0;
}

const char *purl_qualifier(const struct purl *p, const char *key)
{
    for (size_t i = 0; i < p->qualifier_count; i++)
        if (strcmp(p->qualifiers[i].key, key) == 0)
            return p->qualifiers[i].value;
    return NULL;
}

static int decode_qualifiers(struct span s, struct purl *p, struct err *e)
{
    for (bool more = true; more;) {
        struct span pair = s, key;
        more = span_take_until(&s, '&', &pair);
        if (pair.len == 0)
            continue;
        if (!span_take_until(&pair, '=', &key))
            return bad(e, "a qualifier is a key, \"=\" and a value", pair);
        auto_free char *value = decoded(pair, e);
        if (!value || purl_add_qualifier(p, key, span_str(value), e) < 0)
            return -1;
    }
    return 0;
}

/* Cuts *s before the last `mark` and gives what stood behind it. */
static bool cut_last(struct span *s, uint8_t mark, struct span *behind)
{
    for (size_t i = s->len; i-- > 0;) {
        if (s->ptr[i] != mark)
            continue;
        *behind = span_of(s->ptr + i + 1, s->len - i - 1);
        s->len = i;
        return true;
    }
    return false;
}

/* The version stands behind the last "@". An "@" that begins a segment and has a slash behind it is the unescaped mark
 * of an npm scope: no version. */
static bool cut_version(struct span *s, struct span *version)
{
    struct span before = *s;
    if (!cut_last(&before, '@', version))
        return false;
    if ((before.len == 0 || before.ptr[before.len - 1] == '/') && memchr(version->ptr, '/', version->len))
        return false;
    *s = before;
    return true;
}

static int decode_names(struct span rest, struct purl *p, struct err *e)
{
    struct span name = rest, namespace = {0};
    if (purl_name_is_path(p->type)) {
        span_take_until(&name, '/', &namespace);
    } else if (cut_last(&rest, '/', &name)) {
        namespace = rest;
    }
    p->name = decoded(name, e);
    return !p->name ? -1 : decode_path(namespace, &p->namespace, e);
}

static int parse(struct span text, struct purl *p, struct err *e)
{
    struct span rest = text, scheme, type, behind;
    if (text.len > PURL_LENGTH_MAX)
        return err_set(e, ERR_LIMIT, 0, "package URL: %zu bytes, more than %u", text.len, PURL_LENGTH_MAX);
    if (!span_take_until(&rest, ':', &scheme) || !span_equal_str(scheme, "pkg"))
        return bad(e, "it must begin with \"pkg:\"", text);
    if (cut_last(&rest, '#', &behind) && decode_path(behind, &p->subpath, e) < 0)
        return -1;
    if (cut_last(&rest, '?', &behind) && decode_qualifiers(behind, p, e) < 0)
        return -1;
    while (span_take_prefix(&rest, SPAN_LIT("/")))
        ;
    if (!span_take_until(&rest, '/', &type))
        return bad(e, "it must have a type, a slash and a name", text);
    p->type = span_dup(type);
    lower(p->type);
    if (cut_version(&rest, &behind) && !(p->version = decoded(behind, e)))
        return -1;
    while (rest.len && rest.ptr[0] == '/')
        span_skip(&rest, 1);
    if (decode_names(rest, p, e) < 0)
        return -1;
    return purl_normalise(p, e);
}

int purl_parse(struct span text, struct purl *out, struct err *e)
{
    *out = (struct purl){0};
    if (parse(text, out, e) == 0)
        return 0;
    purl_fini(out);
    return -1;
}

static bool is_word(const char *text, const char *marks)
{
    if (!text || !is_letter((uint8_t)text[0]))
        return false;
    for (; *text; text++)
        if (!is_letter((uint8_t)*text) && !is_digit((uint8_t)*text) && !strchr(marks, *text))
            return false;
    return true;
}

static void drop_empty(char **text)
{
    if (!*text || **text)
        return;
    free(*text);
    *text = NULL;
}

/* Takes empty segments out of a path, and of a subpath "." and ".." too. */
static void clean_path(char **path, bool dots)
{
    if (!*path)
        return;
    struct span rest = span_str(*path);
    auto_buf clean = BUF(PURL_LENGTH_MAX);
    buf_add_str(&clean, "");
    for (bool more = true; more;) {
        struct span segment = rest;
        more = span_take_until(&rest, '/', &segment);
        if (segment.len == 0 || (dots && (span_equal_str(segment, ".") || span_equal_str(segment, ".."))))
            continue;
        if (clean.len)
            buf_add_byte(&clean, '/');
        buf_add_span(&clean, segment);
    }
    free(*path);
    *path = buf_steal_str(&clean);
    drop_empty(path);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct purl_qualifier *)a)->key, ((const struct purl_qualifier *)b)->key);
}

static int normalise_qualifiers(struct purl *p, struct err *e)
{
    for (size_t i = 0; i < p->qualifier_count; i++) {
        lower(p->qualifiers[i].key);
        if (!is_word(p->qualifiers[i].key, ".-_"))
            return bad(e, "the key of a qualifier is a letter, then letters, digits, \".\", \"-\", \"_\"",
                       span_str(p->qualifiers[i].key));
    }
    qsort(p->qualifiers, p->qualifier_count, sizeof(p->qualifiers[0]), by_key);
    for (size_t i = 1; i < p->qualifier_count; i++)
        if (strcmp(p->qualifiers[i - 1].key, p->qualifiers[i].key) == 0)
            return bad(e, "a qualifier stands once", span_str(p->qualifiers[i].key));
    return 0;
}

int purl_normalise(struct purl *p, struct err *e)
{
    lower(p->type);
    drop_empty(&p->name);
    drop_empty(&p->version);
    clean_path(&p->namespace, false);
    clean_path(&p->subpath, true);
    if (!is_word(p->type, ".-"))
        return bad(e, "a type is a letter, then letters, digits, \".\", \"-\"", span_str(p->type ? p->type : ""));
    if (!p->name)
        return bad(e, "a name is needed", span_str(p->type));
    if (normalise_qualifiers(p, e) < 0)
        return -1;
    return purl_apply_type(p, e);
}

/* Escapes what is neither letter, digit, "-", ".", "_", "~", ":" nor in `keep`. */
static void encode(struct buf *out, const char *text, const char *keep)
{
    for (; *text; text++) {
        uint8_t c = (uint8_t)*text;
        if (is_letter(c) || is_digit(c) || strchr("-._~:", c) || strchr(keep, c))
            buf_add_byte(out, c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

void purl_write(const struct purl *p, struct buf *out)
{
    buf_printf(out, "pkg:%s/", p->type);
    if (p->namespace) {
        encode(out, p->namespace, "/");
        buf_add_byte(out, '/');
    }
    encode(out, p->name, purl_name_is_path(p->type) ? "/" : "");
    if (p->version) {
        buf_add_byte(out, '@');
        encode(out, p->version, "");
    }
    for (size_t i = 0; i < p->qualifier_count; i++) {
        buf_printf(out, "%c%s=", i == 0 ? '?' : '&', p->qualifiers[i].key);
        encode(out, p->qualifiers[i].value, "");
    }
    if (p->subpath) {
        buf_add_byte(out, '#');
        encode(out, p->subpath, "/");
    }
}
