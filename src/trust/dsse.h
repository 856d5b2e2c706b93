/* DSSE 1.0.2 (secure-systems-lab, protocol.md and envelope.md): signatures over PAE(type, payload), payload bytes as
 * they are. Hard rule: what is used is the very payload that was verified; an envelope is never parsed again to get it.
 */
#pragma once

#include "sandbox/child.h"
#include "trust/key.h"

#define DSSE_INTOTO_TYPE "application/vnd.in-toto+json"

/* Signs; *envelope is one line of JSON without a newline, with keyid = hex of the key's id. */
int dsse_sign(const char *payload_type, struct span payload, const struct private_key *k, struct buf *envelope,
              struct err *e);

/* Verifies an envelope that was made inside this contour or came from anywhere: it is taken apart in the parse process
 * `parser` (the op "dsse" of src/parse). Succeeds when at least `threshold` DIFFERENT keys of `keys` verify and the
 * payload type is `payload_type`; *payload then holds the verified bytes, and *signers (may be NULL) has bit i set for
 * keys[i] (the first 64 keys). A bad signature among good ones is skipped. ERR_INPUT: malformed, or too few signatures
 * (how many of how many are said). */
int dsse_verify(struct child *parser, struct span envelope, const char *payload_type,
                const struct public_key *const keys[], size_t count, unsigned threshold, struct buf *payload,
                uint64_t *signers, struct err *e);
