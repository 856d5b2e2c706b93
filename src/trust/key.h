/* Keys and signatures, through OpenSSL's EVP and through nothing else. Two kinds: P-256 with SHA-256 (ECDSA, DER
 * encoding) and Ed25519. The algorithm comes from the key record, never from a message. A private key lies on disk only
 * as passphrase-sealed PKCS#8 (RFC 5958, PBES2 with scrypt, RFC 7914). The one id of a key that we use inside is
 * SHA-256 of its DER SubjectPublicKeyInfo; other formats' ids are computed from it where they are written. Hard rule:
 * small-order Ed25519 points and keys of any other kind are refused on reading. */
#pragma once

#include "util/buf.h"
#include "util/digest.h"

enum key_kind { KEY_P256, KEY_ED25519 };

#define SIGNATURE_MAX 80 /* bytes: DER of P-256 needs at most 72, Ed25519 64 */

struct public_key; /* immutable; safe from any thread */
struct private_key;

/* A passphrase; wiped by its fini. */
struct secret {
    char text[1024];
    size_t len;
    bool random; /* made by secret_random: 256 bits, which no work factor makes harder to guess */
};
void secret_fini(struct secret *s);
/* The first line of a file, without its newline. */
int secret_from_file(const char *path, struct secret *out, struct err *e);
/* 32 random bytes as hex. */
int secret_random(struct secret *out, struct err *e);
#define auto_secret AUTO(secret_fini) struct secret

struct private_key *private_key_new(enum key_kind kind, struct err *e);
/* "-----BEGIN ENCRYPTED PRIVATE KEY-----" */
int private_key_seal(const struct private_key *k, const struct secret *passphrase, struct buf *pem, struct err *e);
/* ERR_DENIED when the passphrase is wrong; an unsealed private key is refused. `name` names the file in messages. */
struct private_key *private_key_unseal(struct span pem, const struct secret *passphrase, const char *name,
                                       struct err *e);
const struct public_key *private_key_public(const struct private_key *k); /* lives as long as k */
void private_key_free(struct private_key *k);
static inline void auto_private_key_free(struct private_key **k)
{
    private_key_free(*k);
}
#define auto_private_key AUTO(auto_private_key_free) struct private_key *

/* PEM SubjectPublicKeyInfo ("-----BEGIN PUBLIC KEY-----"), exactly one, nothing before or behind it. */
struct public_key *public_key_parse(struct span pem, const char *name, struct err *e);
struct public_key *public_key_copy(const struct public_key *k);
void public_key_free(struct public_key *k);
static inline void auto_public_key_free(struct public_key **k)
{
    public_key_free(*k);
}
#define auto_public_key AUTO(auto_public_key_free) struct public_key *
enum key_kind public_key_kind(const struct public_key *k);
const char *key_kind_name(enum key_kind kind); /* "P-256", "Ed25519" */
const struct digest *public_key_id(const struct public_key *k);
int public_key_pem(const struct public_key *k, struct buf *pem, struct err *e);
/* The 32 raw bytes of an Ed25519 key; false for another kind. */
bool public_key_raw_ed25519(const struct public_key *k, uint8_t out[32]);
struct public_key *public_key_from_ed25519(const uint8_t raw[32], struct err *e);

struct signature {
    uint8_t bytes[SIGNATURE_MAX];
    size_t len;
};

int key_sign(const struct private_key *k, struct span message, struct signature *out, struct err *e);
/* True only when the signature is right. */
bool key_verify(const struct public_key *k, struct span message, struct span signature);

/* The DER form of a P-256 signature that stands as r and s, 32 bytes each (IEEE P1363; what the published DSSE vector
 * and PKCS#11 have). False when it is not 64 bytes. */
bool signature_from_rs(struct span rs, struct signature *out);
