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
};

/* ERR_DENIED when the token gives none; ERR_IO. */
int identity_of_token(struct db *db, struct span token, int64_t now_s, struct identity *out, struct err *e);

enum ability {
    ABILITY_SEE,     /* releases, passports, status, /v1/models */
    ABILITY_PULL,    /* bytes: registry and mirrors */
    ABILITY_ASK,     /* the gateway: completions */
    ABILITY_METRICS, /* /metrics */
    ABILITIES
};

/* May `who` do this in `environment`? (NULL: wherever; then only the role is looked at.) */
bool identity_may(const struct identity *who, enum ability what, const char *environment);
