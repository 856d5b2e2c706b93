#include "contour/identity.h"

#include <string.h>

#define ROW_BYTES_MAX 16384U

/* What each role may ask over HTTP; architecture.md, "People". Commands on the machine are not asked here: whoever can
 * write the contour's folder is its engineer. */
#define CAN(what) (1U << ABILITY_##what)
#define READ      (CAN(PULL) | CAN(OWN))
static const unsigned ABILITIES_OF[ROLES] = {
    [ROLE_VIEWER] = CAN(SEE),
    [ROLE_CONSUMER] = CAN(SEE) | READ | CAN(ASK),
    [ROLE_PUBLISHER] = CAN(SEE) | CAN(PUSH) | CAN(OWN),
    [ROLE_ENGINEER] = CAN(SEE) | READ | CAN(ASK) | CAN(METRICS),
    [ROLE_DATA_OWNER] = CAN(SEE),
    [ROLE_PRODUCT_OWNER] = CAN(SEE),
    [ROLE_SECURITY_OFFICER] = CAN(SEE) | READ,
    [ROLE_AUDITOR] = CAN(SEE) | READ | CAN(METRICS),
    [ROLE_ADMINISTRATOR] = CAN(METRICS),
};

static int none(struct err *e)
{
    return err_set(e, ERR_DENIED, 0, "no such token: it is unknown, revoked or expired");
}

int identity_token(struct db *db, struct child *parser, const struct public_key *contour, struct span text,
                   struct token *out, struct err *e)
{
    struct digest hash;
    struct token_row row;
    auto_buf strings = BUF(ROW_BYTES_MAX);
    if (!token_hash(text, &hash))
        return none(e);
    if (db_token_get(db, &hash, &row, &strings, e) < 0)
        return e->code == ERR_NOTFOUND ? none(e) : -1;
    if (token_verify(parser, &row, contour, out, e) < 0)
        return e->code == ERR_INPUT || e->code == ERR_LIMIT ? none(e) : -1; /* fsck says what is wrong with it */
    return 0;
}

/* Does its person hold the role now, where the token is for? */
static bool holds(const struct token *t, const struct rights *r)
{
    if (t->alone)
        return (t->role == ROLE_VIEWER || t->role == ROLE_CONSUMER) && !rights_gone(r, t->person);
    return rights_hold(r, t->person, t->role, t->environment, t->repository);
}

int identity_of_token(const struct token *t, const struct rights *r, int64_t now_s, struct identity *out, struct err *e)
{
    *out = (struct identity){.role = t->role};
    if ((t->expires_s != 0 && t->expires_s <= now_s) || rights_ended(r, &t->hash) || !holds(t, r) ||
        (t->role == ROLE_PUBLISHER && rights_conflict(r, t->person, ROLE_PUBLISHER)))
        return none(e);
    snprintf(out->person, sizeof out->person, "%s", t->person);
    snprintf(out->role_name, sizeof out->role_name, "%s", role_name(t->role));
    snprintf(out->environment, sizeof out->environment, "%s", t->environment);
    snprintf(out->repository, sizeof out->repository, "%s", t->repository);
    return 0;
}

bool identity_may(const struct identity *who, enum ability what, const char *environment)
{
    if ((unsigned)who->role >= ROLES || !(ABILITIES_OF[who->role] & 1U << what))
        return false;
    return !environment || strcmp(who->environment, "*") == 0 || strcmp(who->environment, environment) == 0;
}

bool identity_may_use(const struct identity *who, enum ability what, const char *environment, const char *repository)
{
    return identity_may(who, what, environment) && (!repository || repository_matches(who->repository, repository));
}
