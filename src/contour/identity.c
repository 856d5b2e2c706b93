#include "contour/identity.h"

#include <string.h>

#define TOKEN_MAX 256U

/* What each role may ask over HTTP; architecture.md, "People". Commands on the machine are not asked here: whoever can
 * write the contour's folder is its engineer. */
#define CAN(what) (1U << ABILITY_##what)
static const unsigned ABILITIES_OF[ROLES] = {
    [ROLE_VIEWER] = CAN(SEE),
    [ROLE_CONSUMER] = CAN(SEE) | CAN(PULL) | CAN(ASK),
    [ROLE_PUBLISHER] = CAN(SEE),
    [ROLE_ENGINEER] = CAN(SEE) | CAN(PULL) | CAN(ASK) | CAN(METRICS),
    [ROLE_DATA_OWNER] = CAN(SEE),
    [ROLE_PRODUCT_OWNER] = CAN(SEE),
    [ROLE_SECURITY_OFFICER] = CAN(SEE) | CAN(PULL),
    [ROLE_AUDITOR] = CAN(SEE) | CAN(PULL) | CAN(METRICS),
    [ROLE_ADMINISTRATOR] = CAN(METRICS),
};

static int none(struct err *e)
{
    return err_set(e, ERR_DENIED, 0, "no such token: it is unknown, revoked or expired");
}

int identity_of_token(struct db *db, struct span token, int64_t now_s, struct identity *out, struct err *e)
{
    struct token_row row;
    auto_buf strings = BUF(4096);
    *out = (struct identity){0};
    if (token.len == 0 || token.len > TOKEN_MAX)
        return none(e);
    struct digest hash = digest_of(token);
    if (db_token_get(db, &hash, &row, &strings, e) < 0)
        return e->code == ERR_NOTFOUND ? none(e) : -1;
    if (row.revoked || (row.expires_s != 0 && row.expires_s <= now_s) || !role_parse(row.role, &out->role))
        return none(e);
    snprintf(out->person, sizeof out->person, "%s", row.person);
    snprintf(out->role_name, sizeof out->role_name, "%s", row.role);
    snprintf(out->environment, sizeof out->environment, "%s", row.environment);
    return 0;
}

bool identity_may(const struct identity *who, enum ability what, const char *environment)
{
    if ((unsigned)who->role >= ROLES || !(ABILITIES_OF[who->role] & 1U << what))
        return false;
    return !environment || strcmp(who->environment, "*") == 0 || strcmp(who->environment, environment) == 0;
}
