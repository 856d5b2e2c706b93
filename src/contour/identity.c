#include "contour/identity.h"

#include <string.h>

#define TOKEN_MAX 256U

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
    snprintf(out->repository, sizeof out->repository, "*");
    return 0;
}

bool identity_may(const struct identity *who, enum ability what, const char *environment)
{
    if ((unsigned)who->role >= ROLES || !(ABILITIES_OF[who->role] & 1U << what))
        return false;
    return !environment || strcmp(who->environment, "*") == 0 || strcmp(who->environment, environment) == 0;
}

bool repository_matches(const char *pattern, const char *repository)
{
    size_t len = strlen(pattern);
    if (len > 0 && pattern[len - 1] == '*')
        return strncmp(pattern, repository, len - 1) == 0;
    return len > 0 && strncmp(pattern, repository, len) == 0 && (repository[len] == '\0' || repository[len] == '/');
}

bool identity_may_use(const struct identity *who, enum ability what, const char *environment, const char *repository)
{
    return identity_may(who, what, environment) && (!repository || repository_matches(who->repository, repository));
}
