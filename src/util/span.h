/* A borrowed run of bytes, and the cursor with which hostile bytes are read. Parsers never index: they take. A failed
 * take consumes nothing and returns false. Hard rule: nothing here allocates, and nothing reads past `len`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const uint8_t *ptr; /* borrowed; may be NULL when len is 0 */
    size_t len;         /* bytes */
};

struct span span_of(const void *ptr, size_t len);
struct span span_str(const char *text); /* without the terminating NUL */

#define SPAN_LIT(text) ((struct span){(const uint8_t *)(text), sizeof(text) - 1})

/* The bytes with a zero behind them; the caller frees it. Aborts without memory. Not strndup: that one is for text that
 * ends with a zero, says ASan when it is strict. */
char *span_dup(struct span s);

bool span_equal(struct span a, struct span b);
bool span_equal_str(struct span a, const char *text);
bool span_starts(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);

/* Bytewise order, shorter first when one is the beginning of the other: <0, 0, >0. */
int span_compare(struct span a, struct span b);

/* Takes the first n bytes of *s into *out. */
bool span_take(struct span *s, size_t n, struct span *out);
bool span_skip(struct span *s, size_t n);

/* Takes an unsigned integer of 1, 2, 4 or 8 bytes. */
bool span_take_u8(struct span *s, uint8_t *out);
bool span_take_le16(struct span *s, uint16_t *out);
bool span_take_le32(struct span *s, uint32_t *out);
bool span_take_le64(struct span *s, uint64_t *out);
bool span_take_be16(struct span *s, uint16_t *out);
bool span_take_be32(struct span *s, uint32_t *out);
bool span_take_be64(struct span *s, uint64_t *out);

/* Takes what stands before the first `stop`, and the stop byte itself, which is not part of *out. */
bool span_take_until(struct span *s, uint8_t stop, struct span *out);

/* Takes `prefix` if *s begins with it. */
bool span_take_prefix(struct span *s, struct span prefix);

/* The part [from, from + len) of s, or false when it does not lie inside. */
bool span_slice(struct span s, uint64_t from, uint64_t len, struct span *out);

/* Reads all of s as a decimal number without sign or leading zeros. */
bool span_decimal(struct span s, uint64_t *out);

/* True when every byte is a printable ASCII character or a space. */
bool span_is_printable(struct span s);

/* True when s is well-formed UTF-8 (RFC 3629): no overlong form, surrogate, or value above U+10FFFF. */
bool span_is_utf8(struct span s);

/* Length in bytes of the well-formed sequence at the start of s, and the character that it stands for; 0: none. */
size_t span_utf8_first(struct span s, uint32_t *value);
