#include "util/digest512.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/encode.h"

struct digest512_text digest512_text(const struct digest512 *d)
{
    struct digest512_text text;
    memcpy(text.text, "sha512:", 7);
    hex_encode(span_of(d->bytes, DIGEST512_SIZE), text.text + 7);
    return text;
}

bool digest512_parse(struct span text, struct digest512 *out)
{
    return span_take_prefix(&text, SPAN_LIT("sha512:")) && hex_decode(text, out->bytes, DIGEST512_SIZE);
}

struct sha512 {
    EVP_MD_CTX *ctx;
};

/* Without memory or without SHA-512 nothing can go on. */
static void must(int ok)
{
    if (ok == 1)
        return;
    fputs("airlock: SHA-512 is not available from OpenSSL, or memory is exhausted\n", stderr);
    abort();
}

struct sha512 *sha512_new(void)
{
    struct sha512 *h = calloc(1, sizeof *h);
    must(h != NULL);
    h->ctx = EVP_MD_CTX_new();
    must(h->ctx != NULL);
    must(EVP_DigestInit_ex(h->ctx, EVP_sha512(), NULL));
    return h;
}

void sha512_add(struct sha512 *h, const void *bytes, size_t len)
{
    must(EVP_DigestUpdate(h->ctx, bytes, len));
}

struct digest512 sha512_finish(struct sha512 *h)
{
    struct digest512 d;
    unsigned int size = 0;
    must(EVP_DigestFinal_ex(h->ctx, d.bytes, &size));
    must(size == DIGEST512_SIZE);
    sha512_free(h);
    return d;
}

void sha512_free(struct sha512 *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

struct digest512 digest512_of(struct span bytes)
{
    struct sha512 *h = sha512_new();
    sha512_add(h, bytes.ptr, bytes.len);
    return sha512_finish(h);
}
