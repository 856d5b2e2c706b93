/* Who a request comes from, and what each role may ask of the HTTP surface: one table (identity.c). A token gives an
 * identity when the contour's key has signed its record, nothing has ended it, and the person it names holds its role
 * at this moment. Hard rule: a token that is unknown, forged, revoked or expired, or whose person holds the role no
 * longer, has no identity, and all of these look the same from outside. */
#pragma once

#include "trust/group.h"
#include "trust/token.h"

struct identity {
    char person[65];
    enum role role;
    char role_name[32];
    char environment[17]; /* "prod", or "*" */
    char repository[129]; /* a pattern, as repository_matches reads it; "" matches nothing */
};

/* The record behind a token's text, verified. ERR_DENIED: there is none that the contour signed; ERR_IO. */
int identity_token(struct db *db, struct child *parser, const struct public_key *contour, struct span text,
                   struct token *out, struct err *e);

/* What the record is good for now. ERR_DENIED: nothing. Pure. */
int identity_of_token(const struct token *t, const struct rights *r, int64_t now_s, struct identity *out,
                      struct err *e);

enum ability {
    ABILITY_SEE,     /* releases, passports, status, /v1/models */
    ABILITY_PULL,    /* bytes: registry and mirrors */
    ABILITY_ASK,     /* the gateway: completions */
    ABILITY_METRICS, /* /metrics */
    ABILITY_PUSH,    /* put into the registry */
    ABILITY_OWN,     /* read back from the registry what this person itself has put there; part of PULL */
    ABILITIES
};

/* May `who` do this in `environment`? (NULL: wherever; then only the role is looked at.) */
bool identity_may(const struct identity *who, enum ability what, const char *environment);

/* The same, and in this repository: its name without the environment, "assistant" or "assistant/model". NULL:
 * whichever; then it is identity_may. The packages of a mirror stand in the repository of its name ("pypi"). */
bool identity_may_use(const struct identity *who, enum ability what, const char *environment, const char *repository);
