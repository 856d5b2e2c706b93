/* One envelope looked at for a person: whatever is wrong with it is the answer, not a failure. For `airlock verify
 * attestation`, which takes envelopes that anybody wrote; decisions go through statement_verify. */
#pragma once

#include "trust/statement.h"

struct attestation {
    struct digest id; /* SHA-256 of the envelope's bytes */
    bool verified;
    struct err reason;      /* when it is not */
    struct digest signer;   /* id of the first of the keys that signed */
    char payload_type[257]; /* printable */
    size_t payload_bytes;
    struct statement statement; /* root NULL when the payload is of another type */
};
void attestation_fini(struct attestation *a);
#define auto_attestation AUTO(attestation_fini) struct attestation

/* Signed by one of the keys, in either form of P-256 signatures, and a well-formed Statement if it says that it is one.
 * -1 only when it could not be looked at (ERR_UNDECIDED and the like). */
int attestation_verify(struct child *parser, struct span envelope, const struct public_key *const keys[], size_t count,
                       struct attestation *out, struct err *e);
