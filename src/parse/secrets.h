/* Credentials that lie in a text: keys and tokens of known forms, passwords in URLs, in assignments and in the files
 * that clients keep them in. One pass from the first byte to the last, with a bounded look back and ahead at each place
 * that a form may begin at. Hard rule: no value of a credential leaves this module; a finding says the kind, the line,
 * the length and, of a form with a public prefix, at most the first four characters.
 *
 * What is no secret, and why it is not reported: values of placeholders ("your-key-here", xxxx, ${NAME}, <name>), keys
 * of examples (…EXAMPLE), hashes, UUIDs, tokens whose checksum is wrong, private keys without key material. A password
 * of one word cannot be told from a setting; it is not found. */
#pragma once

#include "parse/report.h"

/* Where the text lies: what a credential there weighs. */
enum secret_place {
    SECRET_IN_CONFIG,   /* settings, scripts, an image's configuration: high; what is only likely: medium */
    SECRET_IN_DOCUMENT, /* text for people, data: medium; what is only likely: low */
    SECRET_IN_PACKAGE,  /* its package vouches for it, or it lies among tests of an archive: known forms, low */
    SECRET_IN_BINARY,   /* no text: private keys and tokens with a checksum only; medium */
};

/* Findings of one file that are written out one by one. */
#define SECRETS_SHOWN_MAX 40U

/* `name` is the file's name or path: .netrc and .pgpass are known by it. Rules: "secret-key" (a private key),
 * "secret-token", "secret-password", "secret-hash", "secret-more". */
void secrets_check(struct span file, const char *name, enum secret_place place, struct report *r);

/* Does a file of this path belong to the tests or examples of what it lies in? */
bool secrets_in_tests(const char *path);

/* Is `value` more than a placeholder for a setting that is called `key`, and is `key` one that names a credential?
 * Weaker than what secrets_check reports: a word is enough. */
bool secrets_is_setting(struct span key, struct span value);
