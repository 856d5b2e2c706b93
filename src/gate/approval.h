/* Requests and approvals: one person's signed statement each. A request (urn:airlock:request:v1) says who asks for a
 * promotion; an approval (urn:airlock:approval:v1) binds release, environment, contour, evidence set, decision, person,
 * role and end. Hard rule: the signature by the person's own key counts, under a person record that the contour has
 * signed; whoever can write state.db can make neither. */
#pragma once

#include "gate/evidence.h"

/* Asks for `env`. ERR_DENIED: the key is nobody's, or nobody's who may ask (engineer, product owner). */
int request_make(struct site *s, const struct release *r, const char *env, const struct private_key *key,
                 const char *reason, struct digest *id, struct err *e);

struct approval_wish {
    const char *environment;
    const char *role;           /* NULL: the one role of this person that the environment asks for */
    const char *reason;         /* may be NULL */
    bool reject;                /* the decision is REJECT: denies until the same person approves */
    uint64_t valid_s;           /* 0: as long as the policy allows */
    const struct digest *shown; /* of the evidence set, from approval_summary: another one by now is refused; or NULL */
};

/* What the two statements say (docs/formats/request.schema.json, approval.schema.json). */
struct approval_statement {
    const char *environment, *contour, *person, *role, *reason; /* reason may be NULL */
    int64_t created_s;
    /* of an approval: */
    const char *decision;  /* "APPROVE" or "REJECT" */
    const char *requester; /* NULL: nobody has asked */
    int64_t not_after_s;
    const struct digest *ids; /* sorted */
    size_t id_count;
};
void request_predicate(const struct approval_statement *s, struct buf *out);
void approval_predicate(const struct approval_statement *s, struct buf *out);

/* What a person approves, shown before signing: release, environment, requester, every line of the evidence set with
 * its result, what is missing. Text for a terminal. */
int approval_summary(struct site *s, const struct release *r, const char *env, struct buf *text, struct digest *shown,
                     struct err *e);

/* Signs and stores. ERR_DENIED: nobody's key, no such role, the requester, nobody has asked, evidence missing or
 * adverse. */
int approval_make(struct site *s, const struct release *r, const struct approval_wish *wish,
                  const struct private_key *key, struct digest *id, struct err *e);
