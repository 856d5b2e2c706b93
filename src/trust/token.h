/* Bearer tokens: "airlock_" and 32 random bytes in base64url. Only the SHA-256 of the text is kept, so the text is
 * shown once and nobody finds it in the database. What the token is good for is a record that the contour's key has
 * signed (predicate urn:airlock:token:v1, about that SHA-256), so whoever can write state.db cannot make one. Hard
 * rule: a token identifies a client; it never approves anything. */
#pragma once

#include "trust/people.h"

#define TOKEN_PREFIX    "airlock_"
#define TOKEN_TEXT_SIZE (8 + 43 + 1)

#define PREDICATE_TOKEN "urn:airlock:token:v1"

/* How long a token works when nobody says, and at most when somebody does: longer than two years, nobody remembers who
 * holds it. */
#define TOKEN_LIFE_DEFAULT_S (90 * 86400LL)
#define TOKEN_LIFE_MAX_S     (731 * 86400LL)

struct token_text {
    char text[TOKEN_TEXT_SIZE];
};

/* ERR_SYSTEM when the system gives no random bytes. */
int token_new(struct token_text *text, struct digest *hash, struct err *e);

/* False when the text has not the form of a token; then no look-up is needed. */
bool token_hash(struct span text, struct digest *hash);

/* What a record says. */
struct token {
    struct digest hash; /* SHA-256 of the text */
    char person[65];
    enum role role;
    char environment[17];         /* "prod", or "*" */
    char repository[129];         /* a pattern, as pattern_is_right (trust/group.h) takes it */
    int64_t created_s, expires_s; /* 0: does not expire */

    /* The record is itself what gives the role: of a viewer or a consumer who is no person with a key, and whom no
     * grant names. It ends with the token. */
    bool alone;
};

/* The DSSE envelope that stands in the row. */
int token_record(const struct token *t, const struct private_key *contour, struct buf *record, struct err *e);

/* A row against its record: 0 and *out, or -1 with what is wrong (ERR_INPUT: not what this contour signed). */
int token_verify(struct child *parser, const struct token_row *row, const struct public_key *contour, struct token *out,
                 struct err *e);
