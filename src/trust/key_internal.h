/* What the two halves of key.h share: public keys with signatures (key.c), private keys (key_private.c). Nobody else
 * includes it. */
#pragma once

#include <openssl/evp.h>

#include "trust/key.h"

struct public_key {
    enum key_kind kind;
    EVP_PKEY *pkey;
    struct digest id;
    uint8_t raw[32]; /* of an Ed25519 key */
};

struct private_key {
    EVP_PKEY *pkey;
    struct public_key *public;
};

#define SPKI_MAX 91U /* bytes of DER: P-256 has 91, Ed25519 44 */

/* From exactly one of the two encodings that are accepted, and nothing else. */
struct public_key *public_key_from_der(struct span spki, const char *name, struct err *e);
int public_key_der(const EVP_PKEY *pkey, struct buf *der, struct err *e);

/* Decodes PEM that holds one block with this label and nothing else (RFC 7468, strict form; CRLF is read too). */
int pem_decode(struct span text, const char *label, const char *name, struct buf *der, struct err *e);
void pem_encode(struct span der, const char *label, struct buf *out);

/* ERR_SYSTEM with what OpenSSL says. */
int openssl_failed(struct err *e, const char *what);
