/* A DSSE envelope taken apart, not yet believed: what dsse_verify, people_signer and `airlock verify attestation` stand
 * on. Hard rule: `payload` is looked at only after dsse_signed_by has said yes for a key that counts; except that
 * `passport verify` names, by our own word for it, what a line that nobody signed says that it is. */
#pragma once

#include "sandbox/child.h"
#include "trust/key.h"
#include "util/limits.h"

struct dsse_parts {
    struct span type, payload; /* borrowed from reply */
    struct span signatures[LIMIT_SIGNATURES];
    size_t count;
    struct buf pae;   /* the bytes that are signed; owned */
    struct buf reply; /* owned */
};
void dsse_parts_fini(struct dsse_parts *p);
#define auto_dsse_parts AUTO(dsse_parts_fini) struct dsse_parts

/* Has the envelope taken apart in the parse process. ERR_INPUT, ERR_LIMIT, ERR_UNDECIDED. */
int dsse_take_apart(struct child *parser, struct span envelope, struct dsse_parts *out, struct err *e);

/* Which forms of a P-256 signature count: DER only, or 64 bytes of r||s as well (envelopes that others wrote). */
enum dsse_form { DSSE_DER, DSSE_DER_OR_RS };

bool dsse_signed_by(const struct dsse_parts *p, const struct public_key *k, enum dsse_form form);
