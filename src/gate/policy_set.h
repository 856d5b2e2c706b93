/* Changing the policy, to a text of one's own or to one that a shipment brought (policy_proposal.h). Two different
 * people sign over the text, one of them a security officer and the other one too or a product owner; then the contour
 * signs, and it is in force. Hard rule: the text is read strictly before anybody signs, and it is in force with its
 * ledger entry "policy-set" or not at all. */
#pragma once

#include "gate/policy.h"

/* A Statement of a person about the SHA-256 of a policy's text: {"contour", "person", "role", "before", "timeCreated"}.
 */
#define PREDICATE_POLICY "urn:airlock:policy:v1"

struct policy_signer {
    char person[65]; /* "": nobody */
    enum role role;
    struct digest evidence;
    int64_t time_s;
};

struct policy_change {
    struct digest policy, before; /* of the texts */
    struct policy_signer signers[2];
    uint64_t seq; /* of the ledger's entry */
};

/* Puts `text` in force; `name` is its file's name for messages. ERR_INPUT "FILE:LINE: …"; ERR_DENIED: who the keys
 * belong to may not. A crash leaves the old or the new one in force, and the next policy_load completes policy.yaml. */
int policy_set(struct site *s, struct span text, const char *name, const struct private_key *const keys[2],
               struct policy_change *out, struct err *e);

/* Who set the policy of this digest, each signature looked at again: signers[0].person is "" when it was init. */
int policy_setters(struct site *s, const struct digest *policy, struct policy_change *out, struct err *e);
