#include "util/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/encode.h"

struct digest_hex digest_hex(const struct digest *d)
{
    struct digest_hex hex;
    hex_encode(span_of(d->bytes, DIGEST_SIZE), hex.text);
    return hex;
}

struct digest_text digest_text(const struct digest *d)
{
    struct digest_text text;
    memcpy(text.text, "sha256:", 7);
    hex_encode(span_of(d->bytes, DIGEST_SIZE), text.text + 7);
    return text;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

int digest_compare(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_SIZE);
}

bool digest_from_hex(struct span text, struct digest *out)
{
    return hex_decode(text, out->bytes, DIGEST_SIZE);
}

int digest_parse(struct span text, struct digest *out, struct err *e)
{
    struct span rest = text;
    if (span_take_prefix(&rest, SPAN_LIT("sha256:")) && digest_from_hex(rest, out))
        return 0;
    bool shown = text.len <= 80 && span_is_printable(text);
    return err_set(e, ERR_INPUT, 0, "\"%.*s\" is not a digest; wanted sha256: and 64 lower-case hex digits",
                   shown ? (int)text.len : 0, (const char *)text.ptr);
}

struct sha256 {
    EVP_MD_CTX *ctx;
};

/* Without memory or without SHA-256 nothing can go on. */
static void must(int ok)
{
    if (ok == 1)
        return;
    fputs("airlock: a hash is not available from OpenSSL, or memory is exhausted\n", stderr);
    abort();
}

struct sha256 *sha256_new(void)
{
    struct sha256 *h = calloc(1, sizeof *h);
    must(h != NULL);
    h->ctx = EVP_MD_CTX_new();
    must(h->ctx != NULL);
    must(EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL));
    return h;
}

void sha256_add(struct sha256 *h, const void *bytes, size_t len)
{
    must(EVP_DigestUpdate(h->ctx, bytes, len));
}

struct digest sha256_finish(struct sha256 *h)
{
    struct digest d;
    unsigned int size = 0;
    must(EVP_DigestFinal_ex(h->ctx, d.bytes, &size));
    must(size == DIGEST_SIZE);
    sha256_free(h);
    return d;
}

void sha256_free(struct sha256 *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

struct digest digest_of(struct span bytes)
{
    struct sha256 *h = sha256_new();
    sha256_add(h, bytes.ptr, bytes.len);
    return sha256_finish(h);
}

void git_blob_hex(struct span bytes, char out[GIT_BLOB_HEX_SIZE])
{
    char head[32];
    uint8_t sum[EVP_MAX_MD_SIZE];
    int length = snprintf(head, sizeof(head), "blob %zu", bytes.len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    must(ctx && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) && EVP_DigestUpdate(ctx, head, (size_t)length + 1) &&
         EVP_DigestUpdate(ctx, bytes.ptr, bytes.len) && EVP_DigestFinal_ex(ctx, sum, NULL));
    EVP_MD_CTX_free(ctx);
    hex_encode(span_of(sum, 20), out);
}

static const EVP_MD *hash_method(enum hash kind)
{
    switch (kind) {
    case HASH_MD5:
        return EVP_md5();
    case HASH_SHA1:
        return EVP_sha1();
    case HASH_SHA256:
        return EVP_sha256();
    case HASH_SHA384:
        return EVP_sha384();
    default:
        return EVP_sha512();
    }
}

size_t hash_size(enum hash kind)
{
    return (size_t)EVP_MD_get_size(hash_method(kind));
}

void hash_bytes(enum hash kind, struct span bytes, uint8_t out[HASH_SIZE_MAX])
{
    unsigned len;
    must(EVP_Digest(bytes.len ? (const void *)bytes.ptr : "", bytes.len, out, &len, hash_method(kind), NULL));
}

struct hasher {
    EVP_MD_CTX *contexts[HASH_KINDS]; /* NULL: not wanted */
};

struct hasher *hasher_new(unsigned wanted)
{
    struct hasher *h = calloc(1, sizeof(*h));
    must(h != NULL);
    for (size_t i = 0; i < HASH_KINDS; i++) {
        if (!(wanted & HASH_BIT(i)))
            continue;
        h->contexts[i] = EVP_MD_CTX_new();
        must(h->contexts[i] && EVP_DigestInit_ex(h->contexts[i], hash_method((enum hash)i), NULL));
    }
    return h;
}

void hasher_add(struct hasher *h, const void *bytes, size_t len)
{
    for (size_t i = 0; i < HASH_KINDS; i++)
        must(!h->contexts[i] || EVP_DigestUpdate(h->contexts[i], bytes, len));
}

void hasher_finish(struct hasher *h, struct hashes *out)
{
    for (size_t i = 0; i < HASH_KINDS; i++)
        must(!h->contexts[i] || EVP_DigestFinal_ex(h->contexts[i], out->raw[i], NULL));
    hasher_free(h);
}

void hasher_free(struct hasher *h)
{
    for (size_t i = 0; h && i < HASH_KINDS; i++)
        EVP_MD_CTX_free(h->contexts[i]);
    free(h);
}
