#include "parse/apt_uris.h"

#include <stdio.h>
#include <string.h>

#include "util/encode.h"

#define TEXT_MAX 1024U

/* What a line says. Texts are NUL-terminated. */
struct row {
    char uri[TEXT_MAX], file[TEXT_MAX], filename[TEXT_MAX], name[TEXT_MAX], version[TEXT_MAX], architecture[TEXT_MAX];
    uint64_t size;
    const char *alg;
    struct span hex;
};

static bool hex_digit(uint8_t c, unsigned *value)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;
    if (!at || !*at)
        return false;
    *value = (unsigned)(at - digits);
    return true;
}

/* Copies with %XX undone; false when it does not fit, or leaves what may not stand in a name. */
static bool unescape(struct span s, char out[TEXT_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned high, low, c = s.ptr[i];
        if (c == '%' && i + 2 < s.len && hex_digit(s.ptr[i + 1], &high) && hex_digit(s.ptr[i + 2], &low)) {
            c = high << 4 | low;
            i += 2;
        }
        if (c <= ' ' || c > '~' || c == '/' || c == '\\' || len + 1 == TEXT_MAX)
            return false;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return len > 0 && out[0] != '.';
}

static bool plain(struct span s, char out[TEXT_MAX])
{
    if (s.len == 0 || s.len >= TEXT_MAX || !span_is_printable(s) || memchr(s.ptr, ' ', s.len))
        return false;
    memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    return true;
}

/* NAME_VERSION_ARCHITECTURE.deb */
static bool split_file(struct span file, struct row *r)
{
    struct span name, version, rest = file;
    if (!span_ends(file, SPAN_LIT(".deb")) || memchr(file.ptr, '/', file.len) || file.ptr[0] == '.')
        return false;
    rest.len -= 4;
    return span_take_until(&rest, '_', &name) && span_take_until(&rest, '_', &version) &&
           !memchr(rest.ptr, '_', rest.len) && unescape(name, r->name) && unescape(version, r->version) &&
           unescape(rest, r->architecture);
}

static bool split_hash(struct span s, struct row *r)
{
    static const struct {
        const char *printed, *alg;
        size_t bytes;
    } known[] = {{"SHA256", "sha256", 32}, {"SHA512", "sha512", 64}};
    uint8_t raw[64];
    struct span alg;
    if (!span_take_until(&s, ':', &alg))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_equal_str(alg, known[i].printed) && hex_decode(s, raw, known[i].bytes)) {
            r->alg = known[i].alg;
            r->hex = s;
            return true;
        }
    return false;
}

static bool read_line(struct span line, struct row *r)
{
    struct span uri, file, size, last;
    if (!span_take_prefix(&line, SPAN_LIT("'")) || !span_take_until(&line, '\'', &uri) ||
        !span_take_prefix(&line, SPAN_LIT(" ")) || !span_take_until(&line, ' ', &file) ||
        !span_take_until(&line, ' ', &size))
        return false;
    last = uri;
    for (struct span part; span_take_until(&last, '/', &part);)
        continue;
    return plain(uri, r->uri) && plain(file, r->file) && unescape(last, r->filename) && split_file(file, r) &&
           span_decimal(size, &r->size) && split_hash(line, r);
}

static void put_row(struct json_out *w, const struct row *r)
{
    json_out_object(w);
    json_put_string(w, "uri", r->uri);
    json_put_string(w, "file", r->file);
    json_put_string(w, "filename", r->filename);
    json_put_string(w, "name", r->name);
    json_put_string(w, "version", r->version);
    json_put_string(w, "architecture", r->architecture);
    json_put_uint(w, "size", r->size);
    json_put_string(w, "alg", r->alg);
    json_out_key(w, "hex");
    json_out_span(w, r->hex);
    json_out_object_end(w);
}

int apt_uris_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    struct json_out w;
    struct span line;
    unsigned number = 0;
    (void)arg;
    json_out_init(&w, reply);
    json_out_object(&w);
    json_put_array(&w, "files");
    while (input.len) {
        struct row r = {0};
        if (!span_take_until(&input, '\n', &line)) {
            line = input;
            input.len = 0;
        }
        number++;
        if (number > LIMIT_APT_URIS)
            return err_set(e, ERR_LIMIT, 0, "apt-get --print-uris: more than %u lines", LIMIT_APT_URIS);
        if (!read_line(line, &r))
            return err_set(e, ERR_INPUT, 0,
                           "apt-get --print-uris: line %u: wanted 'URI' NAME_VERSION_ARCHITECTURE.deb SIZE SHA256:HEX",
                           number);
        put_row(&w, &r);
    }
    json_out_array_end(&w);
    json_out_object_end(&w);
    return buf_check(reply, "apt-get --print-uris", e);
}
