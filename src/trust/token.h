/* Bearer tokens: "airlock_" and 32 random bytes in base64url. Only the SHA-256 of the text is kept, so the text is
 * shown once and nobody finds it in the database. Hard rule: a token identifies a client; it never approves anything.
 */
#pragma once

#include "util/digest.h"

#define TOKEN_PREFIX    "airlock_"
#define TOKEN_TEXT_SIZE (8 + 43 + 1)

struct token_text {
    char text[TOKEN_TEXT_SIZE];
};

/* ERR_SYSTEM when the system gives no random bytes. */
int token_new(struct token_text *text, struct digest *hash, struct err *e);

/* False when the text has not the form of a token; then no look-up is needed. */
bool token_hash(struct span text, struct digest *hash);
