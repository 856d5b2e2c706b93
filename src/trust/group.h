/* Rights that are given and taken: groups of people, grants of a role to a person or a group (in an environment, for a
 * pattern of repositories), and revocations. Each is a Statement of the contour's key that lies as evidence in state.db
 * and is named by a ledger entry; rows alone give nothing and take nothing back. What was given is ended by a
 * revocation, which names it by the id that its signed text holds (an envelope can be written in more than one way);
 * whoever takes the revocation out of state.db has not taken the ledger's entry away, and is found. These rights are
 * for HTTP. Hard rule: an approval, a request or a waiver asks for a role that a person's own record gives
 * (trust/people.h), never for a grant. */
#pragma once

#include "trust/people.h"

#define PREDICATE_GROUP      "urn:airlock:group:v1"
#define PREDICATE_MEMBER     "urn:airlock:group-member:v1"
#define PREDICATE_GRANT      "urn:airlock:grant:v1"
#define PREDICATE_REVOCATION "urn:airlock:revocation:v1"

/* Actions of the entries that end something: "token" (hex), "person" · "record" (its id), "group", "person" · "record",
 * "to", "role". Each has "evidence", the digest of the revocation. */
#define TOKEN_REVOKE   "token-revoke"
#define GROUP_REMOVE   "group-remove"
#define GRANT_WITHDRAW "grant-withdraw"

#define GROUP_MARK "group:" /* before a group's name, where a person's could stand */

/* ── patterns of repositories: "*" (all), "team-*" (what begins so), or a name: that one and what lies below it
 *    ("assistant" is also "assistant/model") ── */

bool pattern_is_right(const char *pattern); /* a-z, 0-9 and . _ - /, and * at its end; at most 128 characters */
bool repository_matches(const char *pattern, const char *repository);
/* Does `outer` match everything that `inner` matches? */
bool pattern_covers(const char *outer, const char *inner);

/* ── writing: predicates ── */

struct group {
    char name[65];
    int64_t made_s;
};

#define RIGHT_ID_SIZE 17 /* 16 random hex digits and a NUL: tells one membership or grant from all others */

struct member {
    char id[RIGHT_ID_SIZE];
    char group[65], person[65];
    int64_t added_s;
};

struct grant {
    char id[RIGHT_ID_SIZE];
    enum role role;
    char to[72];          /* "anna", or "group:readers" */
    char environment[17]; /* "prod", or "*" */
    char repository[129];
    int64_t granted_s;
};

int right_id_new(char out[RIGHT_ID_SIZE], struct err *e); /* ERR_SYSTEM: no random bytes */

/* What a record about a name ("group:readers", "anna"), or a revocation of an id, is about. */
struct digest right_subject(const char *name_or_id);

void group_predicate(const struct group *g, struct buf *out);
void member_predicate(const struct member *m, struct buf *out);
void grant_predicate(const struct grant *g, struct buf *out);
/* `what` is "token", "member" or "grant"; the subject is the token's hash, or right_subject of the id. */
void revocation_predicate(const char *what, const char *person, int64_t now_s, struct buf *out);

/* ── reading ── */

struct rights {
    struct people people;
    struct group *groups; /* owned, all of these; in order of arrival */
    size_t group_count;
    struct member *members;
    size_t member_count;
    struct grant *grants;
    size_t grant_count;
    struct digest *ended; /* subjects of revocations; sorted */
    size_t ended_count;

    size_t refused;   /* records that did not verify, and revocations that somebody took away; fsck names the first */
    char undone[400]; /* in words; "" */
};
void rights_fini(struct rights *r);
#define auto_rights AUTO(rights_fini) struct rights

/* Loads what stands: people, groups, members and grants whose records verify and that nothing ended. */
int rights_load(struct db *db, struct child *parser, const struct public_key *contour, struct rights *out,
                struct err *e);

bool rights_ended(const struct rights *r, const struct digest *subject);
const struct group *rights_group(const struct rights *r, const char *name); /* NULL when there is none */
bool rights_member(const struct rights *r, const char *group, const char *person);

/* Does a person's key stand under this name? */
bool rights_person(const struct rights *r, const char *name);
/* Was this name withdrawn, and has no key since? Then nothing is good for it. */
bool rights_gone(const struct rights *r, const char *name);

/* Does `person` hold `role` in all of `environment` (which may be "*") and all that the pattern `repository` matches:
 * by a record of their own, which counts everywhere, or by one grant to them or a group of theirs? A role other than
 * viewer and consumer is only held by who has a key here. */
bool rights_hold(const struct rights *r, const char *person, enum role role, const char *environment,
                 const char *repository);

/* Only the pipeline publishes, and approvers never do: does this person hold the other one of the two somewhere? The
 * role that is in the way, or NULL. */
const char *rights_conflict(const struct rights *r, const char *person, enum role role);
