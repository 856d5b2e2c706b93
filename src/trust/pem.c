#include <openssl/err.h>
#include <stdio.h>

#include "trust/key_internal.h"
#include "util/encode.h"

#define LINE_CHARS 64U

int openssl_failed(struct err *e, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    char why[160] = "no reason given";
    if (code)
        ERR_error_string_n(code, why, sizeof why);
    ERR_clear_error();
    return err_set(e, ERR_SYSTEM, 0, "%s: OpenSSL: %s", what, why);
}

static bool take_line(struct span *text, struct span *line)
{
    if (text->len == 0)
        return false;
    if (!span_take_until(text, '\n', line)) {
        *line = *text;
        *text = span_of(NULL, 0);
    }
    if (line->len && line->ptr[line->len - 1] == '\r')
        line->len--;
    return true;
}

static bool is_boundary(struct span line, const char *word, const char *label)
{
    char wanted[80];
    snprintf(wanted, sizeof wanted, "-----%s %s-----", word, label);
    return span_equal_str(line, wanted);
}

int pem_decode(struct span text, const char *label, const char *name, struct buf *der, struct err *e)
{
    struct span line;
    if (!take_line(&text, &line) || !is_boundary(line, "BEGIN", label))
        return err_set(e, ERR_INPUT, 0, "%s: wanted a file whose first line is -----BEGIN %s-----", name, label);
    auto_buf base64 = BUF(der->max * 2 + 16);
    for (;;) {
        if (!take_line(&text, &line))
            return err_set(e, ERR_INPUT, 0, "%s: ends without -----END %s-----", name, label);
        if (is_boundary(line, "END", label))
            break;
        if (line.len == 0 || line.len > LINE_CHARS)
            return err_set(e, ERR_INPUT, 0, "%s: a line of %zu characters; PEM has 1 to %u", name, line.len,
                           LINE_CHARS);
        buf_add_span(&base64, line);
    }
    if (text.len)
        return err_set(e, ERR_INPUT, 0, "%s: %zu bytes stand behind -----END %s-----; wanted one key and nothing else",
                       name, text.len, label);
    if (!buf_ok(&base64) || base64.len == 0 || !base64_decode(buf_span(&base64), false, der))
        return err_set(e, ERR_INPUT, 0, "%s: what stands between the PEM lines is no base64, or far too long", name);
    return 0;
}

void pem_encode(struct span der, const char *label, struct buf *out)
{
    auto_buf base64 = BUF(der.len * 2 + 4);
    base64_encode(der, &base64);
    buf_printf(out, "-----BEGIN %s-----\n", label);
    struct span rest = buf_span(&base64), line;
    while (rest.len) {
        span_take(&rest, rest.len < LINE_CHARS ? rest.len : LINE_CHARS, &line);
        buf_add_span(out, line);
        buf_add_byte(out, '\n');
    }
    buf_printf(out, "-----END %s-----\n", label);
}
