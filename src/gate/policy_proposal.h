/* Policies that arrive. A station signs a text with the key of its role `policy`, and it travels in a shipment; here it
 * is a proposal, kept as the contour's own signed word with the text in it. Hard rule: a policy is never in force by
 * arriving: two people of this contour set it, as they set any other (policy_set.h). */
#pragma once

#include "gate/policy.h"
#include "ship/artifact.h"
#include "ship/receive.h"

/* On a station: reads the text as strictly as `policy set` does, and signs it with the role `policy`. `contour` (may be
 * NULL): the only contour that may take it, by its name here. */
int policy_propose(struct site *station, struct span text, const char *name, const char *contour, struct buf *out,
                   struct digest *digest, struct err *e);

/* Keeps it as a proposal, as its shipment arrives. ERR_DENIED: older than the newest proposal that came. */
extern const struct receive_taker POLICY_TAKER;

struct policy_proposal {
    struct digest digest;        /* of the text */
    uint64_t shipment, sequence; /* that brought it */
    char station[65], station_name[65];
    int64_t issued_s, received_s;
    json_t *root;     /* owned */
    const char *text; /* borrowed from it */
};
void policy_proposal_fini(struct policy_proposal *p);
#define auto_policy_proposal AUTO(policy_proposal_fini) struct policy_proposal

/* The newest that came, or the one that `shipment` brought (0: the newest). ERR_NOTFOUND; ERR_INPUT when the contour's
 * signature does not hold. */
int policy_proposal_get(struct site *s, uint64_t shipment, struct policy_proposal *out, struct err *e);

/* The one of this text. ERR_NOTFOUND. */
int policy_proposal_of(struct site *s, const struct digest *policy, struct policy_proposal *out, struct err *e);

/* Does the newest wait for people? It does until it, or another policy, is set after it came. 1: it does, and *out is
 * it; 0. */
int policy_proposal_waits(struct site *s, struct policy_proposal *out, struct err *e);
