/* SHA-512 as a second content address (OCI image-spec, descriptor.md, "Registered algorithms"): what clients may name
 * bytes by. Hard rule: nothing is stored under it; the store's names are SHA-256 (digest.h). */
#pragma once

#include "util/digest.h"

#define DIGEST512_SIZE      64
#define DIGEST512_TEXT_SIZE (7 + 2 * DIGEST512_SIZE + 1) /* "sha512:" + hex + NUL */

struct digest512 {
    uint8_t bytes[DIGEST512_SIZE];
};

struct digest512_text {
    char text[DIGEST512_TEXT_SIZE];
};
struct digest512_text digest512_text(const struct digest512 *d); /* by value, as digest_text */

/* "sha512:" and 128 lower-case hex digits. */
bool digest512_parse(struct span text, struct digest512 *out);

/* A hash in the making; as sha256_new and its kin. */
struct sha512;
struct sha512 *sha512_new(void);
void sha512_add(struct sha512 *h, const void *bytes, size_t len);
struct digest512 sha512_finish(struct sha512 *h);
void sha512_free(struct sha512 *h); /* NULL is fine */

struct digest512 digest512_of(struct span bytes);
