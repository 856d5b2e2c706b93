/* Who a request comes from: a bearer token is a person, a role, and an environment. And what each role may ask of the
 * HTTP surface: one table (identity.c). Hard rule: a token that is unknown, revoked or expired has no identity, and the
 * three look the same from outside. */
#pragma once

#include "store/db_people.h"
#include "trust/people.h"

struct identity {
    char person[65];
    enum role role;
    char role_name[32];
    char environment[17]; /* "prod", or "*" */
    char repository[129]; /* a pattern, as repository_matches reads it; "" matches nothing */
};

/* ERR_DENIED when the token gives none; ERR_IO. */
int identity_of_token(struct db *db, struct span token, int64_t now_s, struct identity *out, struct err *e);

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

/* A pattern is "*" (all), "team-*" (what begins so), or a name: that repository and what lies below it ("assistant" is
 * also "assistant/model"). */
bool repository_matches(const char *pattern, const char *repository);
