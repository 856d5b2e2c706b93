/* What the parts of secrets.c share. Each part looks at one place of the text, bounded ahead and back. */
#pragma once

#include "parse/secrets.h"

enum secret_weight {
    SECRET_SURE,   /* its form, its checksum or its disorder says so */
    SECRET_LIKELY, /* a person must look */
    SECRET_HASH,   /* what a password can be guessed from */
};

struct secret {
    const char *rule, *kind; /* static: "secret-token", "a token of GitHub" */
    enum secret_weight weight;
    bool known;        /* a form that its issuer or a standard made, no guess by a name */
    bool checked;      /* by a checksum, or by the structure of what it decodes to: good enough in binaries */
    struct span shown; /* borrowed: what may be said of it: a public prefix, or the name of the setting; may be empty */
    size_t len;        /* of the value, in bytes */
    size_t end;        /* where the text behind it begins */
};

/* A token of a known prefix that begins at `at`. */
bool secret_token_at(struct span text, size_t at, struct secret *out);
/* Calls `put` with each prefix, so that the pass knows where to look. */
void secret_token_prefixes(void (*put)(void *arg, const char *prefix), void *arg);

/* A private key (PEM, OpenSSH, OpenPGP, PuTTY, or PEM in base64) that begins at `at`. Where it is none, out->end may
 * say how far was read to know that; the caller sets it to 0 before. */
bool secret_key_at(struct span text, size_t at, struct secret *out);

/* A setting, URL or line of a password file whose '=' or ':' stands at `at`. */
bool secret_setting_at(struct span text, size_t at, struct secret *out);

/* Does this look like chance made it: many different characters, without a row that a person types, without a word of
 * placeholders? */
bool secret_is_random(struct span value);
/* Less is asked of what stands behind a prefix: it may come without digits. */
bool secret_is_disordered(struct span value);
bool secret_is_placeholder(struct span value);

/* Characters of a set. */
enum { SET_DIGIT = 1, SET_UPPER = 2, SET_LOWER = 4, SET_DASH = 8, SET_UNDER = 16, SET_DOT = 32, SET_BASE64 = 64 };
#define SET_ALNUM (SET_DIGIT | SET_UPPER | SET_LOWER)
bool secret_in_set(uint8_t c, unsigned set); /* SET_BASE64: + / = */
/* How many bytes from `at` on are of the set, at most max. */
size_t secret_run(struct span text, size_t at, unsigned set, size_t max);
/* Base64 of either alphabet; escapes of line ends and white space between are passed over. Bytes written. *end: the
 * first byte that belongs to none of that. */
size_t secret_base64(struct span text, size_t at, uint8_t *out, size_t room, size_t *end);
