/* SHA-256 as content address: the digest of a blob, its text forms, and the streaming hash that makes it (FIPS 180-4,
 * through OpenSSL's EVP). Hard rule: digests are compared as bytes, and their text is always lower-case hex. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"
#include "util/span.h"

#define DIGEST_SIZE      32
#define DIGEST_HEX_SIZE  (2 * DIGEST_SIZE + 1) /* with the NUL */
#define DIGEST_TEXT_SIZE (7 + DIGEST_HEX_SIZE) /* "sha256:" + hex + NUL */

struct digest {
    uint8_t bytes[DIGEST_SIZE];
};

struct digest_hex {
    char text[DIGEST_HEX_SIZE];
};

struct digest_text {
    char text[DIGEST_TEXT_SIZE];
};

/* By value, so that they can stand in a printf argument list: digest_hex(&d).text */
struct digest_hex digest_hex(const struct digest *d);
struct digest_text digest_text(const struct digest *d);

bool digest_equal(const struct digest *a, const struct digest *b);
int digest_compare(const struct digest *a, const struct digest *b);

/* Exactly 64 lower-case hex digits. */
bool digest_from_hex(struct span text, struct digest *out);

/* "sha256:" and 64 lower-case hex digits (OCI image-spec, descriptor.md, "Digests"). ERR_INPUT names what was found. */
int digest_parse(struct span text, struct digest *out, struct err *e);

struct digest digest_of(struct span bytes);

/* Git's name of a blob: SHA-1 over "blob LENGTH\0" and the bytes, as hex. A name that clients expect; nothing is
 * trusted by it. */
#define GIT_BLOB_HEX_SIZE 41
void git_blob_hex(struct span bytes, char out[GIT_BLOB_HEX_SIZE]);

/* A hash in the making. sha256_finish also frees; sha256_free is for the way out without a result. */
struct sha256;
struct sha256 *sha256_new(void); /* aborts when out of memory */
void sha256_add(struct sha256 *h, const void *bytes, size_t len);
struct digest sha256_finish(struct sha256 *h);
void sha256_free(struct sha256 *h);

/* Hashes that other people's formats name their files with (RECORD, md5sums, npm's integrity). Hard rule: none of them
 * is ever a content address of ours, and MD5 and SHA-1 decide nothing. */
enum hash { HASH_MD5, HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512 };
#define HASH_SIZE_MAX 64U

size_t hash_size(enum hash kind); /* bytes */
/* hash_size(kind) bytes into `out`. Aborts where OpenSSL does not have the hash. */
void hash_bytes(enum hash kind, struct span bytes, uint8_t out[HASH_SIZE_MAX]);

/* Some of these hashes over one stream of bytes. */
#define HASH_KINDS     ((size_t)HASH_SHA512 + 1)
#define HASH_BIT(kind) (1U << (kind))
struct hashes {
    uint8_t raw[HASH_KINDS][HASH_SIZE_MAX]; /* hash_size(kind) bytes of those that were wanted */
};
struct hasher;
struct hasher *hasher_new(unsigned wanted); /* wanted: HASH_BIT of each; aborts when out of memory */
void hasher_add(struct hasher *h, const void *bytes, size_t len);
void hasher_finish(struct hasher *h, struct hashes *out); /* also frees */
void hasher_free(struct hasher *h);
