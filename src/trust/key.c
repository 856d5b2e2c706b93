/* Public keys and signatures. Both kinds of key have one encoding that is accepted, byte for byte: the
 * SubjectPublicKeyInfo of RFC 5480 with the named curve and an uncompressed point, and that of RFC 8410. So one key has
 * one id. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "trust/key_internal.h"

static const uint8_t P256_HEAD[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
static const uint8_t ED25519_HEAD[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

/* The y coordinates (little-endian, 255 bits) of the points whose order divides 8: with such a key one signature fits
 * any message. Order 4: 0; 1: 1; 2: p - 1; 8: the two others. */
static const uint8_t SMALL_ORDER[][32] = {
    {0},
    {1},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
     0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
     0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

/* y >= p = 2^255 - 19: another spelling of a smaller y (RFC 8032, 5.1.3 refuses it). */
static bool is_not_canonical(const uint8_t y[32])
{
    if (y[31] != 0x7f || y[0] < 0xed)
        return false;
    for (size_t i = 1; i < 31; i++)
        if (y[i] != 0xff)
            return false;
    return true;
}

static int check_ed25519(const uint8_t raw[32], const char *name, struct err *e)
{
    uint8_t y[32];
    memcpy(y, raw, sizeof y);
    y[31] &= 0x7f;
    if (is_not_canonical(y))
        return err_set(e, ERR_INPUT, 0, "%s: an Ed25519 key that is not in its canonical encoding", name);
    for (size_t i = 0; i < ARRAY_LEN(SMALL_ORDER); i++)
        if (memcmp(y, SMALL_ORDER[i], sizeof y) == 0)
            return err_set(e, ERR_INPUT, 0,
                           "%s: an Ed25519 key of small order; anybody could sign for it. Make a new key", name);
    return 0;
}

static bool kind_of(struct span spki, enum key_kind *kind)
{
    if (spki.len == sizeof P256_HEAD + 64 && span_starts(spki, span_of(P256_HEAD, sizeof P256_HEAD)))
        *kind = KEY_P256;
    else if (spki.len == sizeof ED25519_HEAD + 32 && span_starts(spki, span_of(ED25519_HEAD, sizeof ED25519_HEAD)))
        *kind = KEY_ED25519;
    else
        return false;
    return true;
}

struct public_key *public_key_from_der(struct span spki, const char *name, struct err *e)
{
    enum key_kind kind;
    if (!kind_of(spki, &kind)) {
        err_set(e, ERR_INPUT, 0,
                "%s: wanted a public key of P-256 (named curve, uncompressed point) or Ed25519, found %zu bytes of "
                "another kind. Keys of Airlock are made by: airlock person new NAME --out FILE",
                name, spki.len);
        return NULL;
    }
    if (kind == KEY_ED25519 && check_ed25519(spki.ptr + sizeof ED25519_HEAD, name, e) < 0)
        return NULL;
    const uint8_t *at = spki.ptr;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)spki.len);
    if (!pkey) {
        ERR_clear_error();
        err_set(e, ERR_INPUT, 0, "%s: not a point of the curve", name);
        return NULL;
    }
    struct public_key *k = calloc(1, sizeof *k);
    if (!k)
        abort();
    *k = (struct public_key){.kind = kind, .pkey = pkey, .id = digest_of(spki)};
    if (kind == KEY_ED25519)
        memcpy(k->raw, spki.ptr + sizeof ED25519_HEAD, sizeof k->raw);
    return k;
}

int public_key_der(const EVP_PKEY *pkey, struct buf *der, struct err *e)
{
    uint8_t *bytes = NULL;
    int len = i2d_PUBKEY(pkey, &bytes);
    if (len <= 0)
        return openssl_failed(e, "public key");
    buf_add(der, bytes, (size_t)len);
    OPENSSL_free(bytes);
    return buf_check(der, "public key", e);
}

struct public_key *public_key_parse(struct span pem, const char *name, struct err *e)
{
    auto_buf der = BUF(1024);
    if (pem_decode(pem, "PUBLIC KEY", name, &der, e) < 0)
        return NULL;
    return public_key_from_der(buf_span(&der), name, e);
}

struct public_key *public_key_from_ed25519(const uint8_t raw[32], struct err *e)
{
    uint8_t spki[sizeof ED25519_HEAD + 32];
    memcpy(spki, ED25519_HEAD, sizeof ED25519_HEAD);
    memcpy(spki + sizeof ED25519_HEAD, raw, 32);
    return public_key_from_der(span_of(spki, sizeof spki), "Ed25519 key", e);
}

struct public_key *public_key_copy(const struct public_key *k)
{
    struct public_key *copy = malloc(sizeof *copy);
    if (!copy)
        abort();
    *copy = *k;
    EVP_PKEY_up_ref(copy->pkey);
    return copy;
}

void public_key_free(struct public_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    free(k);
}

enum key_kind public_key_kind(const struct public_key *k)
{
    return k->kind;
}

const char *key_kind_name(enum key_kind kind)
{
    return kind == KEY_P256 ? "P-256" : "Ed25519";
}

const struct digest *public_key_id(const struct public_key *k)
{
    return &k->id;
}

int public_key_pem(const struct public_key *k, struct buf *pem, struct err *e)
{
    auto_buf der = BUF(SPKI_MAX);
    if (public_key_der(k->pkey, &der, e) < 0)
        return -1;
    pem_encode(buf_span(&der), "PUBLIC KEY", pem);
    return buf_check(pem, "public key", e);
}

bool public_key_raw_ed25519(const struct public_key *k, uint8_t out[32])
{
    if (k->kind != KEY_ED25519)
        return false;
    memcpy(out, k->raw, sizeof k->raw);
    return true;
}

/* Ed25519 hashes inside (RFC 8032), so it is given no hash. */
static const EVP_MD *hash_of(enum key_kind kind)
{
    return kind == KEY_P256 ? EVP_sha256() : NULL;
}

int key_sign(const struct private_key *k, struct span message, struct signature *out, struct err *e)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx)
        abort();
    out->len = sizeof out->bytes;
    bool done = EVP_DigestSignInit(ctx, NULL, hash_of(k->public->kind), NULL, k->pkey) == 1 &&
                EVP_DigestSign(ctx, out->bytes, &out->len, message.ptr, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    return done ? 0 : openssl_failed(e, "sign");
}

bool key_verify(const struct public_key *k, struct span message, struct span signature)
{
    if (signature.len == 0 || signature.len > SIGNATURE_MAX)
        return false;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx)
        abort();
    bool right = EVP_DigestVerifyInit(ctx, NULL, hash_of(k->kind), NULL, k->pkey) == 1 &&
                 EVP_DigestVerify(ctx, signature.ptr, signature.len, message.ptr, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    if (!right)
        ERR_clear_error();
    return right;
}

/* A DER INTEGER of a big-endian number: no leading zeros, one zero byte when the highest bit is set. */
static size_t add_der_integer(uint8_t *out, const uint8_t number[32])
{
    size_t skip = 0;
    while (skip < 31 && number[skip] == 0)
        skip++;
    size_t pad = number[skip] & 0x80 ? 1 : 0, len = 32 - skip + pad;
    out[0] = 0x02;
    out[1] = (uint8_t)len;
    out[2] = 0;
    memcpy(out + 2 + pad, number + skip, 32 - skip);
    return 2 + len;
}

bool signature_from_rs(struct span rs, struct signature *out)
{
    if (rs.len != 64)
        return false;
    size_t len = 2;
    len += add_der_integer(out->bytes + len, rs.ptr);
    len += add_der_integer(out->bytes + len, rs.ptr + 32);
    out->bytes[0] = 0x30;
    out->bytes[1] = (uint8_t)(len - 2);
    out->len = len;
    return true;
}
