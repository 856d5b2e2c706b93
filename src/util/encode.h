/* Hex and base64 (RFC 4648), both ways. Decoders are strict: one input has one meaning, and anything else is refused.
 */
#pragma once

#include <stdbool.h>

#include "util/buf.h"

/* Lower-case hex of `bytes` into out, which has room for 2 * bytes.len + 1 characters. */
void hex_encode(struct span bytes, char *out);

/* Exactly 2 * len lower-case hex digits into `out`; false otherwise. */
bool hex_decode(struct span text, uint8_t *out, size_t len);

/* Standard alphabet with padding (section 4). */
void base64_encode(struct span bytes, struct buf *out);

/* Appends the decoded bytes to *out. Standard or, with `allow_url`, also the URL-safe alphabet (section 5; DSSE readers
 * must take either). Padding is required, no white space, unused bits must be zero. False when the text is malformed or
 * does not fit. */
bool base64_decode(struct span text, bool allow_url, struct buf *out);
