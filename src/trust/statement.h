/* in-toto Statement v1 (in-toto attestation, spec/v1/statement.md): one subject by sha256 digest, a predicate type, a
 * predicate. Hard rule: subjects are matched by digest alone; the predicate type inside is the one that counts. */
#pragma once

#include "trust/dsse.h"
#include "util/json.h"

#define STATEMENT_TYPE "https://in-toto.io/Statement/v1"

#define PREDICATE_PROVENANCE  "https://slsa.dev/provenance/v1"
#define PREDICATE_VSA         "https://slsa.dev/verification_summary/v1"
#define PREDICATE_TEST_RESULT "https://in-toto.io/attestation/test-result/v0.1"
#define PREDICATE_CYCLONEDX   "https://cyclonedx.org/bom"
#define PREDICATE_RELEASE     "https://in-toto.io/attestation/release/v0.2"
#define PREDICATE_APPROVAL    "urn:airlock:approval:v1"
#define PREDICATE_REQUEST     "urn:airlock:request:v1"
#define PREDICATE_SCAN        "urn:airlock:scan:v1"
#define PREDICATE_SILENCE     "urn:airlock:silence:v1"
#define PREDICATE_PERSON      "urn:airlock:person:v1"
#define PREDICATE_COLLECTION  "urn:airlock:collection:v1"
#define PREDICATE_TRUST_ROOT  "urn:airlock:trust-root:v1"

/* Writes a Statement around `predicate` (one JSON object) and signs it: *envelope is a line for .intoto.jsonl, *id (may
 * be NULL) the SHA-256 of that line. */
int statement_sign(const char *subject_name, const struct digest *subject, const char *predicate_type,
                   struct span predicate, const struct private_key *k, struct buf *envelope, struct digest *id,
                   struct err *e);

/* A statement whose signature was verified. `root` is the whole parsed payload (owned), `predicate` borrowed from it.
 */
struct statement {
    json_t *root;
    const json_t *predicate;
    const char *predicate_type; /* borrowed from root */
    struct digest subject;      /* the first subject's sha256 */
    uint64_t signers;           /* as dsse_verify's */
};
void statement_fini(struct statement *s);
#define auto_statement AUTO(statement_fini) struct statement

/* Verifies and reads. `subject` and `predicate_type` may be NULL (any); otherwise another one is ERR_INPUT. */
int statement_verify(struct child *parser, struct span envelope, const struct public_key *const keys[], size_t count,
                     const struct digest *subject, const char *predicate_type, struct statement *out, struct err *e);
