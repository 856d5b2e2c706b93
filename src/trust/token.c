#include "trust/token.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "trust/key_internal.h"
#include "util/buf.h"
#include "util/encode.h"

/* base64url without padding (RFC 4648, section 5). */
static void write_base64url(struct span bytes, struct buf *out)
{
    base64_encode(bytes, out);
    while (out->len && out->ptr[out->len - 1] == '=')
        out->len--;
    for (size_t i = 0; i < out->len; i++) {
        if (out->ptr[i] == '+')
            out->ptr[i] = '-';
        else if (out->ptr[i] == '/')
            out->ptr[i] = '_';
    }
}

int token_new(struct token_text *text, struct digest *hash, struct err *e)
{
    uint8_t bytes[32];
    auto_buf random = BUF(64);
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return openssl_failed(e, "new token");
    write_base64url(span_of(bytes, sizeof bytes), &random);
    snprintf(text->text, sizeof text->text, TOKEN_PREFIX "%.*s", (int)random.len, (const char *)random.ptr);
    *hash = digest_of(span_str(text->text));
    OPENSSL_cleanse(bytes, sizeof bytes);
    OPENSSL_cleanse(random.ptr, random.len);
    return 0;
}

bool token_hash(struct span text, struct digest *hash)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if (text.len != TOKEN_TEXT_SIZE - 1 || !span_starts(text, SPAN_LIT(TOKEN_PREFIX)))
        return false;
    for (size_t i = sizeof TOKEN_PREFIX - 1; i < text.len; i++)
        if (!memchr(alphabet, text.ptr[i], sizeof alphabet - 1))
            return false;
    *hash = digest_of(text);
    return true;
}
